"""Pools for a stack file that names none: one machine with one GPU per tier, in the smallest number that can be rolled out."""

from __future__ import annotations

from collections import Counter

from fleet.settings import Model, Pool, Settings

ACCELERATORS = {"mini-int4": "T4", "small": "L4", "medium": "RTX-PRO-6000", "large": "RTX-PRO-6000"}
"""Tier to the cheapest GPU that both clouds sell one by one and that holds it."""


def with_pools(settings: Settings) -> Settings:
    """The settings themselves where they name pools; else with a pool for each tier in use that no model placed elsewhere.

    The number of machines is what the models' maxima need and one more, so that a rollout has room. Budget, memory and
    region rules apply to these pools as to any other.
    """
    if settings.pools:
        return settings
    servers: Counter[str] = Counter()
    models = dict(settings.models)
    for name, model in settings.models.items():
        key = _pool_name(model)
        if key is not None:
            servers[key] += _most_servers(model)
            models[name] = model.model_copy(update={"pool": key})
    accelerators = {accelerator.lower(): accelerator for accelerator in ACCELERATORS.values()}
    pools = {key: Pool(accelerator=accelerators[key], max_nodes=count + 1) for key, count in servers.items()}
    return settings.model_copy(update={"pools": pools, "models": models})


def _pool_name(model: Model) -> str | None:
    accelerator = ACCELERATORS.get(model.tier or "")
    elsewhere = model.pool or any(placement.pool for placement in (model.placements or {}).values())
    return accelerator.lower() if accelerator and not elsewhere and model.tensor_parallel in (None, 1) else None


def _most_servers(model: Model) -> int:
    chosen = [model.replicas, *(placement.replicas for placement in (model.placements or {}).values() if placement.replicas)]
    return max(max(replicas.max or replicas.min, replicas.min) for replicas in chosen)
