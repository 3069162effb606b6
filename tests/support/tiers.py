"""The tiers of tests: what each needs, and why it cannot run on this machine."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass

from local import machine
from local.control_plane import missing
from local.ledger import Ledger
from local.tools import ALL, ToolError, ensure
from local.tools.recipes import CONTROL_PLANE, ENGINE
from tests.support import vllm_wheel
from tests.support.iam_evaluator import EvaluatorError, evaluator

SIMULATOR = ("vllm-simulator", "fleet-client", "llm-d-inference-sim")
WORKERS = str(min(4, os.cpu_count() or 1))


@dataclass(frozen=True)
class Tier:
    """Tests under one pytest marker.

    `prepare` sets up what they need and returns why they cannot run here, or None. `limit_seconds` ends a run that hangs:
    several times what the tier takes.
    """

    name: str
    limit_seconds: float
    prepare: Callable[[Ledger], str | None]
    arguments: tuple[str, ...] = ()


def _nothing(_: Ledger) -> str | None:
    return None


def _wheel(ledger: Ledger) -> str | None:
    try:
        vllm_wheel.source_dir()
    except vllm_wheel.WheelError as error:
        return str(error)
    return _tools(("vllm-simulator",), ledger)


def _simulator(ledger: Ledger) -> str | None:
    return _tools(SIMULATOR, ledger)


def _policies(_: Ledger) -> str | None:
    try:
        evaluator()
    except EvaluatorError as error:
        return str(error)
    return None


def _engine(ledger: Ledger) -> str | None:
    return _tools(("pulumi", "pulumi-resource-kubernetes"), ledger)


def _cluster(ledger: Ledger) -> str | None:
    return missing() or _tools((*ENGINE, *CONTROL_PLANE), ledger)


def _pods(ledger: Ledger) -> str | None:
    return machine.missing() or _tools(ALL, ledger)


def _tools(names: tuple[str, ...], ledger: Ledger) -> str | None:
    try:
        ensure(names, record=lambda module, seconds: ledger.record("builds", module, seconds))
    except ToolError as error:
        return str(error)
    return None


TIERS = (
    Tier("pure", 180, _nothing),
    Tier("published", 180, _nothing),
    Tier("tooling", 180, _nothing, ("-n", WORKERS)),
    Tier("parser", 300, _wheel),
    Tier("simulator", 300, _simulator, ("-n", WORKERS)),
    Tier("mocks", 300, _nothing, ("-n", WORKERS)),
    Tier("emulator", 300, _nothing, ("-n", WORKERS, "--dist", "loadfile")),
    Tier("policies", 300, _policies),
    Tier("engine", 900, _engine, ("-n", WORKERS, "--dist", "loadfile")),
    Tier("cluster", 1200, _cluster, ("-n", "2", "--dist", "loadfile")),  # most of the time is waited for controllers
    Tier("pods", 1500, _pods, ("-n", "2", "--dist", "loadfile")),  # a fleet for each worker; most of the time is spent on drains
)

NAMES = tuple(tier.name for tier in TIERS)
