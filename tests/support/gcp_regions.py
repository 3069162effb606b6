"""Inputs of one region of Google Cloud, made by the planner from a small stack file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from typing import Any

from fleet.fleet_plan import PoolPlan
from fleet.gcp.inputs import RegionInputs
from fleet.placement import pool_plan
from fleet.problems import PlanError, Problem
from fleet.settings import GcpCluster, Pool, Settings
from fleet.stack_file import parse
from tests.support.aws_regions import template

NETWORK = "10.64.0.0/17"
CLUSTER = {"cloud": "gcp", "region": "us-central1", "project": "acme-test"}


@cache
def _settings() -> Settings:
    return parse({"name": "acme", "clusters": {"us": CLUSTER}, "models": {"chat": {"tier": "small"}}})


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
    written = {"l4": {"accelerator": "L4", "max_nodes": 4}} if pools is None else pools
    chosen = {name: Pool.model_validate(values) for name, values in written.items()}
    made = GcpCluster.model_validate({**CLUSTER, **cluster})
    plans = [_planned(name, pool, made, prices or {}) for name, pool in chosen.items()]
    model, cache_plan = template()
    stored = {} if caches is None else caches
    return RegionInputs(
        settings=_settings().model_copy(update={"environment": environment, "clusters": {"us": made}, "pools": chosen, "prices": dict(prices or {})}),
        cluster_name="us",
        cluster=made,
        namespace="vllm",
        network_cidr=NETWORK,
        pools=tuple(plans),
        models=tuple(replace(model, name=f"model-{pool}", pool=pool, cache=f"cache-{pool}") for pool in stored),
        caches=tuple(replace(cache_plan, name=f"cache-{pool}", kind=kind, size_gib=gib) for pool, (kind, gib) in stored.items()),  # pyright: ignore[reportArgumentType]
    )


def _planned(name: str, pool: Pool, cluster: GcpCluster, prices: Mapping[str, float]) -> PoolPlan:
    found = pool_plan(name, pool, "us", cluster, dict(prices))
    if isinstance(found, Problem):
        raise PlanError([found])
    return found
