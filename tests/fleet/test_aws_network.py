"""The network of an AWS region: zones that hold its control plane and its pools, at addresses that never move."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Network
from itertools import combinations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as tuned
from hypothesis import strategies as st

from fleet import catalog
from fleet.aws import offerings
from fleet.aws.inputs import RegionInputs
from fleet.aws.network import FEWEST_CONTROL_PLANE_ZONES, MOST_ZONES, network_plan, pool_zones
from fleet.aws.offerings import REFUSED_BY_EKS, SYSTEM_MACHINE
from fleet.aws.plan import NetworkPlan
from fleet.placement import pool_plan
from fleet.problems import PlanError, Problem
from fleet.settings import AwsCluster, Pool, Settings
from fleet.stack_file import parse

pytestmark = pytest.mark.pure

CIDR = "10.68.0.0/17"
L4 = {"accelerator": "L4", "max_nodes": 2}
PRO = {"accelerator": "RTX-PRO-6000", "max_nodes": 2}
B200 = {"accelerator": "B200", "gpus_per_node": 8, "max_nodes": 2}
REGIONS = tuple(region for region in catalog.SHAPES[0].regions | catalog.SHAPES[0].missing_regions if region not in ("ca-west-1", "me-south-1"))
BASE = parse({"name": "test", "clusters": {"a": {"cloud": "existing", "context": "a"}}, "models": {"chat": {"tier": "small"}}})


def inputs(pools: dict[str, dict[str, Any]] | None = None, *, environment: str = "prod", **changes: Any) -> RegionInputs:
    """A region with pools that it sells, the others left out."""
    cluster = AwsCluster.model_validate({"cloud": "aws", "region": "us-east-1", "endpoint": {"public_cidrs": ("203.0.113.0/24",)}, **changes})
    chosen = {name: Pool.model_validate(values) for name, values in (pools or {}).items()}
    found = [pool_plan(name, pool, "us", cluster, {}) for name, pool in chosen.items()]
    settings: Settings = BASE.model_copy(update={"environment": environment, "clusters": {"us": cluster}, "pools": chosen})
    plans = tuple(plan for plan in found if not isinstance(plan, Problem))
    return RegionInputs(settings=settings, cluster_name="us", cluster=cluster, namespace="vllm", network_cidr=CIDR, pools=plans)


def planned(pools: dict[str, dict[str, Any]] | None = None, **changes: Any) -> NetworkPlan:
    found = network_plan(inputs(pools, **changes))
    assert isinstance(found, NetworkPlan), f"accepted: {found}"
    return found


def refused(pools: dict[str, dict[str, Any]] | None = None, **changes: Any) -> Problem:
    found = network_plan(inputs(pools, **changes))
    assert isinstance(found, list), "refused"
    (problem,) = found
    return problem


def zone_ids(plan: NetworkPlan, *, control_plane: bool = False) -> list[str]:
    return [zone.zone_id for zone in plan.zones if zone.control_plane or not control_plane]


def test_the_control_plane_takes_the_first_three_zones_that_eks_accepts() -> None:
    assert zone_ids(planned()) == ["use1-az1", "use1-az2", "use1-az4"], "use1-az3 is one that EKS refuses"
    assert zone_ids(planned(region="us-west-1")) == ["usw1-az1", "usw1-az3"], "two are enough"


def test_a_pool_adds_the_zones_that_offer_its_machine() -> None:
    found = planned({"pro": PRO})
    assert zone_ids(found) == ["use1-az1", "use1-az2", "use1-az4", "use1-az6"], "g7e is in 2 and 6"
    assert zone_ids(found, control_plane=True) == zone_ids(planned()), "the control plane stays where it was"
    region = inputs({"pro": PRO, "l4": L4})
    pro, l4 = region.pools
    assert pool_zones(region, pro, (pro.machine,)) == ("use1-az2", "use1-az6"), "only these"
    assert pool_zones(region, l4, (l4.machine,)) == ("use1-az1", "use1-az2", "use1-az4", "use1-az5", "use1-az6"), "g6 is in five"
    assert pool_zones(region, l4, (l4.machine, pro.machine)) == ("use1-az2", "use1-az6"), "what offers both"


@tuned(deadline=None)
@given(
    region=st.sampled_from(sorted(REGIONS)),
    names=st.sets(st.sampled_from(list(catalog.ACCELERATORS))),
    more=st.sampled_from(list(catalog.ACCELERATORS)),
)
def test_another_pool_moves_nothing(region: str, names: set[str], more: str) -> None:
    def every(accelerators: set[str]) -> NetworkPlan:
        one_by_one = {name: min(shape.gpus for shape in catalog.accelerator(name).shapes if shape.cloud == "aws") for name in accelerators}
        capacity = {"capacity": ("reservation",), "max_nodes": 1}
        return planned({name.lower(): {"accelerator": name, "gpus_per_node": gpus, **capacity} for name, gpus in one_by_one.items()}, region=region)

    before, after = every(names), every(names | {more})
    assert set(before.zones) <= set(after.zones), "same addresses, same control plane, same NAT"
    assert len(zone_ids(after, control_plane=True)) >= FEWEST_CONTROL_PLANE_ZONES, "EKS asks for two"
    assert not set(zone_ids(after)) & REFUSED_BY_EKS, "none that EKS refuses"
    assert set(zone_ids(after, control_plane=True)) <= set(offerings.zones_offering(SYSTEM_MACHINE, region)), "the system's machines run there"


def test_every_zone_has_its_own_place_whatever_others_there_are() -> None:
    zones = [f"use9-az{number}" for number in range(1, MOST_ZONES + 1)]
    found = planned(region="mx-central-1", zones=tuple(zones))
    seven = {zone.zone_id: zone for zone in found.zones}
    assert list(seven) == zones[:3], "without pools the control plane's"
    whole = planned({"l4": L4}, region="mx-central-1", zones=tuple(zones))
    assert zone_ids(whole) == zones, "the pool may be anywhere: nobody knows"
    ranges = [IPv4Network(cidr) for zone in whole.zones for cidr in (zone.private_cidr, zone.public_cidr)]
    assert not any(one.overlaps(other) for one, other in combinations(ranges, 2)), "fourteen ranges side by side"
    assert all(each.subnet_of(IPv4Network(CIDR)) for each in ranges), "inside the network"
    assert (whole.zones[0].private_cidr, whole.zones[6].private_cidr) == ("10.68.0.0/20", "10.68.96.0/20"), "by the zone's number"
    assert (whole.zones[0].public_cidr, whole.zones[6].public_cidr) == ("10.68.112.0/24", "10.68.118.0/24"), "in the eighth part"
    narrow = planned({"l4": L4}, region="mx-central-1", zones=("use9-az7", "use9-az2"))
    assert set(narrow.zones[1:]) <= {replace(zone, control_plane=True) for zone in whole.zones}, "a place is a zone's own"


def test_in_prod_each_zone_has_its_nat_elsewhere_the_first_has_it_for_all() -> None:
    prod = planned({"pro": PRO})
    assert all(zone.nat and zone.nat_zone_id == zone.zone_id for zone in prod.zones), "a zone that fails takes no other one along"
    assert planned({"pro": PRO}, state="retiring") == prod, "on its way out nothing is rebuilt"
    dev = planned({"pro": PRO}, environment="dev")
    assert [zone.zone_id for zone in dev.zones if zone.nat] == ["use1-az1"], "one is paid for"
    assert {zone.nat_zone_id for zone in dev.zones} == {"use1-az1"}, "and all use it"


def test_a_private_control_plane_reaches_what_it_calls_inside_the_network() -> None:
    public, private = planned(), planned(endpoint={}, runner="in_vpc")
    assert public.gateway_endpoints == private.gateway_endpoints == ("s3",), "weights never pass a NAT"
    assert public.interface_endpoints == ("ecr.api", "ecr.dkr", "sts", "logs"), "what every node calls"
    assert set(private.interface_endpoints) - set(public.interface_endpoints) == {
        "eks",
        "eks-auth",
        "ec2",
        "autoscaling",
        "elasticloadbalancing",
        "secretsmanager",
    }, "what nodes and controllers call further"


def test_flow_logs_are_an_option_and_kept_longer_in_prod() -> None:
    assert planned().flow_log_group is None, "only where it is asked for"
    assert planned(flow_logs=True).flow_log_group, "as written"
    assert (planned().log_retention_days, planned(environment="dev").log_retention_days) == (365, 14), "for an inquiry, for debugging"


def test_zones_of_the_stack_file_narrow_everything() -> None:
    found = planned({"l4": L4}, zones=("use1-az6", "use1-az5"))
    assert zone_ids(found) == ["use1-az5", "use1-az6"], "no others"
    assert zone_ids(found, control_plane=True) == ["use1-az5", "use1-az6"], "the control plane as well"


@pytest.mark.parametrize(
    ("pools", "changes", "field", "limit", "remedy"),
    [
        ({}, {"region": "cn-north-1"}, "clusters.us.region", "China", "us-east-2"),
        ({}, {"region": "us-gov-west-1"}, "clusters.us.region", "GovCloud", "cloud: existing"),
        ({}, {"region": "mx-central-1"}, "clusters.us.zones", "not known here", "describe-availability-zones --region mx-central-1"),
        ({}, {"region": "ca-west-1"}, "clusters.us.region", "ca-west-1 has 0", "another region"),
        ({}, {"zones": ("use1-az1",)}, "clusters.us.zones", "these have 1", "use1-az2, use1-az4, use1-az5, use1-az6"),
        ({}, {"zones": ("use1-az1", "use1-az3")}, "clusters.us.zones[1]", "EKS takes no subnet", "use1-az2"),
        ({}, {"zones": ("use1-az1", "use2-az1")}, "clusters.us.zones[1]", "no zone of us-east-1", "use1-az2"),
        ({}, {"zones": ("use1-az1", "use1-az9")}, "clusters.us.zones[1]", "no zone of us-east-1", "use1-az2"),
        ({}, {"zones": ("use1-az1", "use1-az2", "use1-az1")}, "clusters.us.zones[2]", "twice", "once"),
        ({}, {"region": "mx-central-1", "zones": ("mxc1-az1", "use2-az2")}, "clusters.us.zones[1]", "another region", "mx-central-1 only"),
        ({}, {"region": "mx-central-1", "zones": ("mxc1-az1", "mxc1-az8")}, "clusters.us.zones[1]", "numbers 1 to 7", "these numbers"),
        (
            {"pro": PRO},
            {"zones": ("use1-az1", "use1-az4")},
            "clusters.us.zones",
            "g7e.2xlarge of pool pro is offered in use1-az2, use1-az6",
            "add use1-az2",
        ),
        ({"b200": B200}, {"zones": ("use1-az1", "use1-az2")}, "clusters.us.zones", "use1-az6", "another machine"),
    ],
)
def test_zones_that_cannot_hold_the_cluster_or_a_pool_are_refused(
    pools: dict[str, dict[str, Any]], changes: dict[str, Any], field: str, limit: str, remedy: str
) -> None:
    problem = refused(pools, **changes)
    assert problem.field == field, problem.message
    assert limit in problem.limit, problem.message
    assert remedy in problem.remedy, problem.message
    with pytest.raises(PlanError):
        pool_zones(inputs(pools, **changes), inputs({"l4": L4}).pools[0], ("g6.2xlarge",))


def test_a_pool_that_lives_off_a_reservation_is_where_that_is() -> None:
    held = {"reservations": {"us": {"id": "cr-0123456789abcdef0", "zone": "use1-az6"}}}
    region = inputs({"only": {**L4, **held, "capacity": ("reservation",)}, "also": {**L4, **held, "capacity": ("reservation", "on_demand")}})
    only, also = region.pools
    assert pool_zones(region, only, (only.machine,)) == ("use1-az6",), "nowhere else is anything paid for"
    assert len(pool_zones(region, also, (also.machine,))) == 5, "on demand it may be anywhere"
