"""Node groups on AWS: names fit, nodes carry what pods ask for, and Cluster Autoscaler climbs each pool's own ladder."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from fleet.aws.network import network_plan
from fleet.aws.nodes import GPU_IMAGES, LAST_PRIORITY, NODE_GROUP_NAME, RANDOM_SUFFIX, expander_priorities, node_groups
from fleet.aws.offerings import zones_offering
from fleet.aws.plan import NodeGroupPlan
from fleet.aws.spot import LARGEST_SPOT_LIST, spot_machines
from fleet.problems import PlanError
from tests.support.aws_regions import region

pytestmark = pytest.mark.pure

SUFFIX = "202611250312345678" + "0000000a"
UUID = "8ac7d1f2-5c1e-4f6a-9b7d-0123456789ab"
BLOCK = {"us": {"id": "cr-0123456789abcdef0", "zone": "use2-az2"}}

LADDERS = st.lists(st.sampled_from(("on_demand", "spot", "reservation", "capacity_block")), min_size=1, unique=True).map(tuple)
NAMES = st.one_of(
    st.sampled_from(("a", "a-od", "a-od-1", "a-spot", "a-od-spot", "system", "od", "cb-cb", "x" * 40, "x" * 39 + "y", "a-od-" + "1" * 26)),
    st.from_regex(r"[a-z]([-a-z0-9]{0,38}[a-z0-9])?", fullmatch=True),
)
POOLS = st.dictionaries(NAMES, st.tuples(LADDERS, st.booleans(), st.booleans()), min_size=1, max_size=4)


def group_name(group: NodeGroupPlan) -> str:
    """Name of the Auto Scaling group that EKS makes for it."""
    return f"eks-{group.prefix}{SUFFIX}-{UUID}"


def winner(names: list[str], priorities: Mapping[int, tuple[str, ...]]) -> set[str]:
    """What Cluster Autoscaler's priority expander keeps: of each group its highest priority, of all groups the highest."""
    found = {name: max(value for value, expressions in priorities.items() if any(re.search(one, name) for one in expressions)) for name in names}
    return {name for name, value in found.items() if value == max(found.values())}


def pool(capacity: tuple[str, ...] = ("on_demand",), **changes: Any) -> dict[str, Any]:
    values = {"accelerator": "H100", "gpus_per_node": 1, "max_nodes": 4, "capacity": capacity, **changes}
    return values | ({"reservations": BLOCK} if {"reservation", "capacity_block"} & set(capacity) and "reservations" not in changes else {})


def one(capacity: tuple[str, ...], **changes: Any) -> dict[str, NodeGroupPlan]:
    """Groups of one pool by name."""
    return {group.name: group for group in node_groups(region({"gpus": pool(capacity, **changes)})) if group.pool}


@settings(max_examples=30)
@given(POOLS)
@example({"a": (("on_demand",), True, False), "a-od": (("spot", "on_demand"), True, False)})
def test_the_first_rung_of_each_pool_wins_whatever_other_pools_are_called(chosen: dict[str, tuple[tuple[str, ...], bool, bool]]) -> None:
    pools = {name: pool(ladder) if held else pool(ladder, reservations={}) for name, (ladder, held, _) in chosen.items()}
    caches = {name: ("volume", 40) for name, (_, _, disk) in chosen.items() if disk}
    inputs = region(pools, caches)
    groups, priorities = node_groups(inputs), expander_priorities(inputs)
    assert list(priorities) == sorted(priorities, reverse=True), "highest first, as a person reads them"
    for name, (ladder, *_) in chosen.items():
        own = [group for group in groups if group.pool == name]
        for position, rung in enumerate(ladder):
            left = [group for group in own if ladder.index(group.rung) >= position]
            expected = {group_name(group) for group in left if group.rung == rung}
            assert winner([group_name(group) for group in left], priorities) == expected, f"{rung} is what pool {name} asks for next"


