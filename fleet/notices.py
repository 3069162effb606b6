"""What is right as it stands and yet may not be meant: warnings that refuse nothing."""

from __future__ import annotations

from collections.abc import Iterator

from fleet.checks import placements
from fleet.settings import Settings


def notices(written: Settings, settings: Settings) -> Iterator[str]:
    """One sentence each.

    Args:
        written: as the stack file has them.
        settings: with default pools.
    """
    for name, pool in settings.pools.items():
        users = [model for model in settings.models if _uses(settings, model, name)]
        if name not in written.pools:
            count = f"{pool.gpus_per_node} × {pool.accelerator}"
            yield f"pools names none: {', '.join(users)} got pool {name}, up to {pool.max_nodes} machines of {count} in each cluster"
        elif not users:
            yield f"pool {name} is used by no model: it becomes no machine anywhere"
    for name, cluster in settings.clusters.items():
        inside = [model for model, entry in settings.models.items() if name in placements(settings, entry)]
        if not inside:
            yield f"cluster {name} runs no model"
        elif cluster.state == "retiring":
            yield f"cluster {name} is retiring and still runs {', '.join(inside)}, until its entry is deleted"
    yield from _last_places(settings)


def _last_places(settings: Settings) -> Iterator[str]:
    for name, model in settings.models.items():
        clusters = [settings.clusters[cluster] for cluster in placements(settings, model) if cluster in settings.clusters]
        if clusters and all(cluster.state == "retiring" for cluster in clusters):
            yield f"model {name} runs only in retiring clusters: deleting their entries ends it"


def _uses(settings: Settings, model: str, pool: str) -> bool:
    entry = settings.models[model]
    return any((placement.pool or entry.pool) == pool for placement in placements(settings, entry).values())
