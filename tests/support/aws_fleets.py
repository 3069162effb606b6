"""A small fleet of three AWS clusters, two of them in one region, to break one field at a time."""

from __future__ import annotations

from typing import Any

from fleet import default_pools
from fleet.fleet_plan import PoolPlan
from fleet.placement import pool_plan
from fleet.problems import Problem
from fleet.settings import Settings
from fleet.stack_file import parse
from tests.support.stack_files import changed

CIDRS = {"endpoint": {"public_cidrs": ["203.0.113.0/24"]}}
BLOCK = {"id": "cr-0123456789abcdef0", "zone": "use2-az2"}
H100 = {"accelerator": "H100", "max_nodes": 2}

ACCEPTED: dict[str, Any] = {
    "name": "test",
    "clusters": {
        "us": {"cloud": "aws", "region": "us-east-2", **CIDRS},
        "west": {"cloud": "aws", "region": "us-west-2", **CIDRS},
        "twin": {"cloud": "aws", "region": "us-east-2", **CIDRS},
        "lab": {"cloud": "existing", "context": "lab", "storage_classes": {"cache": "nfs"}},
    },
    "pools": {"l4": {"accelerator": "L4", "max_nodes": 4}, "h100": {**H100, "capacity": ["on_demand", "spot"]}},
    "models": {
        "chat": {"tier": "small", "pool": "l4", "slo": "interactive", "placements": {"us": {}, "twin": {}, "west": {}}},
        "writer": {"tier": "small", "pool": "h100", "placements": {"us": {}}},
    },
}


def read(changes: dict[str, Any]) -> tuple[Settings, dict[str, list[PoolPlan]]]:
    """Settings, and what the planner makes of their pools: those that a cluster sells."""
    return planned(ACCEPTED, changes)


def planned(accepted: dict[str, Any], changes: dict[str, Any]) -> tuple[Settings, dict[str, list[PoolPlan]]]:
    """The same of any accepted file, on whichever cloud."""
    settings = default_pools.with_pools(parse(changed(accepted, changes)))
    pools: dict[str, list[PoolPlan]] = {}
    for name, cluster in settings.clusters.items():
        placed = {
            placement.pool or model.pool or ""
            for model in settings.models.values()
            for on, placement in (model.placements or {}).items()
            if on == name
        }
        found = [pool_plan(pool, settings.pools[pool], name, cluster, {}) for pool in sorted(placed)]
        pools[name] = [plan for plan in found if not isinstance(plan, Problem)]
    return settings, pools
