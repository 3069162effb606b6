"""A preview of ten regions beside that of a bare program: the engine is real, all providers are stand-ins.

No account, no project and no cluster is asked. The stand-ins run in a process of their own and serve both programs; what they take is
the same for both. A first preview warms up and says what is registered.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from bench.figures import Figure, NotMeasurable
from bench.large_fleet import TEN_REGIONS, ten_regions
from bench.processes import PATIENCE_SECONDS, PROJECT, measured
from bench.programs import LIMIT_RATIO, PROGRAM, Program, bare, need_tools, turns
from bench.recording import config_maps
from fleet.settings import CONFIG_KEY
from tests.support.cloud_login import logged_in

RUNS = 2
"""At most: a turn of both programs takes half a minute and more."""

LIMIT_MB = 1000.0
STAND_INS = ("-m", "bench.stand_in_process")


def figures(kind: str, runs: int) -> Iterator[Figure]:
    """The plan alone, then the previews, of one of TEN_REGIONS.

    Raises:
        NotMeasurable: the engine is missing, a preview failed, or something was looked up meanwhile.
    """
    need_tools(["pulumi"])
    plans = [measured(["-m", "bench.plan_process", kind]) for _ in range(1 + runs)][1:]
    yield Figure(name=f"{TEN_REGIONS[kind]} × 6 models: fleet.plan", unit="s", runs=tuple(run["plan"] for run in plans))
    with tempfile.TemporaryDirectory() as temporary, logged_in(Path(temporary)), stand_ins() as addresses:
        yield from _side_by_side(kind, Path(temporary), addresses, min(runs, RUNS))


def _side_by_side(kind: str, folder: Path, addresses: str, runs: int) -> Iterator[Figure]:
    stack_file, title = folder / "Pulumi.regions.yaml", TEN_REGIONS[kind]
    stack_file.write_text(yaml.safe_dump({"config": {CONFIG_KEY: ten_regions(kind)}}), encoding="utf-8")
    ours = Program(PROGRAM, folder / "ours", stack_file, stand_ins=addresses)
    found = ours.recorded()
    clusters = [entry["urn"] for entry in found.resources if entry["type"] == "pulumi:providers:kubernetes"]
    beside = bare(folder, "same", [*found.resources, *config_maps(found.components, clusters)], stand_ins=addresses)
    own, other = turns(runs, found.count, ours, beside)
    name = f"{title}: preview of {found.count} resources"
    yield Figure(name=name, unit="s", **_compared("seconds", own, other), limit=LIMIT_RATIO)
    yield Figure(name=f"{title}: processor time of the program", unit="s", **_compared("processor_seconds", own, other))
    yield Figure(name=f"{title}: peak memory of the program", unit="MB", runs=tuple(run["peak_mb"] for run in own), limit=LIMIT_MB)


def _compared(measure: str, own: list[dict[str, Any]], other: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "runs": tuple(run[measure] for run in own),
        "beside_name": "bare, same kinds",
        "beside": tuple(run[measure] for run in other),
    }


@contextmanager
def stand_ins() -> Iterator[str]:
    """Where all stand-ins listen, until the end of the block.

    Raises:
        NotMeasurable: they did not start, or something was looked up.
    """
    with tempfile.TemporaryFile("w+", encoding="utf-8") as told:
        command = [sys.executable, *STAND_INS]
        with subprocess.Popen(command, cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=told, text=True) as process:
            try:
                addresses = process.stdout.readline().strip() if process.stdout else ""
                if not addresses:
                    told.seek(0)
                    raise NotMeasurable(f"the stand-in providers did not start:\n{told.read()}")
                yield addresses
                said, _ = process.communicate(timeout=PATIENCE_SECONDS)
            finally:
                process.kill()
    if looked_up := json.loads(said.splitlines()[-1])["looked_up"]:
        raise NotMeasurable(f"the program asks a cloud for {', '.join(sorted(set(looked_up)))}: a plan must know that by itself")
