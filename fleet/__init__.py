"""The pure core: settings in, plan out. Knows no Pulumi and no network."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fleet.fleet_plan import FleetPlan
    from fleet.planner import plan
    from fleet.problems import InputError, PlanError, Problem
    from fleet.settings import Settings

_HOMES = {
    "FleetPlan": "fleet_plan",
    "InputError": "problems",
    "PlanError": "problems",
    "Problem": "problems",
    "Settings": "settings",
    "plan": "planner",
}

__all__ = ["FleetPlan", "InputError", "PlanError", "Problem", "Settings", "plan"]


def __getattr__(name: str) -> Any:
    """Import a public name on first use: `python -m fleet size` needs neither settings nor pydantic."""
    from importlib import import_module

    if name not in _HOMES:
        raise AttributeError(name)
    return getattr(import_module(f"fleet.{_HOMES[name]}"), name)
