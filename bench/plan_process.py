"""One plan of a large fleet in this process, and what it took, as one line of JSON: `python -m bench.plan_process CLUSTERS MODELS`,
or with one of TEN_REGIONS for that fleet of ten regions.
"""

from __future__ import annotations

import itertools
import json
import resource
import sys
import time
from pathlib import Path

from bench.large_fleet import TEN_REGIONS, stack, ten_regions

PROCESS = Path("/proc/self/status")


def main() -> None:
    size = sys.argv[1:]
    settings = ten_regions(*size) if size[0] in TEN_REGIONS else stack(*map(int, size))
    times = [time.perf_counter()]
    from fleet import plan
    from fleet.stack_file import parse

    times.append(time.perf_counter())
    parsed = parse(settings)
    times.append(time.perf_counter())
    planned = plan(parsed)
    times.append(time.perf_counter())
    planned.as_dict()
    times.append(time.perf_counter())
    parts = [after - before for before, after in itertools.pairwise(times)]
    result = dict(zip(("imports", "parse", "plan", "as_dict"), parts, strict=True))
    result |= {"placements": sum(len(cluster.models) for cluster in planned.clusters), "peak_mb": peak_mb()}
    print(json.dumps(result))


def peak_mb() -> float:
    """Peak resident memory. `getrusage` counts what the parent had before this process became another program."""
    if PROCESS.exists():
        line = next(line for line in PROCESS.read_text(encoding="utf-8").splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) * 1024 / 1e6
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


if __name__ == "__main__":
    main()
