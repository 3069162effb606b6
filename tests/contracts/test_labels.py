"""Every object says whose it is: fleet, environment, owner, cluster, and of a model's parts team and service level."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.fleets import graph_of, production
from tests.support.kubernetes_rules import template_of
from tests.support.recording import Graph

pytestmark = pytest.mark.mocks


@pytest.fixture(scope="module")
def graph(tmp_path_factory: pytest.TempPathFactory) -> Graph:
    return graph_of(production(), tmp_path_factory.mktemp("fleet"))


def test_every_object_and_every_pod_carries_the_labels_of_its_fleet(graph: Graph) -> None:
    for each in graph.objects():
        wanted = {
            "app.kubernetes.io/managed-by": "vllm-fleet",
            "app.kubernetes.io/part-of": "acme",
            "vllm-fleet/fleet": "acme",
            "vllm-fleet/environment": "prod",
            "vllm-fleet/owner": "ml-platform",
            "vllm-fleet/cluster": graph.region(each),
        }
        template = template_of(each.inputs)
        for metadata in [each.inputs["metadata"], *([template["metadata"]] if template else [])]:
            assert wanted.items() <= metadata["labels"].items(), f"{each.name} could not be traced to its owner"


def test_every_part_of_a_model_says_its_team_and_service_level(graph: Graph) -> None:
    for kind in ("Deployment", "Service", "PodDisruptionBudget"):
        labels = graph.named(kind, "chat", "a").inputs["metadata"]["labels"]
        assert (labels["vllm-fleet/team"], labels["vllm-fleet/slo"]) == ("search", "interactive"), f"{kind}: who pays and what was promised"
        others = graph.named(kind, "labels", "a").inputs["metadata"]["labels"]
        assert others["vllm-fleet/team"] == "ml-platform", "the fleet's owner where no team is named"


def test_a_new_owner_changes_labels_and_replaces_nothing(graph: Graph, tmp_path: Path) -> None:
    settings = production()
    settings["owner"] = "somebody-else"
    after = graph_of(settings, tmp_path)
    assert set(after.resources) == set(graph.resources), "the same objects"
    for urn, each in after.resources.items():
        before = graph.resources[urn]
        if each.is_object:
            assert each.namespaced_name == before.namespaced_name, "under the same names"
            assert each.inputs.get("spec", {}).get("selector") == before.inputs.get("spec", {}).get("selector"), "with the same selectors"
