"""What else is wrong with a stack file that the schema refuses: a person mends everything in one go.

What the schema refused is taken out, and the rest is planned. A problem is kept where it stands whatever those parts will
say: a name that does not exist, or an entry that is whole and depends on whole entries only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import replace
from typing import Any, cast

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from fleet.planner import plan
from fleet.problems import InputError, PlanError, Problem, nearest
from fleet.settings import Settings

SECTIONS = ("clusters", "pools", "models")
MOST_ROUNDS = 5
"""Of taking out and asking again: an entry without a required field goes as a whole, and may have been the last of its kind."""

Entry = tuple[str, str]


def further(value: object, errors: Sequence[ErrorDetails]) -> list[Problem]:
    """Problems of the plan that do not depend on what the schema refuses.

    Args:
        value: what the schema was shown.
        errors: what it answered.
    """
    if not isinstance(value, dict):
        return []
    written = cast("dict[str, Any]", value)
    rest, broken = deepcopy(written), set[Entry]()
    for _ in range(MOST_ROUNDS):
        for error in errors:
            _take_out(rest, error, broken)
        try:
            plan(Settings.model_validate(rest, strict=False))
        except ValidationError as error:
            errors = error.errors(include_url=False)
        except PlanError as error:
            return [_told(problem, written) for problem in error.problems if _stands(problem, written, broken)]
        except InputError:
            return []
        else:
            return []
    return []


def _take_out(rest: dict[str, Any], error: ErrorDetails, broken: set[Entry]) -> None:
    """Remove the value that an error is about, or the entry that cannot be without it."""
    section, *inside = [str(part) for part in error["loc"]] or [""]
    entries = rest.get(section)
    if section not in SECTIONS or not inside or not isinstance(entries, dict):
        rest.pop(section, None)
        if section == "name":
            rest["name"] = "unnamed"
        return
    key, *path = inside
    broken.add((section, key))
    fields = cast("dict[str, Any]", entries).get(key)
    path = [part for part in path if not (section == "clusters" and part in {"aws", "gcp", "existing"})]
    if error["type"] == "missing" or not isinstance(fields, dict) or not path or path[0] not in fields:
        cast("dict[str, Any]", entries).pop(key, None)
    else:
        cast("dict[str, Any]", fields).pop(path[0])


def _stands(problem: Problem, written: Mapping[str, Any], broken: set[Entry]) -> bool:
    section, _, inside = problem.field.partition(".")
    key, _, field = inside.partition(".")
    if problem.unknown_in:
        names = written.get(problem.unknown_in, {})
        return isinstance(names, Mapping) and problem.value not in names
    if section not in SECTIONS or field == "config":
        return False
    return not broken & {(section, key), *_needed(section, _keys(written, section).get(key), written)}


def _told(problem: Problem, written: Mapping[str, Any]) -> Problem:
    """The problem, with the names of entries that were taken out among those that might be meant."""
    names = _keys(written, problem.unknown_in or "")
    return replace(problem, remedy=nearest(str(problem.value), names)) if names else problem


def _needed(section: str, entry: object, written: Mapping[str, Any]) -> set[Entry]:
    """The entries without which this one cannot be judged."""
    clusters = {("clusters", name) for name in _keys(written, "clusters")}
    if section != "models" or not isinstance(entry, Mapping):
        return clusters
    model = cast("Mapping[str, Any]", entry)
    placements = _keys(model, "placements")
    pools: set[object] = {model.get("pool"), *(_keys(placements, cluster).get("pool") for cluster in placements)}
    places = {("clusters", name) for name in placements} or clusters
    return places | {("pools", str(pool)) for pool in pools if pool}


def _keys(mapping: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = mapping.get(name)
    return cast("Mapping[str, Any]", found) if isinstance(found, Mapping) else {}
