"""The JSON schema of a plan, from the plan's own classes and the words beside their fields: `contracts/plan.schema.json`."""

from __future__ import annotations

import ast
import inspect
import json
import textwrap
from itertools import pairwise
from pathlib import Path
from typing import Any, cast

from pydantic import TypeAdapter

from fleet import fleet_plan
from fleet.fleet_plan import SCHEMA_VERSION, FleetPlan

SCHEMA_FILE = Path(__file__).resolve().parent.parent / "contracts" / "plan.schema.json"
"""The published copy; a test compares it with the classes."""

PROBLEM = {
    "type": "object",
    "description": "One reason why a plan is refused.",
    "required": ["field", "value", "limit", "remedy", "message"],
    "properties": {
        "field": {"type": "string", "description": "Path in the stack file, or the option of the command."},
        "value": {"description": "What stands there; null where something is missing."},
        "limit": {"type": "string", "description": "What is wrong with it, or what would be allowed."},
        "remedy": {"type": "string", "description": "What to do."},
        "message": {"type": "string", "description": "All of it in one line."},
    },
}


def plan_schema() -> dict[str, Any]:
    """An accepted plan has clusters and no problems, a refused one problems and no clusters. Fields may be added in a minor version."""
    generated = TypeAdapter(FleetPlan).json_schema()
    definitions = cast("dict[str, dict[str, Any]]", generated.pop("$defs"))
    for name, definition in [*definitions.items(), ("FleetPlan", generated)]:
        _describe(definition, getattr(fleet_plan, name))
    model = definitions["ModelPlan"]
    model["properties"]["startup_seconds"] = {"type": "integer", "description": "startup.total_seconds once more."}
    model["required"].append("startup_seconds")
    properties = generated["properties"]
    properties["accepted_risks"] = {
        "type": "array",
        "description": "Refusals that the stack file accepts by name.",
        "items": {"type": "object", "required": ["risk", "reason"], "properties": {"risk": {"type": "string"}, "reason": {"type": "string"}}},
    }
    own = {
        "schema_version": {"type": "string", "pattern": rf"^{SCHEMA_VERSION.partition('.')[0]}\.[0-9]+$"},
        "accepted": {"type": "boolean", "description": "Whether this fleet may be created."},
        "problems": {"type": "array", "items": {"$ref": "#/$defs/Problem"}, "description": "Every reason why not."},
    }
    common = [*own, "stack", "clusters"]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "The plan of vllm-fleet",
        "description": "What `python -m fleet plan --json` prints. Fields may be added in a minor version; unknown ones are to be ignored.",
        "type": "object",
        "required": common,
        "properties": own | properties,
        "if": {"properties": {"accepted": {"const": True}}},
        "then": {"required": [name for name in properties if name not in common], "properties": {"problems": {"maxItems": 0}}},
        "else": {"properties": {"problems": {"minItems": 1}, "clusters": {"maxItems": 0}}},
        "$defs": {**definitions, "Problem": PROBLEM},
    }


def schema_text() -> str:
    """The schema as the published file has it."""
    return json.dumps(plan_schema(), indent=2, ensure_ascii=False) + "\n"


def _describe(definition: dict[str, Any], source: type) -> None:
    """Every field is always printed, and says what it is where the class does."""
    words = _field_words(source)
    definition["description"] = inspect.cleandoc(source.__doc__ or "")
    definition["required"] = list(definition["properties"])
    definition.pop("title", None)
    for name, value in definition["properties"].items():
        value.pop("title", None)
        value.pop("default", None)
        if name in words:
            value["description"] = words[name]


def _field_words(source: type) -> dict[str, str]:
    body = cast("ast.ClassDef", ast.parse(textwrap.dedent(inspect.getsource(source))).body[0]).body
    found: dict[str, str] = {}
    for field, words in pairwise(body):
        text = words.value.value if isinstance(words, ast.Expr) and isinstance(words.value, ast.Constant) else None
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name) and isinstance(text, str):
            found[field.target.id] = inspect.cleandoc(text).replace("\n", " ")
    return found
