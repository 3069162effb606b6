"""The values that a plan could only name, put in where they are known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pulumi

from fleet.references import Planned, Reference

Made = Mapping[str, pulumi.Input[str]]
"""Name of a Reference to the value."""


def resolve(value: Planned, made: Made) -> Any:
    """The value with every Reference replaced; whatever holds none stays a plain value.

    Raises:
        KeyError: nothing of that name was made.
    """
    if isinstance(value, Reference):
        return pulumi.Output.concat(value.prefix, made[value.name], value.suffix)
    if isinstance(value, Mapping):
        return {key: resolve(inner, made) for key, inner in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [resolve(inner, made) for inner in value]
    return value


def after(value: pulumi.Input[str], *needed: pulumi.Resource) -> pulumi.Output[str]:
    """The value, for whoever must not have it before these exist and must be gone before they go.

    Their URNs are known in every preview, so a new one among them hides no value that is known already.
    """
    return pulumi.Output.all(value, *(each.urn for each in needed)).apply(lambda found: str(found[0]))


def json_text(value: Planned, made: Made) -> pulumi.Output[str]:
    """The value as JSON text, keys in their order."""
    return pulumi.Output.json_dumps(resolve(value, made))
