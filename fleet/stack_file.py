"""A stack file becomes `Settings`, or every reason why it cannot: the same reader for the command line and the program."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import cast

from pydantic import ValidationError

from fleet import plain_values, salvage, schema_problems, stack_yaml
from fleet.problems import InputError, Problem, nearest
from fleet.settings import CONFIG_KEY, Settings


def stack_path(directory: Path, stack: str) -> Path:
    """Where the file of a stack lies: `Pulumi.<stack>.yaml` beside `Pulumi.yaml`.

    Raises:
        InputError: there is no such file; the remedy names the stacks that exist.
    """
    path = directory / f"Pulumi.{stack}.yaml"
    if "/" not in stack and path.is_file():
        return path
    stacks = [stack_of(found) for found in directory.glob("Pulumi.*.yaml")]
    raise InputError([Problem(field="--stack", value=stack, limit=f"there is no file Pulumi.{stack}.yaml here", remedy=nearest(stack, stacks))])


def stack_of(path: Path) -> str:
    """Name of the stack that a file belongs to by its own name."""
    return path.name.removeprefix("Pulumi.").removesuffix(".yaml")


def read(path: Path) -> Settings:
    """The settings in a stack file.

    Raises:
        InputError: the file is missing, is not YAML, lacks the key, or holds values outside the schema.
    """
    document = stack_yaml.load(path)
    mapping = _mapping(_mapping(document).get("config"))
    if CONFIG_KEY not in mapping:
        raise InputError([_no_key(path, document, mapping)])
    strangers = [str(key) for key in mapping if key != CONFIG_KEY and str(key).startswith(f"{CONFIG_KEY.partition(':')[0]}:")]
    if strangers:
        limit, remedy = "nothing reads this key", f"the only one is {CONFIG_KEY}; move what it holds into it"
        raise InputError([Problem(field=f"config.{key}", value=key, limit=limit, remedy=remedy) for key in strangers])
    return parse(mapping[CONFIG_KEY])


def parse(value: object) -> Settings:
    """Settings from the plain value under the key.

    Raises:
        InputError: one problem for each wrong value, all of them at once.
    """
    plain, wrong = plain_values.cleaned(value, CONFIG_KEY)
    if wrong and plain is None:
        raise InputError(wrong)
    try:
        settings = Settings.model_validate_json(json.dumps(plain))
    except ValidationError as error:
        seen = {problem.field for problem in wrong}
        errors = error.errors(include_url=False)
        found = [problem for problem in schema_problems.problems(errors) if problem.field not in seen]
        told = [*wrong, *found]
        fields = {problem.field for problem in told}
        raise InputError([*told, *(problem for problem in salvage.further(plain, errors) if problem.field not in fields)]) from None
    if wrong:
        raise InputError(wrong)
    return settings


def no_settings(where: str, seen: str) -> Problem:
    """The one key is not there."""
    remedy = f"write the settings under config: and then {CONFIG_KEY}: ({seen})"
    return Problem(field="config", value=where, limit=f"has no key {CONFIG_KEY}", remedy=remedy)


def _mapping(value: object) -> Mapping[object, object]:
    return cast("Mapping[object, object]", value) if isinstance(value, Mapping) else {}


def _no_key(path: Path, document: object, config: Mapping[object, object]) -> Problem:
    if "runtime" in _mapping(document):
        remedy = "name a stack file, for example Pulumi.local.yaml"
        return Problem(field="file", value=str(path), limit="is the project file of Pulumi, not a stack file", remedy=remedy)
    if document is None:
        return no_settings(str(path), "the file is empty")
    return no_settings(str(path), f"found under config: {', '.join(map(str, config)) or 'nothing'}")
