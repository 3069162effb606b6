"""What of a region exists before what, in every cloud: as dependencies on the graph, not as the order of a run."""

from __future__ import annotations

import pytest

from tests.support.cloud_programs import FLEETS, recorded
from tests.support.recorded_fleet import Recorded

pytestmark = pytest.mark.mocks

OUTER = (
    "aws:eks/nodeGroup:NodeGroup",
    "aws:eks/addon:Addon",
    "aws:eks/cluster:Cluster",
    "gcp:container/nodePool:NodePool",
    "gcp:container/cluster:Cluster",
)
"""Machines, drivers and control planes."""


@pytest.fixture(params=FLEETS)
def fleet(request: pytest.FixtureRequest) -> Recorded:
    return recorded(request.param)


def test_objects_in_a_cluster_go_before_machines_drivers_and_controllers(fleet: Recorded) -> None:
    for planned in fleet.clusters:
        outer = list(fleet.made(*OUTER, cluster=planned.name))
        inside = list(fleet.made("kubernetes:", cluster=planned.name))
        assert outer, "there is a cluster"
        assert inside, "and something in it"
        for each in inside:
            assert not fleet.before(each, *outer), f"nobody would be left to delete the volumes and network interfaces of {each.name}"


def test_nothing_of_a_cloud_waits_for_anything_inside_a_cluster(fleet: Recorded) -> None:
    for each in fleet.made("aws:", "gcp:", "pulumi:providers:"):
        inside = [urn for urn in fleet.needs[each.urn] if fleet.graph.resources[urn].type.startswith("kubernetes:")]
        assert not inside, f"{each.name} could not be changed while an API server is down"


def test_no_region_waits_for_another_but_to_copy_weights_into_it(fleet: Recorded) -> None:
    for each in fleet.graph.resources.values():
        home = fleet.graph.region(each)
        others = {fleet.graph.region(fleet.graph.resources[urn]) for urn in fleet.needs[each.urn]} - {home}
        copies = "fleet:aws:Replication" in {above.type for above in fleet.graph.ancestors(each)} or f"{home}-replication" in each.name
        assert not others or copies, f"{each.name} waits for {others}: a region that is down would hold up this one"
