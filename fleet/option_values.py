"""Values of command-line options: read here and not by argparse, so that all wrong ones are named at once."""

from __future__ import annotations

from collections.abc import Iterable

from fleet.memory import DEFAULT_GPU_MEMORY_UTILIZATION
from fleet.problems import Problem, nearest

LARGEST_NUMBER = 10**9


def word(problems: list[Problem], field: str, value: str | None, known: Iterable[str], limit: str) -> str | None:
    """The value as it is; one that is not known is a problem with the nearest word."""
    if value is not None and value not in known:
        problems.append(Problem(field=field, value=value, limit=limit, remedy=nearest(value, known)))
    return value


def whole(problems: list[Problem], field: str, value: str | None) -> int | None:
    """A positive whole number in digits, or None where nothing was given or a problem found."""
    if value is None:
        return None
    digits = value.removeprefix("-")
    if not (digits.isascii() and digits.isdigit()):
        problems.append(Problem(field=field, value=value, limit="is no whole number", remedy="give a positive number, digits only"))
        return None
    if len(digits) > 10 or not 1 <= int(value) <= LARGEST_NUMBER:
        problems.append(Problem(field=field, value=value, limit=f"is not between 1 and {LARGEST_NUMBER:,}", remedy="give a positive number"))
        return None
    return int(value)


def share(problems: list[Problem], field: str, value: str | None) -> float:
    """A share above 0 and up to 1; vLLM's default where nothing was given."""
    if value is None:
        return DEFAULT_GPU_MEMORY_UTILIZATION
    try:
        share = float(value)
    except ValueError:
        share = 0.0
    if not 0 < share <= 1:
        remedy = f"{DEFAULT_GPU_MEMORY_UTILIZATION} is vLLM's default"
        problems.append(Problem(field=field, value=value, limit="is no share above 0 and up to 1", remedy=remedy))
    return share
