"""A preview of the local stack beside those of two bare programs: same engine, provider and control planes, in turns."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import yaml

from bench.figures import Figure, NotMeasurable
from bench.processes import PROJECT
from bench.programs import LIMIT_RATIO, PROGRAM, Program, bare, need_tools, turns
from bench.recording import config_maps
from fleet import InputError, PlanError
from fleet.settings import CONFIG_KEY
from local.regions import RegionFailed
from local.tools.recipes import CONTROL_PLANE, ENGINE
from tests.support.local_fleet import LocalFleet


def figures(runs: int) -> Iterator[Figure]:
    """Start the control planes in a temporary folder and let the programs take turns.

    Raises:
        NotMeasurable: a tool is missing, or a preview or a control plane failed, or the local stack is refused.
    """
    need_tools({*ENGINE, *CONTROL_PLANE})
    with tempfile.TemporaryDirectory() as temporary:
        fleet = LocalFleet(Path(temporary))
        fleet.settings = yaml.safe_load((PROJECT / "Pulumi.local.yaml").read_text(encoding="utf-8"))["config"][CONFIG_KEY]
        try:
            fleet.start()
            yield from _side_by_side(fleet, Path(temporary), runs)
        except (RegionFailed, InputError, PlanError) as error:
            raise NotMeasurable(str(error)) from error
        finally:
            fleet.remove()


def _side_by_side(fleet: LocalFleet, folder: Path, runs: int) -> Iterator[Figure]:
    """The first previews warm up, say what is registered, and are not counted."""
    fleet.write()
    overrides = {name: {"kubeconfig": str(fleet.state.kubeconfig), "cluster_uid": uid} for name, uid in fleet.uids.items()}
    ours = Program(PROGRAM, folder / "ours", fleet.stack_file, overrides)
    found = ours.recorded()
    clusters = [entry for entry in found.resources if entry["type"] == "pulumi:providers:kubernetes"]
    addresses = [entry["urn"] for entry in clusters]
    same = bare(folder, "same", [*found.resources, *config_maps(found.components, addresses)])
    maps = bare(folder, "maps", [*clusters, *config_maps(len(found.resources) - len(clusters) + found.components, addresses)])
    turns(1, found.count, same, maps)
    own, beside_same, beside_maps = ([run["seconds"] for run in each] for each in turns(runs, found.count, ours, same, maps))
    name = f"preview of {found.count} resources"
    yield Figure(name=name, unit="s", runs=tuple(own), beside_name="bare, same kinds", beside=tuple(beside_same), limit=LIMIT_RATIO)
    yield Figure(name=name, unit="s", runs=tuple(own), beside_name="bare, ConfigMaps", beside=tuple(beside_maps))
