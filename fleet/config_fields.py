"""Reading a Hugging Face `config.json`: every field is checked before it is counted, nothing is guessed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

LARGEST = 10**9
"""No field of a model that exists is larger; Llama 4 Scout has 10,485,760 positions."""

MOST_LAYERS = 1000

Section = Mapping[str, object]


class ArchitectureError(ValueError):
    """The configuration cannot be counted; the text says which field or type is the reason."""


def number(section: Section, key: str, default: int | None = None) -> int:
    """A positive whole number; 0 only where a default says that the field may be absent.

    Raises:
        ArchitectureError: it is missing, no whole number, or larger than that of any model.
    """
    value = section.get(key)
    if value is None and default is not None:
        return default
    if value is None:
        raise ArchitectureError(f"the field {key} is missing")
    if not isinstance(value, int) or isinstance(value, bool) or value < 0 or (value == 0 and default is None):
        raise ArchitectureError(f"the field {key} is {short(value)}, which is no positive whole number")
    if value > LARGEST:
        raise ArchitectureError(f"the field {key} is {short(value)}: no model that exists has as many")
    return value


def share(section: Section, key: str, default: float = 1.0) -> float:
    """A number above 0 and up to 1.

    Raises:
        ArchitectureError: it is something else.
    """
    value = section.get(key)
    if value is None:
        return default
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 < value <= 1:
        raise ArchitectureError(f"the field {key} is {short(value)}, which is no share above 0 and up to 1")
    return float(value)


def flag(section: Section, key: str, *, default: bool = False) -> bool:
    """True or false.

    Raises:
        ArchitectureError: it is something else.
    """
    value = section.get(key)
    if value is None:
        return default
    if not isinstance(value, bool):
        raise ArchitectureError(f"the field {key} is {short(value)}, which is neither true nor false")
    return value


def section(parent: Section, key: str) -> Section | None:
    """A nested object, or None where it is absent, null or empty.

    Raises:
        ArchitectureError: it is something else.
    """
    value = parent.get(key)
    if value is None:
        return None
    if not isinstance(value, Mapping):
        raise ArchitectureError(f"the field {key} is {short(value)}, which is no object")
    return cast("Section", value) or None


def words(parent: Section, key: str) -> tuple[str, ...]:
    """A list of words, empty where it is absent or null.

    Raises:
        ArchitectureError: it is something else.
    """
    return tuple(entry if isinstance(entry, str) else _refuse(key, entry, "word") for entry in _entries(parent, key))


def numbers(parent: Section, key: str) -> tuple[int, ...]:
    """A list of whole numbers, empty where it is absent or null.

    Raises:
        ArchitectureError: it is something else.
    """
    found: list[int] = []
    for entry in _entries(parent, key):
        if not isinstance(entry, int) or isinstance(entry, bool) or not 0 <= entry <= LARGEST:
            _refuse(key, entry, "whole number")
        else:
            found.append(entry)
    return tuple(found)


def _entries(parent: Section, key: str) -> list[object]:
    value = parent.get(key)
    if value is None:
        return []
    if not isinstance(value, list):
        raise ArchitectureError(f"the field {key} is {short(value)}, which is no list")
    return cast("list[object]", value)


def _refuse(key: str, entry: object, wanted: str) -> str:
    raise ArchitectureError(f"the field {key} holds {short(entry)}, which is no {wanted}")


def short(value: object) -> str:
    """A value as a message shows it: in one short line, whatever it is."""
    if isinstance(value, int) and abs(value) > LARGEST:
        return "a number of more than nine digits"
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
