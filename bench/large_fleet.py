"""Settings of any size: clusters of all three kinds, models on pools of two GPU types that every cloud sells."""

from __future__ import annotations

from typing import Any

ACCELERATORS = ("T4", "L4")
KINDS = ("existing", "gcp", "aws")


def stack(clusters: int, models: int) -> dict[str, Any]:
    """Every model is placed in every cluster."""
    return {
        "name": "large",
        "environment": "staging",
        "owner": "bench",
        "clusters": {f"c{index:02}": _cluster(index) for index in range(clusters)},
        "pools": {accelerator.lower(): {"accelerator": accelerator, "max_nodes": 4 * models} for accelerator in ACCELERATORS},
        "models": {f"model-{index:02}": _model(index) for index in range(models)},
    }


def _cluster(index: int) -> dict[str, Any]:
    kind = KINDS[index % len(KINDS)]
    if kind == "aws":
        return {"cloud": kind, "region": "us-east-2", "endpoint": {"public_cidrs": ["203.0.113.0/24"]}}
    if kind == "gcp":
        return {"cloud": kind, "region": "us-central1", "project": "bench-project"}
    return {"cloud": kind, "kubeconfig": "~/.kube/config", "context": f"lab-{index}", "storage_classes": {"cache": "shared"}}


def _model(index: int) -> dict[str, Any]:
    if index % 4 == 0:
        return {"tier": "mini-int4", "pool": "t4", "slo": "batch"}
    return {"tier": "small", "pool": "l4", "slo": "interactive" if index % 2 else "standard", "replicas": {"min": 1 + index % 2, "max": 3}}
