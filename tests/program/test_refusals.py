"""What is wrong is said before the first resource, all of it at once and in words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pulumi
import pytest

from tests.support.fleets import production, shipped, simulated
from tests.support.recording import Graph, run_program

pytestmark = pytest.mark.mocks


def _refused(settings: Any, stack: str = "test") -> str:
    """The message of the run, which must not have registered anything."""
    graph = Graph()
    with pytest.raises(pulumi.RunError) as refused:
        run_program(settings, stack, graph)
    assert graph.resources == {}, "refused before the first resource"
    assert refused.value.__suppress_context__, "an error of the user's is shown without a traceback"
    return str(refused.value)


@pytest.mark.parametrize("stack", ["staging", "prod"])
def test_a_cloud_that_is_not_served_yet_is_said_for_every_cluster_of_it(stack: str) -> None:
    settings = shipped(stack)
    message = _refused(settings, stack)
    for name, cluster in settings["clusters"].items():
        assert f"clusters.{name}.cloud: '{cluster['cloud']}'" in message, f"{name}: field and value"
    assert message.count("not created yet") == len(settings["clusters"]), "in so many words, once for each"
    assert f"python -m fleet plan --stack {stack}" in message, "what can be done meanwhile"


def test_one_cluster_in_a_cloud_refuses_the_whole_run(tmp_path: Path) -> None:
    settings = production()
    settings["clusters"]["c"] = shipped("prod")["clusters"]["gcp-usc1"]
    with simulated(settings, tmp_path) as servers:
        message = _refused(settings)
        assert "clusters.c.cloud" in message, "the one that cannot be made"
        assert "clusters.a" not in message, "and not those that could"
        assert not servers["a"].asked, "nobody is asked in vain"


BROKEN: dict[str, tuple[str, Any, str]] = {
    "an unknown key": ("naem", "acme", "name"),
    "an unknown accelerator": ("pools", {"l4": {"accelerator": "L5", "max_nodes": 2}}, "L4"),
    "no models": ("models", {}, "models"),
    "a placement nowhere": ("models", {"chat": {"tier": "small", "pool": "l4", "placements": {"atlantis": {}}}}, "atlantis"),
    "too many replicas": ("models", {"chat": {"tier": "small", "pool": "l4", "replicas": {"min": 50}}}, "max_nodes"),
    "a branch as revision": ("models", {"chat": {"model": "org/name", "revision": "main", "pool": "l4"}}, "40 hexadecimal"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_bad_setting_is_refused_with_a_remedy(case: str) -> None:
    key, value, word = BROKEN[case]
    message = _refused({**production(), key: value})
    assert key in message, "the field"
    assert word in message, "the value, the limit or the remedy"


def test_all_problems_are_said_at_once() -> None:
    settings = production()
    settings["models"]["chat"]["tier"] = "smal"
    settings["models"]["wide"]["pool"] = "absent"
    message = _refused(settings)
    assert "models.chat.tier" in message, "the first"
    assert "models.wide.pool" in message, "and the second: nobody likes to be told one by one"


@pytest.mark.parametrize("text", ["{}", "[]", "3", '"text"', "null"])
def test_settings_that_are_no_settings_are_refused(text: str) -> None:
    assert _refused(text), "whatever stands under the key"


def test_a_stack_without_settings_is_told_what_is_missing() -> None:
    message = _refused("{}")
    for field in ("name", "clusters", "models"):
        assert field in message, "each of them"
