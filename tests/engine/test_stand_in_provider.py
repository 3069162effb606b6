"""The stand-in refuses what Kubernetes or the SDK would, and replaces what the real provider would."""

from __future__ import annotations

import pytest

from tests.support.stand_in_provider_rules import faults, replacing

pytestmark = pytest.mark.engine

TOKEN = "kubernetes:apps/v1:Deployment"


def _deployment(**container: object) -> dict[str, object]:
    pod = {"containers": [{"name": "engine", **container}]}
    spec = {"replicas": 1, "selector": {"matchLabels": {"a": "b"}}, "template": {"spec": pod}}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "chat", "namespace": "vllm"}, "spec": spec}


def test_a_right_object_has_no_fault() -> None:
    assert faults(TOKEN, _deployment(image="a", command=["b"])) == [], "both sources know every field of it"


@pytest.mark.parametrize(
    ("container", "where"),
    [
        ({"imago": "a"}, "spec.template.spec.containers[0].imago"),
        ({"imago": "a"}, "spec.template.spec.containers.0"),
        ({"command": "b"}, "spec.template.spec.containers.0.command"),
        ({"ports": [{"name": "http"}]}, "spec.template.spec.containers.0.ports.0"),
    ],
    ids=["not an input of the SDK", "not a field of Kubernetes", "a wrong type", "a required field is missing"],
)
def test_a_wrong_object_is_refused_at_its_place(container: dict[str, object], where: str) -> None:
    assert where in [place for place, _ in faults(TOKEN, _deployment(**container))], "the fault is found where it is"


def test_a_missing_name_is_refused() -> None:
    wrong = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {}}
    assert [place for place, _ in faults("kubernetes:core/v1:ConfigMap", wrong)] == ["metadata.name"], "no object gets a name by chance"


def test_only_what_cannot_be_changed_is_replaced() -> None:
    old, new = _deployment(image="a"), _deployment(image="b")
    assert replacing("Deployment", old, new) == [], "a Deployment rolls"
    assert replacing("Job", old, new) == ["spec.template"], "a Job's pods are fixed"
    assert replacing("Deployment", old, new | {"metadata": {"name": "other"}}) == ["metadata.name", "metadata.namespace"], "a name is an identity"


def test_the_data_of_a_config_map_is_replaced_unless_the_provider_is_configured_otherwise() -> None:
    old, new = {"data": {"a": "1"}}, {"data": {"a": "2"}}
    assert replacing("ConfigMap", old, new) == ["data"], "what the real provider does by itself"
    assert replacing("ConfigMap", old, new, {"enableConfigMapMutable": "true"}) == [], "and what it does when told"
