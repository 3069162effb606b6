"""Add-ons as resources: made after what they need, removed before it, and found by fixed names."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import pulumi
import pytest
from pulumi_kubernetes.core.v1 import ConfigMap
from pulumi_kubernetes.meta.v1 import ObjectMetaArgs

from components.kubernetes.platform import Platform
from fleet.add_ons import AddOn, InCluster, NamespaceSpec, StorageClassSpec
from fleet.aws.add_ons import in_cluster
from fleet.fleet_plan import ClusterPlan
from fleet.gcp.add_ons import in_cluster as in_gke_cluster
from fleet.planner import plan
from fleet.references import Reference
from fleet.settings import Secrets
from fleet.stack_file import parse
from tests.support.aws_regions import region
from tests.support.gcp_regions import region as gcp_region
from tests.support.kubernetes_rules import metadata_problems, schema_problems
from tests.support.recording import Graph, Resource, run
from tests.support.stack_files import small

pytestmark = pytest.mark.mocks

RELEASE = "kubernetes:helm.sh/v3:Release"
MADE = {
    "vpc_id": "vpc-0a1b2c3d",
    "key_arn": "arn:aws:kms:us-east-2:111122223333:key/k",
    "zone_name.use2-az1": "us-east-2a",
    "project_number": "123456789012",
    "key_id": "projects/acme-test/locations/us-central1/keyRings/r/cryptoKeys/k",
    "bucket_name": "acme-weights",
    "network_name": "acme-network",
    "node_identity": "acme-nodes@acme-test.iam.gserviceaccount.com",
}

ZONAL = StorageClassSpec(
    name="zonal",
    provisioner="disk.example.com",
    parameters={"kmsKeyId": Reference("key_arn")},
    default=True,
    mount_options=("noatime",),
    topology_key="topology.kubernetes.io/zone",
    zones=(Reference("zone_name.use2-az1"),),
    needs=("driver",),
)


@cache
def _cluster() -> ClusterPlan:
    return next(cluster for cluster in plan(parse(small())).clusters if cluster.name == "us")


def _graph(wanted: InCluster) -> Graph:
    def program() -> None:
        around = pulumi.ComponentResource("fleet:stacks:Region", "us")
        role = ConfigMap("role", metadata=ObjectMetaArgs(name="role"), opts=pulumi.ResourceOptions(parent=around))
        Platform("us", _cluster(), wanted, MADE, pulumi.ResourceOptions(parent=around, depends_on=[role]))

    return run(program, {})


@pytest.fixture(scope="module")
def graph() -> Graph:
    inputs = region()
    return _graph(in_cluster(replace(inputs, settings=inputs.settings.model_copy(update={"secrets": Secrets(hub_token="hub")}))))


@pytest.fixture(scope="module")
def gke() -> Graph:
    inputs = gcp_region(caches={"l4": ("shared", 40)}, compute_classes=True)
    return _graph(in_gke_cluster(replace(inputs, settings=inputs.settings.model_copy(update={"secrets": Secrets(hub_token="hub")}))))


@pytest.fixture(scope="module")
def in_order() -> Graph:
    def chart(name: str, *needs: str) -> AddOn:
        return AddOn(name=name, chart=name, repository=None, version="1.0.0", namespace="tools", values={}, needs=needs)

    return _graph(InCluster(namespaces=(NamespaceSpec(name="tools"),), add_ons=(chart("driver"), chart("user", "driver")), storage_classes=(ZONAL,)))


def _release(graph: Graph, name: str) -> Resource:
    (found,) = [each for each in graph.resources.values() if each.type == RELEASE and each.inputs["name"] == name]
    return found


def _releases(graph: Graph) -> list[Resource]:
    return [each for each in graph.resources.values() if each.type == RELEASE]


def test_a_release_comes_after_its_namespace_and_the_roles_of_the_cloud(graph: Graph) -> None:
    namespaces = {each.inputs["metadata"]["name"]: each.urn for each in graph.objects("Namespace")}
    role = graph.named("ConfigMap", "role").urn  # stands for what a cloud makes before
    for each in _releases(graph):
        assert role in graph.needs(each), f"pods of {each.name} take the identity that is there when they start"
        if each.inputs["namespace"] != "kube-system":
            assert namespaces[each.inputs["namespace"]] in graph.needs(each), f"{each.name} would be refused on a fresh cluster"


def test_a_release_and_a_class_come_after_the_add_ons_that_they_need(in_order: Graph) -> None:
    driver = _release(in_order, "driver").urn
    assert driver in in_order.needs(_release(in_order, "user")), "its definitions and webhooks are used"
    assert driver in in_order.needs(in_order.named("StorageClass", "zonal")), "nobody else makes its volumes"
    assert driver not in in_order.needs(in_order.named("Namespace", "tools")), "and a namespace waits for no chart"


def test_objects_of_a_charts_own_kinds_come_after_it_and_after_the_serving_namespace(graph: Graph) -> None:
    operator, serving = _release(graph, "external-secrets").urn, graph.named("Namespace", "vllm").urn
    for kind, name in (("ClusterSecretStore", "secrets-manager"), ("ExternalSecret", "hub")):
        assert {operator, serving} <= graph.needs(graph.named(kind, name)), f"{kind} is a kind that the cluster does not know yet"


def test_a_release_has_the_name_that_roles_know_it_by(graph: Graph) -> None:
    names = {each.inputs["name"] for each in _releases(graph)}
    assert names == {"cluster-autoscaler", "nvidia-device-plugin", "dcgm-exporter", "aws-load-balancer-controller", "external-secrets"}, (
        "none is random"
    )
    for each in _releases(graph):
        assert each.inputs["version"], f"{each.name} would take whatever is newest"
        assert each.inputs["repositoryOpts"]["repo"].startswith("https://"), f"{each.name} would be looked for on this machine"
        assert each.inputs["replace"] is True, f"a failed first try of {each.name} would block the next one"


def test_a_release_waits_as_the_plan_says_and_not_for_ever(graph: Graph) -> None:
    waits = {each.inputs["name"]: not each.inputs["skipAwait"] for each in _releases(graph)}
    assert [name for name, wait in sorted(waits.items()) if not wait] == ["dcgm-exporter", "nvidia-device-plugin"], "their machines come and go"
    assert {each.inputs["timeout"] for each in _releases(graph)} == {600}, "then it says what is not ready"


def test_no_value_of_a_release_is_secret_or_unresolved(graph: Graph) -> None:
    for each in _releases(graph):
        assert not each.secrets, f"{each.name}: Helm keeps values in the cluster, and the engine in its state"
        assert "Reference" not in str(each.inputs), f"{each.name} would get words of the plan"
    assert _release(graph, "aws-load-balancer-controller").inputs["values"]["vpcId"] == MADE["vpc_id"], "what the cloud made is put in"


def test_a_gke_cluster_gets_its_charts_and_their_objects_in_the_same_order(gke: Graph) -> None:
    releases = {each.inputs["name"]: each for each in _releases(gke)}
    assert set(releases) == {"dcgm-exporter", "external-secrets"}, "GKE does the rest by itself"
    assert [name for name, each in releases.items() if each.inputs["skipAwait"]] == ["dcgm-exporter"], "its machines come and go"
    for name, namespace in (("dcgm-exporter", "gpu-system"), ("external-secrets", "external-secrets")):
        assert gke.named("Namespace", namespace).urn in gke.needs(releases[name]), f"{name} would be refused on a fresh cluster"
    for kind, name in (("ClusterSecretStore", "secret-manager"), ("ExternalSecret", "hub")):
        needed = {releases["external-secrets"].urn, gke.named("Namespace", "vllm").urn}
        assert needed <= gke.needs(gke.named(kind, name)), f"{kind} is a kind that the cluster does not know yet"


def test_what_a_gke_cluster_gets_is_whole_legal_and_not_secret(gke: Graph) -> None:
    for each in _releases(gke):
        assert not each.secrets, f"{each.name}: Helm keeps values in the cluster, and the engine in its state"
    for each in gke.objects():
        assert "Reference" not in str(each.inputs), f"{each.name} would get words of the plan"
        assert not list(metadata_problems(each.inputs)), f"{each.name}: a name or label that nobody takes"
    exporter: dict[str, Any] = _release(gke, "dcgm-exporter").inputs["values"]
    assert exporter["securityContext"]["privileged"] is True, "a flag stays one"
    assert exporter["priorityClassName"] == "", "an empty word arrives: left out, the chart would take a class that GKE refuses"


def test_numbers_arrive_as_the_plan_has_them(graph: Graph) -> None:
    flags: dict[str, Any] = _release(graph, "cluster-autoscaler").inputs["values"]["extraArgs"]
    assert flags["scale-down-gpu-utilization-threshold"] == 0.01, "a fraction stays one"
    assert flags["max-graceful-termination-sec"] == 600, "and a whole number"


def test_namespaces_carry_their_pod_security_and_ours(graph: Graph) -> None:
    labels = graph.named("Namespace", "gpu-system").inputs["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "privileged", "GPU agents mount paths of the machine"
    assert labels["app.kubernetes.io/managed-by"] == "vllm-fleet", "whose it is"
    serving = graph.named("Namespace", "vllm").inputs["metadata"]["labels"]
    assert serving["vllm-fleet/secrets"] == "true", "the store answers this namespace"
    assert serving["pod-security.kubernetes.io/enforce"] == "restricted", "as ever"


def test_a_class_is_made_as_the_plan_says(in_order: Graph) -> None:
    found = in_order.named("StorageClass", "zonal").inputs
    assert found["parameters"] == {"kmsKeyId": MADE["key_arn"]}, "the key that the cloud made"
    assert found["allowedTopologies"] == [{"matchLabelExpressions": [{"key": "topology.kubernetes.io/zone", "values": ["us-east-2a"]}]}], (
        "by zone name"
    )
    assert found["metadata"]["annotations"]["storageclass.kubernetes.io/is-default-class"] == "true", "for claims that name none"
    assert (found["volumeBindingMode"], found["reclaimPolicy"]) == ("WaitForFirstConsumer", "Delete"), "where the pod is, and not for ever"
    assert found["mountOptions"] == ["noatime"], "as the plan says"


def test_a_copied_secret_is_not_waited_for(graph: Graph) -> None:
    metadata = graph.named("ExternalSecret", "hub").inputs["metadata"]
    assert metadata["annotations"]["pulumi.com/skipAwait"] == "true", "a person puts its value in, after the update"
    assert metadata["namespace"] == "vllm", "where its readers are"


def test_every_object_is_valid_and_legally_named(graph: Graph, in_order: Graph) -> None:
    for each in (*graph.objects("Namespace"), *in_order.objects("StorageClass"), *graph.objects("StorageClass")):
        assert not schema_problems(each.inputs), f"{each.name}: the API server would refuse it"
    for each in graph.objects():
        assert not list(metadata_problems(each.inputs)), f"{each.name}: a name or label that nobody takes"


def test_models_wait_for_the_add_ons_and_add_ons_for_no_model(graph: Graph) -> None:
    (platform,) = [each for each in graph.resources.values() if each.type == "fleet:kubernetes:Platform"]
    inside = graph.inside(platform.urn)
    assert all(each.urn in inside for each in _releases(graph)), "who depends on the platform waits for all of them"


def test_a_cluster_that_wants_nothing_gets_nothing() -> None:
    graph = _graph(InCluster())
    assert not _releases(graph), "an existing cluster stays as it is"
    assert "fleet:kubernetes:AddOns" not in {each.type for each in graph.resources.values()}, "not even an empty component"
    assert {each.inputs["metadata"]["name"] for each in graph.objects("Namespace")} == {"vllm"}, "no other namespace"
