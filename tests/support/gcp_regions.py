"""Inputs of one region of Google Cloud, made by the planner from a small stack file."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from fleet.gcp.inputs import RegionInputs
from fleet.settings import GcpCluster, Settings
from fleet.stack_file import parse
from tests.support.aws_regions import parts

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
    made = GcpCluster.model_validate({**CLUSTER, **cluster})
    return RegionInputs(**parts(_settings(), made, pools, caches, environment=environment, prices=prices or {}))
