"""Names as the bridge makes them, and what it fills in beside them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from tests.support.stand_in_cloud.kinds import Kind

RANDOM_CHARACTERS = 7
DEFAULTS = "__defaults"
"""Where the bridge notes which inputs it filled in: only those are kept when they are missing again."""


def filled(
    kind: Kind, resource_name: str, seed: bytes, old: Mapping[str, Any], new: Mapping[str, Any]
) -> tuple[dict[str, Any], list[tuple[str, str]]]:
    """The inputs with what the bridge fills in, and (input, reason) where it cannot.

    A name is the resource's name, a hyphen and seven random characters; the bridge refuses what is too long instead of
    shortening it. A name that was made once stays.
    """
    inputs, defaults, faults = dict(new), [], []
    inputs.pop(DEFAULTS, None)
    for name, value in kind.defaults.items():
        if name not in inputs:
            inputs[name] = value
            defaults.append(name)
    auto = kind.name
    if auto and auto.property not in inputs and (kind.prefix is None or kind.prefix not in inputs):
        kept = old.get(auto.property) if auto.property in old.get(DEFAULTS, []) else None
        begun = f"{resource_name.lower() if auto.lower else resource_name}-"
        if kept is None and len(begun) + RANDOM_CHARACTERS > auto.limit:
            reason = f"name '{begun}' plus {RANDOM_CHARACTERS} random chars is longer than maximum length {auto.limit}"
            faults.append((auto.property, reason))
        inputs[auto.property] = kept or f"{auto.begins}{begun}{_random(seed, resource_name)}"
        defaults.append(auto.property)
    return {**inputs, DEFAULTS: sorted(defaults)}, faults


def fixed(kind: Kind, inputs: Mapping[str, Any]) -> bool:
    """Whether someone gave the name. Then the bridge deletes the old resource before it makes the new one."""
    auto = kind.name
    return bool(auto and auto.property in inputs and auto.property not in inputs.get(DEFAULTS, []))


def ended(kind: Kind, inputs: Mapping[str, Any], unique: str) -> dict[str, Any]:
    """The inputs with a whole name where one was only begun: the provider ends it when it makes the resource."""
    if kind.name and kind.prefix and kind.prefix in inputs:
        return {**inputs, kind.name.property: f"{inputs[kind.prefix]}{unique}"}
    return dict(inputs)


def _random(seed: bytes, resource_name: str) -> str:
    return hashlib.sha256(seed + resource_name.encode()).hexdigest()[:RANDOM_CHARACTERS]
