"""Can every replica, and every rollout step, find a GPU? A proof over any order in which the scheduler may place pods.

Servers that are stopping keep their GPUs a while longer: a step may have to wait for them (`startup` allows for it), it
never waits for ever.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from fleet.fleet_plan import RolloutPlan
from fleet.packing import Pods, nodes_for, placeable
from fleet.problems import Problem
from fleet.settings import Rollout

MIN_READY_SECONDS = 15
"""A server counts as available this long after it is Ready, so that a crash right after start stops a rollout."""

DISRUPTION_MAX_UNAVAILABLE = 1
"""Of every disruption budget: a drain of nodes takes one server of a model at a time, and is never blocked for ever."""


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
    exclusive: bool = False
    """Whether its one server has something that the next one needs: a disk. The old one goes first, and nobody answers meanwhile."""


@dataclass(frozen=True, kw_only=True)
class _Pool:
    name: str
    gpus_per_node: int
    max_nodes: int

    def holds(self, pods: Pods) -> bool:
        return placeable(self.gpus_per_node, self.max_nodes, pods) is None


def prove(pool: str, gpus_per_node: int, max_nodes: int, demands: Iterable[Demand]) -> tuple[dict[str, RolloutPlan], list[Problem]]:
    """A rollout plan for each model of a pool, and the reasons why some have none.

    Surge 1 and unavailable 0 where the pool holds that on top of every model's maximum and the surges already given
    (one update may replace all models at once); otherwise surge 0 and unavailable 1, which needs two replicas, or one whose
    server is exclusive.
    """
    there = _Pool(name=pool, gpus_per_node=gpus_per_node, max_nodes=max_nodes)
    models = sorted(demands, key=lambda demand: demand.model)
    pods = {demand.model: (demand.tensor_parallel, demand.max_replicas) for demand in models}
    needed = {demand.model: (demand.tensor_parallel, demand.max_replicas + _surge_needed(demand)) for demand in models}
    problems = [_too_large(there, demand) for demand in models if demand.tensor_parallel > gpus_per_node]
    if not problems:
        refused = [_never_moves(there, demand, needed) or _leaves_none(there, demand, needed) for demand in models]
        problems = [problem for problem in refused if problem]
        stuck = placeable(gpus_per_node, max_nodes, pods)
        if stuck is None:
            plans, without_room = _plans(there, models, pods, needed)
            named = {problem.field.split(".")[1] for problem in problems}
            plans = {name: planned for name, planned in plans.items() if name not in named}
            return plans, [*problems, *(problem for problem in without_room if problem.field.split(".")[1] not in named)]
        problems.append(_too_many(there, models, needed, stuck))
    return {}, problems


def _plans(pool: _Pool, models: Sequence[Demand], pods: Pods, needed: Pods) -> tuple[dict[str, RolloutPlan], list[Problem]]:
    """Surges for those who asked, then for those whom it spares an outage, then for the others."""
    plans: dict[str, RolloutPlan] = {}
    problems: list[Problem] = []
    for demand in sorted(models, key=lambda demand: (demand.rollout is None, demand.min_replicas, demand.model)):
        surge = demand.rollout.max_surge if demand.rollout else 1
        with_surge = {**pods, demand.model: (demand.tensor_parallel, demand.max_replicas + surge)}
        fits = not demand.exclusive and pool.holds(with_surge)
        pods = with_surge if fits else pods
        if fits or demand.exclusive or (demand.rollout is None and demand.min_replicas > 1):
            plans[demand.model] = _plan(demand.rollout, fits=fits)
        else:
            problems.append(_no_room(pool, demand, needed))
    return plans, problems


def _surge_needed(demand: Demand) -> int:
    """Servers beside the maximum without which this model has no rollout."""
    asked = demand.rollout.max_surge if demand.rollout else 0
    return 0 if demand.exclusive else max(asked, int(demand.min_replicas < 2))


def _plan(asked: Rollout | None, *, fits: bool) -> RolloutPlan:
    surge, unavailable = (asked.max_surge, asked.max_unavailable) if asked else (int(fits), int(not fits))
    return RolloutPlan(
        max_surge=surge, max_unavailable=unavailable, disruption_max_unavailable=DISRUPTION_MAX_UNAVAILABLE, min_ready_seconds=MIN_READY_SECONDS
    )


def _more_nodes(pool: _Pool, needed: Pods) -> str:
    return f"raise pools.{pool.name}.max_nodes to {nodes_for(pool.gpus_per_node, needed)}"


def _room(pool: _Pool, demand: Demand, needed: Pods) -> str:
    """What must come first where a surge has no place yet."""
    return "" if pool.holds(needed) or _surge_needed(demand) == 0 else f"{_more_nodes(pool, needed)}, and "


def _never_moves(pool: _Pool, demand: Demand, needed: Pods) -> Problem | None:
    asked = demand.rollout
    if asked is None or asked.max_surge or asked.max_unavailable:
        return None
    limit = "a rollout that may neither add nor remove a server cannot move"
    remedy = "set max_unavailable to 1" if demand.min_replicas > 1 else f"{_room(pool, demand, needed)}set max_surge to 1"
    return Problem(field=f"models.{demand.model}.rollout", value={"max_surge": 0, "max_unavailable": 0}, limit=limit, remedy=remedy)


def _leaves_none(pool: _Pool, demand: Demand, needed: Pods) -> Problem | None:
    asked, minimum = demand.rollout, demand.min_replicas
    if asked is None or asked.max_unavailable < minimum or demand.exclusive:
        return None
    limit = f"with {minimum} replicas at minimum, {asked.max_unavailable} unavailable leaves none to answer"
    keeping = f"set max_unavailable to {minimum - 1}" if minimum > 1 or asked.max_surge else "set max_surge to 1 with max_unavailable: 0"
    remedy = _room(pool, demand, needed) + keeping
    return Problem(field=f"models.{demand.model}.rollout.max_unavailable", value=asked.max_unavailable, limit=limit, remedy=remedy)


def _no_room(pool: _Pool, demand: Demand, needed: Pods) -> Problem:
    asked, minimum, remedy = demand.rollout, demand.min_replicas, _more_nodes(pool, needed)
    if asked:
        limit = (
            f"pool {pool.name} has {pool.max_nodes} nodes of {pool.gpus_per_node} GPUs, which hold {demand.max_replicas} replicas of "
            f"{demand.tensor_parallel} GPUs beside its other models but not {asked.max_surge} more during a rollout"
        )
        remedy += ", or set max_surge: 0 with max_unavailable: 1" if minimum > 1 else ""
        return Problem(field=f"models.{demand.model}.rollout.max_surge", value=asked.max_surge, limit=limit, remedy=remedy)
    limit = f"pool {pool.name} has no spare GPU for a second server during a rollout, and one replica cannot be replaced without an outage"
    if pool.holds({**needed, demand.model: (demand.tensor_parallel, max(2, demand.max_replicas))}):
        remedy += f", or raise {demand.replicas_field}.min {'and max ' if demand.max_replicas < 2 else ''}to 2"
    return Problem(field=f"{demand.replicas_field}.min", value=minimum, limit=limit, remedy=remedy)


def _too_large(pool: _Pool, demand: Demand) -> Problem:
    limit = f"one replica needs {demand.tensor_parallel} GPUs on one node; nodes of pool {pool.name} have {pool.gpus_per_node}"
    remedy = f"raise pools.{pool.name}.gpus_per_node, or lower it; several nodes per replica are not served yet"
    return Problem(field=f"models.{demand.model}.tensor_parallel", value=demand.tensor_parallel, limit=limit, remedy=remedy)


def _too_many(pool: _Pool, models: Sequence[Demand], needed: Pods, stuck: str) -> Problem:
    wanted = ", ".join(f"{demand.model} {demand.max_replicas} × {demand.tensor_parallel}" for demand in models)
    worst = next(demand for demand in models if demand.model == stuck)
    gpus = sum(demand.max_replicas * demand.tensor_parallel for demand in models)
    limit = f"pool {pool.name} has {pool.max_nodes} nodes of {pool.gpus_per_node} GPUs; replicas × GPUs asked for: {wanted} ({gpus} GPUs)"
    if gpus <= pool.max_nodes * pool.gpus_per_node:
        limit += f"; they add up, but smaller pods can leave no node with {worst.tensor_parallel} free GPUs for {stuck}"
    remedies = [f"raise pools.{pool.name}.max_nodes to {nodes_for(pool.gpus_per_node, needed)}"]
    most = _most_replicas(pool, worst, needed)
    if most:
        remedies.append(f"lower {worst.replicas_field}.max to {most}")
    if len({demand.tensor_parallel for demand in models}) > 1:
        remedies.append("give models with different tensor_parallel their own pools")
    return Problem(field=f"{worst.replicas_field}.max", value=worst.max_replicas, limit=limit, remedy=", or ".join(remedies))


def _most_replicas(pool: _Pool, demand: Demand, needed: Pods) -> int:
    """The largest maximum of this model that the pool holds beside the others with a rollout, 0 if below its minimum."""
    low, high = 0, demand.max_replicas
    while low < high:
        middle = (low + high + 1) // 2
        if pool.holds({**needed, demand.model: (demand.tensor_parallel, middle + _surge_needed(demand))}):
            low = middle
        else:
            high = middle - 1
    return low if low >= demand.min_replicas else 0
