"""The published contract of the stack outputs, and the reader that consuming teams copy."""

from __future__ import annotations

import ast
import json
import sys
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from components.kubernetes.policy import ACCESS_LABEL
from contracts import reader
from contracts.reader import Fleet, OutputsError
from fleet.settings import Secrets
from stacks.outputs import FleetOutputs
from tests.support.schema_rules import required, undescribed
from tests.support.stack_files import PROJECT, SHIPPED, shipped_plan

pytestmark = pytest.mark.mocks

SCHEMA = json.loads((PROJECT / "contracts" / "outputs.schema.json").read_text(encoding="utf-8"))
VALIDATOR = Draft202012Validator(SCHEMA)


@cache
def _outputs(stack: str, *, with_key: bool = True) -> dict[str, Any]:
    secrets = Secrets(hub_token="hub", engine_api_key="engine" if with_key else None)
    return json.loads(json.dumps(FleetOutputs.of(shipped_plan(stack), secrets).values))


@pytest.mark.parametrize("stack", SHIPPED)
@pytest.mark.parametrize("with_key", [True, False], ids=["with a key", "without"])
def test_what_the_stacks_hand_out_is_valid_and_every_field_of_it_is_described(stack: str, with_key: bool) -> None:
    assert [error.message for error in VALIDATOR.iter_errors(_outputs(stack, with_key=with_key))] == [], "consumers validate it"
    assert list(undescribed(SCHEMA, _outputs(stack, with_key=with_key))) == [], "what is handed out is what is promised"
    Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("path", ["schema_version", "clusters[].models[].url", "clusters[].models[].max_output_tokens", "clusters[].models[].slo"])
def test_what_a_client_needs_is_required(path: str) -> None:
    assert required(SCHEMA, path), "a reader may count on it"


def test_no_secret_no_kubeconfig_and_no_null_is_handed_out() -> None:
    text = json.dumps(_outputs("local"))
    for word in ("kubeconfig", "context", "hub", "null"):
        assert f'"{word}"' not in text, "the engine drops a null, and the rest is nobody's business"
    assert '"engine_api_key_secret": "engine"' in text, "its name, so that clients know what to ask for"


@pytest.mark.parametrize("stack", SHIPPED)
def test_the_reader_reads_every_model_in_every_cluster(stack: str) -> None:
    plan = shipped_plan(stack)
    fleet = Fleet.of(_outputs(stack))
    planned = {(model.name, cluster.name) for cluster in plan.clusters for model in cluster.models}
    assert {(endpoint.model, endpoint.cluster) for endpoint in fleet.endpoints} == planned, "all of them"
    assert (fleet.name, fleet.environment, fleet.owner) == (plan.name, plan.environment, plan.owner), "whose it is"
    assert fleet.accepted_risks == dict(plan.accepted_risks), "what somebody said yes to"


def test_an_endpoint_has_what_a_client_is_configured_with() -> None:
    writer = Fleet.of(_outputs("prod")).of_model("writer")[0]
    assert (writer.cluster, writer.url) == ("gcp-usc1", "http://writer.vllm.svc:8000/v1"), "where"
    assert (writer.max_model_len, writer.max_output_tokens, writer.slo) == (32768, 4096, "interactive"), "limits and service level"
    assert (writer.min_replicas, writer.max_replicas, writer.retiring) == (2, 3, False), "how much, and for how long"
    assert Fleet.of(_outputs("prod")).of_model("nobody") == (), "no such model"


def test_the_labels_a_client_sets_are_those_that_the_network_policy_asks_for() -> None:
    assert Fleet.of(_outputs("local")).client_namespace_labels == {ACCESS_LABEL: "gateway"}, "otherwise nobody gets through"


def test_the_reader_reads_a_file(tmp_path: Path) -> None:
    path = tmp_path / "outputs.json"
    path.write_text(json.dumps(_outputs("staging")), encoding="utf-8")
    assert Fleet.load(path).models == ("chat", "coder", "labels"), "as `pulumi stack output --json` wrote it"
    path.write_text("not JSON", encoding="utf-8")
    with pytest.raises(OutputsError, match="is not JSON"):
        Fleet.load(path)


def test_the_reader_ignores_what_a_later_minor_version_adds() -> None:
    later = deepcopy(_outputs("local")) | {"schema_version": "1.9", "added": [1]}
    later["clusters"][0]["models"][0]["added"] = {}
    assert Fleet.of(later) == Fleet.of(_outputs("local")), "old readers go on"
    assert list(VALIDATOR.iter_errors(later)) == [], "and the schema lets it"


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"schema_version": "2.0"}, "outputs.schema_version is 2.0, this reader knows 1.x"),
        ({"schema_version": None}, "outputs.schema_version is missing"),
        ({"clusters": {}}, "outputs.clusters is no list"),
        ({"clusters": [1]}, r"outputs.clusters\[0\] is no mapping but int"),
        ({"clusters": [{"name": "a", "models": [{}]}]}, r"outputs.clusters\[0\].models\[0\].replicas is no mapping"),
        ({"fleet": 5}, "outputs.fleet is no str: 5"),
    ],
)
def test_the_reader_refuses_what_it_cannot_read_in_words(wrong: dict[str, Any], words: str) -> None:
    with pytest.raises(OutputsError, match=words):
        Fleet.of(_outputs("local") | wrong)


def test_the_reader_is_one_file_that_needs_nothing() -> None:
    tree = ast.parse(Path(reader.__file__).read_text(encoding="utf-8"))
    names = [alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
    names += [node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    assert {name.split(".")[0] for name in names} <= sys.stdlib_module_names | {"__future__"}, "teams copy it"
