"""Node pools as GKE gets them: what it adds itself is not said twice, and what it leaves out unless it is said is there."""

from __future__ import annotations

import json

import pytest

from fleet.fleet_plan import ClusterPlan
from fleet.gcp.plan import NodePoolPlan
from tests.support.gcp_programs import FLEETS, RESERVATION, recorded
from tests.support.recorded_fleet import Recorded
from tests.support.recording import Resource

pytestmark = pytest.mark.mocks

NODES = "gcp:container/nodePool:NodePool"


@pytest.fixture(params=FLEETS)
def fleet(request: pytest.FixtureRequest) -> Recorded:
    return recorded(request.param)


def _made(fleet: Recorded) -> list[tuple[ClusterPlan, NodePoolPlan, Resource]]:
    return [
        (planned, pool, fleet.the(NODES, planned.name, f"{planned.name}-{pool.name}-group"))
        for planned in fleet.clusters
        for pool in planned.gcp_plan.node_pools
    ]


def test_the_taint_that_gke_puts_on_gpus_is_declared_nowhere(fleet: Recorded) -> None:
    for _, _, each in _made(fleet):
        keys = [taint["key"] for taint in each.inputs["nodeConfig"]["taints"]]
        assert "nvidia.com/gpu" not in keys, f"{each.name}: GKE adds it, and a taint that comes by itself would replace the pool"


def test_gpus_are_said_for_every_gpu_pool_also_where_the_machine_has_them_built_in(fleet: Recorded) -> None:
    for planned, pool, each in _made(fleet):
        found = each.inputs["nodeConfig"].get("guestAccelerators")
        if pool.pool is None:
            assert found is None, "the system has none"
            continue
        (said,) = found
        asked = next(other for other in planned.pools if other.name == pool.pool)
        assert said["count"] == asked.gpus_per_node, f"{each.name}: without, GKE installs no driver"
        assert said["gpuDriverInstallationConfig"]["gpuDriverVersion"] in {"DEFAULT", "LATEST"}, "by GKE, not by a chart"


def test_an_update_of_a_gpu_pool_never_needs_a_gpu_more_than_it_has(fleet: Recorded) -> None:
    for _, pool, each in _made(fleet):
        settings = each.inputs["upgradeSettings"]
        wanted = (1, 0) if pool.pool is None else (0, 1)
        assert (settings["maxSurge"], settings["maxUnavailable"]) == wanted, f"{each.name}: quota for one more is quota that nobody has"


def test_a_pool_is_as_large_as_its_plan_over_all_zones_and_its_number_is_the_autoscalers(fleet: Recorded) -> None:
    for _, pool, each in _made(fleet):
        scaling = each.inputs["autoscaling"]
        assert scaling == {"totalMinNodeCount": pool.min_nodes, "totalMaxNodeCount": pool.max_nodes, "locationPolicy": "ANY"}, each.name
        assert "nodeCount" not in each.inputs, f"{each.name}: a number here would be put back with every update"
        assert each.inputs["nodeLocations"] == list(pool.zones), "where the machine is sold"


def test_a_machine_shows_pods_their_own_identity_and_nothing_of_its_own(fleet: Recorded) -> None:
    for planned, _, each in _made(fleet):
        config = each.inputs["nodeConfig"]
        assert config["workloadMetadataConfig"] == {"mode": "GKE_METADATA"}, f"{each.name}: pods would be the machine"
        assert config["serviceAccount"].startswith(f"{_account(planned)}@"), f"{each.name}: an account of the region, not the project's editor"
        assert set(config["shieldedInstanceConfig"].values()) == {True}, "starts what Google signed"
        assert config["kubeletConfig"]["insecureKubeletReadonlyPortEnabled"] == "FALSE", "nobody asks the kubelet unasked"
        assert each.inputs["networkConfig"] == {"enablePrivateNodes": True}, "no address on the internet"
        assert config["bootDiskKmsKey"] == f"{planned.name}-encryption-key-id", "unreadable without the region's key"


def _account(planned: ClusterPlan) -> str:
    return next(str(each.account_id) for each in planned.gcp_plan.identities if each.key == "nodes")


def test_each_rung_buys_as_it_says() -> None:
    made = {pool.name: each.inputs["nodeConfig"] for planned, pool, each in _made(recorded("everything")) if planned.name == "one"}
    assert {name for name, config in made.items() if config["spot"]} == {"l4-spot"}, "Spot, and nothing else"
    assert {name for name, config in made.items() if config.get("flexStart")} == {"h100-flex"}, "queued"
    assert made["h100-flex"]["maxRunDuration"] == "604800s", "a week, the longest that Google lets it run"
    reserved = {name: config["reservationAffinity"] for name, config in made.items()}
    named = {"consumeReservationType": "SPECIFIC_RESERVATION", "key": "compute.googleapis.com/reservation-name", "values": [RESERVATION["id"]]}
    assert reserved.pop("h100-res") == named, "the one that is paid for"
    assert {each["consumeReservationType"] for each in reserved.values()} == {"NO_RESERVATION"}, "which nobody else uses up"
    assert made["h100-res"]["ephemeralStorageLocalSsdConfig"]["localSsdCount"] == 16, "an a3-highgpu-8g's own disks, all of them"


def test_pools_that_differ_in_what_cannot_be_changed_never_share_a_name(fleet: Recorded) -> None:
    for planned in fleet.clusters:
        names = [each.inputs["name"] for each in fleet.made(NODES, cluster=planned.name)]
        assert len(set(names)) == len(names), "in one cluster"
        assert max(len(name) for name in names) <= 40, "GKE takes no longer one"


def test_no_machine_is_made_but_by_a_pool_of_the_plan(fleet: Recorded) -> None:
    for planned in fleet.clusters:
        assert len(list(fleet.made(NODES, cluster=planned.name))) == len(planned.gcp_plan.node_pools), "each once"
        cluster = fleet.the("gcp:container/cluster:Cluster", planned.name).inputs
        assert cluster["removeDefaultNodePool"] is True, "the first pool, which GKE makes with every cluster, goes at once"
    assert "gcp:compute/instance" not in json.dumps([each.type for each in fleet.made("gcp:")]), "no machine of its own"