@settings(max_examples=30)
@given(POOLS, st.sampled_from(("al2023", "bottlerocket")))
def test_every_group_has_a_name_that_fits_zones_and_what_its_pods_ask_for(chosen: dict[str, tuple[tuple[str, ...], bool, bool]], image: str) -> None:
    pools = {name: pool(ladder) if held else pool(ladder, reservations={}) for name, (ladder, held, _) in chosen.items()}
    inputs = region(pools, {name: ("volume", 40) for name, (_, _, disk) in chosen.items() if disk}, node_image=image)
    groups = node_groups(inputs)
    assert len({group.name for group in groups}) == len({group.prefix for group in groups}) == len(groups), "one name each"
    plans = {plan.name: plan for plan in inputs.pools}
    for group in groups:
        assert len(group.prefix) + RANDOM_SUFFIX <= NODE_GROUP_NAME, "EKS takes 63 characters, and the provider appends 26"
        assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]*-", group.prefix), "letters, digits, hyphens and underscores"
        assert group.zone_ids, "a group without a zone has no subnet"
        assert 0 <= group.min_nodes <= group.first_nodes <= group.max_nodes, "in order"
        for key, value in group.autoscaling_tags.items():
            assert 1 <= len(key) <= 128, f"the key {key} is a tag's"
            assert len(value) <= 256, f"the value of {key} is a tag's"
        if group.pool:
            assert group.labels == plans[group.pool].node_labels, "labels are placement's"
            assert group.taints == plans[group.pool].node_taints, "and so are taints"
            assert group.ami_type == GPU_IMAGES[image], "with NVIDIA's driver"
            assert group.instance_types[0] == plans[group.pool].machine, "the autoscaler judges a group by its first type"


@pytest.mark.parametrize(("environment", "nodes"), [("prod", 3), ("staging", 2), ("dev", 2)])
def test_the_system_has_a_machine_in_each_zone_of_the_control_plane_in_prod(environment: str, nodes: int) -> None:
    inputs = region(environment=environment)
    system, *_ = node_groups(inputs)
    network = network_plan(inputs)
    assert not isinstance(network, list), "the region has a network"
    assert system.zone_ids == tuple(zone.zone_id for zone in network.zones if zone.control_plane), "next to the API server"
    assert (system.min_nodes, system.max_nodes, system.instance_types) == (nodes, 2 * nodes, ("m7i.xlarge",)), "it may double"
    assert system.taints == (), "mirrors of weights run there"
    assert system.update_strategy == "DEFAULT", "a machine more for a while is no matter without GPUs"


def test_each_rung_is_bought_as_its_name_says() -> None:
    groups = one(("reservation", "capacity_block", "on_demand", "spot"))
    assert {name: group.capacity_type for name, group in groups.items()} == {
        "gpus-odcr": "ON_DEMAND",
        "gpus-cb": "CAPACITY_BLOCK",
        "gpus-od": "ON_DEMAND",
        "gpus-spot": "SPOT",
    }, "one group for each rung"
    assert {group.max_nodes for group in groups.values()} == {4}, "any rung may have to hold the whole pool"
    assert {group.update_strategy for group in groups.values()} == {"MINIMAL"}, "an update never asks for a GPU more"
    assert groups["gpus-cb"].zone_ids == groups["gpus-odcr"].zone_ids == ("use2-az2",), "where what is reserved is"
    assert len(groups["gpus-od"].zone_ids) == 3, "the others go wherever the machine is sold"


@pytest.mark.parametrize(
    ("capacity", "least"),
    [
        (("spot", "on_demand"), {"gpus-spot": 2, "gpus-od": 0}),
        (("on_demand", "spot"), {"gpus-od": 2, "gpus-spot": 0}),
        (("capacity_block", "on_demand"), {"gpus-cb": 0, "gpus-od": 2}),
        (("capacity_block",), {"gpus-cb": 0}),
    ],
)
def test_the_least_number_is_kept_on_the_first_rung_that_lasts(capacity: tuple[str, ...], least: dict[str, int]) -> None:
    found = {name: group.min_nodes for name, group in one(capacity, min_nodes=2).items()}
    assert found == least, "a capacity block is empty before and after its time"


def test_a_pool_with_weights_on_a_disk_has_a_group_for_each_zone() -> None:
    groups = [group for group in node_groups(region({"gpus": pool(min_nodes=1)}, {"gpus": ("volume", 40)})) if group.pool]
    assert [group.zone_ids for group in groups] == [("use2-az1",), ("use2-az2",), ("use2-az3",)], "the autoscaler knows one zone of a group"
    assert [group.name for group in groups] == ["gpus-od-az1", "gpus-od-az2", "gpus-od-az3"], "the zone is in the name"
    assert [group.min_nodes for group in groups] == [1, 0, 0], "the least number is not multiplied"


