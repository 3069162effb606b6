"""Models that do not fit, refused by the plan: a common guide's three lines, and every remedy as an edit that is then accepted."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from fleet import PlanError, Problem, plan
from fleet.lock import Lock
from fleet.stack_file import parse
from tests.support.model_configs import LLAMA_8B
from tests.support.stack_files import REMOVED, changed

pytestmark = pytest.mark.published

LLAMA2_7B = {**LLAMA_8B, "intermediate_size": 11008, "num_key_value_heads": 32, "vocab_size": 32000, "max_position_embeddings": 4096}
LLAMA2_13B = {**LLAMA2_7B, "hidden_size": 5120, "intermediate_size": 13824, "num_hidden_layers": 40, "num_attention_heads": 40}
LLAMA2_13B["num_key_value_heads"] = 40
AWS: dict[str, Any] = {"cloud": "aws", "region": "us-east-2", "endpoint": {"public_cidrs": ["203.0.113.0/24"]}}
GCP: dict[str, Any] = {"cloud": "gcp", "region": "us-central1", "project": "acme-test"}
EXISTING: dict[str, Any] = {"cloud": "existing", "context": "here", "storage_classes": {"cache": "shared"}}
COMMIT = "0" * 39 + "1"


def settings(cluster: dict[str, Any], model: dict[str, Any], pool: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": "test",
        "clusters": {"here": cluster},
        "pools": {"gpus": {"max_nodes": 8, **pool}},
        "models": {"chat": {"pool": "gpus", **model}},
        "secrets": {"hub_token": "hub"},
    }


def problems(values: dict[str, Any], directory: Path) -> list[Problem]:
    try:
        plan(parse(values), directory=directory)
    except PlanError as error:
        return list(error.problems)
    return []


def misfit(values: dict[str, Any], directory: Path) -> Problem | None:
    return next((problem for problem in problems(values, directory) if problem.field == "models.chat.placements.here"), None)


def edits(remedy: str) -> list[dict[str, Any]]:
    """Every remedy of a problem as changes of the stack file; what is no edit (a build that is not known here) is left out."""
    found: list[dict[str, Any]] = []
    for one in remedy.split("; or "):
        words = one.removeprefix("set ").partition(" (")[0].split(", ")
        pairs = [(path, yaml.safe_load(value)) for path, _, value in (word.partition(": ") for word in words)]
        if "an AWQ build" not in words[0]:
            found.append({path: REMOVED if value is None else value for path, value in pairs})
    return found


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    for name, config in (("7b.json", LLAMA2_7B), ("13b.json", LLAMA2_13B)):
        (tmp_path / name).write_text(json.dumps(config))
    return tmp_path


LINES = [
    ("7B on T4", AWS, {"model": "meta-llama/Llama-2-7b-hf", "config": "7b.json", "revision": COMMIT}, {"accelerator": "T4"}, None),
    ("8B on T4", GCP, {"model": "Qwen/Qwen3-8B"}, {"accelerator": "T4"}, "Qwen/Qwen3-8B-AWQ"),
    ("13B on L4", GCP, {"model": "meta-llama/Llama-2-13b-hf", "config": "13b.json", "revision": COMMIT}, {"accelerator": "L4"}, None),
    ("13B on A10G", AWS, {"model": "meta-llama/Llama-2-13b-hf", "config": "13b.json", "revision": COMMIT}, {"accelerator": "A10G"}, None),
    (
        "70B on 2 × A100-40GB",
        GCP,
        {"model": "meta-llama/Llama-3.3-70B-Instruct", "tensor_parallel": 2},
        {"accelerator": "A100-40GB", "gpus_per_node": 2},
        "casperhansen/llama-3.3-70b-instruct-awq",
    ),
]


@pytest.mark.parametrize(("cluster", "model", "pool", "build"), [line[1:] for line in LINES], ids=[line[0] for line in LINES])
def test_a_common_guides_lines_are_refused_in_16_bits_and_the_quantised_variant_that_fits_is_named(
    directory: Path, cluster: dict[str, Any], model: dict[str, Any], pool: dict[str, Any], build: str | None
) -> None:
    values = settings(cluster, model, pool)
    found = misfit(values, directory)
    assert found, "16 bits do not fit, whatever the guide says"
    assert "weights" in found.limit, "which term is how large"
    assert "GiB too much" in found.limit, "and by how much too much"
    if build is None:
        assert "an AWQ build of " in found.remedy, f"no build is known here, so its kind is named: {found.remedy}"
        return
    pinned = Lock.shipped().revision(build)
    assert f"models.chat.model: {build}" in found.remedy, f"the variant by its name: {found.remedy}"
    assert (f"commit {(pinned or '')[:8]} is locked" if pinned else "its commit is unresolved") in found.remedy, (
        "its pin is known, or said to be unresolved"
    )
    chosen = next(edit for edit in edits(found.remedy) if edit.get("models.chat.model") == build)
    left = problems(changed(values, chosen), directory)
    assert [problem.field for problem in left] == ([] if pinned else ["models.chat.revision"]), f"it fits, and only its pin may be missing: {left}"


CASES = [
    *(line[1:4] for line in (LINES[0], LINES[4])),
    (EXISTING, {"model": "Qwen/Qwen3-32B"}, {"accelerator": "A100-40GB"}),
    (AWS, {"model": "Qwen/Qwen3-32B-FP8", "max_model_len": 40960}, {"accelerator": "L40S"}),
    (GCP, {"model": "Qwen/Qwen3-8B", "max_model_len": 40960, "max_output_tokens": 40000}, {"accelerator": "L4", "machine": "g2-standard-12"}),
    (AWS, {"model": "Qwen/Qwen3-32B", "kv_cache_dtype": "auto", "revision": COMMIT}, {"accelerator": "L4", "machine": "g6.4xlarge"}),
    (GCP, {"model": "openai/gpt-oss-120b"}, {"accelerator": "A100-40GB"}),
    (EXISTING, {"model": "Qwen/Qwen3-8B-FP8", "quantization": "fp8", "max_model_len": 40960}, {"accelerator": "T4"}),
]


@pytest.mark.parametrize(("cluster", "model", "pool"), CASES, ids=[f"{model['model']} on {pool['accelerator']}" for _, model, pool in CASES])
def test_every_remedy_is_an_edit_that_the_plan_then_accepts(
    directory: Path, cluster: dict[str, Any], model: dict[str, Any], pool: dict[str, Any]
) -> None:
    values = settings(cluster, model, pool)
    found = misfit(values, directory)
    assert found, "it does not fit"
    choices = edits(found.remedy)
    assert choices, f"something helps: {found.remedy}"
    for edit in choices:
        left = misfit(changed(values, edit), directory)
        assert left is None, f"{edit}: {left}"


def test_machines_that_are_offered_are_sold_by_that_cloud_in_that_region(directory: Path) -> None:
    found = misfit(settings({**AWS, "region": "eu-west-1"}, {"model": "Qwen/Qwen3-8B"}, {"accelerator": "T4"}), directory)
    assert found, "15 GiB of weights on 13"
    for absent in ("accelerator: L4,", "accelerator: L4 ", "gcp", "g6."):
        assert absent not in found.remedy, f"{absent} is not sold in eu-west-1: {found.remedy}"


def test_a_placement_carries_its_breakdown(directory: Path) -> None:
    model = plan(parse(settings(GCP, {"tier": "small"}, {"accelerator": "L4"})), directory=directory).clusters[0].models[0]
    usable, *taken, cache = model.memory.terms
    assert usable.gib == pytest.approx(model.memory.usable_gib, abs=0.006), "what the card gives"
    assert cache.gib == pytest.approx(model.memory.kv_gib, abs=0.006), "what is left"
    assert sum(term.gib for term in taken) + cache.gib == pytest.approx(usable.gib, abs=0.001), "and every line between"
    assert {term.kind for term in model.memory.terms} == {"measured", "derived", "estimated"}, "each says what it is"
