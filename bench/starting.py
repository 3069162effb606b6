"""What a stack costs before its first resource: a small program of each kind of cluster, and which SDKs it loads."""

from __future__ import annotations

from collections.abc import Iterator

from bench.figures import Figure, NotMeasurable
from bench.processes import measured

KINDS = {
    "existing": frozenset[str](),
    "aws": frozenset({"pulumi_aws"}),
    "gcp": frozenset({"pulumi_gcp"}),
    "mixed": frozenset({"pulumi_aws", "pulumi_gcp"}),
}
"""Kind of stack to the SDKs of clouds that it may load."""

BESIDE = "aws"
RUNS = 3


def figures(runs: int) -> Iterator[Figure]:
    """Time and memory of each kind, in turns.

    Raises:
        NotMeasurable: a program failed, or loads the SDK of a cloud that it has no cluster in.
    """
    for kind in KINDS:
        _started(kind)
    turns = [{kind: _started(kind) for kind in KINDS} for _ in range(min(runs, RUNS))]
    for kind in KINDS:
        for measure, unit, title in (("seconds", "s", "start-up"), ("peak_mb", "MB", "peak memory")):
            own, beside = (tuple(turn[each][measure] for turn in turns) for each in (kind, BESIDE))
            compared = {} if kind == BESIDE else {"beside_name": f"{BESIDE} alone", "beside": beside}
            yield Figure(name=f"{title} of a stack: {kind}", unit=unit, runs=own, **compared)


def _started(kind: str) -> dict[str, float]:
    found = measured(["-m", "bench.start_process", kind])
    loaded = frozenset(found.pop("loaded"))
    if loaded != KINDS[kind]:
        raise NotMeasurable(f"a stack of kind {kind} loads {', '.join(sorted(loaded)) or 'no SDK of a cloud'}, not {', '.join(sorted(KINDS[kind]))}")
    return found
