"""A plan as a person reads it: one table per cluster, then money, what nobody has pinned, and what was accepted."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from fleet.cost import HOURS_PER_MONTH
from fleet.fleet_plan import ClusterPlan, CostPerHour, FleetPlan, ModelPlan

HEADINGS = ("MODEL", "WEIGHTS FROM", "POOL", "GPUS", "REPLICAS", "WEIGHTS", "KV CACHE", "CONTEXT", "AT ONCE", "READY IN", "DRAIN", "USD/HOUR")


def plan_text(plan: FleetPlan) -> str:
    """The whole plan for a terminal of any width."""
    parts = [f"Fleet {plan.name}, environment {plan.environment}, stack {plan.stack}: accepted"]
    parts += [_cluster(cluster) for cluster in plan.clusters]
    parts.append(f"GPU machines: {_money(plan.usd_per_hour)} US dollars per hour{_monthly(plan.usd_per_hour)}")
    parts += _list("Not pinned yet", plan.unresolved)
    parts += _list("Accepted risks", [f"{risk}: {reason}" for risk, reason in plan.accepted_risks])
    parts += _list("Warnings", plan.warnings)
    return "\n\n".join(parts)


def aligned(rows: Sequence[Sequence[str]], indent: str = "  ") -> str:
    """Rows as columns; the first row is the heading."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join(indent + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows)


def _cluster(cluster: ClusterPlan) -> str:
    pools = ", ".join(f"{pool.name}: up to {pool.max_nodes} × {pool.machine}" for pool in cluster.pools) or "no pools"
    title = f"{cluster.name} ({cluster.cloud}, {cluster.region}{', retiring' if cluster.state == 'retiring' else ''})\n  {pools}"
    return f"{title}\n{aligned([HEADINGS, *(_model(model) for model in cluster.models)])}" if cluster.models else title


def _model(model: ModelPlan) -> tuple[str, ...]:
    return (
        model.name,
        f"{model.model}@{model.revision[:8]}",
        model.pool,
        f"{model.tensor_parallel} × {model.accelerator}",
        _range(model.replicas.min, model.replicas.max),
        f"{model.memory.weights_gib:.1f} GiB",
        f"{model.memory.kv_gib:.1f} of {model.memory.usable_gib:.1f} GiB",
        f"{model.max_model_len:,}",
        f"{model.concurrency:.1f}",
        f"{model.startup.total_seconds} s",
        f"{model.drain.grace_seconds} s",
        _money(model.usd_per_hour),
    )


def _range(low: float, high: float) -> str:
    return f"{low}" if low == high else f"{low}-{high}"


def _money(cost: CostPerHour) -> str:
    if cost.min is None or cost.max is None:
        return "price unknown"
    return f"{cost.min:.2f}" if cost.min == cost.max else f"{cost.min:.2f}-{cost.max:.2f}"


def _monthly(cost: CostPerHour) -> str:
    if cost.min is None or cost.max is None:
        return ""
    return f", {cost.min * HOURS_PER_MONTH:,.0f} to {cost.max * HOURS_PER_MONTH:,.0f} a month (list prices; fixed parts of a region not included)"


def _list(title: str, lines: Iterable[str]) -> list[str]:
    found = [f"  {line}" for line in lines]
    return ["\n".join([title, *found])] if found else []
