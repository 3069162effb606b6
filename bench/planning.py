"""The plan of a thousand placements."""

from __future__ import annotations

from collections.abc import Iterator

from bench.figures import Figure, NotMeasurable
from bench.processes import measured

CLUSTERS, MODELS = 50, 20
LIMIT_SECONDS, LIMIT_MB = 1.0, 200.0
PARTS = (("imports", "imports", None), ("settings read", "parse", None), ("fleet.plan", "plan", LIMIT_SECONDS), ("as JSON values", "as_dict", None))


def figures(runs: int) -> Iterator[Figure]:
    """The limit is on `fleet.plan`; what comes before and after it is shown.

    Raises:
        NotMeasurable: the plan is refused, or places less than it should.
    """
    found = [measured(["-m", "bench.plan_process", str(CLUSTERS), str(MODELS)]) for _ in range(1 + runs)][1:]
    if any(run["placements"] != CLUSTERS * MODELS for run in found):
        raise NotMeasurable(f"{found[0]['placements']} placements instead of {CLUSTERS * MODELS}: bench/large_fleet.py no longer fits the settings")
    for name, part, limit in PARTS:
        yield Figure(name=f"1,000 placements: {name}", unit="s", runs=tuple(run[part] for run in found), limit=limit)
    yield Figure(name="1,000 placements: peak memory", unit="MB", runs=tuple(run["peak_mb"] for run in found), limit=LIMIT_MB)
