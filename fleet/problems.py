"""What is wrong with a stack file or a plan, in the five words every error here has: field, value, limit, remedy, message."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

LONG_MESSAGE = 300
"""Characters; two lines of a wide terminal."""

LONG_LISTING = 12
"""Choices that are listed even where one of them is near; longer lists are named only where none is."""


@dataclass(frozen=True, kw_only=True)
class Problem:
    """One reason why a plan is refused.

    `field` is the path in the stack file ("models.chat.tensor_parallel"), `value` what stands there, `limit` what
    would be allowed, `remedy` what the user can do.
    """

    field: str
    value: Any
    limit: str
    remedy: str
    unknown_in: str | None = None
    """Where the value was looked for and not found: clusters, pools, tiers or accelerators. Such a problem stands whatever the
    rest of the file says."""

    @property
    def message(self) -> str:
        """The four parts as one sentence for a terminal."""
        if self.value is None:
            return f"{self.field} is missing: {self.limit}; {self.remedy}"
        return f"{self.field}: {shown(self.value)} refused: {self.limit}; {self.remedy}"

    @property
    def told(self) -> str:
        """The message for a terminal: where it is long, each way out on a line of its own."""
        if len(self.message) <= LONG_MESSAGE:
            return self.message
        head = self.message.removesuffix(f"; {self.remedy}")
        return "\n".join([f"{head};", *(f"    {way}" for way in self.remedy.replace("; ", ";\n").split("\n"))])

    def as_dict(self) -> dict[str, Any]:
        """The JSON form of the plan contract."""
        return {
            "field": self.field,
            "value": self.value,
            "limit": self.limit,
            "remedy": self.remedy,
            "message": self.message,
        }


class InputError(Exception):
    """The input cannot be understood (exit code 2): a missing file, malformed YAML, a value outside the schema."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(problem.message for problem in self.problems))


class PlanError(Exception):
    """The input is well formed and the fleet it asks for is refused (exit code 1). Carries every problem at once."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(problem.message for problem in self.problems))


def shown(value: Any) -> str:
    """A value as an error message quotes it: short, and never a page of nested data."""
    if isinstance(value, bool):
        return "true" if value else "false"  # as the stack file has it
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:45]}...{text[-32:]}"


def nearest(word: str, known: Iterable[str]) -> str:
    """The end of a remedy for an unknown word: the nearest known one where there is one, and all of them if they are few."""
    choices = sorted(known)
    if not choices:
        return "none is defined"
    listing = f"one of: {', '.join(choices)}"
    by_lower = {choice.lower(): choice for choice in choices}
    wanted = word.lower()
    longer = [choice for choice in by_lower if wanted and choice.startswith(wanted)]
    close = [wanted] if wanted in by_lower else longer[-1:] or difflib.get_close_matches(wanted, by_lower, n=1, cutoff=0.5)
    if not close:
        return listing
    guess = f"did you mean {by_lower[close[0]]!r}?"
    return f"{guess} ({listing})" if len(choices) <= LONG_LISTING else guess
