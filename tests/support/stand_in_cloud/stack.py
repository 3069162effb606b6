"""An inline program under the real engine, with a stand-in attached."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pulumi import automation

from local.tools import ensure
from tests.support.stand_in_cloud.provider import StandInCloud

PROJECT = "stand-in"


class InlineStack:
    """One stack of programs that a test writes, in a home of its own. `program` may be set to another one between runs."""

    def __init__(self, folder: Path, provider: StandInCloud[Any], program: Callable[[], None]) -> None:
        self.provider, self.program = provider, program
        self.summary: dict[str, int] = {}
        """Operation to number of resources, of the last update or preview."""
        engine = ensure(["pulumi"])["pulumi"].parent
        (folder / "state").mkdir(parents=True)
        environment = {
            "PATH": os.pathsep.join([str(engine), os.environ.get("PATH", "")]),
            "PULUMI_BACKEND_URL": f"file://{folder / 'state'}",
            "PULUMI_CONFIG_PASSPHRASE": "none",
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
            "PULUMI_DISABLE_REGISTRY_RESOLVE": "true",
            "PULUMI_DIY_BACKEND_DISABLE_CHECKPOINT_BACKUPS": "true",
            "PULUMI_DEBUG_PROVIDERS": provider.start(),
        }
        os.environ["PATH"] = environment["PATH"]  # the Automation API looks for the CLI in its own environment
        project = automation.ProjectSettings(name=PROJECT, runtime="python", backend=automation.ProjectBackend(environment["PULUMI_BACKEND_URL"]))
        options = automation.LocalWorkspaceOptions(pulumi_home=str(folder / "home"), env_vars=environment, project_settings=project)
        self._stack = automation.create_or_select_stack("test", PROJECT, program=self._run, opts=options)

    def _run(self) -> None:
        self.program()

    def up(self, *, refresh: bool = False) -> dict[str, Any]:
        """Update; returns the outputs. The log of the provider begins anew.

        Raises:
            automation.CommandError: with what the engine said.
        """
        self.provider.forget()
        result = self._stack.up(color="never", refresh=refresh or None)
        self.summary = _counts(result.summary.resource_changes)
        return {name: output.value for name, output in result.outputs.items()}

    def refused(self) -> str:
        """What the engine says of an update that has to fail."""
        try:
            self.up()
        except automation.CommandError as error:
            return str(error)
        raise AssertionError("the update succeeded")

    def preview(self) -> str:
        """What an update would do, as a person reads it.

        Raises:
            automation.CommandError: with what the engine said.
        """
        self.provider.forget()
        result = self._stack.preview(color="never", diff=True)
        self.summary = _counts(result.change_summary)
        return result.stdout

    def refresh(self) -> dict[str, int]:
        """Read everything back; operation to number of resources."""
        return _counts(self._stack.refresh(color="never").summary.resource_changes)

    def destroy(self) -> None:
        """Delete everything.

        Raises:
            automation.CommandError: with what the engine said.
        """
        self.provider.forget()
        self._stack.destroy(color="never")

    def pending(self) -> list[str]:
        """URNs of operations that the state calls under way."""
        deployment = self._stack.export_stack().deployment or {}
        return [one["resource"]["urn"] for one in deployment.get("pending_operations") or []]


def _counts(changes: Mapping[Any, int] | None) -> dict[str, int]:
    return {getattr(operation, "value", str(operation)): count for operation, count in (changes or {}).items()}
