"""What charts take as values, recorded from their sources, and a walk through values."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

RECORDED = json.loads((Path(__file__).parents[1] / "data" / "chart-keys.json").read_text(encoding="utf-8"))
"""Keys that each chart takes, read from the sources of these versions: a map of keys, `value` for a leaf, `open` for a map of anything."""


def unknown_keys(keys: Mapping[str, Any], values: Mapping[str, Any], path: str = "") -> Iterator[str]:
    """Paths of values that a chart with these keys would ignore."""
    for key, value in values.items():
        known = keys.get(key)
        if known is None or (isinstance(value, Mapping) and known == "value"):
            yield f"{path}{key}"
        elif isinstance(value, Mapping) and known != "open":
            yield from unknown_keys(known, value, f"{path}{key}.")


def leaves(value: Any) -> Iterator[Any]:
    """Every value that is neither a map nor a list."""
    if isinstance(value, Mapping):
        for child in value.values():
            yield from leaves(child)
    elif isinstance(value, list | tuple):
        for child in value:
            yield from leaves(child)
    else:
        yield value


def keys_in(value: Any) -> Iterator[Any]:
    """Every key of every map."""
    if isinstance(value, Mapping):
        for key, child in value.items():
            yield key
            yield from keys_in(child)
    elif isinstance(value, list | tuple):
        for child in value:
            yield from keys_in(child)


def secret_keys(values: Mapping[str, Any]) -> list[str]:
    """Keys that sound like something to keep quiet: values of a chart lie in the engine's state and in the cluster."""
    words = ("password", "secret_key", "secretkeyvalue", "accesskey", "privatekey", "tls.key", "token:")
    return [str(key) for key in keys_in(values) if any(word in str(key).lower() for word in words)]
