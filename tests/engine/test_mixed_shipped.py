"""The shipped files come up whole in both clouds, and prod lets go of a cluster only in two steps."""

from __future__ import annotations

import re
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path

import pytest

from local.automation import EngineFailed
from tests.support.cloud_fleet import CloudFleet, shipped_in_the_account

pytestmark = pytest.mark.engine

PROTECTED = {"aws": {"Bucket", "Cluster", "Key", "Vpc"}, "gcp": {"Bucket", "Cluster", "CryptoKey", "Network"}}
"""What cannot be made again, by cloud."""

LEAVING = ("aws-usw2", "gcp-usc1")
"""One of each cloud."""


@pytest.fixture(scope="module")
def prod(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CloudFleet]:
    found = CloudFleet(tmp_path_factory.mktemp("prod"), shipped_in_the_account("prod"))
    yield found
    found.remove()


def _leave_out(fleet: CloudFleet, name: str) -> None:
    """As a person removes a cluster: its entry, every mention of it, and models that ran nowhere else."""
    clusters, models = fleet.settings["clusters"], fleet.settings["models"]
    del clusters[name]
    for cluster in clusters.values():
        if name in cluster.get("replicate_weights_to", []):
            cluster["replicate_weights_to"].remove(name)
    for key, model in list(models.items()):
        model.get("placements", {}).pop(name, None)
        if model.get("placements") == {}:
            del models[key]


def _protected(fleet: CloudFleet) -> set[tuple[str, str, str]]:
    """Cluster of the fleet, package and kind."""
    found = (resource for resource in fleet.state() if resource.get("protect"))
    return {(fleet.cluster_of(one["urn"]), one["type"].partition(":")[0], one["type"].rpartition(":")[2]) for one in found}


@pytest.fixture
def staging(tmp_path: Path) -> Iterator[CloudFleet]:
    found = CloudFleet(tmp_path, shipped_in_the_account("staging"))
    yield found
    found.remove()


def test_staging_comes_up_whole_in_both_clouds(staging: CloudFleet) -> None:
    staging.up()
    assert staging.touched() == {"aws-use2", "gcp-usc1"}, "two regions"
    assert not _protected(staging), "nothing is protected outside of prod"
    assert not [key for key, state in staging.gcp.objects.items() if state.get("deletionPolicy") == "PREVENT"], "by nobody"


def test_prod_comes_up_whole_and_protects_what_cannot_be_made_again(prod: CloudFleet) -> None:
    prod.up()
    assert prod.touched() == {"aws-use2", "aws-usw2", "gcp-usc1"}, "three regions"
    expected = {(name, name.partition("-")[0], kind) for name in prod.names for kind in PROTECTED[name.partition("-")[0]]}
    assert _protected(prod) == expected, "and nothing that has to be replaced now and then"
    assert not prod.orphans(), "nothing is there twice"


@pytest.mark.parametrize(("removed", "moved"), [LEAVING, LEAVING[::-1]])
def test_a_preview_refuses_to_end_clusters_of_prod_that_do_not_retire(prod: CloudFleet, removed: str, moved: str) -> None:
    before = deepcopy(prod.settings)
    _leave_out(prod, removed)
    prod.settings["clusters"][moved]["network_cidr"] = "10.200.0.0/17"
    with pytest.raises(EngineFailed) as refusal:
        prod.stack().preview()
    said = str(refusal.value)
    for name in (removed, moved):
        assert re.search(rf"{name}-cluster: (.|\n)*protect", said), f"{name} has to retire first"
    prod.settings = before


def test_what_google_would_lose_is_kept_by_its_provider_as_well(prod: CloudFleet) -> None:
    kept = {key[1] for key, state in prod.gcp.objects.items() if state.get("deletionPolicy") == "PREVENT"}
    assert kept == PROTECTED["gcp"], "whoever asks, and whatever the engine's state says"
    (cluster,) = [state for key, state in prod.gcp.objects.items() if key[1] == "Cluster"]
    assert cluster["deletionProtection"] is True, "and the cluster by a guard of its own"


def test_retiring_clusters_drop_their_guards_in_place_and_then_go_alone(prod: CloudFleet) -> None:
    for name in LEAVING:
        prod.settings["clusters"][name]["state"] = "retiring"
    prod.up()
    assert prod.touched() == set(LEAVING), "of those regions alone"
    assert {change.operation for change in prod.changes()} == {"update"}, "nothing is replaced"
    assert {cluster for cluster, _, _ in _protected(prod)} == {"aws-use2"}, "the other region stays guarded, and these are not"
    for name in LEAVING:
        _leave_out(prod, name)
    prod.up()
    others = [str(change) for change in prod.changes() if prod.cluster_of(change.urn) == "aws-use2" and "-replication" not in change.urn]
    assert not others, "of the other region only the copying of weights to one of these ends"
    assert not [key for key in prod.objects() if key[0] in ("us-west-2", "us-central1")], "nothing is left of them"
    assert not prod.gcp.objects, "nor in Google's project"


def test_a_destroy_that_nobody_previewed_stops_at_what_cannot_be_made_again(prod: CloudFleet) -> None:
    said = prod.failing(prod.start("destroy"))
    assert "protect" in said, "the engine says why"
    assert {key[1] for key in prod.aws.objects} >= PROTECTED["aws"], "with the cluster, its network, the key and the weights it comes back"
