"""The shipped local stack with real nodes: from tools present to a streamed answer of every model, and what it keeps in memory."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import yaml

from bench.figures import Figure, NotMeasurable
from bench.processes import PROJECT
from fleet.settings import CONFIG_KEY
from local import machine
from local.regions import RegionFailed
from local.tools import ToolError
from tests.support.local_fleet import LocalFleet

LIMIT_SECONDS = 180.0
LIMIT_GB = 4.0


def figures(runs: int) -> Iterator[Figure]:
    """Start, ask, measure and remove; more than one run would take minutes for the same figure.

    Raises:
        NotMeasurable: this machine cannot run real nodes, or the fleet did not come up.
    """
    del runs
    if lacking := machine.missing():
        raise NotMeasurable(lacking)
    settings = yaml.safe_load((PROJECT / "Pulumi.local.yaml").read_text(encoding="utf-8"))["config"][CONFIG_KEY]
    folder = Path(tempfile.mkdtemp())
    try:
        fleet = LocalFleet(folder, "real", settings)
        began = time.perf_counter()
        code, output = fleet.launched()
        took = time.perf_counter() - began
        memory = fleet.memory_bytes()
        removing = time.perf_counter()
        fleet.launched("down")
        removed = time.perf_counter() - removing
    except (RegionFailed, ToolError) as error:
        raise NotMeasurable(str(error)) from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    if code:
        raise NotMeasurable(f"`make local` ended with status {code}:\n{output[-2000:]}")
    yield Figure(name="make local with real pods, to an answer of each model", unit="s", runs=(took,), limit=LIMIT_SECONDS)
    yield Figure(name="memory of both regions (proportional set size)", unit="GB", runs=(memory / 1e9,), limit=LIMIT_GB)
    yield Figure(name="make local-down with real pods", unit="s", runs=(removed,))
