"""What every cloud decides alike about where weights lie: how long what was deleted is kept, and how fast they are to be read."""

from __future__ import annotations

from collections.abc import Iterable

from fleet.cache_plan import CachePlan
from fleet.caches import CACHE_HEADROOM

LOAD_TARGET_SECONDS = 60
"""Time in which the largest weights on a volume are to be read: less than what the engine takes to start anyway."""

OLD_VERSIONS_DAYS = {True: 30, False: 7}
"""In prod a month to notice that weights were overwritten or deleted."""

ABANDONED_UPLOAD_DAYS = 3
"""No mirror of weights takes days; parts of an upload that was cut off are billed until they are deleted."""


def weights_gib(cache: CachePlan) -> float:
    """What a cache holds when its mirror is done: its size without the headroom."""
    return (cache.size_gib - 1) / CACHE_HEADROOM


def ladder_zones(rungs: Iterable[tuple[str, Iterable[str]]]) -> set[str]:
    """Zones in which the whole ladder of a pool can be climbed, else those of its first rung.

    Args:
        rungs: name of each rung, in order, with zones that have its machines; a rung may come more than once.
    """
    by_rung: dict[str, set[str]] = {}
    for rung, zones in rungs:
        by_rung.setdefault(rung, set()).update(zones)
    first, *others = by_rung.values()
    return first.intersection(*others) or first
