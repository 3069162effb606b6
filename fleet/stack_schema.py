"""The JSON schema of a whole stack file, so that editors complete and check it: `fleet/stack-file.schema.json`."""

from __future__ import annotations

from typing import Any

from fleet.settings import CONFIG_KEY, Settings


def stack_file_schema() -> dict[str, Any]:
    """`config:` and in it the one key; Pulumi's own keys beside them are left alone."""
    settings = Settings.model_json_schema()
    definitions = settings.pop("$defs")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Pulumi.<stack>.yaml of vllm-fleet",
        "type": "object",
        "required": ["config"],
        "properties": {"config": {"type": "object", "required": [CONFIG_KEY], "properties": {CONFIG_KEY: settings}}},
        "$defs": definitions,
    }
