"""The shipped local stack: exactly these resources, exactly these outputs. A difference is a decision, made here as well."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from tests.support.fleets import graph_of, shipped
from tests.support.recording import Graph

pytestmark = pytest.mark.mocks

PLATFORM = {
    "Namespace": 1,
    "PriorityClass": 3,
    "ServiceAccount": 2,
    "NetworkPolicy": 3,
    "ConfigMap": 1,
}
MODELS = {"east": {"chat", "labels", "code"}, "west": {"chat", "labels", "writer"}}
CACHES = {"east": 2, "west": 3}
"""In the east, chat and code share the weights of one revision."""


@pytest.fixture(scope="module")
def graph(tmp_path_factory: pytest.TempPathFactory) -> Graph:
    return graph_of(shipped("local"), tmp_path_factory.mktemp("fleet"), "local")


@pytest.mark.parametrize("region", ["east", "west"])
def test_each_region_holds_exactly_these_kinds_of_objects(graph: Graph, region: str) -> None:
    found = Counter(each.inputs["kind"] for each in graph.objects() if graph.region(each) == region)
    servers = dict.fromkeys(("Deployment", "Service", "PodDisruptionBudget"), len(MODELS[region]))
    caches = dict.fromkeys(("Job", "CronJob"), CACHES[region])
    volumes = dict.fromkeys(("PersistentVolume", "PersistentVolumeClaim"), 2 * CACHES[region])  # one to read, one to write
    assert found == {**PLATFORM, **servers, **caches, **volumes}, "nothing more, nothing less"


@pytest.mark.parametrize("region", ["east", "west"])
@pytest.mark.parametrize("kind", ["Deployment", "Service", "PodDisruptionBudget"])
def test_objects_are_named_as_clients_name_the_model(graph: Graph, region: str, kind: str) -> None:
    names = {each.inputs["metadata"]["name"] for each in graph.objects(kind) if graph.region(each) == region}
    assert names == MODELS[region], "the Service's name is the host name other teams use"


def test_everything_belongs_to_one_of_two_regions(graph: Graph) -> None:
    assert {graph.region(each) for each in graph.resources.values()} == {"east", "west"}, "the stack file's clusters"
    components = Counter(each.type for each in graph.resources.values() if not each.custom)
    expected = {
        "fleet:stacks:Region": 2,
        "fleet:existing:Cluster": 2,
        "fleet:kubernetes:Platform": 2,
        "fleet:kubernetes:NamespacePolicy": 2,
        "fleet:kubernetes:MirrorScript": 2,
        "fleet:kubernetes:ModelCache": 5,
        "fleet:kubernetes:ModelServer": 6,
    }
    assert components == expected, "every component once per region, cache or model"
    assert Counter(each.type for each in graph.resources.values() if each.custom and not each.is_object) == {"pulumi:providers:kubernetes": 2}, (
        "no more"
    )


def test_names_in_the_engine_are_made_of_the_keys_of_the_stack_file(graph: Graph) -> None:
    found = {each.name for each in graph.objects("Deployment")}
    assert found == {f"{region}.{model}-deployment" for region, models in MODELS.items() for model in models}, "another name means another resource"
    assert not [each.name for each in graph.resources.values() if not each.is_object and each.aliases], "no old name to carry along yet"


def test_the_outputs_are_the_contract(graph: Graph) -> None:
    assert set(graph.outputs) >= {"schema_version", "fleet", "environment", "clusters", "models"}, "what other teams read"
    assert (graph.outputs["fleet"], graph.outputs["environment"]) == ("local", "local"), "which fleet it is"
    clusters = {cluster["name"]: cluster for cluster in graph.outputs["clusters"]}
    assert {name: {model["name"] for model in cluster["models"]} for name, cluster in clusters.items()} == MODELS, "who is served where"
    (chat,) = [model for model in clusters["east"]["models"] if model["name"] == "chat"]
    service = graph.named("Service", "chat", "east").inputs
    host = f"{service['metadata']['name']}.{service['metadata']['namespace']}.svc"
    assert chat["url"].startswith(f"http://{host}:{service['spec']['ports'][0]['port']}"), "the address of the Service that really exists"


def test_nothing_is_looked_up_and_nothing_is_made_inside_an_apply(graph: Graph) -> None:
    assert graph.invokes == [], "a preview needs no credentials of a cloud"
    assert graph.inside_apply == [], "a preview shows everything"


def test_a_second_run_asks_for_the_same(graph: Graph, tmp_path: Path) -> None:
    again = graph_of(shipped("local"), tmp_path, "local")
    assert set(again.resources) == set(graph.resources), "the same names"
    for urn, each in again.resources.items():
        if each.is_object:
            assert each.inputs == graph.resources[urn].inputs, f"{each.name}: nothing random, no time of day"
