"""What the schema is never asked about: values that JSON has no word for, keys without values, and nesting without end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

from fleet.problems import Problem

DEEPEST = 20
"""Levels; the schema has seven."""

MOST_VALUES = 50_000
"""Values once aliases are written out: two thousand model entries. A few lines of YAML can stand for billions."""

LARGEST_NUMBER = 10**15


def cleaned(value: object, root: str) -> tuple[object, list[Problem]]:
    """The value with null for everything that cannot be shown to the schema, and why each of these is refused."""
    walk = _Walk()
    found = walk.cleaned(value, "")
    if walk.too_large:
        limit = f"is more than {MOST_VALUES:,} values or {DEEPEST} levels once its aliases are written out"
        remedy = "write the settings as docs/guide.md shows them, without aliases"
        return None, [Problem(field=root, value="(not shown)", limit=limit, remedy=remedy)]
    return found, walk.problems


class _Walk:
    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self.too_large = False
        self._seen = 0

    def cleaned(self, value: object, path: str, depth: int = 0) -> object:
        self._seen += 1
        self.too_large = self.too_large or depth > DEEPEST or self._seen > MOST_VALUES
        if self.too_large:
            return None
        if isinstance(value, Mapping):
            return self._mapping(cast("Mapping[object, object]", value), path, depth)
        if isinstance(value, Sequence) and not isinstance(value, str | bytes):
            items = cast("Sequence[object]", value)
            return [self.cleaned(child, f"{path}[{index}]", depth + 1) for index, child in enumerate(items)]
        problem = _refusal(value, path)
        if problem:
            self.problems.append(problem)
            return None
        return value

    def _mapping(self, value: Mapping[object, object], path: str, depth: int) -> dict[str, object]:
        kept: dict[str, object] = {}
        for key, child in value.items():
            problem = _key_refusal(key, path)
            if problem or not isinstance(key, str):
                self.problems += [problem] if problem else []
            else:
                kept[key] = self.cleaned(child, f"{path}.{key}" if path else key, depth + 1)
        return kept


def _key_refusal(key: object, path: str) -> Problem | None:
    if isinstance(key, str) and not _half_character(key):
        return None
    shown = "null" if key is None else str(key).encode("unicode_escape").decode()
    return Problem(
        field=path or "(top level)", value=f"key {shown[:60]}", limit="a key is text", remedy="put the key in quotes, or name it otherwise"
    )


def _refusal(value: object, path: str) -> Problem | None:
    if value is None:
        remedy = "write a value, {} for a mapping of defaults, or no key"
        return Problem(field=path, value=None, limit="nothing stands behind the key", remedy=remedy) if path else None
    if isinstance(value, int) and abs(value) > LARGEST_NUMBER:
        remedy = "shorten it, or put it in quotes if it is text"
        return Problem(field=path, value="a number of 16 or more digits", limit="no field takes a number this large", remedy=remedy)
    if isinstance(value, str):
        problem = Problem(field=path, value="half of a surrogate pair", limit="is no character", remedy="write the character itself")
        return problem if _half_character(value) else None
    if isinstance(value, int | float):
        return None
    limit = "is no text, number, true, false, list or mapping"
    return Problem(field=path, value=type(value).__name__, limit=limit, remedy="put it in quotes")


def _half_character(text: str) -> bool:
    return any("\ud800" <= character <= "\udfff" for character in text)
