"""What setting up, each tool build and each tier of tests costs, beside the budgets that keep continuous integration in its time.

The reference figures are in `ledger.json`: measured on two cores, cold (nothing cached) and warm (tools: linked again from
Go's own cache; tests: a second run). A run never writes them; it is kept in the cache, and `python -m local.ledger
--record cold` (or `warm`) takes the last kept run over into the reference.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from local.cache import cache_directory

REFERENCE = Path(__file__).with_name("ledger.json")
GROUPS = ("setup", "builds", "tests")
RUNS_KEPT = 200


@dataclass
class Ledger:
    """The figures of one run, in seconds, by group and name."""

    seconds: dict[str, dict[str, float]] = field(default_factory=lambda: {group: {} for group in GROUPS})

    def record(self, group: str, name: str, seconds: float) -> None:
        """Note what something cost.

        Args:
            group: one of `GROUPS`; another one is a KeyError.
            name: what ran.
            seconds: how long it took.
        """
        self.seconds[group][name] = round(seconds, 1)

    def table(self, reference: Mapping[str, Any] | None = None) -> str:
        """This run beside the reference, with the budgets; a group over its budget says so."""
        known = reference if reference is not None else read_reference()
        rows = [("", "COLD", "WARM", "THIS RUN")]
        for group in GROUPS:
            rows += self._rows(group, known)
        widths = [max(len(row[column]) for row in rows) for column in range(4)]
        lines = [[row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))] for row in rows]
        return "\n".join(["  ".join(line).rstrip() for line in lines] + self._over(known))

    def save(self) -> None:
        """Keep this run in the cache, for `--record` and for comparison over time."""
        path = runs_file()
        path.parent.mkdir(parents=True, exist_ok=True)
        kept = path.read_text(encoding="utf-8").splitlines()[1 - RUNS_KEPT :] if path.exists() else []
        kept.append(json.dumps({"at": datetime.now(UTC).isoformat(timespec="seconds"), **self.seconds}))
        partial = path.with_suffix(".partial")
        partial.write_text("\n".join(kept) + "\n", encoding="utf-8")
        partial.replace(path)

    def _rows(self, group: str, known: Mapping[str, Any]) -> list[tuple[str, str, str, str]]:
        figures: Mapping[str, Mapping[str, float]] = known[group]
        now = self.seconds[group]
        rows = [
            (f"{group}  {name}", _cell(figures.get(name, {}).get("cold")), _cell(figures.get(name, {}).get("warm")), _cell(now.get(name)))
            for name in dict.fromkeys([*figures, *now])
        ]
        if len(rows) > 1:
            cold, warm = (sum(figure.get(kind, 0) for figure in figures.values()) for kind in ("cold", "warm"))
            rows.append((f"{group}  together", _cell(cold), _cell(warm), _cell(sum(now.values()) or None)))
        return rows

    def _over(self, known: Mapping[str, Any]) -> list[str]:
        lines: list[str] = []
        for group, budget in known["budget_seconds"].items():
            spent = {"cold reference": sum(figure.get("cold", 0) for figure in known[group].values()), "run": sum(self.seconds[group].values())}
            lines += [
                f"OVER BUDGET: {group} take {total:.0f} s in this {what}, {budget} s are allowed" for what, total in spent.items() if total > budget
            ]
        return lines


def read_reference() -> dict[str, Any]:
    """The committed figures and budgets."""
    document: dict[str, Any] = json.loads(REFERENCE.read_text(encoding="utf-8"))
    return document


def runs_file() -> Path:
    """Where runs of this machine are kept, a line of JSON each, the newest last."""
    return cache_directory() / "runs.jsonl"


def last_run() -> Ledger | None:
    """The newest run that was kept on this machine."""
    path = runs_file()
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    if not lines:
        return None
    document = json.loads(lines[-1])
    return Ledger({group: dict(document.get(group, {})) for group in GROUPS})


def recorded(reference: Mapping[str, Any], run: Ledger, kind: str) -> dict[str, Any]:
    """The reference with a run's figures in its "cold" or "warm" column; what did not run keeps its figures."""
    taken = json.loads(json.dumps(reference))
    for group in GROUPS:
        for name, seconds in run.seconds[group].items():
            taken[group].setdefault(name, {})[kind] = max(1, round(seconds))
    return dict(taken)


def main(arguments: Sequence[str] | None = None) -> int:
    """`python -m local.ledger [--record cold|warm]`: show the last kept run, or take it over into the reference."""
    parser = argparse.ArgumentParser(prog="python -m local.ledger", description="What builds and tests cost, beside their budgets.")
    parser.add_argument("--record", choices=("cold", "warm"), help="write the last run of `make test` into the committed reference")
    options = parser.parse_args(arguments)
    run = last_run()
    if run is None:
        print(f"error: {runs_file()} holds no run yet: run `make test` first", file=sys.stderr)
        return 1
    if options.record:
        REFERENCE.write_text(_written(recorded(read_reference(), run, options.record)), encoding="utf-8")
    print(run.table())
    return 0


def _written(reference: Mapping[str, Any]) -> str:
    """One line per figure, so that a change reads well."""
    parts = [f' "budget_seconds": {json.dumps(reference["budget_seconds"])}']
    for group in GROUPS:
        lines = ",\n".join(f"  {json.dumps(name)}: {json.dumps(figure)}" for name, figure in reference[group].items())
        parts.append(f' "{group}": {{\n{lines}\n }}' if lines else f' "{group}": {{}}')
    return "{\n" + ",\n".join(parts) + "\n}\n"


def _cell(seconds: float | None) -> str:
    return "-" if seconds is None else f"{seconds:.0f} s"


if __name__ == "__main__":
    sys.exit(main())
