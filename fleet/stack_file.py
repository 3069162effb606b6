"""A stack file becomes `Settings`, or every reason why it cannot: the same reader for the command line and the program."""

from __future__ import annotations

import json
import types
from collections.abc import Hashable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Union, cast, get_args, get_origin

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from fleet.problems import InputError, Problem, nearest
from fleet.settings import CONFIG_KEY, Settings
from fleet.settings.base import FORMS


def stack_path(directory: Path, stack: str) -> Path:
    """Where the file of a stack lies: `Pulumi.<stack>.yaml` beside `Pulumi.yaml`.

    Raises:
        InputError: there is no such file; the remedy names the stacks that exist.
    """
    path = directory / f"Pulumi.{stack}.yaml"
    if not path.is_file():
        stacks = [found.name.split(".")[1] for found in directory.glob("Pulumi.*.yaml")]
        raise InputError([Problem(field="stack", value=stack, limit=f"there is no file {path}", remedy=nearest(stack, stacks))])
    return path


def read(path: Path) -> Settings:
    """The settings in a stack file.

    Raises:
        InputError: the file is missing, is not YAML, lacks the key, or holds values outside the schema.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        remedy = "name a stack file, for example Pulumi.local.yaml"
        raise InputError([Problem(field="file", value=str(path), limit=f"cannot be read: {reason}", remedy=remedy)]) from None
    try:
        document = yaml.load(text, Loader=_StrictLoader)  # noqa: S506  a SafeLoader with duplicate keys refused
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise InputError([_malformed(path, error)]) from None
    body = cast("Mapping[str, Any]", document) if isinstance(document, Mapping) else cast("Mapping[str, Any]", {})
    config: object = body.get("config")
    if not isinstance(config, Mapping) or CONFIG_KEY not in config:
        keys = [str(key) for key in cast("Mapping[Any, Any]", config)] if isinstance(config, Mapping) else []
        seen = f"found under config: {', '.join(keys) or 'nothing'}"
        remedy = f"write the settings under config: and then {CONFIG_KEY}: ({seen})"
        raise InputError([Problem(field="config", value=str(path), limit=f"has no key {CONFIG_KEY}", remedy=remedy)])
    return parse(cast("Mapping[str, Any]", config)[CONFIG_KEY])


def parse(value: object) -> Settings:
    """Settings from the plain value under the key.

    Raises:
        InputError: one problem for each wrong value, all of them at once.
    """
    odd = [
        Problem(field=path, value=key, limit="is not text", remedy="put the key in quotes, or name it otherwise")
        for path, key in _keys_that_are_no_text(value, CONFIG_KEY)
    ]
    if odd:
        raise InputError(odd)
    try:
        return Settings.model_validate_json(json.dumps(value, default=str))
    except ValidationError as error:
        raise InputError(_problems(error.errors(include_url=False))) from None


class _StrictLoader(yaml.SafeLoader):
    """YAML in which a key written twice is an error: the second `chat:` would silently replace the first model."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:  # noqa: FBT001, FBT002  the signature of PyYAML
        seen: set[object] = set()
        for key_node, _ in node.value:
            key = cast("object", self.construct_object(key_node, deep=True))  # pyright: ignore[reportUnknownMemberType]
            if not _hashable(key):
                raise yaml.constructor.ConstructorError(None, None, "a list or a mapping cannot be a key", key_node.start_mark)
            if key in seen and key != "<<":
                raise yaml.constructor.ConstructorError(None, None, f"the key {key!r} is written twice", key_node.start_mark)
            seen.add(key)
        return super().construct_mapping(node, deep)


def _hashable(value: object) -> bool:
    try:
        hash(value)
    except TypeError:
        return False
    return True


def _malformed(path: Path, error: Exception) -> Problem:
    mark = getattr(error, "problem_mark", None)
    place = f" at line {mark.line + 1}, column {mark.column + 1}" if mark else ""
    reason = str(getattr(error, "problem", None) or error).splitlines()[0]
    return Problem(field="file", value=str(path), limit=f"is not YAML{place}: {reason}", remedy="mend that line")


def _keys_that_are_no_text(value: object, path: str) -> Iterator[tuple[str, object]]:
    if isinstance(value, Mapping):
        for key, child in cast("Mapping[object, object]", value).items():
            if not isinstance(key, str):
                yield path, key
            yield from _keys_that_are_no_text(child, f"{path}.{key}")
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for index, child in enumerate(cast("Sequence[object]", value)):
            yield from _keys_that_are_no_text(child, f"{path}[{index}]")


def _problems(errors: Sequence[ErrorDetails]) -> list[Problem]:
    """One problem per error, without "too short" for a list whose only item was itself refused."""
    places = [details["loc"] for details in errors]

    def has_worse_inside(details: ErrorDetails) -> bool:
        own = details["loc"]
        return details["type"] == "too_short" and any(place[: len(own)] == own and len(place) > len(own) for place in places)

    return [_problem(details) for details in errors if not has_worse_inside(details)]


def _problem(details: ErrorDetails) -> Problem:
    path, section = _walk(details["loc"])
    kind, context = details["type"], details.get("ctx", {})
    limit = details["msg"][:1].lower() + details["msg"][1:]
    value: object = details["input"]
    if kind == "extra_forbidden":
        key = str(details["loc"][-1])
        known = section.model_fields if section else ()
        return Problem(field=path, value=key, limit="there is no such key here", remedy=nearest(key, known))
    if kind == "missing":
        return Problem(field=path, value=None, limit="is required", remedy="add it")
    if kind in {"union_tag_invalid", "literal_error"}:
        expected = str(context.get("expected_tags") or context.get("expected"))
        choices = [choice.strip(" '") for choice in expected.replace(" or ", ", ").split(",")]
        tag = context.get("tag", value)
        return Problem(field=path, value=tag, limit="is not one of the choices", remedy=nearest(str(tag), choices))
    if kind == "union_tag_not_found":
        return Problem(field=path, value=value, limit="has no `cloud`", remedy="add cloud: aws, gcp or existing")
    if kind == "string_pattern_mismatch":
        pattern = str(context.get("pattern"))
        return Problem(field=path, value=value, limit=f"is not {FORMS.get(pattern, pattern)}", remedy="write it in that form")
    return Problem(field=path, value=value, limit=limit, remedy="write a value within that limit")


def _walk(location: Sequence[int | str]) -> tuple[str, type[BaseModel] | None]:
    """The dotted path of an error, and the section whose keys were to be chosen from at its end."""
    current: Any = Settings
    section: type[BaseModel] | None = Settings
    path = ""
    for part in location:
        if isinstance(current, tuple):  # a union told apart by a tag, which pydantic puts into the location
            choices = cast("tuple[type[BaseModel], ...]", current)
            section = next((choice for choice in choices if choice.model_fields["cloud"].annotation == _tag(part)), None)
            current = section
            continue
        if part == "[key]":
            continue
        path += f"[{part}]" if isinstance(part, int) else f"{'.' if path else ''}{part}"
        section = current if isinstance(current, type) and issubclass(current, BaseModel) else None
        current = _child(current, part)
    return path or CONFIG_KEY, section


def _tag(part: int | str) -> Any:
    from typing import Literal

    return Literal[part]  # pyright: ignore[reportInvalidTypeForm]


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
