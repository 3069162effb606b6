"""One cluster's API server is dead: nothing but changes inside that cluster stops."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.aws_fleet import TWO_REGIONS, AwsFleet

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AwsFleet]:
    found = AwsFleet(tmp_path_factory.mktemp("fleet"), TWO_REGIONS)
    found.up()
    found.dead.add(found.region("east").control_plane.name)
    yield found
    found.remove()


def test_the_other_cluster_and_the_same_regions_aws_parts_are_updated_as_usual(fleet: AwsFleet) -> None:
    fleet.settings["clusters"]["east"]["flow_logs"] = True
    fleet.settings["models"]["chat"]["placements"] = {"east": {}, "west": {"replicas": {"min": 3}}}
    fleet.up()
    made = {f"create {kind}": 1 for kind in ("FlowLog", "LogGroup", "Role", "RolePolicy")}
    assert fleet.done() == {**made, "update Key": 1, "update Deployment": 1}, "both changes, whole"
    assert {change.cluster for change in fleet.kubernetes.log} == {fleet.region("west").control_plane.name}, "the dead one was asked for nothing"


def test_a_change_inside_the_dead_cluster_says_so_and_is_made_when_it_is_back(fleet: AwsFleet) -> None:
    fleet.settings["models"]["labels"]["replicas"] = {"min": 2}
    fleet.settings["clusters"]["west"]["flow_logs"] = True
    said = fleet.failing(fleet.start("up"))
    assert "cluster is unreachable" in said, "what is wrong"
    assert "east.labels-deployment" in said, "and what could not be changed"
    fleet.dead.clear()
    fleet.up()
    assert [str(change).partition("/")[2] for change in fleet.kubernetes.log] == ["Deployment/labels"], "the one that had failed"
    assert fleet.up() == {}, "everything is as the plan says"
