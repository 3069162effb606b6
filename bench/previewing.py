"""A preview of the local stack beside those of two bare programs: same engine, provider and control planes, in turns."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from itertools import cycle
from pathlib import Path
from typing import Any

import yaml

from bench.figures import Figure, NotMeasurable
from bench.processes import PROJECT, measured
from fleet import InputError, PlanError
from fleet.settings import CONFIG_KEY
from local.automation import LocalStack
from local.regions import RegionFailed
from local.tools import RECIPES, Recipe, ToolError, ensure
from local.tools.build import cached_folder, usual_time
from local.tools.find import users_own
from local.tools.recipes import CONTROL_PLANE, ENGINE
from tests.support.local_fleet import LocalFleet

LIMIT_RATIO = 1.5
PROGRAM, BARE_PROGRAM = PROJECT / "__main__.py", PROJECT / "bench" / "bare_program.py"
NEEDED = {*ENGINE, *CONTROL_PLANE}


class Program(LocalStack):
    """A program and its stack; each preview is a process of its own."""

    def __init__(self, program: Path, folder: Path, stack_file: Path, overrides: Mapping[str, Mapping[str, Any]]) -> None:
        super().__init__(folder, ensure(ENGINE), stack_file, overrides)
        self._program = program

    def preview_of(self, *flags: str) -> dict[str, Any]:
        """Seconds, the number of resources, and with the flag `objects` what they are.

        Raises:
            NotMeasurable: the preview failed.
        """
        arguments = ["-m", "bench.preview_process", str(self._program), str(self._directory / "project"), self._name, *flags]
        return measured(arguments, self._environment)


def figures(runs: int) -> Iterator[Figure]:
    """Start the control planes in a temporary folder and let the programs take turns.

    Raises:
        NotMeasurable: a tool is missing, or a preview or a control plane failed, or the local stack is refused.
    """
    _need_tools()
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
    registered = ours.preview_of("objects")["registered"]
    count = len(registered)
    objects = [one | {"inputs": _arguments(one["inputs"])} for one in registered if one["cluster"]]
    components = count - len(objects) - len(overrides) - 1  # without the providers and the stack itself
    same = _bare(fleet, folder, "same", [*objects, *_config_maps(components, list(overrides))])
    maps = _bare(fleet, folder, "maps", _config_maps(len(objects) + components, list(overrides)))
    for program in (same, maps):
        if (made := program.preview_of()["count"]) != count:
            raise NotMeasurable(f"a bare program registers {made} resources, the local stack {count}")
    turns = [[program.preview_of()["seconds"] for program in (ours, same, maps)] for _ in range(runs)]
    own, beside_same, beside_maps = zip(*turns, strict=True)
    name = f"preview of {count} resources"
    yield Figure(name=name, unit="s", runs=own, beside_name="bare, same kinds", beside=beside_same, limit=LIMIT_RATIO)
    yield Figure(name=name, unit="s", runs=own, beside_name="bare, ConfigMaps", beside=beside_maps)


def _arguments(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Inputs of an object under the names of the Python SDK's arguments."""
    return {re.sub("([A-Z])", r"_\1", name).lower(): value for name, value in inputs.items() if name not in {"apiVersion", "kind"}}


def _bare(fleet: LocalFleet, folder: Path, name: str, objects: Sequence[Mapping[str, Any]]) -> Program:
    clusters = {key: {"context": cluster["context"]} for key, cluster in fleet.settings["clusters"].items()}
    settings = {"clusters": clusters, "models": {}, "objects": list(objects)}
    stack_file = folder / f"Pulumi.{name}.yaml"
    stack_file.write_text(yaml.safe_dump({"config": {CONFIG_KEY: settings}}), encoding="utf-8")
    return Program(BARE_PROGRAM, folder / name, stack_file, {key: {"kubeconfig": str(fleet.state.kubeconfig)} for key in clusters})


def _config_maps(count: int, clusters: Sequence[str]) -> list[dict[str, Any]]:
    return [
        {
            "type": "kubernetes:core/v1:ConfigMap",
            "name": f"map-{index}",
            "cluster": cluster,
            "inputs": {"metadata": {"name": f"map-{index}", "namespace": "default"}, "data": {"index": str(index)}},
        }
        for index, cluster in zip(range(count), cycle(clusters), strict=False)
    ]


def _need_tools() -> None:
    """A benchmark builds nothing: that would take longer than all of it."""
    try:
        missing = [recipe for recipe in RECIPES if not NEEDED.isdisjoint(recipe.binaries) and not _present(recipe)]
    except ToolError as error:
        raise NotMeasurable(str(error)) from error
    if missing:
        names = ", ".join(name for recipe in missing for name in recipe.binaries)
        raise NotMeasurable(f"{names} missing; `make tools` builds what is missing in about {usual_time(missing)}")


def _present(recipe: Recipe) -> bool:
    return bool(users_own(recipe, recipe.binaries)) or all((cached_folder(recipe) / name).exists() for name in recipe.binaries)
