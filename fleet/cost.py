"""What the GPU machines of a plan cost per hour, from the catalogue's dated list prices. Fixed parts of a region are not in it."""

from __future__ import annotations

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
    """Nodes that (GPUs per pod, count) fill when packed largest first: what an autoscaler buys at best."""
    free: list[int] = []
    for size, count in sorted(pods, reverse=True):
        for _ in range(count):
            for index, left in enumerate(free):
                if left >= size:
                    free[index] = left - size
                    break
            else:
                free.append(gpus_per_node - size)
    return len(free)


def pool_cost(cluster: ClusterPlan, pool: PoolPlan) -> CostPerHour:
    """Whole machines of one pool at the minimum and at the maximum of every model on it."""
    if pool.usd_per_hour is None:
        return CostPerHour(min=None, max=None)
    models = [model for model in cluster.models if model.pool == pool.name]
    least = nodes_needed(pool.gpus_per_node, [(model.tensor_parallel, model.replicas.min) for model in models])
    most = nodes_needed(pool.gpus_per_node, [(model.tensor_parallel, model.replicas.max) for model in models])
    return CostPerHour(min=round(max(least, pool.min_nodes) * pool.usd_per_hour, 4), max=round(max(most, pool.min_nodes) * pool.usd_per_hour, 4))


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
