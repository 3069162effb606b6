"""The plan contract: `contracts/plan.schema.json` as plain values, for an accepted and for a refused plan."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, is_dataclass
from typing import Any, cast

from fleet.fleet_plan import SCHEMA_VERSION, ClusterPlan, FleetPlan, ModelPlan
from fleet.problems import Problem
from fleet.references import Reference


def plan_as_dict(plan: FleetPlan) -> dict[str, Any]:
    """An accepted plan."""
    return {
        "schema_version": SCHEMA_VERSION,
        "stack": plan.stack,
        "accepted": True,
        "problems": [],
        "name": plan.name,
        "environment": plan.environment,
        "owner": plan.owner,
        "usd_per_hour": asdict(plan.usd_per_hour),
        "clusters": [_cluster(cluster) for cluster in plan.clusters],
        "unresolved": list(plan.unresolved),
        "accepted_risks": [{"risk": risk, "reason": reason} for risk, reason in plan.accepted_risks],
        "warnings": list(plan.warnings),
    }


def refused_as_dict(stack: str, problems: Sequence[Problem]) -> dict[str, Any]:
    """A refused plan: every problem, no clusters."""
    return {
        "schema_version": SCHEMA_VERSION,
        "stack": stack,
        "accepted": False,
        "problems": [problem.as_dict() for problem in problems],
        "clusters": [],
    }


def _cluster(cluster: ClusterPlan) -> dict[str, Any]:
    value = cast("dict[str, Any]", plain(cluster))
    value["models"] = [_model(model) for model in cluster.models]
    return value


def _model(model: ModelPlan) -> dict[str, Any]:
    value = cast("dict[str, Any]", plain(model))
    return {**value, "startup_seconds": model.startup.total_seconds}


def plain(value: object) -> object:
    """For JSON: dataclasses, tuples and mappings as dicts and lists."""
    if isinstance(value, Reference):
        return str(value)
    if is_dataclass(value) and not isinstance(value, type):
        return {name: plain(getattr(value, name)) for name in value.__dataclass_fields__}
    if isinstance(value, Mapping):
        return {str(key): plain(part) for key, part in cast("Mapping[object, object]", value).items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [plain(part) for part in cast("Sequence[object]", value)]
    return value
