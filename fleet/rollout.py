"""Can every replica, and every rollout step, find a GPU? A proof over any order in which the scheduler may place pods.

The scheduler does not pack: it may spread small pods over all nodes first. So a pod of `t` GPUs is counted as placeable
only if no arrangement of the other pods can leave every node with fewer than `t` free GPUs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from math import gcd

from fleet.fleet_plan import RolloutPlan
from fleet.problems import Problem
from fleet.settings import Rollout

MIN_READY_SECONDS = 15
"""A server counts as available this long after it is Ready, so that a crash right after start stops a rollout."""


@dataclass(frozen=True, kw_only=True)
class Demand:
    """What one model asks of one pool in one cluster."""

    model: str
    tensor_parallel: int
    min_replicas: int
    max_replicas: int
    rollout: Rollout | None
    replicas_field: str
    """Path in the stack file of this placement's replicas, for error messages."""


def placeable(gpus_per_node: int, nodes: int, pods: Mapping[str, tuple[int, int]]) -> str | None:
    """The name of a group of pods whose last pod may find no node, or None when every order places all of them.

    Args:
        gpus_per_node: GPUs of each node.
        nodes: how many nodes there may be.
        pods: group to (GPUs per pod, number of pods).
    """
    total = sum(size * count for size, count in pods.values())
    step = 0
    for size, count in pods.values():
        step = gcd(step, size) if count else step
    for name, (size, count) in pods.items():
        if not count:
            continue
        # A node refuses the pod once fewer than `size` GPUs are free; usage moves in multiples of the common divisor.
        blocking = -(-(gpus_per_node - size + 1) // step) * step
        if size > gpus_per_node or (total - size) // blocking >= nodes:
            return name
    return None


def prove(pool: str, gpus_per_node: int, max_nodes: int, demands: Iterable[Demand]) -> tuple[dict[str, RolloutPlan], list[Problem]]:
    """A rollout plan for each model of a pool, and the reasons why some have none.

    Surge 1 and unavailable 0 where the pool holds that on top of every model's maximum and the surges already given
    (one update may replace all models at once); otherwise surge 0 and unavailable 1, which needs two replicas.
    """
    models = sorted(demands, key=lambda demand: demand.model)
    pods = {demand.model: (demand.tensor_parallel, demand.max_replicas) for demand in models}
    problems: list[Problem] = []
    stuck = placeable(gpus_per_node, max_nodes, pods)
    if stuck is not None:
        problems.append(_too_many(pool, gpus_per_node, max_nodes, models, stuck))
        return {}, problems
    plans: dict[str, RolloutPlan] = {}
    for demand in sorted(models, key=lambda demand: (demand.rollout is None, demand.min_replicas, demand.model)):
        size, count = pods[demand.model]
        asked = demand.rollout
        surge = asked.max_surge if asked else 1
        with_surge = pods | {demand.model: (size, count + surge)}
        fits = placeable(gpus_per_node, max_nodes, with_surge) is None
        if fits:
            pods = with_surge
        problem = _refusal(pool, gpus_per_node, max_nodes, demand, fits=fits)
        if problem:
            problems.append(problem)
            continue
        unavailable = asked.max_unavailable if asked else (0 if fits else 1)
        plan = RolloutPlan(max_surge=surge, max_unavailable=unavailable, disruption_max_unavailable=1, min_ready_seconds=MIN_READY_SECONDS)
        plans[demand.model] = plan if fits or asked else replace(plan, max_surge=0)
    return plans, problems


def _refusal(pool: str, gpus_per_node: int, max_nodes: int, demand: Demand, *, fits: bool) -> Problem | None:
    asked = demand.rollout
    field = f"models.{demand.model}.rollout"
    if asked and asked.max_surge == 0 and asked.max_unavailable == 0:
        limit = "a rollout that may neither add nor remove a server cannot move"
        return Problem(field=field, value={"max_surge": 0, "max_unavailable": 0}, limit=limit, remedy="raise one of them to 1")
    if asked and not fits:
        limit = (
            f"pool {pool} has {max_nodes} nodes of {gpus_per_node} GPUs, which hold {demand.max_replicas} replicas of "
            f"{demand.tensor_parallel} GPUs beside its other models but not {asked.max_surge} more during a rollout"
        )
        remedy = f"raise pools.{pool}.max_nodes, lower {demand.replicas_field}.max, or set max_surge: 0 with max_unavailable: 1"
        return Problem(field=f"{field}.max_surge", value=asked.max_surge, limit=limit, remedy=remedy)
    if asked and asked.max_surge == 0 and asked.max_unavailable >= demand.min_replicas:
        limit = f"with {demand.min_replicas} replicas at minimum, {asked.max_unavailable} unavailable leaves none to answer"
        remedy = f"raise {demand.replicas_field}.min above {asked.max_unavailable}, or allow max_surge: 1"
        return Problem(field=f"{field}.max_unavailable", value=asked.max_unavailable, limit=limit, remedy=remedy)
    if not asked and not fits and demand.min_replicas < 2:
        limit = f"pool {pool} has no spare GPU for a second server during a rollout, and one replica cannot be replaced without an outage"
        remedy = f"raise pools.{pool}.max_nodes above {max_nodes}, or {demand.replicas_field}.min to 2"
        return Problem(field=f"{demand.replicas_field}.min", value=demand.min_replicas, limit=limit, remedy=remedy)
    return None


def _too_many(pool: str, gpus_per_node: int, max_nodes: int, models: list[Demand], stuck: str) -> Problem:
    wanted = ", ".join(f"{demand.model} {demand.max_replicas} × {demand.tensor_parallel}" for demand in models)
    worst = next(demand for demand in models if demand.model == stuck)
    gpus = sum(demand.max_replicas * demand.tensor_parallel for demand in models)
    field = f"{worst.replicas_field}.max"
    if worst.tensor_parallel > gpus_per_node:
        limit = f"one replica needs {worst.tensor_parallel} GPUs on one node; nodes of pool {pool} have {gpus_per_node}"
        remedy = f"raise pools.{pool}.gpus_per_node, or lower models.{stuck}.tensor_parallel; several nodes per replica are not served yet"
        return Problem(field=f"models.{stuck}.tensor_parallel", value=worst.tensor_parallel, limit=limit, remedy=remedy)
    limit = f"pool {pool} has {max_nodes} nodes of {gpus_per_node} GPUs; replicas × GPUs asked for: {wanted} ({gpus} GPUs)"
    if gpus <= max_nodes * gpus_per_node:
        limit += f"; they add up, but smaller pods can leave no node with {worst.tensor_parallel} free GPUs for {stuck}"
    remedy = f"raise pools.{pool}.max_nodes, lower the maxima, or give models with different tensor_parallel their own pools"
    return Problem(field=field, value=worst.max_replicas, limit=limit, remedy=remedy)
