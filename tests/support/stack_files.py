"""Stack files for tests of the reader and the planner: a small one to break, and the shipped ones."""

from __future__ import annotations

from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from fleet import InputError, PlanError, Problem, plan
from fleet.fleet_plan import FleetPlan
from fleet.settings import CONFIG_KEY
from fleet.stack_file import parse, read

PROJECT = Path(__file__).resolve().parents[2]
SHIPPED = ("local", "staging", "prod")

REMOVED = object()
"""In `changed`: the key is taken out."""

_SMALL = """
name: test
clusters:
  here: {cloud: existing, context: here, storage_classes: {cache: shared}}
  us: {cloud: aws, region: us-east-2, endpoint: {public_cidrs: [203.0.113.0/24]}}
  eu: {cloud: gcp, region: europe-west4, project: acme-test}
pools:
  l4: {accelerator: L4, max_nodes: 4}
models:
  chat: {tier: small, pool: l4}
"""


_PARSED: dict[str, Any] = yaml.safe_load(_SMALL)


def small() -> dict[str, Any]:
    """Settings of one model in a cluster of each kind, accepted as they are."""
    return deepcopy(_PARSED)


def shipped(stack: str) -> dict[str, Any]:
    """Settings of a shipped stack file, as plain values to change."""
    return deepcopy(_document(stack))


@cache
def _document(stack: str) -> dict[str, Any]:
    return yaml.safe_load((PROJECT / f"Pulumi.{stack}.yaml").read_text(encoding="utf-8"))["config"][CONFIG_KEY]


@cache
def shipped_plan(stack: str) -> FleetPlan:
    """The plan of a shipped stack file."""
    return plan(read(PROJECT / f"Pulumi.{stack}.yaml"), stack=stack)


def changed(settings: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """The settings with the values at these dotted paths replaced, added or removed."""
    found = deepcopy(settings)
    for path, value in changes.items():
        *above, last = path.split(".")
        section = found
        for key in above:
            section = section.setdefault(key, {})
        if value is REMOVED:
            del section[last]
        else:
            section[last] = value
    return found


def refused(settings: object) -> tuple[int, tuple[Problem, ...]]:
    """The exit code and every problem: 2 of the input, 1 of the plan, (0, ()) where it is accepted."""
    try:
        plan(parse(settings), directory=PROJECT)
    except InputError as error:
        return 2, error.problems
    except PlanError as error:
        return 1, error.problems
    return 0, ()
