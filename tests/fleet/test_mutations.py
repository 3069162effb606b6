"""Shipped stack files broken at random: never a traceback, never a problem without words, never accepted nonsense."""

from __future__ import annotations

import time
from copy import deepcopy
from typing import Any

import pytest
import yaml
from hypothesis import event, given
from hypothesis import strategies as st

from fleet import InputError, PlanError, Problem, plan
from fleet.fleet_plan import FleetPlan
from fleet.settings import CONFIG_KEY
from fleet.stack_file import parse, read
from tests.support.plan_rules import broken
from tests.support.stack_files import PROJECT, SHIPPED, shipped, shipped_plan, small

pytestmark = pytest.mark.pure

LONGEST_SECONDS = 2.0
"""A hundred times what the largest shipped file takes: what is slower than this hangs."""

GARBAGE = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(min_value=-10, max_value=20),
    st.integers(),
    st.floats(),
    st.text(max_size=12),
    st.sampled_from(["", "l4", "L4", "A100-80GB", "T4", "prod", "retiring", "spot", "existing", "10.0.0.0/8", "0.0.0.0/0", "x" * 300, "chat", "1e9"]),
    st.sampled_from([[], {}, [[]], {"a": {"b": {}}}, ["on_demand", "spot"], {"min": 2, "max": 9}, [None]]),
)


