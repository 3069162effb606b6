"""What each tool build and each tier costs, beside the budgets that keep continuous integration inside its time."""

from __future__ import annotations

import json
from pathlib import Path

REFERENCE = Path(__file__).with_name("ledger.json")
"""Cold figures on two cores, and the budgets. Measured anew when a tool or a tier changes; never written by a run."""

_builds: dict[str, float] = {}
_tiers: dict[str, float] = {}


def record_build(module: str, seconds: float) -> None:
    """A tool was built in this run."""
    _builds[module] = seconds


def record_tier(name: str, seconds: float) -> None:
    """A check or a tier ran."""
    _tiers[name] = seconds


def table() -> str:
    """This run beside the reference, in seconds."""
    reference = json.loads(REFERENCE.read_text(encoding="utf-8"))
    lines = [("", "REFERENCE", "THIS RUN")]
    for title, known, found in (("build", reference["builds"], _builds), ("tier", reference["tiers"], _tiers)):
        for name in sorted({*known, *found}):
            now = f"{found[name]:.0f} s" if name in found else ("cached" if title == "build" else "-")
            lines.append((f"{title} {name}", f"{known[name]} s" if name in known else "-", now))
        total = f"{sum(found.values()):.0f} s"
        lines.append((f"{title}s together", f"{sum(known.values())} s of {reference['budget_seconds'][title]} s", total))
    widths = [max(len(line[column]) for line in lines) for column in range(3)]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines)
