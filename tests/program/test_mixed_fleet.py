"""A fleet with one region in AWS and one in Google Cloud: neither half knows of the other."""

from __future__ import annotations

from copy import deepcopy

import pytest

from tests.support.fleets import UNPINNED, Settings
from tests.support.recorded_fleet import Recorded, record

pytestmark = pytest.mark.mocks

CLUSTERS = {
    "east": {"cloud": "aws", "region": "us-east-2", "endpoint": {"public_cidrs": ["203.0.113.0/24"]}},
    "central": {"cloud": "gcp", "region": "us-central1", "project": "acme-test"},
}


def _settings(*clusters: str) -> Settings:
    return {
        "name": "mixed",
        "environment": "prod",
        "secrets": {"hub_token": "hub"},
        "clusters": {name: deepcopy(CLUSTERS[name]) for name in clusters},
        "pools": {"l4": {"accelerator": "L4", "max_nodes": 4, "capacity": ["on_demand", "spot"]}},
        "models": {"chat": {"tier": "small", "pool": "l4", "replicas": {"min": 2}}, "labels": {"tier": "mini-int4", "pool": "l4", "slo": "batch"}},
        "accepted_risks": [UNPINNED],
    }


@pytest.fixture(scope="module")
def mixed() -> Recorded:
    return record(_settings("east", "central"), "mixed")


@pytest.mark.parametrize(("kept", "removed"), [("east", "central"), ("central", "east")])
def test_a_half_that_is_removed_leaves_every_urn_and_input_of_the_other_untouched(mixed: Recorded, kept: str, removed: str) -> None:
    alone = record(_settings(kept), "mixed").graph
    stays = {urn: each for urn, each in mixed.graph.resources.items() if mixed.graph.region(each) == kept}
    assert {mixed.graph.region(each) for each in mixed.graph.resources.values()} == {kept, removed}, "everything is of one of them"
    assert set(alone.resources) == set(stays), "nothing more and nothing less, so nothing is replaced"
    for urn, each in alone.resources.items():
        assert each == stays[urn], f"{each.name}: inputs, dependencies, provider and guards alike"


def test_the_order_of_the_stack_file_means_nothing(mixed: Recorded) -> None:
    assert record(_settings("central", "east"), "mixed").graph.resources == mixed.graph.resources, "a region may be written first or last"


@pytest.mark.parametrize("name", ["east", "central"])
def test_both_halves_serve_the_same_models_on_the_same_names(mixed: Recorded, name: str) -> None:
    services = {each.inputs["metadata"]["name"] for each in mixed.graph.objects("Service") if mixed.graph.region(each) == name}
    assert services == {"chat", "labels"}, "clients need not know which cloud it is"


def _objects(mixed: Recorded, cluster: str, kind: str) -> dict[str, set[str]]:
    return {each.inputs["metadata"]["name"]: set(each.inputs) for each in mixed.graph.objects(kind) if mixed.graph.region(each) == cluster}


@pytest.mark.parametrize("kind", ["ServiceAccount", "PriorityClass", "NetworkPolicy", "Deployment", "Job", "CronJob", "PodDisruptionBudget"])
def test_what_is_inside_a_cluster_is_the_same_kind_of_thing_in_both(mixed: Recorded, kind: str) -> None:
    assert _objects(mixed, "east", kind) == _objects(mixed, "central", kind), "what differs is in a cloud's package, not here"
