"""What becomes of inputs when they change, or are read back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.support.stand_in_cloud.inventory import values_at
from tests.support.stand_in_cloud.kinds import Kind
from tests.support.stand_in_provider_wire import at


def replacing(kind: Kind, old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """The changed inputs that the real provider answers with a replacement: what the kind lists."""
    return [path for path in kind.replaced_by if _differs(_found(old, path), _found(new, path))]


def _found(inputs: Mapping[str, Any], path: str) -> Any:
    """What lies at a dotted path; where it goes through a list, what lies there in every item."""
    outer = path.rpartition(".")[0]
    while outer:
        if isinstance(at(inputs, outer), list):
            return values_at(inputs, path)
        outer = outer.rpartition(".")[0]
    return at(inputs, path)


def _differs(old: Any, new: Any) -> bool:
    """Lists that a replacement hangs on are sets in the provider."""
    if isinstance(old, list) and isinstance(new, list) and all(isinstance(one, str) for one in (*old, *new)):
        return sorted(old) != sorted(new)
    return old != new


def as_given(kind: Kind, given: Mapping[str, Any], found: Mapping[str, Any]) -> dict[str, Any]:
    """Inputs read back without what the cloud added inside of them."""
    return {name: _pruned(kind, name, given.get(name), value) for name, value in found.items()}


def _pruned(kind: Kind, path: str, given: Any, found: Any) -> Any:
    if isinstance(given, Mapping) and isinstance(found, Mapping) and path not in kind.read_whole:
        return {name: _pruned(kind, f"{path}.{name}", given[name], value) for name, value in found.items() if name in given}
    return found
