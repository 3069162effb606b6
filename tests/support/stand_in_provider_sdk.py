"""What an SDK says of inputs: which names it knows, which must be given, and of what type each is."""

from __future__ import annotations

import inspect
import typing
from collections import abc
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from pulumi._types import input_type_py_to_pulumi_names, input_type_types, is_input_type, resource_types

from tests.support.stand_in_provider_wire import UNKNOWN

PLAIN = {str: "a string", bool: "true or false", int: "a whole number", float: "a number"}


def unknown_to_sdk(expected: type | None, value: Any, path: str) -> Iterator[tuple[str, str]]:
    """(place, reason) of every name that the SDK's class of inputs does not have."""
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from unknown_to_sdk(expected, item, f"{path}[{index}]")
    elif isinstance(value, Mapping) and expected is not None:
        known = known_inputs(expected)
        for name, inner in value.items():
            where = f"{path}.{name}" if path else name
            if name not in known:
                yield where, f"{expected.__name__} of the SDK has no such input"
            else:
                yield from unknown_to_sdk(known[name], inner, where)


def missing_or_mistyped(expected: type, value: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, str]]:
    """(place, reason) of every input that the SDK's class demands and is not there, or that has another type than it says."""
    for name in sorted(_required(expected) - set(value)):
        yield f"{path}.{name}" if path else name, f"{expected.__name__} of the SDK demands it"
    hints = input_type_types(expected)
    for name, inner in value.items():
        if name in hints:
            yield from _mistyped(hints[name], inner, f"{path}.{name}" if path else name)


def _mistyped(hint: Any, value: Any, path: str) -> Iterator[tuple[str, str]]:
    if value == UNKNOWN or value is None:
        return
    origin, expected = typing.get_origin(hint), input_class(hint)
    if hint in PLAIN:
        if not (isinstance(value, hint) or (hint is float and isinstance(value, int))) or (isinstance(value, bool) and hint is not bool):
            yield path, f"the SDK says {PLAIN[hint]}, not {value!r}"
    elif origin is abc.Sequence:
        if not isinstance(value, list):
            yield path, f"the SDK says a list, not {value!r}"
            return
        for index, item in enumerate(value):
            if expected is not None:
                yield from _nested(expected, item, f"{path}[{index}]")
    elif origin is abc.Mapping:
        if not isinstance(value, Mapping):
            yield path, f"the SDK says a map, not {value!r}"
    elif expected is not None and not (isinstance(value, str) and str in typing.get_args(hint)):
        yield from _nested(expected, value, path)


def _nested(expected: type, value: Any, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        yield from missing_or_mistyped(expected, value, path)
    elif value != UNKNOWN:
        yield path, f"the SDK says {expected.__name__}, not {value!r}"


@cache
def known_inputs(expected: type) -> dict[str, type | None]:
    """Names of inputs, each with the class of its own inputs where it has one."""
    return {name: input_class(hint) for name, hint in input_type_types(expected).items()}


def known_outputs(resource: type) -> set[str]:
    """Names of what a resource class of the SDK can read from the provider."""
    return set(resource_types(resource))


def input_class(hint: Any) -> type | None:
    """The class of inputs inside a hint such as Sequence[Union[ContainerArgs, Awaitable[ContainerArgs], Output]]."""
    if isinstance(hint, type) and is_input_type(hint):
        return hint
    return next((found for part in typing.get_args(hint) if (found := input_class(part))), None)


@cache
def _required(expected: type) -> frozenset[str]:
    """Inputs without a default, by the names they have on the wire."""
    by_python_name = {python: wire for wire, python in _wire_names(expected).items()}
    parameters = inspect.signature(expected.__init__).parameters.values()
    demanded = (one.name for one in parameters if one.kind is one.KEYWORD_ONLY and one.default is one.empty)
    return frozenset(by_python_name[name] for name in demanded if name in by_python_name)


def _wire_names(expected: type) -> dict[str, str]:
    """Name on the wire to name in Python; an input type keeps both in its properties."""
    return {wire: python for python, wire in input_type_py_to_pulumi_names(expected).items()}
