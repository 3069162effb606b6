"""A small fleet of three clusters on Google Cloud, two of them in one region, to break one field at a time."""

from __future__ import annotations

from typing import Any

from fleet.fleet_plan import PoolPlan
from fleet.settings import Settings
from tests.support.aws_fleets import planned

RESERVED = {"id": "acme-a100", "zone": "us-central1-a"}
A100 = {"accelerator": "A100-40GB", "max_nodes": 2}

ACCEPTED: dict[str, Any] = {
    "name": "test",
    "clusters": {
        "us": {"cloud": "gcp", "region": "us-central1", "project": "acme-test"},
        "east": {"cloud": "gcp", "region": "us-east4", "project": "acme-test"},
        "twin": {"cloud": "gcp", "region": "us-central1", "project": "acme-test"},
        "other": {"cloud": "gcp", "region": "us-central1", "project": "acme-other"},
        "lab": {"cloud": "existing", "context": "lab", "storage_classes": {"cache": "nfs"}},
    },
    "pools": {"l4": {"accelerator": "L4", "max_nodes": 4}, "a100": {**A100, "capacity": ["spot", "on_demand"]}},
    "models": {
        "chat": {"tier": "small", "pool": "l4", "slo": "interactive", "placements": {"us": {}, "twin": {}, "east": {}, "other": {}}},
        "writer": {"tier": "small", "pool": "a100", "placements": {"us": {}}},
    },
}


def read(changes: dict[str, Any]) -> tuple[Settings, dict[str, list[PoolPlan]]]:
    """Settings, and what the planner makes of their pools: those that a cluster sells."""
    return planned(ACCEPTED, changes)
