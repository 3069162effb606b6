"""The published schema of stack files: what editors complete and check is what the program reads."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from fleet import cli
from fleet.settings import CONFIG_KEY
from fleet.stack_schema import SCHEMA_FILE, schema_text, stack_file_schema
from tests.support.stack_files import PROJECT, SHIPPED, changed, refused, small

pytestmark = pytest.mark.pure

SCHEMA = stack_file_schema()
VALIDATOR = Draft202012Validator(SCHEMA)


def _complaints(settings: Any) -> list[str]:
    return [error.message for error in VALIDATOR.iter_errors({"config": {CONFIG_KEY: settings}})]


def test_the_published_file_is_what_the_models_say(capsys: pytest.CaptureFixture[str]) -> None:
    assert SCHEMA_FILE.read_text(encoding="utf-8") == schema_text(), "run: python -m fleet schema > fleet/stack-file.schema.json"
    assert cli.main(["schema"]) == 0, "the command that makes it"
    assert json.loads(capsys.readouterr().out) == SCHEMA, "and nothing but it"


def test_it_is_a_schema_itself() -> None:
    Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("stack", SHIPPED)
def test_the_shipped_stack_files_are_valid_and_name_it(stack: str) -> None:
    text = (PROJECT / f"Pulumi.{stack}.yaml").read_text(encoding="utf-8")
    assert list(VALIDATOR.iter_errors(yaml.safe_load(text))) == [], "an editor underlines nothing"
    assert text.startswith("# yaml-language-server: $schema=fleet/stack-file.schema.json"), "and finds the schema"


@pytest.mark.parametrize(
    "wrong",
    [
        {"modles": {}},
        {"models.chat.replica": 1},
        {"models.Chat": {}},
        {"clusters.us.project": "acme"},
        {"clusters.us.region": "us-central1"},
        {"clusters.us.cloud": "azure"},
        {"pools.l4.accelerator": "L5"},
        {"pools.l4.max_nodes": "4"},
        {"pools.l4.max_nodes": 0},
        {"models.chat.tier": "smal"},
        {"models.chat.revision": "main"},
        {"models.chat.slo": None},
        {"budget": None},
        {"name": "a" * 25},
        {"models": {}},
    ],
    ids=str,
)
def test_what_an_editor_underlines_the_program_refuses(wrong: dict[str, Any]) -> None:
    settings = changed(small(), wrong)
    assert _complaints(settings), "seen while typing"
    assert refused(settings)[0] != 0, "and refused in any case"


def test_the_smallest_file_is_valid() -> None:
    assert _complaints({"name": "a", "clusters": {"lab": {"cloud": "existing", "context": "lab"}}, "models": {"chat": {"tier": "small"}}}) == [], (
        "nothing more is required"
    )


def test_other_programs_keys_are_left_alone_and_ours_are_not() -> None:
    document: Any = {"config": {CONFIG_KEY: small(), "aws:region": "us-east-1"}, "secretsprovider": "passphrase"}
    assert list(VALIDATOR.iter_errors(document)) == [], "Pulumi's own keys"
    document["config"]["vllm-fleet:budget"] = {}
    assert [error.message for error in VALIDATOR.iter_errors(document)], "a key of ours that nothing reads"


def test_every_field_says_what_it_is_for() -> None:
    silent = [path for path, field in _fields(SCHEMA["properties"]["config"]["properties"][CONFIG_KEY], "") if not _words(field)]
    silent += [path for name, part in SCHEMA["$defs"].items() for path, field in _fields(part, name) if not _words(field)]
    assert silent == [], "an editor shows it beside the cursor"


def test_no_field_may_be_null() -> None:
    assert '"null"' not in schema_text(), "a key without a value is a mistake"


def _fields(section: dict[str, Any], path: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, field in section.get("properties", {}).items():
        yield f"{path}.{name}", field


def _words(field: dict[str, Any]) -> str:
    target = SCHEMA["$defs"][field["$ref"].rsplit("/", 1)[-1]] if "$ref" in field else {}
    return field.get("description") or target.get("description", "")
