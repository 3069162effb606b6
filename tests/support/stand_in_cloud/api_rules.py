"""Inputs judged by a cloud's own description of its API: required members, types, enumerations, patterns, lengths and ranges."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import regex

from tests.support.stand_in_cloud.catalogue import inputs_class
from tests.support.stand_in_cloud.kinds import Kind
from tests.support.stand_in_cloud.mapping import Request, explained, requests, trace
from tests.support.stand_in_provider_sdk import known_inputs
from tests.support.stand_in_provider_wire import UNKNOWN

SURROGATES = ("\\uD800\\uDC00-\\uDBFF\\uDFFF", "\\U00010000-\\U0010FFFF")
"""Everything beyond 16 bits, as the models write it and as it is."""

UNIQUE_SUFFIX = "20260101000000000000000001"
"""As long as what the provider ends a name with that was only begun: time and a counter."""

TYPES = {"string": (str,), "boolean": (bool,), "integer": (int,), "long": (int,), "double": (int, float), "float": (int, float)}


def faults(kind: Kind, inputs: Mapping[str, Any]) -> list[tuple[str, str]]:
    """(input, reason) for everything that a description of the API would not take, or of which it says nothing."""
    given = {name: value for name, value in inputs.items() if value not in (None, "", [], {})}
    found = list(_beyond(kind, given, inputs_class(kind.token), ""))
    named = _with_whole_name(kind, given)
    for request in requests(kind, named):
        judged = [(_origin(request, member), reason) for member, reason in _judge(request.shape, request.parameters, "", request)]
        found += judged
        if not judged and not _holds_unknown(request.parameters):
            second = kind.second_opinion(request.call, request.parameters)
            found += [("", second)] if second else []
    return list(dict.fromkeys(found))


def _with_whole_name(kind: Kind, inputs: dict[str, Any]) -> dict[str, Any]:
    """As the call gets it: a name that was only begun is ended by the provider."""
    if kind.name is None or kind.prefix is None or kind.prefix not in inputs:
        return inputs
    begun = inputs[kind.prefix]
    return {**inputs, kind.name.property: UNKNOWN if begun == UNKNOWN else f"{begun}{UNIQUE_SUFFIX}"}


def _beyond(kind: Kind, value: Any, expected: type, path: str) -> Iterator[tuple[str, str]]:
    """Inputs that are refused, or of which it is not known what they become."""
    if isinstance(value, list):
        for item in value:
            yield from _beyond(kind, item, expected, path)
    if not isinstance(value, Mapping):
        return
    members, known = trace(kind), known_inputs(expected)
    for name, inner in value.items():
        where = f"{path}.{name}" if path else name
        refusal = kind.refused.get(where)
        if refusal:
            yield where, f"the stand-in refuses it: it {refusal}" if refusal.startswith("is ") else f"the stand-in refuses it: {refusal}"
        elif name in known and not members.get(where) and explained(kind, where) is None:
            yield where, "the stand-in does not know what becomes of it"
        elif (nested := known.get(name)) is not None and where not in kind.opaque:
            yield from _beyond(kind, inner, nested, where)


def _judge(shape: Any, value: Any, member: str, request: Request) -> Iterator[tuple[str, str]]:
    if value == UNKNOWN or value is None:
        return
    if shape.type_name == "structure":
        yield from _judge_structure(shape, value, member, request)
    elif shape.type_name == "list":
        if isinstance(value, list):
            yield from _sized(shape, value, member, "items")
            for index, item in enumerate(value):
                yield from _judge(shape.member, item, f"{member}[{index}]", request)
    elif shape.type_name == "map":
        if isinstance(value, Mapping):
            yield from _sized(shape, value, member, "entries")
            for name, inner in value.items():
                yield from _judge(shape.key, name, f"{member}.{name}", request)
                yield from _judge(shape.value, inner, f"{member}.{name}", request)
    else:
        yield from _judge_scalar(shape, value, member)


def _judge_structure(shape: Any, value: Any, member: str, request: Request) -> Iterator[tuple[str, str]]:
    if not isinstance(value, Mapping):
        yield member, f"{request.call.operation} wants one {shape.name} here, not {value!r}"
        return
    for name in shape.required_members:
        if name not in value:
            yield f"{member}.{name}" if member else name, f"{request.call.operation} demands {name}"
    for name, inner in value.items():
        if name in shape.members:
            yield from _judge(shape.members[name], inner, f"{member}.{name}" if member else name, request)


def _judge_scalar(shape: Any, value: Any, member: str) -> Iterator[tuple[str, str]]:
    types = TYPES.get(shape.type_name)
    if types and (not isinstance(value, types) or (isinstance(value, bool) and bool not in types)):
        yield member, f"{value!r} is not a {shape.type_name}"
    elif isinstance(value, str):
        allowed = shape.metadata.get("enum")
        if allowed and value not in allowed:
            yield member, f"{value!r} is none of {', '.join(allowed)}"
        pattern = shape.metadata.get("pattern")
        if pattern and not _compiled(pattern).fullmatch(value):
            yield member, f"{value!r} does not match {pattern}"
        yield from _sized(shape, value, member, "characters")
    elif types and not isinstance(value, bool):
        yield from _ranged(shape, value, value, member, "")


def _sized(shape: Any, value: Any, member: str, unit: str) -> Iterator[tuple[str, str]]:
    yield from _ranged(shape, len(value), value, member, f" {unit}")


def _ranged(shape: Any, number: float, value: Any, member: str, unit: str) -> Iterator[tuple[str, str]]:
    least, most = shape.metadata.get("min"), shape.metadata.get("max")
    if least is not None and number < least:
        yield member, f"{value!r} has fewer than {least}{unit}" if unit else f"{value!r} is less than {least}"
    if most is not None and number > most:
        yield member, f"{str(value)[:80]!r} has more than {most}{unit}: {number}" if unit else f"{value!r} is more than {most}"


@cache
def _compiled(pattern: str) -> regex.Pattern[str]:
    return regex.compile(pattern.replace(*SURROGATES))


def _origin(request: Request, member: str) -> str:
    """The input that a member came from, or the place where it is missing."""
    known, rest = member, ""
    while known and known not in request.origins:
        known, dot, last = known.rpartition(".")
        rest = f"{dot}{last[:1].lower()}{last[1:]}{rest}" if dot else f"{last[:1].lower()}{last[1:]}{rest}"
        if not dot:
            known = ""
    return f"{request.origins[known]}{rest}" if known else rest


def _holds_unknown(value: Any) -> bool:
    if isinstance(value, Mapping):
        return any(_holds_unknown(inner) for inner in value.values())
    return any(_holds_unknown(item) for item in value) if isinstance(value, list) else value == UNKNOWN
