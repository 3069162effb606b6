"""Money: whole machines, packed as an autoscaler would at best, and a budget that nobody can pass unseen."""

from __future__ import annotations

import json
from itertools import combinations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet import Settings, plan
from fleet.cost import HOURS_PER_MONTH, budget_problems, fleet_cost, nodes_needed, placement_cost, pool_cost
from fleet.fleet_plan import FleetPlan
from fleet.problems import PlanError

pytestmark = pytest.mark.pure


def settings(**changes: Any) -> Settings:
    values: dict[str, Any] = {
        "name": "test",
        "clusters": {"use2": {"cloud": "aws", "region": "us-east-2", "endpoint": {"public_cidrs": ["203.0.113.0/24"]}}},
        "pools": {"l4": {"accelerator": "L4", "max_nodes": 4}},
        "models": {"chat": {"tier": "small", "pool": "l4", "replicas": {"min": 2, "max": 3}}},
    }
    return Settings.model_validate_json(json.dumps(values | changes))


@pytest.mark.parametrize(
    ("gpus", "pods", "nodes"),
    [
        (1, [(1, 3)], 3),
        (8, [(1, 8)], 1),
        (8, [(4, 1), (2, 2)], 1),
        (8, [(4, 1), (2, 3)], 2),
        (8, [(8, 1), (1, 1)], 2),
        (4, [(3, 2), (1, 2)], 2),
        (4, [], 0),
        (4, [(2, 0)], 0),
        (8, [(2, 10**9)], 250_000_000),
    ],
)
def test_machines_are_counted_whole(gpus: int, pods: list[tuple[int, int]], nodes: int) -> None:
    assert nodes_needed(gpus, pods) == nodes, "packed largest first"


def fewest(gpus: int, sizes: tuple[int, ...]) -> int:
    """By brute force: peel off the fullest sets of pods that fit one node."""
    if not sizes:
        return 0
    first, rest = sizes[0], sizes[1:]
    options = [chosen for count in range(len(rest) + 1) for chosen in combinations(range(len(rest)), count)]
    fitting = [chosen for chosen in options if first + sum(rest[index] for index in chosen) <= gpus]
    return min(1 + fewest(gpus, tuple(size for index, size in enumerate(rest) if index not in chosen)) for chosen in fitting)


@given(gpus=st.sampled_from([2, 4, 8]), sizes=st.lists(st.sampled_from([1, 2, 4]), max_size=6))
def test_for_powers_of_two_there_are_no_fewer_machines(gpus: int, sizes: list[int]) -> None:
    fitting = [size for size in sizes if size <= gpus]
    pods = [(size, fitting.count(size)) for size in sorted(set(fitting))]
    assert nodes_needed(gpus, pods) == fewest(gpus, tuple(sorted(fitting, reverse=True))), "each size divides the next"


@given(gpus=st.integers(1, 8), pods=st.lists(st.tuples(st.integers(1, 8), st.integers(0, 40)), max_size=4))
def test_the_machines_hold_the_pods(gpus: int, pods: list[tuple[int, int]]) -> None:
    fitting = [(size, count) for size, count in pods if size <= gpus]
    total = sum(size * count for size, count in fitting)
    found = nodes_needed(gpus, fitting)
    assert found * gpus >= total, "never too few"
    assert found <= sum(count for _, count in fitting), "never more than one per pod"


def planned(**changes: Any) -> FleetPlan:
    return plan(settings(**changes))


def test_a_pool_costs_its_machines_at_minimum_and_at_maximum() -> None:
    found = planned()
    cluster = found.clusters[0]
    cost = pool_cost(cluster, cluster.pools[0])
    assert (cost.min, cost.max) == (pytest.approx(2 * 0.9776), pytest.approx(3 * 0.9776)), "g6.2xlarge at list price"
    assert found.usd_per_hour == cost, "one pool is the whole fleet"
    warm = planned(pools={"l4": {"accelerator": "L4", "max_nodes": 8, "min_nodes": 5}})
    assert warm.usd_per_hour.min == pytest.approx(5 * 0.9776), "machines that are kept warm cost as much as busy ones"


def test_a_placement_pays_its_share_of_a_machine() -> None:
    a100 = {"a100": {"accelerator": "A100-80GB", "gpus_per_node": 2, "max_nodes": 3}}
    gcp = {"usc1": {"cloud": "gcp", "region": "us-central1", "project": "acme-prod"}}
    found = planned(pools=a100, clusters=gcp, models={"writer": {"tier": "large", "pool": "a100", "replicas": {"min": 2}}})
    pool, writer = found.clusters[0].pools[0], found.clusters[0].models[0]
    assert writer.usd_per_hour.min == pytest.approx(10.1376), "two halves of an a2-ultragpu-2g"
    assert placement_cost(pool, 2, 1, 3).max == pytest.approx(3 * 10.1376), "three whole ones"


def test_a_price_of_ones_own_counts() -> None:
    assert planned(prices={"g6.2xlarge": 0.5}).usd_per_hour.max == pytest.approx(1.5), "three machines at half a dollar"


def test_a_fleet_within_its_budget_is_accepted_and_one_above_names_the_largest_line() -> None:
    month = 3 * 0.9776 * HOURS_PER_MONTH
    assert planned(budget={"monthly_usd": month + 1}), "just enough"
    with pytest.raises(PlanError) as refused:
        planned(budget={"monthly_usd": month - 1})
    (problem,) = refused.value.problems
    assert problem.field == "budget.monthly_usd", "where the limit stands"
    assert "2,141 US dollars a month; the largest line is pool l4 in use2 (g6.2xlarge), 2,141" in problem.limit, problem.limit


def test_a_budget_over_an_unknown_price_is_refused_with_the_setting_that_names_it() -> None:
    h200 = {"h200": {"accelerator": "H200", "gpus_per_node": 8, "max_nodes": 2, "machine": "p5e.48xlarge"}}
    changes: dict[str, Any] = {"pools": h200, "models": {"chat": {"tier": "large", "pool": "h200"}}}
    unknown = planned(**changes)
    assert unknown.usd_per_hour.min is None, "a part that nobody knows makes the sum unknown"
    assert unknown.usd_per_hour.max is None, "likewise"
    with pytest.raises(PlanError) as refused:
        planned(**changes, budget={"monthly_usd": 1e6})
    assert "set prices.p5e.48xlarge" in refused.value.problems[0].remedy, refused.value.problems[0].remedy
    assert planned(**changes, budget={"monthly_usd": 1e6}, prices={"p5e.48xlarge": 60.0}), "the remedy, applied"


def test_machines_of_an_existing_cluster_are_paid_for_elsewhere() -> None:
    lab = {"lab": {"cloud": "existing", "context": "lab", "storage_classes": {"cache": "nfs"}}}
    found = planned(clusters=lab)
    assert (found.usd_per_hour.min, found.usd_per_hour.max) == (0.0, 0.0), "not ours"
    assert budget_problems(settings(clusters=lab, budget={"monthly_usd": 1}), found.clusters) == [], "no budget is too small for it"
    assert fleet_cost(()).max == 0.0, "nothing costs nothing"
