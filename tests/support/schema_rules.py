"""What a published schema owes its readers, beside being valid."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any


def undescribed(schema: Mapping[str, Any], value: object, part: Mapping[str, Any] | None = None, path: str = "") -> Iterator[str]:
    """The path of every field of a document that its schema does not mention."""
    part = _resolved(schema, schema if part is None else part)
    if isinstance(value, Mapping):
        properties = part.get("properties", {})
        free = "additionalProperties" in part or not properties
        for key, child in value.items():
            if key in properties:
                yield from undescribed(schema, child, properties[key], f"{path}.{key}")
            elif not free:
                yield f"{path}.{key}"
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for child in value:
            yield from undescribed(schema, child, part.get("items", {}), f"{path}[]")


def required(schema: Mapping[str, Any], path: str) -> bool:
    """Whether the schema demands every field of a dotted path; `[]` stands for the items of a list."""
    part: Mapping[str, Any] = schema
    for name in path.split("."):
        part = _resolved(schema, part)
        key = name.removesuffix("[]")
        if key not in part["required"]:
            return False
        part = part["properties"][key]
        part = part["items"] if name.endswith("[]") else part
    return True


def _resolved(schema: Mapping[str, Any], part: Mapping[str, Any]) -> Mapping[str, Any]:
    return schema["$defs"][part["$ref"].rsplit("/", 1)[-1]] if "$ref" in part else part
