"""One summand of a calculation, with what it came from: the line of a breakdown that a reader can check."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Kind = Literal["measured", "derived", "estimated"]


@dataclass(frozen=True, kw_only=True)
class Term:
    """One summand of the memory on each GPU."""

    name: str
    """In words, as a table shows it."""
    gib: float
    """Its size on each GPU in GiB, with its margin."""
    kind: Kind
    """measured: read off a card or a log; derived: follows exactly from the model's shape; estimated: set on published measurements."""
    formula: str
    """In words and the names of `inputs`."""
    inputs: Mapping[str, float | int | str]
    """What the formula was given."""
    source: str
    """Where the formula and its constants come from."""
    margin_gib: float = 0.0
    """The part of `gib` that is kept for what the estimate may miss."""
