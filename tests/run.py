"""`make test`: every check and tier this machine can run, each timed, and a line for each tier it cannot run and why.

`python -m tests.run [lint | TIER …]` runs a part. FLEET_REQUIRE=engine,cluster makes it a failure if one of those tiers, or
a test in it, is skipped: continuous integration must not pass because something was missing.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree as ET

import psutil

from local.ledger import Ledger
from tests.support.tiers import NAMES, TIERS, Tier

PROJECT = Path(__file__).resolve().parent.parent
SETUP_SECONDS = Path(sys.prefix) / "seconds"
"""Left by `make` when it made the virtual environment."""

CHECKS = {
    "ruff check": ("-m", "ruff", "check", "."),
    "ruff format": ("-m", "ruff", "format", "--check", "."),
    "pyright": ("-m", "pyright"),
}
PATIENCE_SECONDS = 30.0


@dataclass
class Outcome:
    """What all checks and tiers said together."""

    ledger: Ledger = field(default_factory=Ledger)
    counts: Counter[str] = field(default_factory=Counter[str])
    failed: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)

    def fail(self, what: str) -> None:
        """Something other than a test failed; it counts as an error, so that the last line cannot look well."""
        self.failed.append(what)
        self.counts["error"] += 1

    def total(self, seconds: float) -> str:
        """The last line, as pytest writes it."""
        words = ("failed", "passed", "skipped", "error")
        parts = [f"{self.counts[word]} {word}{'s' if word == 'error' and self.counts[word] > 1 else ''}" for word in words if self.counts[word]]
        return f" {', '.join(parts) or 'nothing ran'} in {seconds:.2f}s ".center(80, "=")


def main(arguments: Sequence[str]) -> int:
    """Run the named parts, or everything.

    Returns 0, or 1 if anything failed, or 2 for a name that is none.
    """
    required = [name for name in os.environ.get("FLEET_REQUIRE", "").split(",") if name]
    for where, names, known in (("arguments", arguments, ("lint", *NAMES)), ("FLEET_REQUIRE", required, NAMES)):
        if unknown := [name for name in names if name not in known]:
            print(f"error: {where}: {', '.join(unknown)} is none of {', '.join(known)}", file=sys.stderr)
            return 2
    began = time.monotonic()
    outcome = Outcome()
    if SETUP_SECONDS.exists():
        outcome.ledger.record("setup", "virtual environment", float(SETUP_SECONDS.read_text(encoding="utf-8")))
        SETUP_SECONDS.unlink()
    if not arguments or "lint" in arguments:
        for name, command in CHECKS.items():
            check(name, command, outcome)
    for tier in TIERS:
        if not arguments or tier.name in arguments:
            run_tier(tier, outcome, required=tier.name in required)
    outcome.ledger.save()
    print(f"\n{outcome.ledger.table()}\n")
    for line in outcome.skipped:
        print(f"SKIPPED {line}")
    for line in outcome.failed:
        print(f"FAILED {line}")
    print(outcome.total(time.monotonic() - began), flush=True)
    return 1 if outcome.failed else 0


def check(name: str, command: Sequence[str], outcome: Outcome) -> None:
    """Run a linter or the type checker; its output is shown where it finds something."""
    began = time.monotonic()
    done = subprocess.run([sys.executable, *command], cwd=PROJECT, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    seconds = time.monotonic() - began
    outcome.ledger.record("tests", name, seconds)
    if done.returncode:
        print(f"{done.stdout}{done.stderr}")
        outcome.fail(name)
    print(f"{name}: {'failed' if done.returncode else 'ok'} ({seconds:.1f} s)", flush=True)


def run_tier(tier: Tier, outcome: Outcome, *, required: bool) -> None:
    """Prepare and run one tier, or note why it cannot run."""
    print(f"\n{tier.name}", flush=True)
    reason = tier.prepare(outcome.ledger)
    if reason:
        print(f"skipped: {reason}", flush=True)
        if required:
            outcome.fail(f"{tier.name}: required by FLEET_REQUIRE, but {reason}")
        else:
            outcome.skipped.append(f"{tier.name}: {reason}")
        return
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        command = [sys.executable, "-m", "pytest", "-q", "-m", tier.name, f"--junit-xml={report}", *tier.arguments]
        code = _within(command, tier.limit_seconds)
        counts = _counts(report)
    outcome.ledger.record("tests", tier.name, time.monotonic() - began)
    outcome.counts += counts
    if code is None:
        outcome.fail(f"{tier.name}: still running after {tier.limit_seconds:.0f} s, ended")
    elif code and not counts["failed"] and not counts["error"]:
        outcome.fail(f"{tier.name}: pytest ended with status {code}")
    elif code:
        outcome.failed.append(tier.name)
    if required and counts["skipped"]:
        outcome.fail(f"{tier.name}: required by FLEET_REQUIRE, but {counts['skipped']} of its tests were skipped")


def _within(command: Sequence[str], limit_seconds: float) -> int | None:
    """Exit status, or None for a command that took longer than it may and was ended with all that it started."""
    process = subprocess.Popen(command, cwd=PROJECT, stdin=subprocess.DEVNULL)
    try:
        return process.wait(limit_seconds)
    except subprocess.TimeoutExpired:
        started = psutil.Process(process.pid).children(recursive=True)
        process.send_signal(signal.SIGINT)  # as Ctrl-C: fixtures still clean up
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(PATIENCE_SECONDS)
        process.kill()
        process.wait()
        for left in started:
            with contextlib.suppress(psutil.NoSuchProcess):
                left.kill()
        psutil.wait_procs(started, timeout=PATIENCE_SECONDS)
        return None


def _counts(report: Path) -> Counter[str]:
    """Tests by outcome; empty where pytest died before it could write its report."""
    if not report.exists():
        return Counter()
    counts: Counter[str] = Counter()
    for suite in ET.parse(report).getroot().iter("testsuite"):  # noqa: S314  written by our own pytest
        failed, errors, skipped = (int(suite.get(name, "0")) for name in ("failures", "errors", "skipped"))
        counts.update(failed=failed, error=errors, skipped=skipped, passed=int(suite.get("tests", "0")) - failed - errors - skipped)
    return counts


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        print("\nInterrupted.", file=sys.stderr)
        sys.exit(130)
