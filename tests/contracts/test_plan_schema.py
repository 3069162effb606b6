"""The published schema of a plan: what `python -m fleet plan --json` prints, accepted or refused."""

from __future__ import annotations

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from fleet import cli
from fleet.fleet_plan import SCHEMA_VERSION
from fleet.plan_json import refused_as_dict
from fleet.plan_schema import SCHEMA_FILE, plan_schema, schema_text
from tests.support.schema_rules import required, undescribed
from tests.support.stack_files import SHIPPED, changed, refused, shipped, shipped_plan

pytestmark = pytest.mark.pure

SCHEMA = plan_schema()
VALIDATOR = Draft202012Validator(SCHEMA)
MODEL = "clusters[].models[]"

PROMISED = [
    *("schema_version", "stack", "accepted", "problems"),
    *(f"problems[].{name}" for name in ("field", "value", "limit", "remedy", "message")),
    *(f"clusters[].{name}" for name in ("name", "cloud", "region", "pools", "models")),
    *(f"clusters[].pools[].{name}" for name in ("name", "accelerator", "machine", "gpus_per_node", "min_nodes", "max_nodes")),
    *(f"{MODEL}.{name}" for name in ("name", "model", "revision", "pool", "image", "argv", "env", "kv_tokens", "max_model_len", "concurrency")),
    *(f"{MODEL}.memory.{name}" for name in ("usable_gib", "weights_gib", "kv_gib", "overhead_gib")),
    f"{MODEL}.startup_seconds",
    *(f"{MODEL}.drain.{name}" for name in ("pre_stop_seconds", "shutdown_timeout_seconds", "grace_seconds")),
    *(f"{MODEL}.{name}.{bound}" for name in ("replicas", "usd_per_hour") for bound in ("min", "max")),
]
"""The names that other programs rely on."""


def _document(stack: str) -> dict[str, Any]:
    return json.loads(json.dumps(shipped_plan(stack).as_dict()))


def test_the_published_file_is_what_the_plan_says(capsys: pytest.CaptureFixture[str]) -> None:
    assert SCHEMA_FILE.read_text(encoding="utf-8") == schema_text(), "run: python -m fleet schema plan > contracts/plan.schema.json"
    assert cli.main(["schema", "plan"]) == 0, "the command that makes it"
    assert json.loads(capsys.readouterr().out) == SCHEMA, "and nothing but it"
    Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("stack", SHIPPED)
def test_an_accepted_plan_is_valid_and_every_field_of_it_is_described(stack: str) -> None:
    document = _document(stack)
    assert [error.message for error in VALIDATOR.iter_errors(document)] == [], "readers validate before they read"
    assert list(undescribed(SCHEMA, document)) == [], "what is printed is what is promised"


@pytest.mark.parametrize("wrong", [{"models.chat.tier": "smal"}, {"models.chat.replicas": {"min": 900}}, {"modles": {}}, {"name": None}], ids=str)
def test_a_refused_plan_and_a_wrong_input_are_valid_too(wrong: dict[str, Any]) -> None:
    code, problems = refused(changed(shipped("prod"), wrong))
    assert code, "it is refused"
    document = json.loads(json.dumps(refused_as_dict("prod", problems)))
    assert [error.message for error in VALIDATOR.iter_errors(document)] == [], "the same schema for both answers"
    assert list(undescribed(SCHEMA, document)) == [], "nothing beside it"


@pytest.mark.parametrize("path", PROMISED)
def test_every_promised_name_is_required(path: str) -> None:
    assert required(SCHEMA, path), "a reader may count on it"


@pytest.mark.parametrize(
    "wrong",
    [{"schema_version": "2.0"}, {"accepted": False}, {"clusters": {}}, {"problems": [{"field": "x"}]}, {"usd_per_hour": 1}, {"stack": None}],
    ids=str,
)
def test_what_is_no_plan_is_not_valid(wrong: dict[str, Any]) -> None:
    assert list(VALIDATOR.iter_errors(_document("local") | wrong)), "otherwise valid would mean nothing"


def test_a_later_minor_version_may_add_fields() -> None:
    document = _document("local") | {"schema_version": "1.7", "added": {"later": True}}
    document["clusters"][0]["added"] = 1
    assert list(VALIDATOR.iter_errors(document)) == [], "readers of today read it"
    assert SCHEMA_VERSION.startswith("1."), "the major version of this schema"
