"""What the GPU machines of a plan cost per hour, from the catalogue's dated list prices. Fixed parts of a region are not in it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from fleet.fleet_plan import ClusterPlan, CostPerHour, PoolPlan
from fleet.problems import Problem
from fleet.settings import Settings

HOURS_PER_MONTH = 730
"""365.25 days × 24 hours ÷ 12, rounded as cloud bills do."""


def placement_cost(pool: PoolPlan, tensor_parallel: int, minimum: int, maximum: int) -> CostPerHour:
    """The share of the pool's machines that the replicas of one model occupy."""
    if pool.usd_per_hour is None:
        return CostPerHour(min=None, max=None)
    each = pool.usd_per_hour * tensor_parallel / pool.gpus_per_node
    return CostPerHour(min=round(each * minimum, 4), max=round(each * maximum, 4))


def nodes_needed(gpus_per_node: int, pods: Iterable[tuple[int, int]]) -> int:
    """Nodes that (GPUs per pod, count) fill when packed largest first: what an autoscaler buys at best.

    The fewest there can be where every size divides the next larger one (1, 2, 4, 8), and never too few. No pod is larger
    than a node.
    """
    free: Counter[int] = Counter()  # GPUs left on a node, to nodes: as fast for a million pods as for ten
    for size, count in sorted(pods, reverse=True):
        waiting = count
        for left in sorted(left for left in free if left >= size):
            nodes, each = free[left], left // size
            used = min(nodes, -(-waiting // each))
            placed = min(waiting, used * each)
            whole, rest = divmod(placed, each)
            free[left] -= used
            free[left - each * size] += whole
            free[left - rest * size] += 1 if rest else 0
            waiting -= placed
        whole, rest = divmod(waiting, gpus_per_node // size)
        free[gpus_per_node % size] += whole
        free[gpus_per_node - rest * size] += 1 if rest else 0
    return sum(free.values())


def pool_cost(cluster: ClusterPlan, pool: PoolPlan) -> CostPerHour:
    """Whole machines of one pool at the minimum and at the maximum of every model on it."""
    if pool.usd_per_hour is None:
        return CostPerHour(min=None, max=None)
    models = [model for model in cluster.models if model.pool == pool.name]
    least = nodes_needed(pool.gpus_per_node, [(model.tensor_parallel, model.replicas.min) for model in models])
    most = nodes_needed(pool.gpus_per_node, [(model.tensor_parallel, model.replicas.max) for model in models])
    nodes = max(least, pool.min_nodes), max(most, pool.min_nodes)
    return CostPerHour(min=round(nodes[0] * pool.usd_per_hour, 4), max=round(nodes[1] * pool.usd_per_hour, 4))


def fleet_cost(clusters: Sequence[ClusterPlan]) -> CostPerHour:
    """All GPU machines of the fleet; unknown (None) as soon as one price is."""
    costs = [pool_cost(cluster, pool) for cluster in clusters for pool in cluster.pools]
    least = [cost.min for cost in costs if cost.min is not None]
    most = [cost.max for cost in costs if cost.max is not None]
    known = len(most) == len(costs)
    return CostPerHour(min=round(sum(least), 4) if known else None, max=round(sum(most), 4) if known else None)


def budget_problems(settings: Settings, clusters: Sequence[ClusterPlan]) -> list[Problem]:
    """A ceiling above the budget, naming the largest line; or a price that nobody knows."""
    if settings.budget is None:
        return []
    limit_usd = settings.budget.monthly_usd
    lines = [(cluster, pool, pool_cost(cluster, pool).max) for cluster in clusters for pool in cluster.pools]
    unknown = sorted({pool.machine for _, pool, cost in lines if cost is None})
    if unknown:
        limit = f"the catalogue has no price for {', '.join(unknown)}, so nobody can say whether this is enough"
        return [Problem(field="budget.monthly_usd", value=limit_usd, limit=limit, remedy=f"set prices.{unknown[0]} in US dollars per hour")]
    total = sum(cost or 0.0 for _, _, cost in lines) * HOURS_PER_MONTH
    if total <= limit_usd:
        return []
    cluster, pool, cost = max(lines, key=lambda line: line[2] or 0.0)
    limit = (
        f"GPU machines at maximum replicas cost {total:,.0f} US dollars a month; the largest line is pool {pool.name} in "
        f"{cluster.name} ({pool.machine}), {(cost or 0.0) * HOURS_PER_MONTH:,.0f}"
    )
    remedy = f"lower the maxima on pool {pool.name}, use a cheaper accelerator, or raise the budget"
    return [Problem(field="budget.monthly_usd", value=limit_usd, limit=limit, remedy=remedy)]
