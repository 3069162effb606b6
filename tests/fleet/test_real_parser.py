"""Every command line this program renders goes through the real `vllm serve` parser of the pinned release."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet import catalog, engine, engine_words, plan, presets, sizing_rules
from fleet.problems import PlanError
from fleet.settings import Settings
from fleet.stack_file import read
from tests.support.vllm_parser import RealParser, real_parser

pytestmark = pytest.mark.parser

PROJECT = Path(__file__).resolve().parents[2]
COMMIT = "0123456789abcdef0123456789abcdef01234567"

REFUSED = {
    "a removed flag": ["org/model", "--swap-space", "4"],
    "another removed flag": ["org/model", "--num-scheduler-steps", "8"],
    "an abbreviated flag": ["org/model", "--gpu-mem", "0.9"],
    "an abbreviated flag with its value": ["org/model", "--tensor-parallel=2"],
    "a misspelt flag": ["org/model", "--max-modellen", "4096"],
    "a configuration file that would be ignored": ["org/model", "--config=engine.yaml"],
    "a quantisation that left vLLM": ["org/model", "--quantization", "bitsandbytes"],
    "a quantisation that is about to leave": ["org/model", "--quantization", "fp_quant"],
    "a misspelt quantisation": ["org/model", "--quantization", "fp8_per_tenso"],
    "an unknown tool parser": ["org/model", "--enable-auto-tool-choice", "--tool-call-parser", "hermse"],
    "tools without a parser": ["org/model", "--enable-auto-tool-choice"],
    "an unknown reasoning parser": ["org/model", "--reasoning-parser", "qwen33"],
    "a word for a number": ["org/model", "--max-model-len", "long"],
    "an unknown type of number": ["org/model", "--dtype", "int4"],
    "an unknown KV cache type": ["org/model", "--kv-cache-dtype", "fp7"],
    "more memory than there is": ["org/model", "--gpu-memory-utilization", "1.5"],
    "no GPU at all": ["org/model", "--tensor-parallel-size", "0"],
    "no model at all": ["--max-model-len", "4096"],
    "a model that a list swallowed": ["--served-model-name", "chat", "org/model"],
    "fewer tokens in a batch than sequences": ["org/model", "--max-num-seqs", "512", "--max-num-batched-tokens", "256"],
    "a negative queue": ["org/model", "--max-num-queued-reqs", "-1"],
    "a negative drain": ["org/model", "--shutdown-timeout", "-1"],
    "a negative interval": ["org/model", "--sse-keep-alive-interval", "-1"],
    "broken JSON": ["org/model", "--override-generation-config", "{max_new_tokens: 4096}"],
    "a flag without its value": ["org/model", "--revision"],
}


@pytest.fixture(scope="module")
def parser() -> Iterator[RealParser]:
    with real_parser() as running:
        yield running


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


def _maybe(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | strategy


SPECS = st.builds(
    _spec,
    served_name=st.from_regex(r"[a-z]([-a-z0-9]{0,20}[a-z0-9])?", fullmatch=True),
    model=st.from_regex(r"(?a)[A-Za-z0-9][\w.]{0,15}/[\w.][\w.-]{0,30}", fullmatch=True),
    revision=st.from_regex(r"[0-9a-f]{40}", fullmatch=True),
    dtype=_maybe(st.sampled_from(["auto", "half", "float16", "bfloat16", "float32"])),
    quantization=_maybe(st.sampled_from(["fp8_per_tensor", "fp8_per_block", "awq", "gptq", "compressed-tensors", "mxfp4"])),
    kv_cache_dtype=_maybe(st.sampled_from(["auto", "fp8", "fp8_e4m3", "fp8_e5m2", "bfloat16"])),
    tensor_parallel=st.sampled_from([1, 2, 4, 8]),
    max_model_len=st.integers(min_value=1, max_value=10_000_000),
    gpu_memory_utilization=_maybe(st.floats(min_value=0.5, max_value=0.98)),
    max_num_seqs=_maybe(st.integers(min_value=1, max_value=1024)),
    max_num_batched_tokens=_maybe(st.integers(min_value=1024, max_value=65536)),
    tool_call_parser=_maybe(st.sampled_from(["hermes", "llama3_json", "openai", "mistral"])),
    reasoning_parser=_maybe(st.sampled_from(["qwen3", "openai_gptoss", "deepseek_r1"])),
    shutdown_timeout_seconds=st.integers(min_value=1, max_value=86400),
    max_queued_requests=st.integers(min_value=1, max_value=100_000),
    max_output_tokens=_maybe(st.integers(min_value=1, max_value=1_000_000)),
)


def _assert_means(parser: RealParser, spec: engine.EngineSpec) -> None:
    """The parser accepts the line and reads from it what the specification says, and nothing that it would do anyway."""
    verdict = parser.command_line(engine.argv(spec))
    assert verdict.reason is None, f"the engine would not start: {verdict.reason} {engine.argv(spec)}"
    assert not verdict.repeated, f"these repeat vLLM's own defaults: {verdict.repeated}"
    expected: dict[str, object] = {
        "--served-model-name": [spec.served_name],
        "--revision": spec.revision,
        "--max-model-len": spec.max_model_len,
        "--max-num-queued-reqs": spec.max_queued_requests,
        "--shutdown-timeout": spec.shutdown_timeout_seconds,
    }
    if spec.gpu_memory_utilization not in {None, engine.DEFAULT_GPU_MEMORY_UTILIZATION}:
        expected["--gpu-memory-utilization"] = spec.gpu_memory_utilization
    if spec.max_output_tokens is not None:
        expected["--override-generation-config"] = {"max_new_tokens": spec.max_output_tokens}
    assert verdict.model == spec.model, "the model is the first word, not part of a list"
    assert {flag: verdict.values.get(flag) for flag in expected} == expected, "what the engine reads is what was decided"


def test_every_command_line_of_every_shipped_stack_file_is_accepted_and_repeats_no_default(parser: RealParser) -> None:
    lines = {
        f"{path.name} {cluster.name} {model.name}": parser.command_line(model.argv)
        for path in sorted(PROJECT.glob("Pulumi.*.yaml"))
        for cluster in plan(read(path), directory=PROJECT).clusters
        for model in cluster.models
    }
    assert len(lines) >= 10, "the shipped stack files place at least ten models"
    refused = {name: verdict.reason for name, verdict in lines.items() if verdict.reason}
    assert not refused, f"the engine would not start: {refused}"
    repeated = {name: verdict.repeated for name, verdict in lines.items() if verdict.repeated}
    assert not repeated, f"these repeat vLLM's own defaults: {repeated}"


def test_every_tier_on_every_accelerator_that_takes_it_renders_a_line_that_is_accepted(parser: RealParser) -> None:
    accepted: list[str] = []
    for tier, (name, gpu), parallel in itertools.product(presets.PRESETS, catalog.ACCELERATORS.items(), (1, 2, 4, 8)):
        line = _planned_line({"tier": tier, "tensor_parallel": parallel}, name, parallel)
        if line is None:  # it does not fit there, which the tests of sizing are about
            continue
        verdict = parser.command_line(line)
        assert verdict.reason is None, f"{tier} on {parallel} × {name} would not start: {verdict.reason}"
        assert gpu.bfloat16 or verdict.values.get("--dtype") in {"half", "float16"}, f"{name} has no bfloat16: {tier} must say half"
        accepted.append(f"{tier} {name}")
    assert {line.split()[0] for line in accepted} == set(presets.PRESETS), f"every tier fits somewhere: {accepted}"


@given(spec=SPECS)
def test_whatever_is_decided_is_what_the_engine_reads(parser: RealParser, spec: engine.EngineSpec) -> None:
    _assert_means(parser, spec)


WORDS = st.sampled_from(["", "auto", "hermes", "hermse", "qwen3", "fp8", "fp7", "awq", "bitsandbytes", "fp_quant", "mxfp4", "--dtype", "{}", "None"])

ENTRIES = st.fixed_dictionaries(
    {"tier": st.sampled_from(["mini-int4", "small"])},
    optional={
        "tool_call_parser": WORDS,
        "reasoning_parser": WORDS,
        "kv_cache_dtype": WORDS,
        "quantization": WORDS,
        "dtype": st.sampled_from(["auto", "half", "float16", "bfloat16", "float32"]),
        "max_num_seqs": st.integers(min_value=1, max_value=100_000),
        "max_num_batched_tokens": st.integers(min_value=1, max_value=100_000),
        "max_model_len": st.integers(min_value=1, max_value=20_000),
        "max_output_tokens": st.integers(min_value=1, max_value=20_000),
        "gpu_memory_utilization": st.floats(min_value=0.5, max_value=0.98),
    },
)


def _planned_line(entry: dict[str, Any], accelerator: str, gpus_per_node: int = 1) -> tuple[str, ...] | None:
    """What the plan renders for a model entry, or None where it refuses it."""
    cluster = {"cloud": "existing", "context": "here", "storage_classes": {"cache": "shared"}}
    pool = {"accelerator": accelerator, "gpus_per_node": gpus_per_node, "max_nodes": 4}
    settings = {"name": "test", "clusters": {"here": cluster}, "pools": {"pool": pool}, "models": {"chat": {"pool": "pool", **entry}}}
    try:
        return plan(Settings.model_validate(settings)).clusters[0].models[0].argv
    except PlanError:
        return None


@given(entry=ENTRIES, accelerator=st.sampled_from(["T4", "L4", "A10G", "A100-80GB", "H100"]))
def test_whatever_the_plan_accepts_the_engine_accepts_too(parser: RealParser, entry: dict[str, Any], accelerator: str) -> None:
    line = _planned_line(entry, accelerator)
    if line is not None:
        reason = parser.command_line(line).reason
        assert reason is None, f"the plan is accepted and the pod would crash: {reason}"


@pytest.mark.parametrize("preset", list(presets.PRESETS.values()), ids=lambda preset: preset.model)
def test_the_parsers_that_a_preset_names_exist_in_this_release(parser: RealParser, preset: presets.Preset) -> None:
    _assert_means(parser, _spec(model=preset.model, tool_call_parser=preset.tool_call_parser, reasoning_parser=preset.reasoning_parser))


@pytest.mark.parametrize("name", REFUSED)
def test_the_real_parser_refuses_what_it_should_so_that_accepting_means_something(parser: RealParser, name: str) -> None:
    assert parser.command_line(REFUSED[name]).reason, f"the parser took what vLLM refuses: {name}"


def test_a_repeated_default_is_noticed_so_that_its_absence_means_something(parser: RealParser) -> None:
    line = ["org/model", "--dtype", "auto", "--gpu-memory-utilization", "0.92", "--max-model-len", "4096"]
    assert parser.command_line(line).repeated == ["--dtype", "--gpu-memory-utilization"], "the parser's own defaults"


def test_every_variable_of_the_environment_is_known_to_the_release_and_read_as_meant(parser: RealParser) -> None:
    verdict = parser.environment(engine.environment(_spec(max_queued_requests=100)))
    assert verdict.reason is None, f"--fail-on-environ-validation would stop the engine: {verdict.reason}"
    assert verdict.values == {
        "VLLM_CACHE_ROOT": "/home/vllm/.cache/vllm",
        "VLLM_ENGINE_READY_TIMEOUT_S": 600,
        "VLLM_HTTP_TIMEOUT_KEEP_ALIVE": engine.KEEP_ALIVE_SECONDS,
        "VLLM_MAX_N_SEQUENCES": engine.MAX_ANSWERS_PER_REQUEST,
        "VLLM_MEDIA_URL_ALLOW_REDIRECTS": False,
        "VLLM_NO_USAGE_STATS": True,
    }, "the values that vLLM's own code takes from them"


@pytest.mark.parametrize("name", ["VLLM_PORT_80_TCP", "VLLM_HTTP_TIMEOUT_KEEPALIVE"])
def test_a_variable_that_the_release_does_not_know_is_refused(parser: RealParser, name: str) -> None:
    assert parser.environment({name: "1"}).reason, "service links and misspelt names stop the engine"


def test_the_names_that_a_stack_file_is_judged_by_are_those_of_the_release(parser: RealParser) -> None:
    words = {kind: set(names) for kind, names in parser.words().items()}
    assert words["tool_call_parser"] == engine_words.TOOL_CALL_PARSERS, "a stack file would be refused, or a pod would crash"
    assert words["reasoning_parser"] == engine_words.REASONING_PARSERS, "likewise"
    assert words["kv_cache_dtype"] >= engine_words.KV_CACHE_DTYPES, "the release has each of those that are allowed"
    assert words["deprecated"] == engine_words.DEPRECATED_METHODS, "the release stops at exactly these"
    assert words["float16_unstable"] == sizing_rules.FLOAT16_UNSTABLE, "the release refuses float16 for exactly these"
    assert words["quantization"] >= engine_words.CHECKPOINT_FORMATS | set(engine_words.ONLINE_METHODS), "each is known"
    assert words["online"] >= set(engine_words.ONLINE_METHODS), "these can be applied while loading"
    assert not words["online"] & engine_words.CHECKPOINT_FORMATS, "these cannot"
