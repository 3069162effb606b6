"""Settings of large fleets: of all three kinds of clusters, or of ten regions of clouds."""

from __future__ import annotations

from typing import Any

ACCELERATORS = ("T4", "L4")
KINDS = ("existing", "gcp", "aws")
ENDPOINT = {"public_cidrs": ["203.0.113.0/24"]}

AWS_REGIONS = (
    "ap-northeast-1",
    "ap-south-1",
    "ap-southeast-2",
    "eu-central-1",
    "eu-north-1",
    "eu-west-2",
    "sa-east-1",
    "us-east-1",
    "us-east-2",
    "us-west-2",
)
"""Ten regions that sell T4, L4 and A10G, as fleet/aws/offerings.py has them."""

GCP_REGIONS = (
    "asia-east1",
    "asia-northeast1",
    "asia-southeast1",
    "europe-west1",
    "europe-west2",
    "europe-west4",
    "us-central1",
    "us-east1",
    "us-east4",
    "us-west1",
)
"""Ten regions that sell T4 and L4, as fleet/gcp/offerings.py has them."""

TEN_REGIONS = {"aws": "10 AWS regions", "gcp": "10 Google regions", "mixed": "5 AWS and 5 Google regions"}
"""What the fleets of ten regions are called."""


def stack(clusters: int, models: int) -> dict[str, Any]:
    """Clusters in turn of each kind, models on pools of two GPU types that every cloud sells; every model is placed in every cluster."""
    return {
        "name": "large",
        "environment": "staging",
        "owner": "bench",
        "clusters": {f"c{index:02}": _cluster(index) for index in range(clusters)},
        "pools": {accelerator.lower(): {"accelerator": accelerator, "max_nodes": 4 * models} for accelerator in ACCELERATORS},
        "models": {f"model-{index:02}": _model(index) for index in range(models)},
    }


def ten_regions(kind: str) -> dict[str, Any]:
    """Six models on pools in each region, one of them with spot machines. A10G is AWS's alone: Google's regions have a second pool of L4."""
    half = len(AWS_REGIONS) // 2
    aws = {"aws": AWS_REGIONS, "gcp": (), "mixed": AWS_REGIONS[:half]}[kind]
    google = {"aws": (), "gcp": GCP_REGIONS, "mixed": GCP_REGIONS[:half]}[kind]
    elsewhere = {**{region: {"pool": "a10g"} for region in aws}, **{region: {"pool": "wide"} for region in google}}
    pools = {"a10g": {"accelerator": "A10G", "max_nodes": 8}, "wide": {"accelerator": "L4", "max_nodes": 8, "machine": "g2-standard-12"}}
    return {
        "name": "regions",
        "environment": "staging",
        "owner": "bench",
        "clusters": {
            **{region: {"cloud": "aws", "region": region, "endpoint": ENDPOINT} for region in aws},
            **{region: {"cloud": "gcp", "region": region, "project": "bench-project"} for region in google},
        },
        "pools": {
            "t4": {"accelerator": "T4", "max_nodes": 8, "capacity": ["spot", "on_demand"]},
            "l4": {"accelerator": "L4", "max_nodes": 12},
            **{name: pool for name, pool in pools.items() if any(place["pool"] == name for place in elsewhere.values())},
        },
        "models": {
            "chat": {"tier": "small", "pool": "l4", "slo": "interactive", "replicas": {"min": 2, "max": 3}},
            "coder": {"model": "Qwen/Qwen3-8B-FP8", "pool": "l4", "replicas": {"min": 1, "max": 2}},
            "labels": {"tier": "mini-int4", "pool": "t4", "slo": "batch", "replicas": {"min": 1, "max": 3}},
            "summaries": {"tier": "small", "pool": "l4", "replicas": {"min": 1, "max": 3}},
            "topics": {"tier": "mini-int4", "pool": "t4", "slo": "batch", "replicas": {"min": 1, "max": 3}},
            "writer": {"tier": "small", "slo": "interactive", "replicas": {"min": 2, "max": 3}, "placements": elsewhere},
        },
    }


def _cluster(index: int) -> dict[str, Any]:
    kind = KINDS[index % len(KINDS)]
    if kind == "aws":
        return {"cloud": kind, "region": "us-east-2", "endpoint": ENDPOINT}
    if kind == "gcp":
        return {"cloud": kind, "region": "us-central1", "project": "bench-project"}
    return {"cloud": kind, "kubeconfig": "~/.kube/config", "context": f"lab-{index}", "storage_classes": {"cache": "shared"}}


def _model(index: int) -> dict[str, Any]:
    if index % 4 == 0:
        return {"tier": "mini-int4", "pool": "t4", "slo": "batch"}
    return {"tier": "small", "pool": "l4", "slo": "interactive" if index % 2 else "standard", "replicas": {"min": 1 + index % 2, "max": 3}}
