"""One change after the other to a region of AWS: each does what it has to, and nothing else."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator

import pytest

from tests.support.cloud_fleet import CLUSTERS, PLATFORM, CloudFleet, small
from tests.support.stand_in_aws import ACCOUNT

pytestmark = pytest.mark.engine

SERVER = Counter({"create Deployment": 1, "create Service": 1, "create PodDisruptionBudget": 1})
CREDENTIAL = f"arn:aws:secretsmanager:us-east-2:{ACCOUNT}:secret:ecr-pullthroughcache/dockerhub-abcdef"


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CloudFleet]:
    found = CloudFleet(tmp_path_factory.mktemp("fleet"), small("east"))
    found.up()
    yield found
    found.remove()


def _group(fleet: CloudFleet, name: str, operation: str = "create") -> Counter[str]:
    (group,) = [group for group in fleet.aws_region("east").node_groups if group.name == name]
    return Counter({f"{operation} NodeGroup": 1, f"{operation} Tag": len(group.autoscaling_tags)})


def _order(fleet: CloudFleet, *kinds: str) -> list[str]:
    return [f"{change.operation} {change.kind}" for change in fleet.aws.log if change.kind in kinds]


def test_a_pool_without_a_model_makes_nothing(fleet: CloudFleet) -> None:
    fleet.settings["pools"]["a10g"] = {"accelerator": "A10G", "max_nodes": 3}
    fleet.up()
    assert not fleet.done(), "machines exist where a model is placed on them"


def test_a_model_on_a_new_pool_brings_its_machines_and_tells_the_autoscaler(fleet: CloudFleet) -> None:
    fleet.settings["models"]["extra"] = {"tier": "small", "pool": "a10g"}
    fleet.up()
    expected = _group(fleet, "a10g-od") + SERVER + Counter({"create LaunchTemplate": 1, "update Release": 1})
    assert fleet.done() == expected, "the pool's group, its template and tags, the autoscaler's priorities, the model's objects"
    released = [change.name for change in fleet.kubernetes.log if change.kind == "Release"]
    assert released == ["cluster-autoscaler"], "no other chart"


def test_scaled_replicas_are_one_deployment(fleet: CloudFleet) -> None:
    fleet.settings["models"]["chat"]["replicas"]["min"] = 3
    assert fleet.up() == {"update": 1}, "one object"
    assert fleet.done() == {"update Deployment": 1}, "the model's"


def test_a_higher_maximum_of_machines_is_one_update_in_place(fleet: CloudFleet) -> None:
    fleet.settings["pools"]["t4"]["max_nodes"] = 3
    fleet.up()
    assert fleet.done() == {"update NodeGroup": 1}, "the group of the pool"
    assert "t4-od" in fleet.aws.log[0].name, "and no other group"


def test_another_machine_type_comes_before_the_old_one_goes(fleet: CloudFleet) -> None:
    fleet.settings["pools"]["l4"]["machine"] = "g6.4xlarge"
    fleet.up()
    replaced = _group(fleet, "l4-od") + _group(fleet, "l4-od", "delete")
    assert fleet.done() == replaced + Counter({"update LaunchTemplate": 1, "update Deployment": 1}), "one group, and the model that asks for it"
    assert _order(fleet, "NodeGroup") == ["create NodeGroup", "delete NodeGroup"], "models move to what is there"
    assert not fleet.orphans(), "the old group is gone"


def test_flow_logs_add_a_log_and_its_writer(fleet: CloudFleet) -> None:
    fleet.settings["clusters"]["east"]["flow_logs"] = True
    fleet.up()
    made = {"create FlowLog": 1, "create LogGroup": 1, "create Role": 1, "create RolePolicy": 1}
    assert fleet.done() == Counter(made) + Counter({"update Key": 1}), "the key lets the log service use it for that group"
    assert _order(fleet, "Key", "LogGroup") == ["update Key", "create LogGroup"], "else CloudWatch refuses the group"


def test_a_mirror_is_there_before_a_pod_pulls_from_it(fleet: CloudFleet) -> None:
    fleet.settings["clusters"]["east"]["images"] = {"mirror": True, "credential_arn": CREDENTIAL}
    fleet.up()
    made = {"create PullThroughCacheRule": 1, "create RepositoryCreationTemplate": 1, "create Role": 1, "create RolePolicy": 1}
    moved = {"update RolePolicy": 1, "update Deployment": 3, "update CronJob": 2}
    assert fleet.done() == Counter(made) + Counter(moved), "the registry, who may pull through it, and every pod's image"


def test_a_new_administrator_is_an_access_entry(fleet: CloudFleet) -> None:
    fleet.settings["clusters"]["east"]["admins"] = [PLATFORM]
    fleet.up()
    assert fleet.done() == {"create AccessEntry": 1, "create AccessPolicyAssociation": 1}, "nothing else knows of people"


def test_a_kubernetes_version_reaches_the_control_plane_before_the_machines(fleet: CloudFleet) -> None:
    fleet.settings["clusters"]["east"]["kubernetes_version"] = "1.36"
    fleet.up()
    groups = len(fleet.aws_region("east").node_groups)
    assert fleet.done() == {"update Cluster": 1, "update NodeGroup": groups, "update Release": 1}, "in place; the autoscaler follows the version"
    assert _order(fleet, "Cluster", "NodeGroup")[0] == "update Cluster", "machines newer than their control plane are refused"


def test_the_number_of_machines_stays_the_autoscalers(fleet: CloudFleet) -> None:
    for key, group in fleet.aws.objects.items():
        if key[1] == "NodeGroup":
            group["scalingConfig"]["desiredSize"] = 2
    fleet.up(refresh=True)
    assert not fleet.done(), "it is read, and left alone"
    assert {group["scalingConfig"]["desiredSize"] for key, group in fleet.aws.objects.items() if key[1] == "NodeGroup"} == {2}, "as it was found"


def test_another_region_comes_and_goes_without_a_touch_of_the_first(fleet: CloudFleet) -> None:
    fleet.settings["clusters"]["west"] = dict(CLUSTERS["west"])
    fleet.up()
    assert fleet.touched() == {"west"}, "no region depends on another"
    assert {change.operation for change in fleet.changes()} == {"create"}, "everything of it is new"
    del fleet.settings["clusters"]["west"]
    fleet.up()
    assert fleet.touched() == {"west"}, "and nothing of the other goes with it"
    assert {change.operation for change in fleet.changes()} == {"delete"}, "everything of it is removed"
    assert not [key for key in fleet.aws.objects if key[0] == "us-west-2"], "nothing is left in its region"


def test_other_addresses_are_another_cluster_and_nothing_of_the_old_one_stays(fleet: CloudFleet) -> None:
    old = fleet.aws_region("east").control_plane.name
    inside = {key[1:] for key in fleet.kubernetes.objects}
    fleet.settings["clusters"]["east"]["network_cidr"] = "10.200.0.0/17"
    fleet.up()
    new = fleet.aws_region("east").control_plane.name
    assert new != old, "the name holds what forces a replacement"
    assert _order(fleet, "Cluster") == ["create Cluster", "delete Cluster"], "the new one first"
    assert {key[0] for key in fleet.kubernetes.objects} == {new}, "everything inside is made anew"
    assert {key[1:] for key in fleet.kubernetes.objects} == inside, "and complete"
    first = next(index for index, change in enumerate(fleet.kubernetes.log) if change.operation == "delete")
    assert {change.operation for change in fleet.kubernetes.log[:first]} == {"create"}, "the old one serves until the new one is filled"
    assert not fleet.done()["create Bucket"], "weights stay where they are"
    assert old not in json.dumps(fleet.state()), "the state knows nothing of the old one"
    assert not fleet.orphans(), "and the account has nothing twice"
    assert fleet.up() == {}, "nothing is left to do"


def test_a_cluster_that_moves_to_another_region_leaves_nothing_behind(fleet: CloudFleet) -> None:
    old = fleet.aws_region("east").control_plane.name
    del fleet.settings["clusters"]["east"]["network_cidr"], fleet.settings["clusters"]["east"]["images"]
    fleet.settings["clusters"]["east"]["region"] = "us-west-2"
    fleet.up()
    new = fleet.aws_region("east").control_plane.name
    assert {key[0] for key in fleet.aws.objects} == {"us-west-2", "global"}, "everything moved"
    assert {key[0] for key in fleet.kubernetes.objects} == {new}, "with what is inside"
    assert old not in json.dumps(fleet.state()), "the state knows nothing of the old one"
    assert fleet.up() == {}, "nothing is left to do"
