"""Values that are known only when their resource exists, as the plan names them. Components put the real ones in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Reference:
    """The value called `name` of the cluster that this stands in, with plain text before and after it."""

    name: str
    prefix: str = ""
    suffix: str = ""

    def __str__(self) -> str:
        """As a plan prints it."""
        return f"{self.prefix}${{{self.name}}}{self.suffix}"


Planned = str | int | float | bool | None | Reference | Sequence["Planned"] | Mapping[str, "Planned"]
"""A JSON value in which a leaf may be a Reference."""


class PublishedAs:
    """An annotation: the published schema calls the field by these JSON types and does not look inside."""

    def __init__(self, first: str, *others: str) -> None:
        self.types: list[str] | str = [first, *others] if others else first

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> Any:
        """For pydantic, which is imported by whoever makes the schema: sizing must not wait for it."""
        from pydantic_core import core_schema

        return core_schema.any_schema()

    def __get_pydantic_json_schema__(self, schema: Any, handler: Any) -> dict[str, Any]:
        """What the schema says."""
        return {"type": self.types}
