"""The local stack under the real Pulumi engine: this process is the language host, only the CLI and the provider are needed.

A run may end anywhere (Ctrl-C, SIGKILL of the engine or of this process). The next one ends engines that lost their
program, lifts the lock they left, and forgets operations that never finished: server-side apply adopts an object that was
created and not recorded, and deleting one that is gone already succeeds.
"""

from __future__ import annotations

import contextlib
import json
import os
import runpy
import shutil
import signal
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import psutil
import yaml
from pulumi import automation

from fleet.settings import CONFIG_KEY
from fleet.stack_file import stack_of
from local import interruption, processes
from local.progress import Progress, Say

PROJECT_DIRECTORY = Path(__file__).resolve().parent.parent
_Result = TypeVar("_Result")

PASSPHRASE = "vllm-fleet-local"  # noqa: S105
"""Nothing secret lies in the local stack's state; the engine insists on a passphrase all the same."""


class EngineFailed(Exception):
    """The engine ended without success; the text is what it said, without its own framing."""


class LocalStack:
    """One stack of this program in a private home, with a file backend and no network."""

    def __init__(self, directory: Path, tools: Mapping[str, Path], stack_file: Path, overrides: Mapping[str, Mapping[str, Any]]) -> None:
        """Prepare the workspace.

        Args:
            directory: holds the backend, the engine's home and a copy of the project files; made if absent.
            tools: paths of `pulumi` and `pulumi-resource-kubernetes`.
            stack_file: the stack file to run, never written to.
            overrides: cluster name to fields that only this machine knows (kubeconfig path, cluster UID).
        """
        self._directory = directory
        self._name = stack_of(stack_file)
        self._stack_file = stack_file
        self.changes: dict[str, int] = {}
        """Operation to number of resources, of the last update or destroy."""
        self._environment = self._make_environment(tools)
        self._workspace(overrides)
        options = automation.LocalWorkspaceOptions(
            work_dir=str(directory / "project"),
            pulumi_home=str(directory / "home"),
            env_vars=self._environment,
        )
        _mend_attributes(directory / "state")
        os.environ["PATH"] = self._environment["PATH"]  # the Automation API looks for the CLI in its own environment
        self._stack = automation.create_or_select_stack(stack_name=self._name, project_name="vllm-fleet", program=run_program, opts=options)

    def up(self, say: Say, *, refresh: bool = False) -> dict[str, Any]:
        """Create or update everything; returns the outputs.

        Raises:
            EngineFailed: with the diagnostics of the engine.
        """
        result = self._told(say, self._stack.up, refresh=refresh or None)
        return {name: output.value for name, output in result.outputs.items()}

    def preview(self) -> dict[str, int]:
        """What an update would do: operation to number of resources.

        Raises:
            EngineFailed: with the diagnostics of the engine.
        """
        watch = Progress(lambda _: None)
        try:
            result = self._stack.preview(on_event=watch, color="never", suppress_outputs=True)
        except automation.CommandError as error:
            raise EngineFailed(watch.failure(str(error))) from None
        return {getattr(operation, "value", str(operation)): count for operation, count in result.change_summary.items()}

    def destroy(self, say: Say) -> None:
        """Delete everything in order, then the stack itself.

        Raises:
            EngineFailed: with the diagnostics of the engine.
        """
        self._told(say, self._stack.destroy)
        self._stack.workspace.remove_stack(self._name)

    def outputs(self) -> dict[str, Any]:
        """Outputs of the last update."""
        return {name: output.value for name, output in self._stack.outputs().items()}

    def _told(self, say: Say, operation: Callable[..., _Result], **options: Any) -> _Result:
        """Run an operation of the engine on a healed stack, and tell what it does."""
        self._heal(say)
        watch = Progress(say)
        try:
            with interruption.asks_first(self._stop_engine, say):
                result = operation(on_event=watch, color="never", suppress_outputs=True, **options)
        except automation.CommandError as error:
            raise EngineFailed(watch.failure(str(error))) from None
        self.changes = watch.counts
        say(watch.summary())
        return result

    def _stop_engine(self) -> None:
        for engine in engines(self._directory / "home"):
            with contextlib.suppress(psutil.NoSuchProcess):
                engine.send_signal(signal.SIGINT)

    def _make_environment(self, tools: Mapping[str, Path]) -> dict[str, str]:
        folders = dict.fromkeys(str(tools[name].parent) for name in ("pulumi", "pulumi-resource-kubernetes"))
        backend = self._directory / "state"
        backend.mkdir(parents=True, exist_ok=True)
        return {
            "PATH": os.pathsep.join([*folders, os.environ.get("PATH", "")]),
            "PULUMI_HOME": str(self._directory / "home"),
            "PULUMI_BACKEND_URL": f"file://{backend}",
            "PULUMI_CONFIG_PASSPHRASE": PASSPHRASE,
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
            "PULUMI_DISABLE_REGISTRY_RESOLVE": "true",
            "PULUMI_DIY_BACKEND_DISABLE_CHECKPOINT_BACKUPS": "true",
            "PULUMI_ERROR_OUTPUT_STRING": "1",
        }

    def _workspace(self, overrides: Mapping[str, Mapping[str, Any]]) -> None:
        """Copies of the project files: the engine writes its salt into the copy, and a checkout stays clean."""
        project = self._directory / "project"
        project.mkdir(parents=True, exist_ok=True)
        shutil.copy(PROJECT_DIRECTORY / "Pulumi.yaml", project / "Pulumi.yaml")
        target = project / self._stack_file.name
        document = yaml.safe_load(self._stack_file.read_text(encoding="utf-8"))
        settings = document["config"][CONFIG_KEY]
        for cluster, fields in overrides.items():
            settings["clusters"][cluster].update(fields)
        for model in settings["models"].values():
            if "config" in model:  # the copy lies in another folder than the file that names it
                model["config"] = str((self._stack_file.parent / model["config"]).resolve())
        if target.exists():
            written = yaml.safe_load(target.read_text(encoding="utf-8")) or {}
            document |= {key: value for key, value in written.items() if key.startswith("encryption")}
        target.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")

    def _heal(self, say: Say) -> None:
        end_orphaned_engines(self._directory / "home", say)
        if any((self._directory / "state" / ".pulumi" / "locks").rglob("*.json")):
            say("An earlier run left the stack locked; lifting the lock.")
            self._stack.cancel()
        deployment = self._stack.export_stack()
        content = dict(deployment.deployment or {})
        pending = content.get("pending_operations") or []
        if pending:
            names = ", ".join(sorted(operation["resource"]["urn"].rsplit("::", 1)[-1] for operation in pending))
            say(f"An earlier run was cut off at {len(pending)} operations ({names}); they are done again.")
            content["pending_operations"] = []
            self._stack.import_stack(automation.Deployment(version=deployment.version, deployment=content))


