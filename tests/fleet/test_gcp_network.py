"""The network of a Google region: zones that hold the system and every pool, and addresses that nobody else has."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network
from itertools import combinations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as tuned
from hypothesis import strategies as st

from fleet import catalog
from fleet.gcp import network, offerings
from fleet.gcp.control_plane import control_plane
from fleet.gcp.maintenance import problems
from fleet.gcp.network import network_plan, pool_zones, system_zones
from fleet.gcp.nodes import node_pools
from fleet.gcp.plan import NetworkPlan
from fleet.problems import Problem
from fleet.settings import GcpCluster
from fleet.settings.regions import GCP_REGIONS
from tests.support.gcp_regions import CLUSTER, region

pytestmark = pytest.mark.pure

A100 = {"accelerator": "A100-80GB", "gpus_per_node": 2, "max_nodes": 3}
L4 = {"accelerator": "L4", "max_nodes": 4}
RANGES = ("nodes_cidr", "pods_cidr", "services_cidr", "proxy_cidr", "file_system_cidr")


def planned(pools: dict[str, Any] | None = None, **cluster: Any) -> NetworkPlan:
    found = network_plan(region(pools, **cluster))
    assert isinstance(found, NetworkPlan), f"{found}"
    return found


def refused(pools: dict[str, Any] | None = None, **cluster: Any) -> list[Problem]:
    found = network_plan(region(pools, **cluster))
    assert isinstance(found, list), "it is refused"
    return found


def test_every_range_lies_in_the_network_and_none_in_another() -> None:
    plan = planned()
    ranges = {name: IPv4Network(getattr(plan, name)) for name in RANGES}
    assert all(found.subnet_of(IPv4Network(plan.cidr)) for found in ranges.values()), "nothing outside the cluster's own /17"
    clashes = [names for names in combinations(RANGES, 2) if ranges[names[0]].overlaps(ranges[names[1]])]
    assert clashes == [], "an address is one thing's"


@tuned(max_examples=25)
@given(st.sampled_from(["l4", "a100"]), st.integers(1, 40), st.booleans())
def test_no_other_setting_moves_an_address_or_the_system(pool: str, nodes: int, logs: bool) -> None:
    other = planned({pool: {**(L4 if pool == "l4" else A100), "max_nodes": nodes}}, flow_logs=logs)
    assert [getattr(other, name) for name in RANGES] == [getattr(planned(), name) for name in RANGES], "whatever else changes"
    assert other.zones[:3] == planned().zones[:3], "the system stays where it is"


def test_a_pool_is_where_its_machine_is_sold() -> None:
    inputs = region({"a100": A100, "l4": L4})
    a100, l4 = (next(pool for pool in inputs.pools if pool.name == name) for name in ("a100", "l4"))
    assert pool_zones(inputs, a100) == ("us-central1-a", "us-central1-c"), "two of the four zones have it"
    assert pool_zones(inputs, l4) == ("us-central1-a", "us-central1-b", "us-central1-c")
    assert system_zones(inputs) == ("us-central1-a", "us-central1-b", "us-central1-c"), "three, of four"


def test_a_pool_that_lives_off_a_reservation_is_in_its_zone() -> None:
    held = {**L4, "capacity": ("reservation",), "reservations": {"us": {"id": "mine", "zone": "us-central1-b"}}}
    inputs = region({"l4": held})
    assert pool_zones(inputs, inputs.pools[0]) == ("us-central1-b",), "nothing of it is elsewhere"


def test_a_machine_that_no_table_knows_may_be_anywhere() -> None:
    inputs = region({"g4": {"accelerator": "RTX-PRO-6000", "max_nodes": 1}})
    assert pool_zones(inputs, inputs.pools[0]) == ("us-central1-a", "us-central1-b", "us-central1-c", "us-central1-f")


@pytest.mark.parametrize(
    ("cluster", "pools", "field", "words"),
    [
        ({"zones": ("us-central1-a", "us-central1-a")}, None, "zones[1]", "named twice"),
        ({"zones": ("us-central1-a", "us-east4-a")}, None, "zones[1]", "is no zone of us-central1"),
        ({"zones": ("us-central1-a", "us-central1-d")}, None, "zones[1]", "is no zone of us-central1"),
        ({"zones": ("us-central1-a",)}, None, "zones", "must outlive a zone"),
        (
            {"zones": ("us-central1-b", "us-central1-f")},
            {"a100": A100},
            "zones",
            "a2-ultragpu-2g of pool a100 is offered in us-central1-a, us-central1-c",
        ),
        ({"maintenance": {"days": ("SA",), "hours": 8}}, None, "maintenance.hours", "leaves 32 hours for certain in 32 days, and GKE asks for 48"),
        ({"maintenance": {"days": ("SA", "SA"), "hours": 12}}, None, "maintenance.days[1]", "named twice"),
    ],
)
def test_what_no_region_could_have_is_refused_with_the_field_and_a_remedy(
    cluster: dict[str, Any], pools: dict[str, Any] | None, field: str, words: str
) -> None:
    found = refused(pools, **cluster)
    problem = next((each for each in found if each.field == f"clusters.us.{field}"), None)
    assert problem is not None, f"{[each.field for each in found]}"
    assert words in problem.limit, problem.message
    assert problem.remedy, "and what to do"


def test_more_machines_than_there_are_addresses_for_are_refused_with_a_number_that_fits() -> None:
    (problem,) = refused({"l4": {**L4, "max_nodes": 300}})
    assert problem.field == "pools.l4.max_nodes", "the number to change"
    fits = int(problem.remedy.split("set it to ")[1].split()[0])
    found = planned({"l4": {**L4, "max_nodes": fits}})
    assert fits < IPv4Network(found.nodes_cidr).num_addresses / 2, "addresses of machines are never what is short"
    refused({"l4": {**L4, "max_nodes": fits + 1}})


def test_pools_share_what_there_is() -> None:
    (problem,) = refused({"l4": {**L4, "max_nodes": 200}, "a100": {**A100, "max_nodes": 150}})
    fits = int(problem.remedy.split("set it to ")[1].split()[0])
    assert problem.field == "pools.l4.max_nodes", "the largest of them"
    planned({"l4": {**L4, "max_nodes": fits}, "a100": {**A100, "max_nodes": 150}})
    laddered = {**L4, "capacity": ("spot", "on_demand"), "max_nodes": 200}
    assert planned({"l4": laddered}), "two rungs never hold more than the pool's models ask for"
    both = {f"l4-{number}": {**L4, "max_nodes": 240} for number in range(2)}
    assert "set it to" not in refused(both)[0].remedy, "one number cannot mend it"


@pytest.mark.parametrize("name", GCP_REGIONS)
def test_every_region_holds_the_system_and_whatever_it_sells(name: str) -> None:
    sold = {shape.accelerator: shape.gpus for shape in catalog.SHAPES if shape.cloud == "gcp" and name in shape.regions}
    pools = {
        accelerator.lower(): {"accelerator": accelerator, "gpus_per_node": gpus, "capacity": ("spot",), "max_nodes": 1}
        for accelerator, gpus in sold.items()
    }
    plan = planned(pools, region=name)
    assert len(system_zones(region(pools, region=name))) == 3, "a zone that fails leaves two"
    assert len(set(plan.zones)) == len(plan.zones), "each zone once"
    assert set(plan.zones) <= set(offerings.zones(name)), "zones of the region"


def test_pods_reach_googles_apis_at_addresses_that_a_policy_can_name() -> None:
    plan = planned()
    assert {IPv4Address(each) for each in plan.google_api_addresses} == set(IPv4Network(plan.google_api_cidr)), "all that the name means"
    assert all(IPv4Network(each) for each in plan.health_check_cidrs), "ranges"
    assert plan.nat_ports_per_machine.bit_count() == 1, "Cloud NAT counts by powers of two where it gives more on demand"


def test_the_ranges_of_pods_hold_what_pools_say_they_may_have() -> None:
    inputs = region({"l4": L4})
    for pool in node_pools(inputs):
        assert pool.max_pods_per_node in (network.GPU_PODS_PER_NODE, network.SYSTEM_PODS_PER_NODE), "the sizes that the address plan counts with"


def test_the_control_plane_is_upgraded_in_the_window_and_reached_as_the_runner_needs() -> None:
    found = control_plane(region(maintenance={"days": ("SA", "SU"), "start_hour": 22, "hours": 8}, runner="in_vpc", release_channel="stable"))
    assert found.maintenance.recurrence == "FREQ=WEEKLY;BYDAY=SA,SU"
    assert (found.maintenance.start_time[11:], found.maintenance.end_time[8:]) == ("22:00:00Z", "02T06:00:00Z"), "it ends on the next day"
    assert not found.external_access, "whoever runs inside needs no answer from outside"
    assert found.release_channel == "STABLE"
    assert control_plane(region()).external_access, "by default the name answers, to whoever has a role"
    assert [control_plane(region(environment=each)).deletion_protection for each in ("prod", "staging")] == [True, False]


@given(st.sets(st.sampled_from(["MO", "TU", "WE", "TH", "FR", "SA", "SU"]), min_size=1), st.integers(4, 24))
def test_the_remedy_of_a_window_leads_to_one_that_is_accepted(days: set[str], hours: int) -> None:
    def cluster(length: int) -> GcpCluster:
        return GcpCluster.model_validate({**CLUSTER, "maintenance": {"days": tuple(sorted(days)), "hours": length}})

    for problem in problems("us", cluster(hours)):
        if "set it to" in problem.remedy:
            assert not list(problems("us", cluster(int(problem.remedy.split("set it to ")[1].split()[0])))), problem.message