def test_a_group_without_machines_can_be_judged_by_its_tags() -> None:
    tags = one(("on_demand",))["gpus-od"].autoscaling_tags
    prefix = "k8s.io/cluster-autoscaler"
    assert tags[f"{prefix}/enabled"] == "true", "how the autoscaler finds groups"
    assert tags[f"{prefix}/{region().name}"] == "owned", "of this cluster"
    assert tags[f"{prefix}/node-template/label/vllm.pool"] == "gpus", "what pods select"
    assert tags[f"{prefix}/node-template/label/k8s.amazonaws.com/accelerator"] == "h100", "how it knows that a GPU is on its way"
    assert tags[f"{prefix}/node-template/taint/nvidia.com/gpu"] == "true:NoSchedule", "value and effect"
    assert tags[f"{prefix}/node-template/resources/nvidia.com/gpu"] == "1", "what pods request"
    assert tags[f"{prefix}/node-template/resources/ephemeral-storage"] == "3008Gi", "3800 GB of the machine's own disks, 85 % of it for pods"


def test_spot_takes_larger_machines_of_the_same_gpus_that_are_not_too_dear() -> None:
    inputs = region({"t4": {"accelerator": "T4", "max_nodes": 2, "capacity": ("spot",)}})
    assert [machine.machine for machine in spot_machines(inputs, inputs.pools[0])] == ["g4dn.2xlarge", "g4dn.4xlarge"], "own first, none smaller"
    dear = region({"t4": {"accelerator": "T4", "max_nodes": 2, "capacity": ("spot",)}}, prices={"g4dn.4xlarge": 2.0})
    assert [machine.machine for machine in spot_machines(dear, dear.pools[0])] == ["g4dn.2xlarge"], "2.5 times the pool's price is the limit"
    single = region({"h100": pool(("spot",))})
    assert [machine.machine for machine in spot_machines(single, single.pools[0])] == ["p5.4xlarge"], "nothing else has one H100"


def test_spot_lists_are_sold_together_in_two_zones() -> None:
    for accelerator, gpus in (("T4", 1), ("A10G", 1), ("A10G", 4), ("L4", 1), ("L4", 4), ("L40S", 1), ("L40S", 4)):
        inputs = region({"gpus": {"accelerator": accelerator, "gpus_per_node": gpus, "max_nodes": 2, "capacity": ("spot",)}})
        group = node_groups(inputs)[1]
        assert len(group.instance_types) in range(2, LARGEST_SPOT_LIST + 1), f"{gpus} × {accelerator} has machines of several sizes"
        assert len(group.zone_ids) >= 2, "and zones to choose from"
        for machine in group.instance_types:
            assert set(group.zone_ids) <= set(zones_offering(machine, "us-east-2")), f"{machine} is offered in all of them"


def test_no_more_machines_are_repaired_than_can_be_ill_by_themselves() -> None:
    limits = {most: one(("on_demand",), max_nodes=most)["gpus-od"].repairs_stop_above for most in (1, 2, 3, 8)}
    assert limits == {1: 1, 2: 1, 3: 1, 8: 4}, "half of a pool, and at least one"


def test_a_region_without_a_network_has_no_groups() -> None:
    with pytest.raises(PlanError, match="is named twice"):
        node_groups(region({}, zones=("use2-az1", "use2-az1")))


def test_the_last_priority_is_for_groups_that_no_pool_has() -> None:
    priorities = expander_priorities(region())
    system = group_name(node_groups(region())[0])
    assert winner([system], priorities) == {system}, "it grows"
    assert [value for value, expressions in priorities.items() if any(re.search(entry, system) for entry in expressions)] == [LAST_PRIORITY], "last"


@pytest.mark.parametrize("name", ["us-east-1", "us-west-2", "eu-central-1", "ap-northeast-1"])
def test_groups_lie_in_zones_that_the_network_reaches(name: str) -> None:
    inputs = region({"t4": {"accelerator": "T4", "max_nodes": 2, "capacity": ("spot", "on_demand")}}, region=name)
    network = network_plan(inputs)
    assert not isinstance(network, list), "the region has a network"
    reached = {zone.zone_id for zone in network.zones}
    assert all(set(group.zone_ids) <= reached for group in node_groups(inputs)), "a subnet exists in each"
