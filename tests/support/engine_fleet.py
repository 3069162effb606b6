"""A fleet under the real engine and the stand-in provider: the program, the backend and the engine are real, the clusters are not."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psutil
import yaml

from fleet import FleetPlan, plan
from fleet.settings import CONFIG_KEY
from fleet.stack_file import read
from local.automation import LocalStack
from local.tools import ensure
from tests.support.stand_in_clusters import StandInClusters
from tests.support.stand_in_provider import PATIENCE_SECONDS, StandInProvider

PROJECT = Path(__file__).resolve().parents[2]
CLUSTERS = ("east", "west")

SMALL: dict[str, Any] = {
    "name": "small",
    "environment": "local",
    "clusters": {
        name: {
            "cloud": "existing",
            "kubeconfig": "kubeconfig",
            "context": f"local-{name}",
            "region": name,
            "storage_classes": {"cache": "fleet-shared"},
        }
        for name in CLUSTERS
    },
    "pools": {"l4": {"accelerator": "L4", "max_nodes": 4}, "t4": {"accelerator": "T4", "max_nodes": 2}},
    "models": {
        "chat": {"tier": "small", "pool": "l4", "slo": "interactive", "replicas": {"min": 2}},
        "labels": {"tier": "mini-int4", "placements": {"east": {"pool": "t4"}}},
    },
}
"""Two clusters, two models: every kind of object, small enough to be updated many times."""


class EngineFleet:
    """Change `settings`, then `up`. `provider` says what happened to the objects, `said` what a person read."""

    def __init__(self, folder: Path, settings: Mapping[str, Any] = SMALL) -> None:
        self.settings: dict[str, Any] = yaml.safe_load(yaml.safe_dump(dict(settings)))
        self.said: list[str] = []
        self.directory = folder / "pulumi"
        self.clusters = StandInClusters(folder, CLUSTERS)
        self.uids = {name: cluster.uid for name, cluster in self.clusters.clusters.items()}
        """The clusters that are meant; where the contexts point may be changed in `clusters`."""
        self.provider = StandInProvider()
        self._runs: list[subprocess.Popen[str]] = []
        self._stack_file = folder / "Pulumi.test.yaml"
        # The folder of the real provider stays off the path: were the stand-in not attached, nothing would run.
        engine = ensure(["pulumi"])["pulumi"]
        self._tools: dict[str, Path] = {"pulumi": engine, "pulumi-resource-kubernetes": engine}
        self.attach()

    def attach(self) -> None:
        """Serve the provider, again after it died."""
        os.environ["PULUMI_DEBUG_PROVIDERS"] = self.provider.start()

    def write(self) -> None:
        """The settings as a stack file."""
        self._stack_file.write_text(yaml.safe_dump({"config": {CONFIG_KEY: self.settings}}), encoding="utf-8")

    def stack(self, stack_file: Path | None = None) -> LocalStack:
        """The stack of these settings, or of a shipped file."""
        self.write()
        chosen = stack_file or self._stack_file
        return LocalStack(self.directory, self._tools, chosen, self._overrides(chosen))

    def plan(self) -> FleetPlan:
        """What the settings mean."""
        self.write()
        return plan(read(self._stack_file), stack="test")

    def up(self, *, refresh: bool = False) -> Counter[str]:
        """Update; returns what was done to objects: operation to number. The log holds the order."""
        self.provider.forget()
        stack = self.stack()
        stack.up(self.said.append, refresh=refresh)
        changes = {name: count for name, count in stack.changes.items() if name != "same" and count}
        return Counter(changes)

    def start(self, operation: str, stack_file: Path | None = None) -> subprocess.Popen[str]:
        """An update or a destroy in a process of its own, whose engine may be killed."""
        self.provider.forget()
        self.write()
        chosen = stack_file or self._stack_file
        given = {
            "directory": str(self.directory),
            "tools": {name: str(path) for name, path in self._tools.items()},
            "stack_file": str(chosen),
            "overrides": self._overrides(chosen),
        }
        command = [sys.executable, "-m", "tests.support.engine_run", operation, json.dumps(given)]
        run = subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True)
        self._runs.append(run)
        return run

    def failing(self, run: subprocess.Popen[str]) -> str:
        """What a run that has to fail says. In its own process: an SDK whose engine failed leaves open loops behind."""
        output, _ = run.communicate(timeout=PATIENCE_SECONDS)
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

    def dependencies(self) -> dict[str, set[str]]:
        """Objects of the state by URN, to the objects that each needs, by itself or through the components it is part of."""
        resources = {resource["urn"]: resource for resource in self.state()}

        def needed(urn: str) -> set[str]:
            direct = {*resources[urn].get("dependencies", []), resources[urn].get("parent")} & set(resources)
            return direct.union(*(needed(one) for one in direct))

        objects = {urn for urn, resource in resources.items() if resource["type"].startswith("kubernetes:")}
        return {urn: needed(urn) & objects for urn in objects}

    def state_text(self) -> str:
        """Everything the backend holds."""
        return "".join(path.read_text(encoding="utf-8") for path in (self.directory / "state").rglob("*.json"))

    def remove(self) -> None:
        """End both servers, and what a failed test left running."""
        for run in self._runs:
            with run:
                run.kill()
        self.provider.die()
        self.clusters.stop()
        os.environ.pop("PULUMI_DEBUG_PROVIDERS", None)

    def _overrides(self, stack_file: Path) -> dict[str, dict[str, str]]:
        """As `make local` gives them: the kubeconfig's path and the UID it found."""
        clusters = yaml.safe_load(stack_file.read_text(encoding="utf-8"))["config"][CONFIG_KEY]["clusters"]
        return {name: {"kubeconfig": str(self.clusters.kubeconfig), "cluster_uid": uid} for name, uid in self.uids.items() if name in clusters}
