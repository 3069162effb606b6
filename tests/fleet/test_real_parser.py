"""Every command line this program renders goes through the real `vllm serve` parser of the pinned release."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from fleet import engine, plan, presets
from fleet.stack_file import read
from tests.support.vllm_parser import verdicts
from tests.support.vllm_wheel import source_dir

pytestmark = pytest.mark.parser

PROJECT = Path(__file__).resolve().parents[2]
COMMIT = "0123456789abcdef0123456789abcdef01234567"

REFUSED = {
    "a removed flag": ["org/model", "--swap-space", "4"],
    "another removed flag": ["org/model", "--num-scheduler-steps", "8"],
    "an abbreviated flag": ["org/model", "--gpu-mem", "0.9"],
    "a configuration file that would be ignored": ["org/model", "--config=engine.yaml"],
    "a quantisation that left vLLM": ["org/model", "--quantization", "bitsandbytes"],
    "an unknown tool parser": ["org/model", "--enable-auto-tool-choice", "--tool-call-parser", "hermse"],
    "tools without a parser": ["org/model", "--enable-auto-tool-choice"],
    "an unknown reasoning parser": ["org/model", "--reasoning-parser", "qwen33"],
    "a word for a number": ["org/model", "--max-model-len", "long"],
    "an unknown type of number": ["org/model", "--dtype", "int4"],
    "an unknown KV cache type": ["org/model", "--kv-cache-dtype", "fp7"],
    "more memory than there is": ["org/model", "--gpu-memory-utilization", "1.5"],
    "no model at all": ["--max-model-len", "4096"],
    "fewer tokens in a batch than sequences": ["org/model", "--max-num-seqs", "512", "--max-num-batched-tokens", "256"],
}


def _spec(**changes: object) -> engine.EngineSpec:
    base: dict[str, object] = {
        "served_name": "chat",
        "model": "Qwen/Qwen3-8B",
        "revision": COMMIT,
        "dtype": None,
        "quantization": None,
        "kv_cache_dtype": None,
        "tensor_parallel": 1,
        "max_model_len": 8192,
        "gpu_memory_utilization": None,
        "max_num_seqs": None,
        "max_num_batched_tokens": None,
        "tool_call_parser": None,
        "reasoning_parser": None,
        "shutdown_timeout_seconds": 240,
        "engine_ready_timeout_seconds": 600,
        "max_queued_requests": 16,
    }
    return engine.EngineSpec(**(base | changes))  # pyright: ignore[reportArgumentType]


def test_every_command_line_of_every_shipped_stack_file_is_accepted() -> None:
    lines = {
        f"{path.name} {cluster.name} {model.name}": model.argv
        for path in sorted(PROJECT.glob("Pulumi.*.yaml"))
        for cluster in plan(read(path), directory=PROJECT).clusters
        for model in cluster.models
    }
    assert len(lines) >= 10, "the shipped stack files place at least ten models"
    refused = {name: reason for name, reason in zip(lines, verdicts(list(lines.values())), strict=True) if reason}
    assert not refused, f"the engine would not start: {refused}"


def test_every_combination_of_options_that_a_stack_file_allows_is_accepted() -> None:
    known = {preset.model: preset for preset in presets.PRESETS.values()}
    specs = [
        _spec(model=model, tool_call_parser=preset.tool_call_parser, reasoning_parser=preset.reasoning_parser, tensor_parallel=parallel)
        for (model, preset), parallel in itertools.product(known.items(), (1, 2, 4, 8))
    ]
    specs += [_spec(dtype=dtype) for dtype in ("auto", "half", "float16", "bfloat16", "float32")]
    specs += [_spec(quantization=method) for method in ("fp8_per_tensor", "fp8_per_block", "awq", "gptq", "compressed-tensors")]
    specs += [_spec(kv_cache_dtype=kind) for kind in ("auto", "fp8", "fp8_e4m3", "fp8_e5m2")]
    specs += [_spec(gpu_memory_utilization=share) for share in (0.5, 0.9, 0.92, 0.98)]
    specs += [_spec(max_num_seqs=256, max_num_batched_tokens=2048), _spec(max_queued_requests=100000)]
    refused = [(spec, reason) for spec, reason in zip(specs, verdicts([engine.argv(spec) for spec in specs]), strict=True) if reason]
    assert not refused, f"the engine would not start: {refused}"


def test_the_real_parser_refuses_what_it_should_so_that_accepting_means_something() -> None:
    accepted = [name for name, reason in zip(REFUSED, verdicts(list(REFUSED.values())), strict=True) if reason is None]
    assert not accepted, f"the parser took what vLLM refuses: {accepted}"


def test_every_environment_variable_for_vllm_is_one_that_the_release_knows() -> None:
    text = (source_dir() / "vllm" / "envs.py").read_text(encoding="utf-8")
    names = [name for name in engine.environment(_spec()) if name.startswith("VLLM_")]
    unknown = [name for name in names if f'"{name}"' not in text]
    assert not unknown, f"--fail-on-environ-validation would stop the engine: {unknown}"


def test_the_model_comes_first_and_no_default_is_repeated() -> None:
    line = engine.argv(_spec(tensor_parallel=1, gpu_memory_utilization=0.92, dtype="auto", kv_cache_dtype="auto"))
    assert line[0] == "Qwen/Qwen3-8B", "a list-valued flag before the model would swallow it"
    repeated = {"--tensor-parallel-size", "--gpu-memory-utilization", "--dtype", "--kv-cache-dtype"} & set(line)
    assert not repeated, f"these repeat vLLM's own defaults: {repeated}"
