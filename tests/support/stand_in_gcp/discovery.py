"""Google's descriptions of its APIs, as google-api-python-client ships them, in the shapes that inputs are judged by.

What a method takes is the members of its body and its parameters together. A member is demanded where the document lists the method
under `annotations.required` or where its description begins with "Required."; one that Google alone writes is no member.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import googleapiclient

DOCUMENTS = Path(googleapiclient.__file__).parent / "discovery_cache" / "documents"

TYPES = {"string": "string", "boolean": "boolean", "integer": "integer", "number": "double", "array": "list", "any": "any"}
FORMATS = {"int64": "long", "uint64": "long"}
"""Whole numbers that travel as text."""

PATTERNS = {"google-duration": r"-?\d+(\.\d{1,9})?s", "google-datetime": r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,9})?(Z|[+-]\d{2}:\d{2})"}
"""Of text in a format: the JSON forms of Duration and Timestamp in Protocol Buffers."""

COMPOSED = frozenset({"parent", "name", "resource"})
"""Parameters of a path that a provider puts together from several inputs."""

READ_ONLY = re.compile(r"\[?output[ -]only", re.IGNORECASE)


@cache
def request_shape(service: str, operation: str) -> Shape:
    """What a method takes. `service` is the document (container.v1); after a slash in `operation` comes the member that is meant."""
    document = json.loads((DOCUMENTS / f"{service}.json").read_text(encoding="utf-8"))
    path, _, member = operation.partition("/")
    *outer, last = path.split(".")
    found = document
    for one in outer:
        found = found["resources"][one]
    method = found["methods"][last]
    body = Shape(document, method.get("request", {"type": "object", "properties": {}}), method["id"])
    if member:
        found = body.members[member]
        return found.member if found.type_name == "list" else found
    return Shape(document, {**body.schema, "properties": {**_parameters(method), **body.properties}}, method["id"])


def _parameters(method: Mapping[str, Any]) -> dict[str, Any]:
    return {name: one for name, one in method.get("parameters", {}).items() if not (one["location"] == "path" and name in COMPOSED)}


class Shape:
    """One place in a description: a structure, a list, a map or a value."""

    def __init__(self, document: Mapping[str, Any], schema: Mapping[str, Any], method: str) -> None:
        self._document, self._method = document, method
        self.name = schema.get("$ref", "")
        self._said = schema
        self.schema: Mapping[str, Any] = document["schemas"][self.name] if self.name else schema

    @property
    def properties(self) -> Mapping[str, Any]:
        """Schemas of members, also of those that Google alone writes."""
        return self.schema.get("properties", {})

    @cached_property
    def type_name(self) -> str:
        """As botocore calls it."""
        written = self.schema.get("type", "any")
        if written == "object":
            return "map" if "additionalProperties" in self.schema else "structure"
        return FORMATS.get(self.schema.get("format", ""), TYPES[written])

    @cached_property
    def members(self) -> Mapping[str, Shape]:
        """Of a structure."""
        return {name: self._inner(schema) for name, schema in self.properties.items() if not _read_only(schema)}

    @cached_property
    def required_members(self) -> list[str]:
        """Those that a method cannot do without."""
        return list(self._required())

    def _required(self) -> Iterator[str]:
        for name in self.members:
            schema = self.properties[name]
            if self._method in schema.get("annotations", {}).get("required", []) or schema.get("description", "").startswith("Required."):
                yield name

    @property
    def member(self) -> Shape:
        """Of a list."""
        return self._inner(self.schema["items"])

    @property
    def key(self) -> Shape:
        """Of a map."""
        return self._inner({"type": "string"})

    @property
    def value(self) -> Shape:
        """Of a map."""
        return self._inner(self.schema["additionalProperties"])

    @cached_property
    def metadata(self) -> Mapping[str, Any]:
        """Limits of a value."""
        found: dict[str, Any] = {}
        if enumeration := self.schema.get("enum"):
            found["enum"] = enumeration
        if pattern := self.schema.get("pattern") or PATTERNS.get(self.schema.get("format", "")):
            found["pattern"] = pattern
        for name, limit in (("min", "minimum"), ("max", "maximum")):
            if limit in self.schema and self.type_name in ("integer", "long", "double"):
                found[name] = float(self.schema[limit])
        return found

    def _inner(self, schema: Mapping[str, Any]) -> Shape:
        return Shape(self._document, schema, self._method)


def _read_only(schema: Mapping[str, Any]) -> bool:
    return schema.get("readOnly") is True or READ_ONLY.match(schema.get("description", "")) is not None
