"""`make test`: every check and tier this machine can run, each timed, and a line for each it cannot run and why."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from local import ledger
from local.tools import RECIPES, ToolError, ensure
from tests.support import vllm_wheel

PROJECT = Path(__file__).resolve().parent.parent
WORKERS = str(min(4, os.cpu_count() or 1))


@dataclass(frozen=True)
class Tier:
    """One group of tests: its pytest arguments, and what makes it possible here."""

    name: str
    arguments: tuple[str, ...]
    prepare: Callable[[], str | None]
    """Sets up what the tier needs; the reason why it cannot run here, or None."""


def _nothing() -> str | None:
    return None


def _wheel() -> str | None:
    try:
        vllm_wheel.source_dir()
    except vllm_wheel.WheelError as error:
        return str(error)
    return None


def _tools(*names: str) -> Callable[[], str | None]:
    def prepare() -> str | None:
        try:
            ensure(names, record=ledger.record_build)
        except ToolError as error:
            return str(error)
        if os.name != "posix":
            return "the local target needs a POSIX system"
        return None if shutil.which("openssl") else "openssl is not installed"

    return prepare


TIERS = (
    Tier("pure", ("-m", "pure"), _nothing),
    Tier("parser", ("-m", "parser"), _wheel),
    Tier("mocks", ("-m", "mocks", "-n", WORKERS), _nothing),
    Tier("engine", ("-m", "engine"), _tools("pulumi", "pulumi-resource-kubernetes")),
    Tier("cluster", ("-m", "cluster"), _tools(*(binary for recipe in RECIPES for binary in recipe.binaries))),
)

CHECKS = {
    "ruff check": ("-m", "ruff", "check", "."),
    "ruff format": ("-m", "ruff", "format", "--check", "."),
    "pyright": ("-m", "pyright"),
}


def main(arguments: list[str]) -> int:
    """Run the named checks and tiers, or all of them."""
    chosen = set(arguments)
    required = {name for name in os.environ.get("FLEET_REQUIRE", "").split(",") if name}
    failed: list[str] = []
    skipped: list[str] = []
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    if not chosen or "lint" in chosen:
        failed += [name for name, command in CHECKS.items() if not _check(name, command)]
    for tier in TIERS:
        if chosen and tier.name not in chosen:
            continue
        print(f"\n== {tier.name} ==", flush=True)
        reason = tier.prepare()
        if reason:
            skipped.append(f"{tier.name}: {reason}")
            failed += [f"{tier.name} (required, but {reason})"] if tier.name in required else []
            continue
        if not _tier(tier, counts):
            failed.append(tier.name)
    print(f"\n{ledger.table()}")
    for line in skipped:
        print(f"skipped {line}")
    for line in failed:
        print(f"FAILED {line}")
    print(f"{counts['passed']} passed, {counts['failed']} failed, {counts['skipped']} skipped")
    return 1 if failed else 0


def _check(name: str, command: tuple[str, ...]) -> bool:
    began = time.monotonic()
    done = subprocess.run([sys.executable, *command], cwd=PROJECT, capture_output=True, text=True, check=False)
    seconds = time.monotonic() - began
    ledger.record_tier(name, seconds)
    if done.returncode:
        print(f"{done.stdout}{done.stderr}")
    print(f"{'ok' if done.returncode == 0 else 'FAILED':<8}{name} ({seconds:.1f} s)", flush=True)
    return done.returncode == 0


def _tier(tier: Tier, counts: dict[str, int]) -> bool:
    began = time.monotonic()
    command = [sys.executable, "-m", "pytest", "-q", *tier.arguments]
    process = subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    last = ""
    for line in process.stdout or ():
        print(line, end="", flush=True)
        last = line if re.search(r"\d+ (passed|failed|error|skipped)", line) else last
    code = process.wait()
    ledger.record_tier(tier.name, time.monotonic() - began)
    for number, word in re.findall(r"(\d+) (passed|failed|skipped|error)", last):
        counts["failed" if word == "error" else word] += int(number)
    return code == 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
