"""The JSON schema of a whole stack file, so that editors complete and check it: `fleet/stack-file.schema.json`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, cast

from fleet.settings import CONFIG_KEY, Settings

SCHEMA_FILE = Path(__file__).resolve().parent / "stack-file.schema.json"
"""The published copy; a test compares it with the models."""


def stack_file_schema() -> dict[str, Any]:
    """`config:` and in it the one key; Pulumi's own keys beside them are left alone."""
    settings = cast("dict[str, Any]", _plain(Settings.model_json_schema()))
    definitions = settings.pop("$defs")
    prefix = f"{CONFIG_KEY.partition(':')[0]}:"
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Pulumi.<stack>.yaml of vllm-fleet",
        "description": "One file for each environment: a fleet of vLLM model servers.",
        "type": "object",
        "required": ["config"],
        "properties": {
            "config": {
                "type": "object",
                "required": [CONFIG_KEY],
                "properties": {CONFIG_KEY: settings},
                "patternProperties": {f"^{prefix}(?!{CONFIG_KEY.removeprefix(prefix)}$)": False},
            }
        },
        "$defs": definitions,
    }


def schema_text() -> str:
    """The schema as the published file has it."""
    return json.dumps(stack_file_schema(), indent=2, ensure_ascii=False) + "\n"


NAMED = frozenset({"properties", "patternProperties", "$defs"})
"""Words of the schema whose keys are names of ours."""


def _plain(node: object) -> object:
    """Without null, which a stack file never says, without titles, which repeat the key, and with no key but those it names."""
    if isinstance(node, list):
        return [_plain(item) for item in cast("list[object]", node)]
    if not isinstance(node, dict):
        return node
    found = {key: value for key, value in cast("dict[str, object]", node).items() if key not in ("title", "discriminator")}
    choices = [choice for choice in cast("list[object]", found.get("anyOf", [])) if choice != {"type": "null"}]
    if len(choices) == 1:
        del found["anyOf"]
        found = {**cast("dict[str, object]", choices[0]), **found}
    if "default" in found:
        found["default"] = _without_nulls(found["default"])
        found = {key: value for key, value in found.items() if key != "default" or value is not None}
    if "patternProperties" in found:
        found["additionalProperties"] = False
    return {key: _named(value) if key in NAMED else value if key == "default" else _plain(value) for key, value in found.items()}


def _named(node: object) -> object:
    return {key: _plain(value) for key, value in cast("dict[str, object]", node).items()}


def _without_nulls(value: object) -> object:
    if not isinstance(value, dict):
        return value
    return {key: part for key, part in cast("dict[str, object]", value).items() if part is not None}
