"""Errors of the schema in our own words: the path as the stack file has it, what belongs there, and what to write."""

from __future__ import annotations

import types
from collections.abc import Mapping, Sequence
from typing import Any, Union, cast, get_args, get_origin

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from fleet.problems import Problem, nearest
from fleet.settings import CONFIG_KEY, AwsCluster, ExistingCluster, GcpCluster, Settings
from fleet.settings.base import FORMS

CLUSTERS: tuple[type[BaseModel], ...] = (AwsCluster, GcpCluster, ExistingCluster)

SHAPES = {
    "model_type": ("a mapping belongs here", "write `key: value` lines below it"),
    "dict_type": ("a mapping belongs here", "write `name: {...}` lines below it"),
    "tuple_type": ("a list belongs here", "write it in brackets, [a, b], or as lines that start with a hyphen"),
    "int_type": ("a whole number belongs here", "write digits, without quotes, point or exponent"),
    "float_type": ("a number belongs here", "write digits, without quotes"),
    "finite_number": ("a number belongs here", "write one that is not infinite"),
    "bool_type": ("true or false belongs here", "write one of the two, without quotes"),
    "string_type": ("text belongs here", "write text; in quotes if it is made of digits"),
}
"""What has the wrong type: what belongs there, and how to write it."""

BOUNDS = {
    "greater_than_equal": ("ge", "is below the least allowed, {}", "write {} or more"),
    "greater_than": ("gt", "is not above {}", "write more than {}"),
    "less_than_equal": ("le", "is above the most allowed, {}", "write {} or less"),
    "string_too_long": ("max_length", "is longer than {} characters", "shorten it to {} or fewer"),
    "string_too_short": ("min_length", "is shorter than {} characters", "write {} characters or more"),
}

CONFIDENTIAL = "secrets"
"""What stands below this key is never repeated: a person may have pasted the secret itself."""


def problems(errors: Sequence[ErrorDetails]) -> list[Problem]:
    """One problem per error, without "too short" for a list whose only item was itself refused."""
    places = [details["loc"] for details in errors]

    def has_worse_inside(details: ErrorDetails) -> bool:
        own = details["loc"]
        return details["type"] == "too_short" and any(place[: len(own)] == own and len(place) > len(own) for place in places)

    return [_problem(details) for details in errors if not has_worse_inside(details)]


def _problem(details: ErrorDetails) -> Problem:
    path, section = _walk(details["loc"])
    kind, context = details["type"], details.get("ctx", {})
    value: object = details["input"]
    if kind == "extra_forbidden":
        return _unknown_key(path, str(details["loc"][-1]), section)
    if kind == "missing":
        return Problem(field=path, value=None, limit="it is required", remedy=f"add it: {_meaning(section, str(details['loc'][-1]))}")
    if kind == "union_tag_not_found":
        return Problem(field=f"{path}.cloud", value=None, limit="it says whose cluster this is", remedy="add cloud: aws, gcp or existing")
    if kind in {"union_tag_invalid", "literal_error"}:
        return _not_a_choice(path, value, kind, context)
    if path.split(".")[0] == CONFIDENTIAL and not isinstance(value, Mapping):
        value = "(not shown)"
    limit, remedy = _words(kind, context, details["msg"])
    return Problem(field=path, value=value, limit=limit, remedy=remedy)


def _words(kind: str, context: Mapping[str, Any], message: str) -> tuple[str, str]:
    if kind == "refused":
        return str(context["limit"]), str(context["remedy"])
    if kind == "string_pattern_mismatch":
        form, remedy = FORMS[str(context["pattern"])]
        return f"is not {form}", remedy
    if kind in BOUNDS:
        name, limit, remedy = BOUNDS[kind]
        bound = f"{int(context[name]):,}" if float(context[name]).is_integer() else str(context[name])
        return limit.format(bound), remedy.format(bound)
    if kind == "too_short":
        return "is empty, and at least one entry is needed", "add an entry"
    if kind in SHAPES:
        return SHAPES[kind]
    return message[:1].lower() + message[1:], "write another value"


def _not_a_choice(path: str, value: object, kind: str, context: Mapping[str, Any]) -> Problem:
    expected = str(context.get("expected_tags") or context.get("expected"))
    choices = [choice.strip(" '") for choice in expected.replace(" or ", ", ").split(",")]
    tag = context.get("tag", value)
    field = f"{path}.cloud" if kind == "union_tag_invalid" else path
    return Problem(field=field, value=tag, limit="is not one of the choices", remedy=nearest(str(tag), choices))


def _unknown_key(path: str, key: str, section: type[BaseModel] | None) -> Problem:
    known = section.model_fields if section else {}
    owners = [_cloud(cluster) for cluster in CLUSTERS if key in cluster.model_fields] if section in CLUSTERS else []
    if section in CLUSTERS and owners:
        limit = f"is a key of {' and '.join(owners)} clusters, and this one is {_cloud(section)}"
        return Problem(field=path, value=key, limit=limit, remedy=f"remove it; {_cloud(section)} has: {', '.join(sorted(known))}")
    return Problem(field=path, value=key, limit="there is no such key here", remedy=nearest(key, known))


def _cloud(cluster: type[BaseModel]) -> str:
    return get_args(cluster.model_fields["cloud"].annotation)[0]


def _meaning(section: type[BaseModel] | None, key: str) -> str:
    """What a field is for, from its description in the schema."""
    field = section.model_fields.get(key) if section else None
    text = (field.description if field else None) or "see docs/guide.md"
    return text.partition(". ")[0].rstrip(".")


def _walk(location: Sequence[int | str]) -> tuple[str, type[BaseModel] | None]:
    """The dotted path of an error, and the section whose keys were to be chosen from at its end."""
    current: Any = Settings
    section: type[BaseModel] | None = Settings
    path = ""
    for part in location:
        if isinstance(current, tuple):  # a union told apart by a tag, which pydantic puts into the location
            choices = cast("tuple[type[BaseModel], ...]", current)
            section = next((choice for choice in choices if _cloud(choice) == part), None)
            current = section
            continue
        if part == "[key]":
            continue
        path += f"[{part}]" if isinstance(part, int) else f"{'.' if path else ''}{part}"
        section = current if isinstance(current, type) and issubclass(current, BaseModel) else None
        current = _child(current, part)
    return path or CONFIG_KEY, section


def _child(current: Any, part: int | str) -> Any:
    if isinstance(current, type) and issubclass(current, BaseModel):
        found = current.model_fields.get(str(part))
        return _plain(found.annotation) if found else None
    arguments = get_args(current)
    origin = get_origin(current)
    if origin is dict:
        return _plain(arguments[1])
    return _plain(arguments[0]) if origin is tuple else None


def _plain(annotation: Any) -> Any:
    """An annotation without Annotated and without None; a union of sections as a tuple."""
    while get_origin(annotation) not in (None, Union, types.UnionType, dict, tuple) or hasattr(annotation, "__metadata__"):
        annotation = get_args(annotation)[0] if get_args(annotation) else annotation
        if get_origin(annotation) is None:
            break
    if get_origin(annotation) in (Union, types.UnionType):
        kept = [choice for choice in get_args(annotation) if choice is not type(None)]
        return _plain(kept[0]) if len(kept) == 1 else tuple(kept)
    return annotation
