"""The AWS halves of the shipped files come up whole, and prod lets go of a cluster only in two steps."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path

import pytest

from local.automation import EngineFailed
from tests.support.aws_fleet import AwsFleet, shipped_in_the_account

pytestmark = pytest.mark.engine

PROTECTED = {"Bucket", "Cluster", "Key", "Vpc"}


@pytest.fixture(scope="module")
def prod(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AwsFleet]:
    found = AwsFleet(tmp_path_factory.mktemp("prod"), shipped_in_the_account("prod"))
    yield found
    found.remove()


def _leave_out(fleet: AwsFleet, name: str) -> None:
    """As a person removes a cluster: its entry, and every mention of it."""
    clusters = fleet.settings["clusters"]
    del clusters[name]
    for cluster in clusters.values():
        if name in cluster.get("replicate_weights_to", []):
            cluster["replicate_weights_to"].remove(name)
    for model in fleet.settings["models"].values():
        model.get("placements", {}).pop(name, None)


@pytest.fixture
def staging(tmp_path: Path) -> Iterator[AwsFleet]:
    found = AwsFleet(tmp_path, shipped_in_the_account("staging"))
    yield found
    found.remove()


def test_staging_comes_up_whole_without_its_google_half(staging: AwsFleet) -> None:
    staging.up()
    assert staging.touched() == {"aws-use2"}, "one region"
    assert not [resource["urn"] for resource in staging.state() if resource.get("protect")], "nothing is protected outside of prod"
    assert any("gcp-usc1 is not created" in line for line in staging.said), "and a person reads what is left out"


def test_prod_comes_up_whole_and_protects_what_cannot_be_made_again(prod: AwsFleet) -> None:
    prod.up()
    assert prod.touched() == {"aws-use2", "aws-usw2"}, "two regions"
    protected = {resource["type"].rpartition(":")[2] for resource in prod.state() if resource.get("protect")}
    assert protected == PROTECTED, "and nothing that has to be replaced now and then"
    assert not prod.aws.duplicates(), "nothing is there twice"


@pytest.mark.parametrize("change", ["removed", "moved"])
def test_a_preview_refuses_to_end_a_cluster_of_prod_that_does_not_retire(prod: AwsFleet, change: str) -> None:
    before = deepcopy(prod.settings)
    if change == "removed":
        _leave_out(prod, "aws-usw2")
    else:
        prod.settings["clusters"]["aws-usw2"]["network_cidr"] = "10.200.0.0/17"
    with pytest.raises(EngineFailed, match=r"aws-usw2-cluster: (.|\n)*protect"):
        prod.stack().preview()
    prod.settings = before


def test_a_retiring_cluster_drops_its_guards_in_place_and_then_goes_alone(prod: AwsFleet) -> None:
    prod.settings["clusters"]["aws-usw2"]["state"] = "retiring"
    prod.up()
    assert prod.touched() == {"aws-usw2"}, "of that region alone"
    assert {change.operation for change in (*prod.aws.log, *prod.kubernetes.log)} == {"update"}, "nothing is replaced"
    kept = {resource["urn"] for resource in prod.state() if resource.get("protect")}
    assert kept, "the other region stays guarded"
    assert not [urn for urn in kept if "::aws-usw2-" in urn], "and this one is not"
    _leave_out(prod, "aws-usw2")
    prod.up()
    others = [str(change) for change in (*prod.aws.log, *prod.kubernetes.log) if "::aws-usw2" not in change.urn and "-replication" not in change.urn]
    assert not others, "of the other region only the copying of weights to this one ends"
    assert not [key for key in prod.aws.objects if key[0] == "us-west-2"], "nothing is left of it"


def test_a_destroy_that_nobody_previewed_stops_at_what_cannot_be_made_again(prod: AwsFleet) -> None:
    said = prod.failing(prod.start("destroy"))
    assert "protect" in said, "the engine says why"
    assert {key[1] for key in prod.aws.objects} >= PROTECTED, "with the cluster, its network, the key and the weights it comes back by an update"
