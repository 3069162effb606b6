"""Rollouts: what is called placeable is placeable in any order, a step always moves, and every remedy is one."""

from __future__ import annotations

import itertools
import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet.packing import nodes_for, placeable
from fleet.rollout import MIN_READY_SECONDS, Demand, prove
from fleet.settings import Rollout

pytestmark = pytest.mark.pure


def demand(model: str, size: int, low: int, high: int | None = None, rollout: tuple[int, int] | None = None) -> Demand:
    asked = Rollout(max_surge=rollout[0], max_unavailable=rollout[1]) if rollout else None
    return Demand(
        model=model, tensor_parallel=size, min_replicas=low, max_replicas=high or low, rollout=asked, replicas_field=f"models.{model}.replicas"
    )


@pytest.mark.parametrize(
    ("gpus", "nodes", "pods", "stuck"),
    [
        (1, 3, {"a": (1, 3)}, None),
        (1, 3, {"a": (1, 4)}, "a"),
        (8, 1, {"a": (2, 4)}, None),
        (8, 1, {"a": (3, 3)}, "a"),  # two of three GPUs, and two left over
        (8, 2, {"a": (4, 2), "b": (2, 4)}, "a"),  # four of two GPUs can spread so that neither node has four left: 2+2+… on both
        (8, 3, {"a": (4, 2), "b": (2, 3)}, None),
        (2, 2, {"a": (2, 1), "b": (1, 2)}, "a"),  # they add up, but one small pod on each node leaves no pair
        (2, 3, {"a": (2, 1), "b": (1, 2)}, None),
        (4, 2, {"a": (8, 1)}, "a"),
        (4, 0, {}, None),
    ],
)
def test_a_pod_counts_as_placeable_only_if_no_arrangement_of_the_others_shuts_it_out(
    gpus: int, nodes: int, pods: dict[str, tuple[int, int]], stuck: str | None
) -> None:
    assert placeable(gpus, nodes, pods) == stuck, "the scheduler spreads before it packs"


def shut_out(gpus: int, nodes: int, pods: dict[str, tuple[int, int]]) -> bool:
    """Whether, by brute force, a scheduler that places pods in some order on some nodes reaches a pod that finds none."""
    waiting = tuple(sorted(size for size, count in pods.values() for _ in range(count)))
    reached = {((gpus,) * nodes, waiting)}
    while reached:
        following: set[tuple[tuple[int, ...], tuple[int, ...]]] = set()
        for free, left in reached:
            if left and max(left) > max(free, default=0):
                return True
            for index, size in itertools.product(range(len(free)), set(left)):
                if size <= free[index]:
                    rest = list(left)
                    rest.remove(size)
                    following.add((tuple(sorted((*free[:index], free[index] - size, *free[index + 1 :]))), tuple(rest)))
        reached = following
    return False


PODS = st.dictionaries(st.sampled_from("abc"), st.tuples(st.integers(1, 3), st.integers(0, 3)), max_size=3)


@given(gpus=st.integers(1, 4), pods=PODS)
def test_what_is_called_placeable_is_so_by_brute_force(gpus: int, pods: dict[str, tuple[int, int]]) -> None:
    nodes = nodes_for(gpus, pods)
    if nodes is not None and nodes <= 6:
        assert not shut_out(gpus, nodes, pods), "on the fewest nodes of which it is sure, no order may shut a pod out"


