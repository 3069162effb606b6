"""Values that vLLM's parser lets through and that stop the engine on a GPU are refused in the plan."""

from __future__ import annotations

import pytest

from fleet import PlanError, Settings, engine_words, plan
from fleet.settings import Model

pytestmark = pytest.mark.pure


def _problems(**entry: object) -> dict[str, str]:
    facts = {"model_type": "qwen3", "checkpoint": None, "dtype": None} | {
        key: entry.pop(key) for key in ("model_type", "checkpoint", "dtype") if key in entry
    }
    model = Model.model_validate({"model": "org/name", **entry})
    found = engine_words.problems("models.chat", model, default_batched_tokens=2048, **facts)  # pyright: ignore[reportArgumentType]
    return {problem.field.removeprefix("models.chat."): problem.message for problem in found}


def _planned(**entry: object) -> list[str]:
    cluster = {"cloud": "existing", "context": "here", "storage_classes": {"cache": "shared"}}
    pool = {"accelerator": "L4", "max_nodes": 4}
    settings = Settings.model_validate(
        {"name": "test", "clusters": {"here": cluster}, "pools": {"l4": pool}, "models": {"chat": {"pool": "l4", **entry}}}
    )
    try:
        plan(settings)
    except PlanError as error:
        return [problem.field for problem in error.problems]
    return []


@pytest.mark.parametrize(
    ("entry", "field", "words"),
    [
        ({"tool_call_parser": "hermse"}, "tool_call_parser", "did you mean 'hermes'?"),
        ({"reasoning_parser": "qwen33"}, "reasoning_parser", "did you mean 'qwen3'?"),
        ({"kv_cache_dtype": "fp7"}, "kv_cache_dtype", "did you mean 'fp8'?"),
        ({"quantization": "awq"}, "quantization", "this one is in 16 bits"),
        ({"quantization": "gptq"}, "quantization", "fp8_per_tensor or fp8_per_block"),
        ({"quantization": "fbgemm_fp8"}, "quantization", "about to leave vLLM"),
        ({"checkpoint": "fp_quant"}, "quantization", "about to leave vLLM"),
        ({"model_type": "gemma3", "dtype": "half"}, "dtype", "unstable in float16"),
        ({"max_num_seqs": 4096}, "max_num_seqs", "above the tokens of one batch, 2048"),
        ({"max_num_seqs": 512, "max_num_batched_tokens": 256}, "max_num_seqs", "above the tokens of one batch, 256"),
    ],
)
def test_a_value_that_would_stop_the_engine_is_refused_with_what_would_do(entry: dict[str, object], field: str, words: str) -> None:
    found = _problems(**entry)
    assert list(found) == [field], f"one problem, at the field: {found}"
    assert words in found[field], "it says why and what to do"


@pytest.mark.parametrize(
    "entry",
    [
        {},
        {"tool_call_parser": "hermes", "reasoning_parser": "qwen3", "kv_cache_dtype": "fp8"},
        {"quantization": "awq", "checkpoint": "awq"},
        {"quantization": "fp8_per_tensor"},
        {"quantization": "fp8"},
        {"model_type": "gemma3", "dtype": "bfloat16"},
        {"model_type": "qwen3", "dtype": "half"},
        {"max_num_seqs": 2048},
        {"max_num_seqs": 4096, "max_num_batched_tokens": 8192},
    ],
)
def test_what_the_engine_takes_is_not_refused(entry: dict[str, object]) -> None:
    assert not _problems(**entry), "nothing is wrong with it"


def test_the_plan_refuses_all_of_them_at_once() -> None:
    wrong = {"tool_call_parser": "hermse", "reasoning_parser": "qwen33", "max_num_seqs": 4096}
    assert set(_planned(tier="small", **wrong)) >= {f"models.chat.{field}" for field in wrong}, "a person mends them in one go"
    assert not _planned(tier="small"), "the same file without them is accepted"
