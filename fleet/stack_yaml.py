"""Text of a stack file as plain values: mappings, lists, text, numbers, true and false. Stricter than YAML on purpose.

What two YAML readers would read differently is text here, so that this program and the engine, which read the same file,
never disagree: `yes` and `no`, dates, octal and hexadecimal numbers, digits with underscores.
"""

from __future__ import annotations

import re
from collections.abc import Hashable
from pathlib import Path
from typing import Any, cast

import yaml

from fleet.plain_values import DEEPEST
from fleet.problems import InputError, Problem

LARGEST_FILE_BYTES = 500_000
"""Five thousand model entries; a stack file is written by people."""


def load(path: Path) -> object:
    """The value that the file holds.

    Raises:
        InputError: the file cannot be read, is too large, is not text or not YAML.
    """
    text = _text(path)
    try:
        return yaml.load(text, Loader=_StrictLoader)  # noqa: S506  a SafeLoader that is stricter still
    except yaml.YAMLError as error:
        raise InputError([_malformed(path, error)]) from None
    except ValueError:  # Python converts no decimal numbers of several thousand digits
        raise _refused(path, "holds a number of thousands of digits", "shorten it") from None


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST_FILE_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise _refused(path, f"cannot be read: {reason}", "name a stack file, for example Pulumi.local.yaml") from None
    if len(data) > LARGEST_FILE_BYTES:
        raise _refused(path, f"is larger than {LARGEST_FILE_BYTES:,} bytes", "name a stack file, for example Pulumi.local.yaml")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise _refused(path, f"is not UTF-8 text: byte 0x{data[error.start]:02x} in line {line}", "save it as UTF-8") from None


def _refused(path: Path, limit: str, remedy: str) -> InputError:
    return InputError([Problem(field="file", value=str(path), limit=limit, remedy=remedy)])


def _malformed(path: Path, error: yaml.YAMLError) -> Problem:
    mark = getattr(error, "problem_mark", None)
    place = f" at line {mark.line + 1}, column {mark.column + 1}" if mark else ""
    reason = str(getattr(error, "problem", None) or getattr(error, "reason", None) or error).splitlines()[0]
    remedy = "mend that line"
    if "'\\t'" in reason:
        remedy = "indent with spaces, never with tabs"
    elif "mapping values are not allowed" in reason:
        remedy = "mend that line: check the indentation, and put text with a colon in quotes"
    elif "another document" in reason:
        remedy = "write one document: remove the line --- and what follows it"
    return Problem(field="file", value=str(path), limit=f"is not YAML{place}: {reason}", remedy=remedy)


class _StrictLoader(yaml.SafeLoader):
    """YAML in which a key written twice is an error: the second `chat:` would silently replace the first model."""

    depth = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        self.depth += 1
        if self.depth > DEEPEST:
            raise yaml.MarkedYAMLError(problem=f"nested more than {DEEPEST} levels", problem_mark=parent.start_mark if parent else None)
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012  as PyYAML declares it

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:  # noqa: FBT001, FBT002  the signature of PyYAML
        seen: set[object] = set()
        for key_node, _ in node.value:
            key = cast("object", self.construct_object(key_node, deep=True))  # pyright: ignore[reportUnknownMemberType]
            if not isinstance(key, Hashable):
                raise yaml.constructor.ConstructorError(None, None, "a list or a mapping cannot be a key", key_node.start_mark)
            if key == "<<":  # merged mappings grow without bound, and Pulumi's own reader keeps none when it writes the file
                raise yaml.constructor.ConstructorError(None, None, "merge keys (<<) are not read; write the keys out", key_node.start_mark)
            if key in seen:
                raise yaml.constructor.ConstructorError(None, None, f"the key {key!r} is written twice", key_node.start_mark)
            seen.add(key)
        return super().construct_mapping(node, deep)


for _tag, _pattern, _first in (
    ("null", r"~|null|", ["~", "n", ""]),
    ("bool", r"true|false", ["t", "f"]),
    ("int", r"[-+]?(0|[1-9][0-9]*)", list("-+0123456789")),
    ("float", r"[-+]?((\.[0-9]+|[0-9]+\.[0-9]*)([eE][-+]?[0-9]+)?|[0-9]+[eE][-+]?[0-9]+)", list("-+.0123456789")),
):
    _StrictLoader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(rf"^(?:{_pattern})$"), _first)  # pyright: ignore[reportUnknownMemberType]