def _places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The path of everything below a value."""
    keys = list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    return [place for key in keys for place in [(*path, key), *_places(value[key], (*path, key))]]


WORDS = {
    "accelerator": ["T4", "L4", "A10G", "A100-40GB", "A100-80GB", "H100", "RTX-PRO-6000"],
    "tier": ["mini-int4", "small", "medium", "large"],
    "slo": ["interactive", "standard", "batch"],
    "pool": ["t4", "l4", "a10g", "a100"],
    "region": ["us-east-1", "us-east-2", "us-west-2", "eu-west-1", "us-central1", "europe-west4"],
    "environment": ["local", "dev", "staging", "prod"],
    "gpu_labels": ["nvidia", "eks", "gke"],
}
ADDED = {
    "models": {
        "tensor_parallel": [1, 2, 4, 8],
        "max_model_len": [1, 512, 16384, 32768],
        "max_output_tokens": [1, 128, 8192],
        "replicas": [{"min": 1}, {"min": 2}, {"min": 1, "max": 3}],
        "rollout": [{"max_surge": 0, "max_unavailable": 1}, {"max_surge": 2, "max_unavailable": 1}],
        "kv_cache_dtype": ["fp8", "auto"],
        "quantization": ["fp8_per_tensor", "awq"],
        "gpu_memory_utilization": [0.5, 0.7, 0.98],
    },
    "pools": {"gpus_per_node": [1, 2, 4, 8], "min_nodes": [0, 1, 2], "capacity": [["spot"], ["reservation"], ["spot", "on_demand"]]},
    "clusters": {"state": ["retiring"], "runner": ["in_vpc"], "gpu_labels": ["nvidia"]},
}


@st.composite
def mutated(draw: st.DrawFn) -> dict[str, Any]:
    settings = shipped(draw(st.sampled_from(SHIPPED)))
    for _ in range(draw(st.integers(min_value=1, max_value=3))):
        draw(st.sampled_from([_number, _number, _word, _word, _addition, _addition, _structure]))(draw, settings)
    return settings


def _section(settings: dict[str, Any], place: tuple[Any, ...]) -> Any:
    found: Any = settings
    for key in place:
        found = found[key]
    return found


def _number(draw: st.DrawFn, settings: dict[str, Any]) -> None:
    places = [place for place in _places(settings) if type(_section(settings, place)) is int]
    place = draw(st.sampled_from(places or [("name",)]))
    value = _section(settings, place)
    factors = [-1, 0, 2, 3, 10, 1000, 10**20, 0.5]
    _section(settings, place[:-1])[place[-1]] = draw(
        st.sampled_from([value + 1, value + 2, max(1, value - 1), *(value * factor for factor in factors)])
    )


def _word(draw: st.DrawFn, settings: dict[str, Any]) -> None:
    """A word that may stand there, and may not fit the rest."""
    places = [place for place in _places(settings) if place[-1] in WORDS]
    place = draw(st.sampled_from(places or [("name",)]))
    _section(settings, place[:-1])[place[-1]] = draw(st.sampled_from(WORDS.get(place[-1], ["x"])))


def _addition(draw: st.DrawFn, settings: dict[str, Any]) -> None:
    kind = draw(st.sampled_from(list(ADDED)))
    entries = [entry for entry in settings[kind].values() if isinstance(entry, dict)] if isinstance(settings.get(kind), dict) else []
    key = draw(st.sampled_from(list(ADDED[kind])))
    if entries:
        draw(st.sampled_from(entries))[key] = deepcopy(draw(st.sampled_from(ADDED[kind][key])))


def _structure(draw: st.DrawFn, settings: dict[str, Any]) -> None:
    places = _places(settings)
    place = draw(st.sampled_from(places))
    section, key = _section(settings, place[:-1]), place[-1]
    kind = draw(st.sampled_from(["replace", "delete", "copy", "rename", "move"]))
    if kind in ("copy", "rename") and isinstance(section, dict):
        section[f"{key}{draw(st.sampled_from(['2', '-', 'X', ' ', 's']))}"] = deepcopy(section[key])
    if kind == "move":
        section[key] = deepcopy(_section(settings, draw(st.sampled_from(places))))
    elif kind == "replace":
        section[key] = draw(GARBAGE)
    elif kind in ("delete", "rename"):
        del section[key]


def _outcome(settings: dict[str, Any]) -> FleetPlan | tuple[Problem, ...]:
    try:
        return plan(parse(settings), directory=PROJECT)
    except (InputError, PlanError) as refused:
        event(type(refused).__name__)
        return refused.problems


@given(settings=mutated())
def test_a_broken_stack_file_is_refused_in_words_or_means_a_fleet_that_can_exist(settings: dict[str, Any]) -> None:
    began = time.monotonic()
    found = _outcome(settings)
    assert time.monotonic() - began < LONGEST_SECONDS, "a typing mistake must not look like a hang"
    if isinstance(found, FleetPlan):
        event("accepted")
        assert broken(found) == [], "accepted nonsense"
        return
    assert found, "a refusal without a reason"
    for problem in found:
        assert all((problem.field, problem.limit, problem.remedy)), f"a part is missing: {problem}"
        assert "\n" not in problem.message, f"one line: {problem.message}"
        assert not any(word in problem.message for word in ("Input should", "validation error", "^[", "Traceback")), problem.message


@given(text=st.text(max_size=200) | st.binary(max_size=200).map(lambda data: data.decode("latin-1")), at=st.floats(min_value=0, max_value=1))
def test_a_stack_file_with_noise_in_it_is_refused_in_words_or_read(tmp_path_factory: pytest.TempPathFactory, text: str, at: float) -> None:
    whole = yaml.safe_dump({"config": {CONFIG_KEY: small()}})
    cut = int(len(whole) * at)
    path = tmp_path_factory.getbasetemp() / "Pulumi.noise.yaml"
    path.write_text(whole[:cut] + text + whole[cut:], encoding="utf-8", errors="replace")
    problems: tuple[Problem, ...] = ()
    try:
        read(path)
    except InputError as refused:
        problems = refused.problems
    assert all("\n" not in problem.message for problem in problems), "one line each"


@pytest.mark.parametrize("stack", SHIPPED)
def test_the_shipped_stack_files_keep_every_rule(stack: str) -> None:
    assert broken(shipped_plan(stack)) == [], "the rules are about real fleets"


def test_what_is_written_and_read_again_is_the_same_fleet(tmp_path: Any) -> None:
    path = tmp_path / "Pulumi.prod.yaml"
    path.write_text(yaml.safe_dump({"config": {CONFIG_KEY: shipped("prod")}}, sort_keys=True), encoding="utf-8")
    assert read(path) == parse(shipped("prod")), "the order of keys means nothing"
