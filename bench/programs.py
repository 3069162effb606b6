"""Programs under the real engine: this one, and the bare one beside it. Each preview is a process of its own."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from bench.figures import NotMeasurable
from bench.processes import PROJECT, measured
from bench.recording import Recording, recording
from fleet.settings import CONFIG_KEY
from local.automation import LocalStack
from local.tools import RECIPES, Recipe, ToolError, ensure
from local.tools.build import cached_folder, usual_time
from local.tools.find import users_own
from local.tools.recipes import ENGINE

LIMIT_RATIO = 1.5
PROGRAM, BARE_PROGRAM = PROJECT / "__main__.py", PROJECT / "bench" / "bare_program.py"


class Program(LocalStack):
    """A program and its stack."""

    def __init__(
        self, program: Path, folder: Path, stack_file: Path, overrides: Mapping[str, Mapping[str, Any]] | None = None, *, stand_ins: str = ""
    ) -> None:
        """As a local stack is made; where `stand_ins` says at which ports providers listen, no others are needed."""
        engine = ensure(["pulumi"] if stand_ins else ENGINE)
        super().__init__(folder, {name: engine.get(name, engine["pulumi"]) for name in ENGINE}, stack_file, overrides or {})
        self._program = program
        self._environment |= {"PULUMI_DEBUG_PROVIDERS": stand_ins} if stand_ins else {}

    def preview_of(self, *plan_file: str) -> dict[str, Any]:
        """What `bench.preview_process` measures; with a file for the plan, that is saved too.

        Raises:
            NotMeasurable: the preview failed.
        """
        arguments = ["-m", "bench.preview_process", str(self._program), str(self._directory / "project"), self._name, *plan_file]
        return measured(arguments, self._environment)

    def recorded(self) -> Recording:
        """What the program registers.

        Raises:
            NotMeasurable: the preview failed.
        """
        plan_file = self._directory / "plan.json"
        self.preview_of(str(plan_file))
        return recording(plan_file)


def bare(folder: Path, name: str, entries: Sequence[Mapping[str, Any]], *, stand_ins: str = "") -> Program:
    """A program that registers these entries of a recording, one after the other."""
    resources, stack_file = folder / f"{name}.json", folder / f"Pulumi.{name}.yaml"
    resources.write_text(json.dumps(entries), encoding="utf-8")
    settings = {"clusters": {}, "models": {}, "resources": str(resources)}
    stack_file.write_text(yaml.safe_dump({"config": {CONFIG_KEY: settings}}), encoding="utf-8")
    return Program(BARE_PROGRAM, folder / name, stack_file, stand_ins=stand_ins)


def turns(runs: int, count: int, *programs: Program) -> list[list[dict[str, Any]]]:
    """Previews in turns, a list for each program.

    Raises:
        NotMeasurable: a preview failed, or a program registers another number of resources.
    """
    found = [[program.preview_of() for program in programs] for _ in range(runs)]
    for one in found[0]:
        if one["count"] != count:
            raise NotMeasurable(f"a program registers {one['count']} resources instead of {count}")
    return [list(each) for each in zip(*found, strict=True)]


def need_tools(names: Collection[str]) -> None:
    """A benchmark builds nothing: that would take longer than all of it.

    Raises:
        NotMeasurable: one of these tools is missing.
    """
    try:
        missing = [recipe for recipe in RECIPES if not set(names).isdisjoint(recipe.binaries) and not _present(recipe)]
    except ToolError as error:
        raise NotMeasurable(str(error)) from error
    if missing:
        lacking = ", ".join(name for recipe in missing for name in recipe.binaries)
        raise NotMeasurable(f"{lacking} missing; `make tools` builds what is missing in about {usual_time(missing)}")


def _present(recipe: Recipe) -> bool:
    return bool(users_own(recipe, recipe.binaries)) or all((cached_folder(recipe) / name).exists() for name in recipe.binaries)
