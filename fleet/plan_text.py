"""A plan as a person reads it: where each cluster's servers run, what memory and time they take, then money and warnings."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from fleet import cost
from fleet.fleet_plan import CachePlan, ClusterPlan, CostPerHour, FleetPlan, ModelPlan, PoolPlan

POOLS = ("POOL", "GPUS/NODE", "MACHINE", "NODES", "LIMIT", "BOUGHT", "USD/HOUR")
MODELS = ("MODEL", "WEIGHTS FROM", "POOL", "GPUS", "SERVERS", "ROLLOUT", "USD/HOUR")
SERVERS = ("SERVER", "WEIGHTS GiB/GPU", "KV GiB/GPU", "OF GiB/GPU", "CONTEXT tokens", "FULL REQUESTS", "START s", "DRAIN s", "SLO")
CACHES = ("CACHE", "KIND", "GiB", "LOAD s", "USD/MONTH", "USD/LOAD")

GREEN, PLAIN = "\x1b[32m", "\x1b[0m"


def plan_text(plan: FleetPlan, *, colour: bool = False) -> str:
    """The whole plan, in tables of about 90 columns.

    Args:
        plan: an accepted plan.
        colour: the reader is a terminal.
    """
    accepted = f"{GREEN}accepted{PLAIN}" if colour else "accepted"
    parts = [f"Fleet {plan.name}, environment {plan.environment}, stack {plan.stack}: {accepted}"]
    parts += [_cluster(cluster) for cluster in plan.clusters]
    parts.append(_total(plan))
    parts += _list("Not pinned yet", plan.unresolved)
    parts += _list("Accepted risks", [f"{risk}: {reason}" for risk, reason in plan.accepted_risks])
    parts += _list("Warnings", [warning for warning in plan.warnings if warning not in plan.unresolved])
    return "\n\n".join(parts)


def aligned(rows: Sequence[Sequence[str]], indent: str = "  ") -> str:
    """Rows as columns, numbers to the right; the first row is the heading."""
    columns = list(zip(*rows, strict=True))
    widths = [max(map(len, column)) for column in columns]
    numeric = [all(cell[:1].isdigit() and " × " not in cell for cell in column[1:]) for column in columns]
    lines = (
        "  ".join(cell.rjust(width) if right else cell.ljust(width) for cell, width, right in zip(row, widths, numeric, strict=True)) for row in rows
    )
    return "\n".join(indent + line.rstrip() for line in lines)


def _cluster(cluster: ClusterPlan) -> str:
    retiring = ", retiring" if cluster.state == "retiring" else ""
    title = f"{cluster.name}: {cluster.cloud}, {cluster.region}{retiring}"
    if not cluster.models:
        return f"{title}\n  no models"
    ours = cluster.cloud != "existing"
    tables = [
        aligned([POOLS, *(_pool(cluster, pool, ours=ours) for pool in cluster.pools)]),
        aligned([MODELS, *(_model(model, ours=ours) for model in cluster.models)]),
        aligned([SERVERS, *(_server(model) for model in cluster.models)]),
    ]
    priced = [row for cache in cluster.caches for row in _cache(cache)]
    if priced:
        tables.append(aligned([CACHES, *priced]))
    return "\n".join([title, "\n\n".join(tables)])


def _pool(cluster: ClusterPlan, pool: PoolPlan, *, ours: bool) -> tuple[str, ...]:
    models = [model for model in cluster.models if model.pool == pool.name]
    least = cost.nodes_needed(pool.gpus_per_node, [(model.tensor_parallel, model.replicas.min) for model in models])
    most = cost.nodes_needed(pool.gpus_per_node, [(model.tensor_parallel, model.replicas.max) for model in models])
    return (
        pool.name,
        f"{pool.gpus_per_node} × {pool.accelerator}",
        pool.machine,
        _range(max(least, pool.min_nodes), max(most, pool.min_nodes)),
        f"{pool.max_nodes}",
        ", ".join(pool.capacity) if ours else "elsewhere",
        _money(cost.pool_cost(cluster, pool)) if ours else "-",
    )


def _model(model: ModelPlan, *, ours: bool) -> tuple[str, ...]:
    rollout = model.rollout
    steps = [f"{count} {word}" for count, word in ((rollout.max_surge, "more"), (rollout.max_unavailable, "fewer")) if count]
    return (
        model.name,
        f"{model.model}@{model.revision[:8]}",
        model.pool,
        f"{model.tensor_parallel}",
        _range(model.replicas.min, model.replicas.max),
        " and ".join(steps),
        _money(model.usd_per_hour) if ours else "-",
    )


def _server(model: ModelPlan) -> tuple[str, ...]:
    return (
        model.name,
        f"{model.memory.weights_gib:.1f}",
        f"{model.memory.kv_gib:.1f}",
        f"{model.memory.usable_gib:.1f}",
        f"{model.max_model_len:,}",
        f"{model.concurrency:.1f}",
        f"{model.startup.total_seconds}",
        f"{model.drain.grace_seconds}",
        model.slo,
    )


def _cache(cache: CachePlan) -> list[tuple[str, ...]]:
    """What was chosen, and what could be instead."""
    return [
        (
            cache.name if offer.kind == cache.kind else "",
            offer.kind if offer.kind == cache.kind else f"or {offer.kind}",
            f"{cache.size_gib}",
            f"{offer.load_seconds}",
            "-" if offer.usd_per_month is None else f"{offer.usd_per_month:,.2f}",
            f"{offer.usd_per_load:,.2f}",
        )
        for offer in cache.offers
    ]


def _total(plan: FleetPlan) -> str:
    if all(cluster.cloud == "existing" for cluster in plan.clusters):
        return "GPU machines: those of existing clusters, paid for elsewhere"
    return f"GPU machines: {_money(plan.usd_per_hour)} US dollars per hour{_monthly(plan.usd_per_hour)}"


def _range(low: float, high: float) -> str:
    return f"{low}" if low == high else f"{low}-{high}"


def _money(usd: CostPerHour) -> str:
    if usd.min is None or usd.max is None:
        return "price unknown"
    return _range_of(f"{usd.min:,.2f}", f"{usd.max:,.2f}")


def _monthly(usd: CostPerHour) -> str:
    if usd.min is None or usd.max is None:
        return ""
    month = _range_of(f"{usd.min * cost.HOURS_PER_MONTH:,.0f}", f"{usd.max * cost.HOURS_PER_MONTH:,.0f}")
    return f", {month} a month (list prices; fixed parts of a region not included)"


def _range_of(low: str, high: str) -> str:
    return low if low == high else f"{low}-{high}"


def _list(title: str, lines: Iterable[str]) -> list[str]:
    found = [f"  {line}" for line in lines]
    return ["\n".join([title, *found])] if found else []