def _mend_attributes(state: Path) -> None:
    """Remove what a killed engine left half written beside its state: it needs none of it, and reads no state beside an empty one.

    The file backend replaces the state itself as a whole; of its attributes it begins the file anew.
    """
    for path in state.rglob("*.attrs"):
        try:
            json.loads(path.read_text(encoding="utf-8"))
        except ValueError:
            path.unlink()


def run_program() -> None:
    """The program exactly as the official command line would run it."""
    runpy.run_path(str(PROJECT_DIRECTORY / "__main__.py"), run_name="__main__")


def engines(home: Path) -> list[psutil.Process]:
    """Engines of this home, without their providers."""
    return [process for process in psutil.process_iter(["name"]) if _belongs(process, home) and process.info["name"] == "pulumi"]


def end_orphaned_engines(home: Path, say: Say) -> None:
    """End engines and providers of this home that are still there: only one run at a time gets this far."""
    found = [process for process in psutil.process_iter(["name"]) if _belongs(process, home)]
    for process in found:
        say(f"Ending {process.info['name']} (process {process.pid}), left by an earlier run.")
    processes.end(found, patience_seconds=10)


def _belongs(process: psutil.Process, home: Path) -> bool:
    if not (process.info["name"] or "").startswith("pulumi"):
        return False
    try:
        return process.environ().get("PULUMI_HOME") == str(home)
    except (psutil.AccessDenied, psutil.NoSuchProcess, psutil.ZombieProcess):
        return False
