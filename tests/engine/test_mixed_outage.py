"""The API server of one cluster is dead, or one cloud leaves: nothing but changes inside that cluster stops, nothing of the other is touched."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.cloud_fleet import CloudFleet, small

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CloudFleet]:
    found = CloudFleet(tmp_path_factory.mktemp("fleet"), small("east", "central"))
    found.up()
    yield found
    found.remove()


def test_the_other_cluster_and_the_dead_ones_region_are_updated_as_usual(fleet: CloudFleet) -> None:
    fleet.dead.add(fleet.name_in_cloud("east"))
    fleet.settings["clusters"]["east"]["flow_logs"] = True
    fleet.settings["models"]["chat"]["placements"] = {"east": {}, "central": {"replicas": {"min": 3}}}
    fleet.up()
    made = {f"create {kind}": 1 for kind in ("FlowLog", "LogGroup", "Role", "RolePolicy")}
    assert fleet.done("east") == {**made, "update Key": 1}, "AWS's parts of the region, and the dead cluster was asked for nothing"
    assert fleet.done("central") == {"update Deployment": 1}, "and the other cloud's cluster"


def test_a_change_inside_a_dead_cluster_says_so_and_is_made_when_it_is_back(fleet: CloudFleet) -> None:
    fleet.dead = {fleet.name_in_cloud("central")}
    fleet.settings["models"]["chat"]["placements"] = {"east": {"replicas": {"min": 3}}, "central": {"replicas": {"min": 4}}}
    fleet.settings["clusters"]["central"]["flow_logs"] = True
    said = fleet.failing(fleet.start("up"))
    assert "cluster is unreachable" in said, "what is wrong"
    assert "central.chat-deployment" in said, "and what could not be changed"
    before = fleet.done()
    fleet.dead.clear()
    fleet.up()
    assert "Deployment/chat" in [str(change).partition("/")[2] for change in fleet.kubernetes.log], "what had failed"
    assert before + fleet.done() == {"update Subnetwork": 1, "update Deployment": 2}, "and everything once: Google's parts, and both clusters'"
    assert fleet.up() == {}, "everything is as the plan says"


def test_one_cloud_leaves_and_nothing_of_the_other_is_touched(fleet: CloudFleet) -> None:
    stays = dict(fleet.gcp.objects)
    for section, name in (("clusters", "east"), ("models", "labels"), ("pools", "t4")):
        del fleet.settings[section][name]
    fleet.settings["models"]["chat"]["placements"] = {"central": {"replicas": {"min": 4}}}
    fleet.up()
    assert fleet.touched() == {"east"}, "every change is of the region that goes"
    assert not fleet.aws.objects, "all of it is gone"
    assert fleet.gcp.objects == stays, "and Google's half is as it was"
