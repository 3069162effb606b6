"""How values travel between the engine and a stand-in provider."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from google.protobuf.json_format import MessageToDict, ParseDict
from google.protobuf.struct_pb2 import Struct
from pulumi.runtime.proto import provider_pb2
from pulumi.runtime.rpc import UNKNOWN

__all__ = ["UNKNOWN", "at", "changed", "difference", "identity_of", "message", "plain"]

SECRET = ("4dabf18193072939515e22adb298388d", "1b47061264138c4ac30d75fd1eb44270")
"""Key and value that mark an object on the wire as a wrapped secret."""


def plain(properties: Struct) -> dict[str, Any]:
    """A message as plain values: secrets unwrapped, whole numbers as such. What is not known yet is UNKNOWN."""
    return _plain(MessageToDict(properties))


def message(value: Mapping[str, Any]) -> Struct:
    """Plain values as a message."""
    return ParseDict(dict(value), Struct())


def identity_of(value: Mapping[str, Any]) -> str:
    """The ID that the real provider of Kubernetes gives an object."""
    named = value.get("metadata", value)
    namespace = named.get("namespace")
    return f"{namespace}/{named['name']}" if namespace else named["name"]


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return _plain(value["value"]) if value.get(SECRET[0]) == SECRET[1] else {name: _plain(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def at(value: Any, path: str) -> Any:
    """What lies at a dotted path; None where nothing does."""
    for part in path.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value


def changed(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """Top-level properties that differ."""
    return [name for name in sorted({*old, *new}) if old.get(name) != new.get(name)]


def difference(different: list[str], replaced: list[str], *, delete_first: bool = True) -> provider_pb2.DiffResponse:
    """The answer to a comparison. A fixed name cannot exist twice, so an object that has one is deleted before it is replaced."""
    some = provider_pb2.DiffResponse.DIFF_SOME if different else provider_pb2.DiffResponse.DIFF_NONE
    return provider_pb2.DiffResponse(changes=some, diffs=different, replaces=replaced, deleteBeforeReplace=bool(replaced) and delete_first)