@given(gpus=st.integers(1, 4), nodes=st.integers(0, 4), size=st.integers(1, 4), counts=st.lists(st.integers(0, 4), min_size=1, max_size=3))
def test_for_pods_of_one_size_the_claim_is_exact(gpus: int, nodes: int, size: int, counts: list[int]) -> None:
    pods = {f"m{index}": (size, count) for index, count in enumerate(counts)}
    assert (placeable(gpus, nodes, pods) is None) is (sum(counts) <= nodes * (gpus // size)), "whole pods per node, times nodes"


@given(gpus=st.integers(1, 8), pods=st.dictionaries(st.sampled_from("abc"), st.tuples(st.integers(1, 8), st.integers(0, 50)), max_size=3))
def test_the_number_of_nodes_is_the_smallest_that_is_sure(gpus: int, pods: dict[str, tuple[int, int]]) -> None:
    needed = nodes_for(gpus, pods)
    if needed is None:
        assert any(size > gpus and count for size, count in pods.values()), "only a pod larger than a node has none"
        return
    assert placeable(gpus, needed, pods) is None, "enough"
    assert needed == 0 or placeable(gpus, needed - 1, pods) is not None, "and no more than that"


DEMANDS = st.lists(
    st.builds(
        demand,
        st.sampled_from("abc"),
        st.sampled_from([1, 1, 2, 4]),
        st.integers(1, 3),
        st.integers(3, 4) | st.none(),
        st.none() | st.none() | st.tuples(st.integers(0, 2), st.integers(0, 2)),
    ),
    min_size=1,
    max_size=3,
    unique_by=lambda one: one.model,
)


@given(gpus=st.sampled_from([1, 2, 4]), nodes=st.integers(1, 8), demands=DEMANDS)
def test_every_model_has_a_rollout_that_moves_or_a_reason(gpus: int, nodes: int, demands: list[Demand]) -> None:
    plans, problems = prove("p", gpus, nodes, demands)
    refused = {problem.field.split(".")[1] for problem in problems}
    assert refused or set(plans) == {one.model for one in demands}, "nothing is left out in silence"
    assert not refused & set(plans), "what is refused has no plan"
    by_name = {one.model: one for one in demands}
    for model, plan in plans.items():
        one = by_name[model]
        assert plan.max_surge + plan.max_unavailable > 0, "Kubernetes refuses a rollout that cannot move"
        assert plan.max_unavailable < one.min_replicas, "a server is left to answer at every step"
        assert plan.disruption_max_unavailable == 1, "a drain takes one at a time, and always goes on"
        assert plan.min_ready_seconds == MIN_READY_SECONDS, "a crash right after start stops a rollout"
    if not problems:
        all_at_once = {one.model: (one.tensor_parallel, one.max_replicas + plans[one.model].max_surge) for one in demands}
        assert placeable(gpus, nodes, all_at_once) is None, "also when one update replaces every model"


@given(gpus=st.sampled_from([1, 2, 4]), nodes=st.integers(1, 6), demands=DEMANDS)
def test_every_remedy_applied_is_accepted(gpus: int, nodes: int, demands: list[Demand]) -> None:
    _, problems = prove("p", gpus, nodes, demands)
    for problem in problems:
        name = problem.field.split(".")[1]
        for remedy in problem.remedy.split(", or "):
            changed, more_nodes = follow(remedy, name, demands, nodes)
            if changed is None:
                continue
            _, left = prove("p", gpus, more_nodes, changed)
            fields = {one.field for one in left}
            assert problem.field not in fields, f"{problem.field}: {remedy}: {[one.message for one in left]}"
            if "max_nodes" in remedy:
                assert fields <= {one.field for one in problems}, f"and brings no new one: {[one.message for one in left]}"


def follow(remedy: str, name: str, demands: list[Demand], nodes: int) -> tuple[list[Demand] | None, int]:
    """The demands and nodes of somebody who does what the words say."""
    one = next(found for found in demands if found.model == name)
    changed, known = one, False
    if found := re.search(r"max_nodes to (\d+)", remedy):
        nodes, known = int(found[1]), True
    if found := re.search(r"set max_unavailable to (\d)", remedy):
        surge = one.rollout.max_surge if one.rollout else 0
        changed, known = replace(one, rollout=Rollout(max_surge=surge, max_unavailable=int(found[1]))), True
    if "set max_surge to 1" in remedy:
        changed, known = replace(one, rollout=Rollout(max_surge=1, max_unavailable=0)), True
    if "set max_surge: 0 with max_unavailable: 1" in remedy:
        changed, known = replace(one, rollout=Rollout(max_surge=0, max_unavailable=1)), True
    if re.search(r"min (and max )?to 2", remedy):
        changed, known = replace(one, min_replicas=2, max_replicas=max(2, one.max_replicas)), True
    if found := re.search(r"replicas.max to (\d+)", remedy):
        changed, known = replace(one, max_replicas=int(found[1])), True
    return ([changed if found is one else found for found in demands] if known else None), nodes


@pytest.mark.parametrize(
    ("nodes", "demands", "expected"),
    [
        (3, [demand("chat", 1, 2)], {"chat": (1, 0)}),
        (2, [demand("chat", 1, 2)], {"chat": (0, 1)}),
        (4, [demand("chat", 1, 2), demand("code", 1, 1)], {"chat": (0, 1), "code": (1, 0)}),  # one spare goes to whom it spares an outage
        (5, [demand("chat", 1, 2), demand("code", 1, 1)], {"chat": (1, 0), "code": (1, 0)}),
        (4, [demand("chat", 1, 2, rollout=(2, 0))], {"chat": (2, 0)}),
        (2, [demand("chat", 1, 2, rollout=(0, 1))], {"chat": (0, 1)}),
    ],
)
def test_surge_where_the_pool_has_room_otherwise_one_unavailable_of_two(
    nodes: int, demands: list[Demand], expected: dict[str, tuple[int, int]]
) -> None:
    plans, problems = prove("p", 1, nodes, demands)
    assert not problems, f"accepted: {problems}"
    assert {name: (plan.max_surge, plan.max_unavailable) for name, plan in plans.items()} == expected, "surge costs a GPU, unavailable a server"


@pytest.mark.parametrize(
    ("nodes", "demands", "field", "limit"),
    [
        (1, [demand("chat", 1, 1)], "models.chat.replicas.min", "cannot be replaced without an outage"),
        (1, [demand("chat", 1, 2)], "models.chat.replicas.max", "pool p has 1 nodes of 1 GPUs"),
        (4, [demand("chat", 2, 1)], "models.chat.tensor_parallel", "nodes of pool p have 1"),
        (4, [demand("chat", 1, 2, rollout=(0, 0))], "models.chat.rollout", "cannot move"),
        (2, [demand("chat", 1, 2, rollout=(1, 0))], "models.chat.rollout.max_surge", "not 1 more during a rollout"),
        (4, [demand("chat", 1, 1, rollout=(1, 1))], "models.chat.rollout.max_unavailable", "leaves none to answer"),
        (4, [demand("chat", 1, 2, rollout=(0, 2))], "models.chat.rollout.max_unavailable", "leaves none to answer"),
    ],
)
def test_a_rollout_that_cannot_succeed_is_refused_where_it_is_asked_for(nodes: int, demands: list[Demand], field: str, limit: str) -> None:
    _, problems = prove("p", 1, nodes, demands)
    assert [problem.field for problem in problems] == [field], f"{problems}"
    assert limit in problems[0].limit, problems[0].limit


def test_every_model_that_is_larger_than_a_node_is_named() -> None:
    _, problems = prove("p", 1, 4, [demand("chat", 2, 1), demand("code", 4, 1)])
    assert [problem.field for problem in problems] == ["models.chat.tensor_parallel", "models.code.tensor_parallel"], "all problems at once"


def test_a_million_replicas_are_refused_at_once() -> None:
    _, problems = prove("p", 8, 10**6, [demand("chat", 3, 1, 10**7)])
    assert "lower models.chat.replicas.max to 1999999" in problems[0].remedy, "two per node, one spare for a rollout"
