"""One change after the other to a region of Google Cloud: each does what it has to, and nothing else."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator

import pytest

from tests.support.cloud_fleet import CLUSTERS, CloudFleet, small

pytestmark = pytest.mark.engine

SERVER = Counter({"create Deployment": 1, "create Service": 1, "create PodDisruptionBudget": 1})


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CloudFleet]:
    found = CloudFleet(tmp_path_factory.mktemp("fleet"), small("central"))
    found.up()
    yield found
    found.remove()


def _order(fleet: CloudFleet, *kinds: str) -> list[str]:
    return [f"{change.operation} {change.kind}" for change in fleet.gcp.log if change.kind in kinds]


def _pool_names(fleet: CloudFleet) -> set[str]:
    """In GKE, of everything but the system."""
    return {pool.pool_name for pool in fleet.gcp_region("central").node_pools if pool.pool}


def test_a_model_on_a_new_pool_brings_its_machines(fleet: CloudFleet) -> None:
    fleet.settings["pools"]["a100"] = {"accelerator": "A100-40GB", "max_nodes": 3}
    fleet.settings["models"]["extra"] = {"tier": "small", "pool": "a100"}
    fleet.up()
    assert fleet.done() == SERVER + Counter({"create NodePool": 1}), "the pool and the model's objects: GKE's autoscaler needs no telling"


def test_another_rung_is_another_node_pool_beside_the_first(fleet: CloudFleet) -> None:
    fleet.settings["pools"]["a100"]["capacity"] = ["on_demand", "spot"]
    fleet.up()
    assert fleet.done() == {"create NodePool": 1, "update Deployment": 1}, "the rung, and the model that may now run there"
    (made,) = [change for change in fleet.gcp.log if change.kind == "NodePool"]
    assert "a100-spot" in made.urn, "the new rung's, and the other one was not touched"


def test_more_machines_another_machine_type_and_another_time_of_upgrades_are_updates_in_place(fleet: CloudFleet) -> None:
    fleet.settings["pools"]["t4"]["max_nodes"] = 3
    fleet.settings["pools"]["l4"]["machine"] = "g2-standard-12"
    fleet.settings["clusters"]["central"] |= {"maintenance": {"start_hour": 5}, "release_channel": "stable"}
    fleet.up()
    assert fleet.done() == {"update NodePool": 2, "update Cluster": 1, "update Deployment": 2}, "GKE replaces machines one by one inside the pool"
    touched = sorted(change.name.rpartition("/")[2].partition("-")[0] for change in fleet.gcp.log if change.kind == "NodePool")
    assert touched == ["l4", "t4"], "and no other pool"
    served = {change.name for change in fleet.kubernetes.log}
    assert served == {"chat", "extra"}, "and who reads the same weights: the smallest machine among theirs says what fits into memory"


def test_another_driver_comes_on_new_machines_before_the_old_ones_go(fleet: CloudFleet) -> None:
    old, number = _pool_names(fleet), len(_pool_names(fleet))
    fleet.settings["clusters"]["central"]["gpu_driver"] = "default"
    fleet.up()
    assert fleet.done() == {"create NodePool": number, "delete NodePool": number}, "every pool with GPUs, and no model"
    assert not old & _pool_names(fleet), "the names say that they are others, so both can exist"
    for pool in ("l4-od", "t4-od", "a100-od", "a100-spot"):
        order = [change.operation for change in fleet.gcp.log if f"-{pool}-group" in change.urn]
        assert order == ["create", "delete"], f"{pool}: models move to what is there"
    assert not fleet.orphans(), "the old ones are gone"


def test_another_owner_is_written_on_everything_and_replaces_nothing(fleet: CloudFleet) -> None:
    fleet.settings["owner"] = "somebody"
    fleet.up()
    assert {change.operation for change in fleet.changes()} == {"update"}, "labels change in place"
    labelled = {key for key, state in fleet.gcp.objects.items() if state.get("effectiveLabels") or key[1] in ("Cluster", "NodePool")}
    assert {(change.region, change.kind, change.name) for change in fleet.gcp.log} == labelled, "everything that takes labels"
    assert {key[1] for key in labelled} >= {"Bucket", "Cluster", "CryptoKey", "NodePool"}, "what costs money among it"


def test_the_order_of_capacity_is_a_compute_class_that_is_there_before_a_model_asks_for_it(fleet: CloudFleet) -> None:
    fleet.settings["clusters"]["central"]["compute_classes"] = True
    del fleet.settings["pools"]["l4"]["machine"]  # in place as before
    fleet.up()
    assert {kind: fleet.done()[kind] for kind in ("create ComputeClass", "update NodePool", "update Deployment")} == {
        "create ComputeClass": 3,
        "update NodePool": 4,
        "update Deployment": 3,
    }, "one class for each pool, its machines marked in place, and models that ask for it"
    assert not fleet.done()["create NodePool"], "no machine is replaced"
    order = [f"{change.operation} {change.kind}" for change in fleet.kubernetes.log]
    assert max(place for place, what in enumerate(order) if what == "create ComputeClass") < order.index("update Deployment"), "else pods would wait"


def test_flow_logs_and_a_mirror_of_images_are_added_to_what_is_there(fleet: CloudFleet) -> None:
    fleet.settings["clusters"]["central"] |= {"flow_logs": True, "images": {"mirror": True}}
    fleet.up()
    made = Counter({"create ServiceIdentity": 1, "create CryptoKeyIAMMember": 1, "create Repository": 1, "create RepositoryIamMember": 1})
    assert Counter(_order(fleet, *{change.kind for change in fleet.gcp.log})) == made + Counter({"update Subnetwork": 1}), (
        "and nothing else of Google"
    )
    assert {f"{change.operation} {change.kind}" for change in fleet.kubernetes.log} <= {"update CronJob", "update Deployment"}, "every pod's image"
    assert len([change for change in fleet.kubernetes.log if change.kind == "Deployment"]) == 3, "of every model"
    assert _order(fleet, "CryptoKeyIAMMember", "Repository") == ["create CryptoKeyIAMMember", "create Repository"], "else it could not be encrypted"


def test_what_gke_and_its_autoscaler_change_is_left_alone_and_what_a_hand_changed_is_put_back(fleet: CloudFleet) -> None:
    for (_, kind, name), state in fleet.gcp.objects.items():
        if kind == "NodePool":
            state |= {"nodeCount": 2, "version": "1.36.2-gke.1", "initialNodeCount": 7}
            state["nodeConfig"]["resourceLabels"]["goog-gke-cost-management"] = "true"
            state["nodeConfig"]["effectiveTaints"].append({"key": "startup", "value": "true", "effect": "NO_SCHEDULE"})
        if kind == "Cluster":
            state |= {"masterVersion": "1.36.2-gke.1", "nodeVersion": "1.36.2-gke.1"}
        if "/t4-od-" in name:
            state["autoscaling"] = {**state["autoscaling"], "totalMaxNodeCount": 9}
    fleet.up(refresh=True)
    assert fleet.done() == {"update NodePool": 1}, "numbers of machines, versions, taints and labels are GKE's; limits are the stack file's"
    (change,) = fleet.gcp.log
    assert fleet.gcp.objects[change.region, change.kind, change.name]["autoscaling"]["totalMaxNodeCount"] == 3, "for the one pool that had another"


def test_a_model_that_goes_takes_its_machines_with_it(fleet: CloudFleet) -> None:
    del fleet.settings["models"]["extra"]
    fleet.up()
    gone = {"delete NodePool": 2, "delete ComputeClass": 1, "delete Deployment": 1, "delete Service": 1, "delete PodDisruptionBudget": 1}
    assert fleet.done() == gone, "nobody else is on that pool"


def test_regions_of_both_clouds_come_and_go_without_a_touch_of_the_first(fleet: CloudFleet) -> None:
    fleet.settings["clusters"] |= {name: dict(CLUSTERS[name]) for name in ("atlantic", "east")}
    fleet.up()
    assert fleet.touched() == {"atlantic", "east"}, "no region depends on another, in the same project or not"
    assert {change.operation for change in fleet.changes()} == {"create"}, "everything of them is new"
    for name in ("atlantic", "east"):
        del fleet.settings["clusters"][name]
    fleet.up()
    assert fleet.touched() == {"atlantic", "east"}, "and nothing of the first goes with them"
    assert {change.operation for change in fleet.changes()} == {"delete"}, "everything of them is removed"
    assert {key[0] for key in fleet.objects()} == {"us-central1", "global"}, "nothing is left in their regions"
    assert fleet.up(refresh=True) == {}, "and the first still has what it shared with a region of its project: services, agents, roles"


def test_other_addresses_are_another_cluster_and_nothing_of_the_old_one_stays(fleet: CloudFleet) -> None:
    old, inside = fleet.name_in_cloud("central"), {key[1:] for key in fleet.kubernetes.objects}
    fleet.settings["clusters"]["central"]["network_cidr"] = "10.200.0.0/17"
    fleet.up()
    new = fleet.name_in_cloud("central")
    assert new != old, "the name holds what forces a replacement"
    for kind in ("Cluster", "Network", "ManagedZone"):
        assert _order(fleet, kind) == [f"create {kind}", f"delete {kind}"], (
            f"{kind}: the new one first, and machines of the old one have it to the end"
        )
    assert {key[0] for key in fleet.kubernetes.objects} == {new}, "everything inside is made anew"
    assert {key[1:] for key in fleet.kubernetes.objects} == inside, "and complete"
    first = next(index for index, change in enumerate(fleet.kubernetes.log) if change.operation == "delete")
    assert {change.operation for change in fleet.kubernetes.log[:first]} == {"create"}, "the old one serves until the new one is filled"
    assert not _order(fleet, "Bucket", "KeyRing", "CryptoKey", "Secret"), "weights, their key and secrets stay where they are"
    assert old not in json.dumps(fleet.state()), "the state knows nothing of the old one"
    assert not fleet.orphans(), "and the project has nothing twice"


def test_a_cluster_that_moves_to_another_region_leaves_nothing_but_a_name_of_a_key_behind(fleet: CloudFleet) -> None:
    old = fleet.name_in_cloud("central")
    fleet.settings["clusters"]["central"] = dict(CLUSTERS["atlantic"])
    fleet.up()
    assert {key[0] for key in fleet.objects()} == {"us-east4", "global"}, "everything moved"
    assert {key[0] for key in fleet.kubernetes.objects} == {fleet.name_in_cloud("central")}, "with what is inside"
    assert {key[1] for key in fleet.gcp.projects.scheduled} <= {"KeyRing", "CryptoKey"}, "Google forgets no key ring"
    assert old not in json.dumps(fleet.state()), "the state knows nothing of the old one"
    assert fleet.up() == {}, "nothing is left to do"
