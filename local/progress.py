"""What the engine does, told while it happens."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from pulumi import automation

Say = Callable[[str], None]


class Progress:
    """The engine's events as short lines: one per change, every diagnostic once."""

    _WORDS: ClassVar[dict[str, str]] = {
        "create": "created",
        "update": "updated",
        "delete": "deleted",
        "replace": "replaced",
        "create-replacement": "replaced",
    }

    def __init__(self, say: Say) -> None:
        self._say = say
        self._failed: list[str] = []
        self.counts: dict[str, int] = {}

    def __call__(self, event: automation.EngineEvent) -> None:
        """Take one event."""
        if event.res_outputs_event:
            self._done(event.res_outputs_event.metadata)
        elif event.diagnostic_event and event.diagnostic_event.severity in ("error", "warning", "info#err"):
            self._told(event.diagnostic_event)
        elif event.summary_event:
            self.counts = {str(getattr(op, "value", op)): count for op, count in event.summary_event.resource_changes.items()}
            self.counts["same"] = self.counts.get("same", 0)

    def summary(self) -> str:
        """What the whole run changed, in one line."""
        changed = {operation: count for operation, count in self.counts.items() if operation != "same"}
        if not changed:
            return f"No changes: {self.counts.get('same', 0)} resources are as the plan says."
        parts = [f"{count} {self._WORDS.get(operation, operation)}" for operation, count in sorted(changed.items())]
        return f"{', '.join(parts)}, {self.counts.get('same', 0)} unchanged."

    def failure(self, fallback: str) -> str:
        """The diagnostics, or the command's own text where there were none."""
        return "\n".join(dict.fromkeys(self._failed)) or fallback.strip()

    def _done(self, metadata: Any) -> None:
        operation = str(getattr(metadata.op, "value", metadata.op))
        if operation in self._WORDS and not metadata.urn.endswith("::pulumi:pulumi:Stack"):
            kind, name = metadata.type.rsplit(":", 1)[-1], metadata.urn.rsplit("::", 1)[-1]
            self._say(f"  {self._WORDS[operation]:<8} {kind} {name}")

    def _told(self, event: Any) -> None:
        text = event.message.strip().removeprefix("an unhandled error occurred: ")  # the engine says the program's own message twice
        if not text:
            return
        where = event.urn.rsplit("::", 1)[-1] if event.urn else ""
        line = f"{where}: {text}" if where and not where.startswith("vllm-fleet-") else text
        # What the provider calls a Deployment whose pods are still starting; it is among the reasons of a failure as well.
        if event.severity == "warning" and "[MinimumReplicasUnavailable]" in text:
            self._say(f"  waiting  {where}")
        elif "pulumi-resource-kubernetes from $PATH" in text:  # where we put it
            return
        elif event.severity == "warning":
            self._say(f"  warning  {line}")
        else:
            self._failed.append(line)
