"""What exists before what: a fresh update never meets a missing object, and a removal goes the other way."""

from __future__ import annotations

import pytest

from tests.support.kubernetes_rules import pod_of, references
from tests.support.recording import Graph, Resource

pytestmark = pytest.mark.mocks


def test_everything_a_pod_refers_to_exists_before_it_and_goes_after_it(graph: Graph) -> None:
    for each in graph.objects():
        pod = pod_of(each.inputs)
        if pod is None:
            continue
        before = {(other.inputs["kind"], other.inputs["metadata"]["name"]) for other in graph.objects() if other.urn in graph.needs(each)}
        wanted = {reference for reference in references(pod) if reference[0] != "Secret"}
        assert wanted <= before, f"{each.name} would start without {wanted - before}"


def test_every_namespaced_object_comes_after_its_namespace(graph: Graph) -> None:
    for each in graph.objects():
        if "namespace" in each.inputs["metadata"]:
            namespace = graph.named("Namespace", each.inputs["metadata"]["namespace"], graph.region(each))
            assert namespace.urn in graph.needs(each), f"{each.name} would be refused on a fresh cluster"


def test_policies_stand_before_any_pod_may_run(graph: Graph) -> None:
    for each in graph.objects():
        if pod_of(each.inputs):
            policies = {policy.urn for policy in graph.objects("NetworkPolicy") if graph.region(policy) == graph.region(each)}
            assert policies <= graph.needs(each), f"{each.name} would run unguarded for a moment"


def test_nothing_depends_on_a_model_server(graph: Graph) -> None:
    servers = {urn for each in graph.resources.values() if each.type == "fleet:kubernetes:ModelServer" for urn in graph.inside(each.urn)}
    for each in graph.resources.values():
        assert not servers & each.dependencies, f"{each.name} would wait for GPUs"


def test_no_region_depends_on_another(graph: Graph) -> None:
    for each in graph.resources.values():
        needed = {graph.region(graph.resources[urn]) for urn in graph.needs(each)}
        assert needed <= {graph.region(each)}, f"{each.name} would wait for a cluster that may be down"


def test_every_object_is_written_by_the_provider_of_its_own_region(graph: Graph) -> None:
    for each in graph.objects():
        assert graph.region(_provider(graph, each)) == graph.region(each), f"{each.name} would land in another cluster"


def _provider(graph: Graph, resource: Resource) -> Resource:
    urn = resource.provider.rpartition("::")[0]
    return graph.resources[urn]


def test_the_provider_is_bound_to_its_cluster_and_holds_no_credentials(graph: Graph) -> None:
    for name in ("a", "b"):
        (provider,) = [each for each in graph.resources.values() if each.type == "pulumi:providers:kubernetes" and graph.region(each) == name]
        assert provider.inputs["clusterIdentifier"].startswith(f"prod-{name}-"), "replaced only with the cluster itself"
        assert provider.inputs["context"] == name, "never the current context of whoever runs it"
        assert provider.inputs["kubeconfig"].endswith("/kubeconfig"), "a path: contents would land in the state"
        assert provider.inputs["enableServerSideApply"] == "true", "objects that exist are adopted, fields of others are left alone"
