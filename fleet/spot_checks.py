"""Machines that a cloud may take back, and models whose users would notice at once."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from fleet import checks
from fleet.problems import Problem
from fleet.settings import Settings


def problems(settings: Settings, clusters: Collection[str]) -> Iterator[Problem]:
    """Interactive models that only spot machines serve in these clusters.

    Spot machines of one kind are often taken back together: two minutes after a notice on AWS, half a minute after it on Google Cloud.
    """
    for name, model in settings.models.items():
        if model.slo != "interactive":
            continue
        places: dict[str, list[str]] = {}
        for cluster, placement in checks.placements(settings, model).items():
            pool = placement.pool or model.pool
            if cluster in clusters and pool in settings.pools and set(settings.pools[pool].capacity) == {"spot"}:
                places.setdefault(pool, []).append(cluster)
        for pool, where in places.items():
            limit = f"people wait for model {name}, and all its servers in {', '.join(where)} could be taken back at once"
            remedy = f"add on_demand as a further rung (capacity: [spot, on_demand]), or set models.{name}.slo: standard"
            yield Problem(field=f"pools.{pool}.capacity", value=["spot"], limit=limit, remedy=remedy)
