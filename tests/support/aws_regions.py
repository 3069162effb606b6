"""Inputs of one AWS region, made by the planner from a small stack file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from typing import Any

from fleet import plan
from fleet.aws.inputs import RegionInputs
from fleet.fleet_plan import CachePlan, ModelPlan, PoolPlan
from fleet.placement import pool_plan
from fleet.problems import PlanError, Problem
from fleet.settings import AwsCluster, GcpCluster, Pool, Settings
from fleet.stack_file import parse

NETWORK = "10.64.0.0/17"


@cache
def template() -> tuple[ModelPlan, CachePlan]:
    """A planned model and its cache, to be changed."""
    cluster = {"cloud": "aws", "region": "us-east-2", "endpoint": {"public_cidrs": ["203.0.113.0/24"]}}
    settings = parse(
        {
            "name": "acme",
            "clusters": {"us": cluster},
            "pools": {"l4": {"accelerator": "L4", "max_nodes": 4}},
            "models": {"chat": {"tier": "small", "pool": "l4"}},
        }
    )
    found = plan(settings).clusters[0]
    return found.models[0], found.caches[0]


@cache
def _settings() -> Settings:
    return parse(
        {
            "name": "acme",
            "clusters": {"us": {"cloud": "aws", "region": "us-east-2", "endpoint": {"public_cidrs": ["203.0.113.0/24"]}}},
            "models": {"chat": {"tier": "small"}},
        }
    )


def region(
    pools: Mapping[str, Mapping[str, Any]] | None = None,
    caches: Mapping[str, tuple[str, int]] | None = None,
    *,
    environment: str = "dev",
    prices: Mapping[str, float] | None = None,
    **cluster: Any,
) -> RegionInputs:
    """One region with these pools.

    Args:
        pools: settings by pool name; default: one of L4.
        caches: pool name to (kind, GiB) of the cache of a model on it; default: none.
        environment: of the fleet.
        prices: of the stack file.
        cluster: settings of the cluster.
    """
    made = AwsCluster.model_validate({"cloud": "aws", "region": "us-east-2", "endpoint": {"public_cidrs": ("203.0.113.0/24",)}, **cluster})
    return RegionInputs(**parts(_settings(), made, pools, caches, environment=environment, prices=prices or {}))


def parts(
    settings: Settings,
    made: AwsCluster | GcpCluster,
    pools: Mapping[str, Mapping[str, Any]] | None,
    caches: Mapping[str, tuple[str, int]] | None,
    *,
    environment: str,
    prices: Mapping[str, float],
) -> dict[str, Any]:
    """What the inputs of one region are made of, whichever cloud it is in: the arguments of `region`, and its cluster as `us`."""
    written = {"l4": {"accelerator": "L4", "max_nodes": 4}} if pools is None else pools
    chosen = {name: Pool.model_validate(values) for name, values in written.items()}
    model, cache_plan = template()
    stored = {} if caches is None else caches
    return {
        "settings": settings.model_copy(update={"environment": environment, "clusters": {"us": made}, "pools": chosen, "prices": dict(prices)}),
        "cluster_name": "us",
        "cluster": made,
        "namespace": "vllm",
        "network_cidr": NETWORK,
        "pools": tuple(_planned(name, pool, made, prices) for name, pool in chosen.items()),
        "models": tuple(replace(model, name=f"model-{pool}", pool=pool, cache=f"cache-{pool}") for pool in stored),
        "caches": tuple(replace(cache_plan, name=f"cache-{pool}", kind=kind, size_gib=gib) for pool, (kind, gib) in stored.items()),  # pyright: ignore[reportArgumentType]
    }


def _planned(name: str, pool: Pool, cluster: AwsCluster | GcpCluster, prices: Mapping[str, float]) -> PoolPlan:
    found = pool_plan(name, pool, "us", cluster, dict(prices))
    if isinstance(found, Problem):
        raise PlanError([found])
    return found
