"""From inputs of the SDK to requests of a cloud's API, by the cloud's own description of it.

A description gives shapes as botocore does: `type_name`, `members` and `required_members` of a structure, `member` of a list, `key`
and `value` of a map, and `metadata` with enumerations, patterns, lengths and ranges.

Names are matched without regard to case and number; where the two sides really differ, the kinds say so. Lists of one become
objects and the other way round, as the bridge between Pulumi and Terraform does it.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.support.stand_in_cloud.catalogue import inputs_class
from tests.support.stand_in_cloud.kinds import Call, Kind
from tests.support.stand_in_provider_sdk import known_inputs
from tests.support.stand_in_provider_wire import UNKNOWN

DEEPEST = 8
"""Levels of inputs inside inputs; no type here has as many."""


@dataclass
class Request:
    """One call as it would be made."""

    call: Call
    shape: Any
    parameters: dict[str, Any]
    origins: dict[str, str] = field(default_factory=dict[str, str])
    """Member to the input that it came from, both with indices."""


def requests(kind: Kind, inputs: Mapping[str, Any]) -> Iterator[Request]:
    """Every call that creating the resource makes. The first is always made, the others where an input asks for them."""
    for number, call in enumerate(kind.calls):
        request = Request(call, kind.request(call), copy.deepcopy(dict(call.given)))
        for name, value in inputs.items():
            parts = _parts(call, request.shape, name, name)
            if parts is not None:
                _place(request, parts, value, name)
        if number == 0 or call.when in inputs or (call.when is None and request.origins):
            yield request


def trace(kind: Kind) -> dict[str, tuple[str, ...]]:
    """Every input of a type, dotted, to the members of calls that it becomes: none where none was found."""
    if kind.token not in _TRACES:
        found: dict[str, set[str]] = {path: set() for path, _ in _all_inputs(kind, inputs_class(kind.token), "", 0)}
        for call in kind.calls:
            _trace(kind, call, kind.request(call), inputs_class(kind.token), "", f"{call.service}.{call.operation}", found)
        _TRACES[kind.token] = {path: tuple(sorted(members)) for path, members in found.items()}
    return _TRACES[kind.token]


_TRACES: dict[str, dict[str, tuple[str, ...]]] = {}


def explained(kind: Kind, path: str) -> str | None:
    """Why an input is no member of a call, where the kind says so for it or for what it lies in."""
    reasons = kind.explanations
    return next((reasons[prefix] for prefix in _prefixes(path) if prefix in reasons), None)


def _prefixes(path: str) -> Iterator[str]:
    parts = path.split(".")
    for length in range(1, len(parts) + 1):
        yield ".".join(parts[:length])


def _all_inputs(kind: Kind, expected: type, path: str, depth: int) -> Iterator[tuple[str, type | None]]:
    for name, inner in known_inputs(expected).items():
        where = f"{path}.{name}" if path else name
        yield where, inner
        opaque = where in kind.opaque
        if inner is not None and not opaque and depth < DEEPEST and explained(kind, where) is None:
            yield from _all_inputs(kind, inner, where, depth + 1)


def _trace(kind: Kind, call: Call, shape: Any, expected: type, path: str, said: str, found: dict[str, set[str]]) -> None:
    for name, inner in known_inputs(expected).items():
        where = f"{path}.{name}" if path else name
        parts = _parts(call, shape, where, name)
        if parts is None or explained(kind, where) is not None:
            continue
        target, label = shape, said
        for part in parts:
            target = _inside(target).members[part]
            label += f"{':' if label == said and not path else '.'}{part}"
        found[where].add(label)
        if inner is not None and where not in kind.opaque:
            _trace(kind, call, _inside(target), inner, where, label, found)


def _inside(shape: Any) -> Any:
    """The structure that a list is of, or the shape itself."""
    while shape.type_name == "list":
        shape = shape.member
    return shape


def _parts(call: Call, shape: Any, path: str, name: str) -> list[str] | None:
    """Members from this shape down to the one that an input becomes; an empty list: its own inputs lie in this shape."""
    renamed = call.renames.get(path)
    top = path == name
    if (top and call.only and name not in call.only) or (renamed is None and shape.type_name != "structure"):
        return None
    if renamed is not None:
        return [] if renamed == "." else renamed.split(".")
    if direct := _match(shape, name):
        return [direct]
    return _inner_parts(call, shape, name) if top else None


def _inner_parts(call: Call, shape: Any, name: str) -> list[str] | None:
    """Members of members, for an input of the resource itself that the request does not have."""
    for outer in call.within:
        if inner := _match(shape.members[outer], name):
            return [outer, inner]
    return ["TagSpecifications", "Tags"] if name == "tags" and "TagSpecifications" in shape.members else None


def _match(shape: Any, name: str) -> str | None:
    by_lower = {member.lower(): member for member in shape.members}
    lower = name.lower()
    others = [f"{lower}s", lower.removesuffix("s"), f"{lower.removesuffix('ies')}y"]
    return next((by_lower[one] for one in (lower, *others) if one in by_lower), None)


def _place(request: Request, parts: list[str], value: Any, name: str) -> None:
    container, shape, where = request.parameters, request.shape, ""
    if not parts:
        container.update(_convert(request, shape, value, name, name, ""))
        return
    *outer, last = parts
    for number, part in enumerate(outer):
        inner, where = shape.members[part], f"{where}.{part}" if where else part
        one_each = number == len(outer) - 1 and inner.type_name == "list" and inner.member.members[last].type_name != "list"
        if one_each and isinstance(value, list):
            container[part] = [{last: item} for item in value]
            request.origins[where] = name
            return
        if inner.type_name == "list":
            container = container.setdefault(part, [{}])[0]
            shape, where = inner.member, f"{where}[0]"
        else:
            container, shape = container.setdefault(part, {}), inner
    where = f"{where}.{last}" if where else last
    request.origins[where] = name
    container[last] = _merged(container.get(last), _convert(request, shape.members[last], value, name, name, where))


def _merged(old: Any, new: Any) -> Any:
    if isinstance(old, dict) and isinstance(new, dict):
        return old | new
    single = isinstance(old, list) and isinstance(new, list) and len(old) == len(new) == 1
    if single and isinstance(old[0], dict) and isinstance(new[0], dict):
        return [old[0] | new[0]]
    return new


def _convert(request: Request, shape: Any, value: Any, path: str, place: str, member: str) -> Any:
    """`path` is the input without indices, `place` with them, `member` where it goes."""
    if value == UNKNOWN:
        return value
    if shape.type_name == "structure":
        return _structure(request, shape, value, path, place, member)
    if shape.type_name == "list":
        return _list(request, shape, value, path, place, member)
    return _scalar(shape, value)


def _scalar(shape: Any, value: Any) -> Any:
    """As the provider turns one into another: text that says true, a number or a document."""
    match shape.type_name:
        case "boolean" if isinstance(value, str) and value.lower() in ("true", "false"):
            return value.lower() == "true"
        case "integer" | "long" if isinstance(value, str) and value.isdigit():
            return int(value)
        case "string" if isinstance(value, dict):
            return json.dumps(value)
        case "string" if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
    return value


def _list(request: Request, shape: Any, value: Any, path: str, place: str, member: str) -> Any:
    if isinstance(value, dict) and (names := _key_and_value(shape.member)):
        return [{names[0]: key, names[1]: inner} for key, inner in value.items()]
    items = value if isinstance(value, list) else [value]
    found: list[Any] = []
    for index, item in enumerate(items):
        there = f"{place}[{index}]" if isinstance(value, list) else place
        request.origins[f"{member}[{index}]"] = there
        found.append(_convert(request, shape.member, item, path, there, f"{member}[{index}]"))
    return found


def _structure(request: Request, shape: Any, value: Any, path: str, place: str, member: str) -> Any:
    if isinstance(value, list):
        if len(value) != 1:
            return value
        value, place = value[0], f"{place}[0]"
    if not isinstance(value, dict):
        return value
    found: dict[str, Any] = {}
    for name, inner in value.items():
        parts = _parts(request.call, shape, f"{path}.{name}", name)
        if parts is None or inner is None:
            continue
        inner_request = Request(request.call, shape, found)
        target = shape
        for part in parts:
            target = _inside(target).members[part]
        if len(parts) == 1:
            where = f"{member}.{parts[0]}" if member else parts[0]
            request.origins[where] = f"{place}.{name}"
            found[parts[0]] = _convert(request, target, inner, f"{path}.{name}", f"{place}.{name}", where)
        else:
            _place(inner_request, parts, inner, f"{place}.{name}")
            request.origins.update({f"{member}.{where}": origin for where, origin in inner_request.origins.items()})
    return found


def _key_and_value(shape: Any) -> tuple[str, str] | None:
    """Names of the two members of a tag; None for every other structure."""
    if shape.type_name != "structure" or len(shape.members) != 2:
        return None
    first, second = shape.members
    return (first, second) if first.lower().endswith("key") and second.lower().endswith("value") else None
