"""Every object is one the API server would take, whose parts find each other."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support import pod_security
from tests.support.kubernetes_rules import matches, metadata_problems, pod_of, quantity, references, schema_problems, template_of
from tests.support.recording import Graph, Resource

pytestmark = pytest.mark.mocks

SECRETS_OF_THE_PLAN = {("Secret", "hub"), ("Secret", "engine")}


def _pods(graph: Graph) -> list[tuple[Resource, dict[str, Any]]]:
    return [(each, pod) for each in graph.objects() if (pod := pod_of(each.inputs))]


def _labels(workload: Resource) -> dict[str, str]:
    return (template_of(workload.inputs) or {})["metadata"]["labels"]


def test_every_object_is_valid_by_the_strict_published_schema(graph: Graph) -> None:
    assert {each.name: problems for each in graph.objects() if (problems := schema_problems(each.inputs))} == {}, "no unknown field, no wrong type"


def test_the_schemas_refuse_what_is_wrong(graph: Graph) -> None:
    wrong = {**graph.named("Deployment", "chat", "a").inputs, "spec": {"replcas": 2}}
    assert schema_problems(wrong), "a misspelt field and two missing ones are seen"


def test_names_labels_and_annotations_are_legal(graph: Graph) -> None:
    assert {each.name: problems for each in graph.objects() if (problems := list(metadata_problems(each.inputs)))} == {}, "none would be refused"


def test_every_object_names_its_field_manager_so_that_a_killed_run_owns_nothing_under_a_lost_name(graph: Graph) -> None:
    managers = {item.inputs["metadata"]["annotations"]["pulumi.com/patchFieldManager"] for item in graph.objects()}
    assert managers == {"vllm-fleet"}, "one name that never changes, whatever the fleet is called"
    forced = {item.inputs["metadata"]["annotations"]["pulumi.com/patchForce"] for item in graph.objects()}
    assert forced == {"true"}, "what somebody changed by hand is mended; a namespace of somebody else is refused before"


def test_every_pod_is_admitted_under_pod_security_restricted(graph: Graph) -> None:
    pods = _pods(graph)
    assert {each.inputs["kind"] for each, _ in pods} == {"Deployment", "Job", "CronJob"}, "all kinds of pods are judged"
    assert {each.name: problems for each, pod in pods if (problems := pod_security.violations(pod))} == {}, "the namespace enforces it"


def test_the_namespace_enforces_restricted(graph: Graph) -> None:
    for namespace in graph.objects("Namespace"):
        labels = namespace.inputs["metadata"]["labels"]
        assert {labels[f"pod-security.kubernetes.io/{mode}"] for mode in ("enforce", "audit", "warn")} == {"restricted"}, "and says so early"


def test_quantities_parse_and_requests_fit_into_limits(graph: Graph) -> None:
    for each, pod in _pods(graph):
        for container in [*pod.get("initContainers", []), *pod["containers"]]:
            requests, limits = container["resources"]["requests"], container["resources"]["limits"]
            assert {"cpu", "memory"} <= set(requests), f"{each.name}: the scheduler knows what {container['name']} needs"
            for name, limit in limits.items():
                assert 0 < quantity(requests[name]) <= quantity(limit), f"{each.name}: {name} of {container['name']}"


def test_selectors_match_their_own_pods_and_no_others(graph: Graph) -> None:
    for server in graph.objects("Deployment"):
        for each, _ in _pods(graph):
            if graph.region(each) == graph.region(server):
                labels = _labels(each)
                assert matches(server.inputs["spec"]["selector"], labels) == (each is server), f"{server.name} owns its own pods only"


@pytest.mark.parametrize("kind", ["Service", "PodDisruptionBudget"])
def test_each_model_has_one_service_and_one_disruption_budget_that_select_its_pods(graph: Graph, kind: str) -> None:
    for server in graph.objects("Deployment"):
        name, region = server.inputs["metadata"]["name"], graph.region(server)
        selector = graph.named(kind, name, region).inputs["spec"]["selector"]
        selector = selector if kind == "PodDisruptionBudget" else {"matchLabels": selector}
        assert matches(selector, server.inputs["spec"]["template"]["metadata"]["labels"]), f"{kind} {name} finds its pods"
    assert len(list(graph.objects(kind))) == len(list(graph.objects("Deployment"))), "and there are no others"


def test_ports_agree_from_the_service_to_the_container_the_probes_and_the_policy(graph: Graph) -> None:
    for server in graph.objects("Deployment"):
        region = graph.region(server)
        engine = server.inputs["spec"]["template"]["spec"]["containers"][0]
        named = {port["name"]: port["containerPort"] for port in engine["ports"]}
        service = graph.named("Service", server.inputs["metadata"]["name"], region).inputs["spec"]["ports"]
        policy = graph.named("NetworkPolicy", "model-server", region).inputs["spec"]["ingress"][0]["ports"]
        ports = {named[port["targetPort"]] for port in service} | {port["port"] for port in policy}
        ports |= {named[engine[probe]["httpGet"]["port"]] for probe in ("startupProbe", "readinessProbe", "livenessProbe")}
        assert ports == {8000}, "vLLM listens on 8000, and nothing asks or opens another port"


def test_every_reference_resolves_in_its_own_cluster(graph: Graph) -> None:
    for each, pod in _pods(graph):
        region = graph.region(each)
        present = {(other.inputs["kind"], other.inputs["metadata"]["name"]) for other in graph.objects() if graph.region(other) == region}
        assert set(references(pod)) <= present | SECRETS_OF_THE_PLAN, f"{each.name} would wait for ever"


def test_every_mount_has_its_volume_and_every_volume_is_mounted(graph: Graph) -> None:
    for each, pod in _pods(graph):
        mounts = {mount["name"] for container in [*pod.get("initContainers", []), *pod["containers"]] for mount in container["volumeMounts"]}
        assert mounts == {volume["name"] for volume in pod["volumes"]}, each.name


def test_network_policies_select_the_pods_they_are_about(graph: Graph) -> None:
    policies = {name: graph.named("NetworkPolicy", name, "a").inputs["spec"] for name in ("default-deny", "model-server", "weights-mirror")}
    picked = {name: set() for name in policies}
    for each, _ in _pods(graph):
        for name, spec in policies.items():
            if matches(spec["podSelector"], _labels(each)):
                picked[name].add(each.inputs["kind"])
    writers = {"Job", "CronJob"}
    assert picked == {"default-deny": {"Deployment", *writers}, "model-server": {"Deployment"}, "weights-mirror": writers}, "each role its own rules"
