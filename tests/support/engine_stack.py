"""The stack of one fleet under the real engine: the program, the backend and the engine are real, the providers are what a test attaches."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import psutil
import yaml

from fleet import FleetPlan, plan
from fleet.settings import CONFIG_KEY
from fleet.stack_file import read
from local.automation import LocalStack
from local.tools import ensure
from tests.support.stand_in_provider_interruptions import PATIENCE_SECONDS

PROJECT = Path(__file__).resolve().parents[2]
RUN_SECONDS = 240.0
"""A run that takes longer hangs: the largest takes a tenth of it."""


class Attached(Protocol):
    """A stand-in for a provider."""

    def start(self) -> str:
        """Serve; what PULUMI_DEBUG_PROVIDERS must hold for it."""
        ...

    def forget(self) -> None:
        """Start its log anew."""
        ...

    def heal(self) -> None:
        """No more interruptions."""
        ...

    def die(self) -> None:
        """End at once."""
        ...


class EngineStack:
    """Change `settings`, then `up`. `said` is what a person read; the providers say what was done."""

    def __init__(self, folder: Path, settings: Mapping[str, Any], *providers: Attached) -> None:
        self.settings: dict[str, Any] = yaml.safe_load(yaml.safe_dump(dict(settings)))
        self.said: list[str] = []
        self.directory = folder / "pulumi"
        self.stack_file = folder / "Pulumi.test.yaml"
        """Of the settings; may be set to a shipped one."""
        self._written, self._providers = self.stack_file, providers
        self._runs: list[subprocess.Popen[str]] = []
        # The folder of the real provider stays off the path: were the stand-in not attached, nothing would run.
        engine = ensure(["pulumi"])["pulumi"]
        self._tools: dict[str, Path] = {"pulumi": engine, "pulumi-resource-kubernetes": engine}
        self.attach()

    def attach(self) -> None:
        """Serve the providers, again after they died."""
        os.environ["PULUMI_DEBUG_PROVIDERS"] = ",".join(provider.start() for provider in self._providers)

    def forget(self) -> None:
        """Start every log anew."""
        for provider in self._providers:
            provider.forget()

    def heal(self) -> None:
        """No more interruptions."""
        for provider in self._providers:
            provider.heal()

    def settle(self) -> None:
        """No more interruptions, and no request under way: those of a killed engine go on without it."""
        self.heal()
        for provider in self._providers:
            provider.die()
        self.attach()

    def write(self) -> None:
        """The settings as a stack file."""
        self._written.write_text(yaml.safe_dump({"config": {CONFIG_KEY: self.settings}}), encoding="utf-8")

    def stack(self, stack_file: Path | None = None) -> LocalStack:
        """The stack of these settings, or of a shipped file."""
        self.write()
        chosen = stack_file or self.stack_file
        return LocalStack(self.directory, self._tools, chosen, self.overrides(chosen))

    def overrides(self, stack_file: Path) -> dict[str, dict[str, str]]:
        """What only this machine knows of the clusters: nothing."""
        return {}

    def plan(self) -> FleetPlan:
        """What the settings mean."""
        self.write()
        return plan(read(self.stack_file), stack="test")

    def up(self, *, refresh: bool = False) -> Counter[str]:
        """Update; returns what was done to objects: operation to number. The logs hold the order."""
        self.forget()
        stack = self.stack()
        stack.up(self.said.append, refresh=refresh)
        changes = {name: count for name, count in stack.changes.items() if name != "same" and count}
        return Counter(changes)

    def start(self, operation: str, stack_file: Path | None = None) -> subprocess.Popen[str]:
        """An update or a destroy in a process of its own, whose engine may be killed."""
        self.forget()
        self.write()
        chosen = stack_file or self.stack_file
        given = {
            "directory": str(self.directory),
            "tools": {name: str(path) for name, path in self._tools.items()},
            "stack_file": str(chosen),
            "overrides": self.overrides(chosen),
        }
        command = [sys.executable, "-m", "tests.support.engine_run", operation, json.dumps(given)]
        run = subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True)
        self._runs.append(run)
        return run

    def failing(self, run: subprocess.Popen[str]) -> str:
        """What a run that has to fail says. In its own process: an SDK whose engine failed leaves open loops behind."""
        output, _ = run.communicate(timeout=RUN_SECONDS)
        assert run.returncode == 1, f"the run ends by itself and fails:\n{output}"
        assert "Traceback" not in output, f"in words:\n{output}"
        return output

    def kill_engine(self) -> None:
        """SIGKILL to the engine that works on this fleet."""
        home = str(self.directory / "home")
        own = psutil.Process().children(recursive=True)
        engines = [process for process in own if process.name() == "pulumi" and process.environ().get("PULUMI_HOME") == home]
        assert engines, "an engine runs"
        for engine in engines:
            engine.kill()
        psutil.wait_procs(engines, timeout=PATIENCE_SECONDS)

    def state(self) -> list[dict[str, Any]]:
        """Resources of the stack's state."""
        return list(self._exported().get("resources", []))

    def pending(self) -> list[dict[str, Any]]:
        """Operations that the state calls under way."""
        return list(self._exported().get("pending_operations") or [])

    def _exported(self) -> dict[str, Any]:
        return dict(self.stack()._stack.export_stack().deployment or {})

    def dependencies(self, *packages: str) -> dict[str, set[str]]:
        """Objects of these packages in the state by URN, to those that each needs, by itself or through the components it is part of."""
        resources = {resource["urn"]: resource for resource in self.state()}
        found: dict[str, set[str]] = {}

        def needed(urn: str) -> set[str]:
            if urn not in found:
                direct = {*resources[urn].get("dependencies", []), resources[urn].get("parent")} & set(resources)
                found[urn] = direct.union(*(needed(one) for one in direct))
            return found[urn]

        prefixes = tuple(f"{package}:" for package in packages or ("kubernetes",))
        objects = {urn for urn, resource in resources.items() if resource["type"].startswith(prefixes)}
        return {urn: needed(urn) & objects for urn in objects}

    def state_text(self) -> str:
        """Everything the backend holds."""
        return "".join(path.read_text(encoding="utf-8") for path in (self.directory / "state").rglob("*.json"))

    def remove(self) -> None:
        """End the providers, and what a failed test left running."""
        for run in self._runs:
            with run:
                run.kill()
        for provider in self._providers:
            provider.die()
        os.environ.pop("PULUMI_DEBUG_PROVIDERS", None)
