"""`python -m bench [PART …] [--runs N] [--json]`; what is measured: `bench/__init__.py`."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial

import bench
from bench import cloud_regions, commands, planning, previewing, real_pods, starting
from bench.figures import Figure, NotMeasurable, table
from bench.processes import kept_bytecode

PARTS: Mapping[str, Callable[[int], Iterator[Figure]]] = {
    "plan": planning.figures,
    "preview": previewing.figures,
    "aws": partial(cloud_regions.figures, "aws"),
    "gcp": partial(cloud_regions.figures, "gcp"),
    "mixed": partial(cloud_regions.figures, "mixed"),
    "start": starting.figures,
    "pure": partial(commands.tier, "pure"),
    "mocks": partial(commands.tier, "mocks"),
    "commands": commands.commands,
    "pods": real_pods.figures,
}


def main(arguments: Sequence[str] | None = None, parts: Mapping[str, Callable[[int], Iterator[Figure]]] = PARTS) -> int:
    """Measure the named parts, or all; a part that cannot be measured does not keep the others from it."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=bench.__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", nargs="*", metavar="PART", help=f"one of: {', '.join(parts)}; default: all")
    parser.add_argument("--runs", type=int, default=5, help="of each figure (default: 5)")
    parser.add_argument("--json", action="store_true", help="figures as JSON on standard output")
    options = parser.parse_args(arguments)
    if unknown := set(options.part) - set(parts):
        parser.error(f"argument PART: {', '.join(sorted(unknown))} is none of {', '.join(parts)}")
    if options.runs < 1:
        parser.error("argument --runs: at least 1")
    figures: list[Figure] = []
    problems: list[str] = []
    for name in options.part or parts:
        print(f"measuring: {name}", file=sys.stderr, flush=True)
        try:
            figures += parts[name](options.runs)
        except NotMeasurable as error:
            problems.append(f"{name}: {error}")
    print(json.dumps({"figures": [figure.as_dict() for figure in figures], "not_measurable": problems}, indent=1) if options.json else table(figures))
    for problem in problems:
        print(f"error: not measured: {problem}", file=sys.stderr)
    for figure in figures:
        if not figure.within:
            print(f"error: {figure.name}: {figure.judged:.2f} is over the limit of {figure.limit:g}", file=sys.stderr)
    return 1 if problems or not all(figure.within for figure in figures) else 0


if __name__ == "__main__":
    try:
        with kept_bytecode():
            sys.exit(main())
    except KeyboardInterrupt:
        print("\nInterrupted.", file=sys.stderr)
        sys.exit(130)
