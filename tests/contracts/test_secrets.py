"""No value of a secret is in anything that reaches the state, the outputs or the log: the stack file carries names, the plan carries names."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fleet.settings import CONFIG_KEY
from tests.support.fleets import production, simulated
from tests.support.recording import Graph, run_program
from tests.support.simulated_cluster import TOKEN

pytestmark = pytest.mark.mocks

VALUES = {"HF_TOKEN": "hf_AbCdEfGhIjKlMnOpQrStUvWx", "VLLM_API_KEY": "sk-0123456789abcdef", "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMIK7MDENG"}


@pytest.fixture
def graph(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Graph:
    for name, value in VALUES.items():
        monkeypatch.setenv(name, value)
    settings = production()
    with simulated(settings, tmp_path) as servers:
        graph = run_program(settings)
        assert {authorization for _, authorization in servers["a"].asked} == {f"Bearer {TOKEN}"}, "the kubeconfig's token was really used"
    return graph


def test_no_secret_value_is_registered_exported_or_said(graph: Graph) -> None:
    everything = json.dumps([[each.inputs, each.name] for each in graph.resources.values()]) + json.dumps([graph.outputs, graph.said])
    for name, value in {**VALUES, "the kubeconfig's token": TOKEN}.items():
        assert value not in everything, f"{name} would be in the state"


def test_secrets_are_named_so_that_pods_can_find_them(graph: Graph) -> None:
    inputs = json.dumps([each.inputs for each in graph.objects()])
    assert '"secretKeyRef": {"key": "token", "name": "hub"}' in _ordered(inputs), "the mirror's"
    assert '"secretKeyRef": {"key": "key", "name": "engine"}' in _ordered(inputs), "the engines'"
    assert graph.outputs["engine_api_key_secret"] == "engine", "clients learn which one, not what is in it"


def _ordered(text: str) -> str:
    return json.dumps(json.loads(text), sort_keys=True)


def test_no_secret_is_made_by_the_program(graph: Graph) -> None:
    assert not list(graph.objects("Secret")), "values come from the cluster's own secret store"
    assert not [each.name for each in graph.resources.values() if each.secrets], "so there is nothing to encrypt in the state"


def test_a_value_that_stands_where_a_name_belongs_is_refused_without_being_repeated(tmp_path: Path) -> None:
    settings = production()
    settings["secrets"]["engine_key"] = VALUES["VLLM_API_KEY"]
    with simulated(settings, tmp_path), pytest.raises(Exception, match=r"secrets\.engine_key") as refused:
        run_program(settings)
    assert VALUES["VLLM_API_KEY"] not in str(refused.value), f"an error under {CONFIG_KEY} lands in logs"
