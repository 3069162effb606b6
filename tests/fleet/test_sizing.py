"""Does it fit: on published measurements, by rules, and by properties that must hold whatever the model."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fleet import engine_words
from fleet.architecture import GIB, from_config
from fleet.checkpoint import explicit_format
from fleet.memory import kv_bytes_per_token
from fleet.sizing import DEFAULT_MAX_MODEL_LEN, SizeRequest, SizeResult, batch_defaults, kv_bytes, size
from fleet.sizing_rules import MINIMUM_CAPABILITY
from tests.support.model_configs import EVERY, SHAPES

pytestmark = pytest.mark.pure


def ask(name: str, accelerator: str, parallel: int = 1, **changes: object) -> SizeResult:
    request = SizeRequest(architecture=SHAPES[name], accelerator=accelerator, gpus=parallel, tensor_parallel=parallel)
    return size(replace(request, **changes))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "parallel", "bytes_per_token"),
    [
        ("Llama-3.1-8B", 1, 131072),  # 128 KiB, vllm.md section 4.3
        ("Llama-3.1-8B", 8, 16384),
        ("Llama-3.1-8B", 16, 16384),  # one head each: more GPUs than key-value heads repeat them
        ("Llama-2-7B", 1, 512 * 1024),
        ("Llama-2-13B", 1, 800 * 1024),
        ("Llama-3.3-70B", 1, 320 * 1024),
        ("Qwen3-8B", 1, 147456),  # 2 × 36 × 8 × 128 × 2
        ("Qwen3-32B", 1, 262144),
        ("gpt-oss-120b", 1, 73728),  # 2 × 36 × 8 × 64 × 2, windowed layers included
        ("DeepSeek-V2-Lite", 1, 31104),  # 27 × 576 × 2: one latent vector
        ("DeepSeek-V2-Lite", 8, 31104),  # which no GPU shares
    ],
)
def test_bytes_per_token_are_the_published_ones(name: str, parallel: int, bytes_per_token: int) -> None:
    request = SizeRequest(architecture=SHAPES[name], accelerator="H100", gpus=parallel, tensor_parallel=parallel)
    assert kv_bytes_per_token(request) == bytes_per_token, "2 × layers × heads × head size × 2 bytes, or one latent vector"
    assert kv_bytes_per_token(replace(request, kv_cache_dtype="fp8")) == bytes_per_token // 2, "half of it in fp8"


@pytest.mark.parametrize(
    ("name", "accelerator", "parallel", "context", "utilization", "fits"),
    [
        ("gemma-3-27b", "H100", 1, 131072, 0.92, True),  # only because 52 of 62 layers have a window
        ("Qwen3-32B", "L4", 8, 32768, 0.8, True),
        ("Llama-4-Scout", "RTX-PRO-6000", 1, 77824, 0.95, False),
        ("Qwen2.5-72B", "H100", 2, 8192, 0.95, True),
        ("Qwen2.5-72B", "H100", 2, 32768, 0.95, False),
        ("Llama-3.1-8B", "A10G", 1, 131072, 0.9, False),
        ("Qwen3-8B", "T4", 1, 2048, 0.92, False),
        ("Llama-3.1-8B", "L4", 1, 8192, 0.92, True),
        ("Llama-3.3-70B", "H200", 1, 8192, 0.92, False),
        ("Llama-3.3-70B", "B200", 1, 8192, 0.92, True),
        ("Llama-3.3-70B", "A100-80GB", 2, 8192, 0.92, True),
    ],
)
def test_published_verdicts_are_met(name: str, accelerator: str, parallel: int, context: int, utilization: float, fits: bool) -> None:
    result = ask(name, accelerator, parallel, max_model_len=context, gpu_memory_utilization=utilization)
    assert result.fits is fits, f"sizing-cases.json and vllm.md section 4.3: {result.reasons} {result.per_gpu}"


@pytest.mark.parametrize(
    ("name", "accelerator", "parallel"),
    [("Llama-2-7B", "T4", 1), ("Llama-3.1-8B", "T4", 1), ("Llama-2-13B", "L4", 1), ("Llama-2-13B", "A10G", 1), ("Llama-3.3-70B", "A100-40GB", 2)],
)
def test_a_common_guides_three_lines_hold_for_quantised_weights_only(name: str, accelerator: str, parallel: int) -> None:
    result = ask(name, accelerator, parallel)
    assert not result.fits, "7B on a T4, 13B on an L4 or A10G, 70B on two A100 of 40 GiB: not in 16 bits"
    assert any("4-bit" in remedy for remedy in result.remedies), f"and the variant that fits is named: {result.remedies}"
    four_bit = replace(SHAPES[name], checkpoint=explicit_format("awq"))
    applied = size(SizeRequest(architecture=four_bit, accelerator=accelerator, gpus=parallel, tensor_parallel=parallel))
    assert applied.fits, f"which it does: {applied.reasons}"


def test_windowed_layers_are_padded_to_equal_groups_as_vllm_does() -> None:
    request = SizeRequest(architecture=SHAPES["gemma-3-27b"], accelerator="H100")
    assert kv_bytes(request, 8192) / GIB == pytest.approx(4.38, rel=0.01), "vLLM reports 4.46 requests of 8192 in 19.53 GiB: 70 layers, not 62"


@pytest.mark.parametrize(
    ("accelerator", "tokens", "seqs"),
    [
        ("T4", 2048, 256),
        ("L4", 2048, 256),
        ("L40S", 2048, 256),
        ("A100-80GB", 2048, 256),
        ("H100", 8192, 1024),
        ("H200", 8192, 1024),
        ("B200", 16384, 1024),
    ],
)
def test_batch_defaults_follow_device_memory(accelerator: str, tokens: int, seqs: int) -> None:
    request = SizeRequest(architecture=SHAPES["Qwen3-8B"], accelerator=accelerator)
    assert batch_defaults(request) == (tokens, seqs), "vllm.md section 5.3; every A100 is small"


@pytest.mark.parametrize(
    ("name", "accelerator", "parallel", "changes", "reason"),
    [
        ("Qwen3-8B", "H100", 3, {}, "32 attention heads cannot be divided by tensor parallel 3"),
        ("Qwen3-14B", "H100", 20, {}, "neither divides the other"),
        ("Qwen3-8B", "H100", 16, {"gpus": 8}, "several nodes are not served yet"),
        ("Qwen3-8B", "L4", 2, {"gpus": 1}, "needs 2 GPUs on one node, which has 1"),
        ("Qwen3-8B", "T4", 1, {"dtype": "bfloat16"}, "T4 (compute capability 7.5) has no bfloat16"),
        ("Qwen3-8B", "T4", 1, {"kv_cache_dtype": "fp8"}, "no attention kernel for an fp8 KV cache"),
        ("Qwen3-8B", "T4", 1, {"kv_cache_dtype": "bfloat16"}, "no bfloat16 for the KV cache"),
        ("Qwen3-8B", "H100", 1, {"max_model_len": 40961}, "above the model's 40960"),
        ("gpt-oss-120b", "T4", 8, {}, "needs compute capability 8.0, T4 has 7.5"),
        ("Llama-3.1-405B-FP8", "T4", 8, {}, "fbgemm_fp8 needs compute capability 8.0"),
        ("gpt-oss-120b", "H100", 1, {"quantization": "fp8"}, "the checkpoint is mxfp4 already"),
        ("gemma-3-27b", "T4", 8, {}, "unstable in float16"),
        ("Qwen2.5-72B", "H100", 4, {"quantization": "awq"}, "no multiple of 128"),
        ("Qwen3-8B", "H100", 1, {"quantization": "gguf"}, "was removed from vLLM"),
        ("Qwen3-8B", "H100", 1, {"quantization": "hqq"}, "is not one that is sized here"),
        ("Qwen3-8B", "H100", 1, {"quantization": "quark"}, "does not say its bits"),
    ],
)
def test_what_vllm_refuses_is_refused_in_words(name: str, accelerator: str, parallel: int, changes: dict[str, object], reason: str) -> None:
    result = ask(name, accelerator, parallel, **changes)
    assert not result.fits, "vLLM would stop at the start"
    assert any(reason in found for found in result.reasons), f"{result.reasons}"


def test_an_fp8_checkpoint_whose_experts_would_be_cut_within_a_block_is_refused() -> None:
    shape = from_config({**EVERY["Qwen3-30B-A3B"], "quantization_config": {"quant_method": "fp8", "weight_block_size": [128, 128]}})
    request = SizeRequest(architecture=shape, accelerator="H100", gpus=8, tensor_parallel=4)
    assert any("cuts the MLP of 768" in found for found in size(request).reasons), "192 columns are one block and a half"
    assert size(replace(request, tensor_parallel=2)).fits, "384 are three"


@pytest.mark.parametrize(
    ("name", "accelerator", "parallel", "changes", "warning"),
    [
        ("Qwen3-32B", "L4", 8, {}, "goes over PCIe"),
        ("Qwen3-8B", "A100-80GB", 1, {"quantization": "fp8_per_tensor"}, "has no fp8 units"),
        ("Qwen3-8B", "L4", 1, {"quantization": "awq"}, "needs a repository with such a build"),
    ],
)
def test_what_works_otherwise_than_expected_is_said(name: str, accelerator: str, parallel: int, changes: dict[str, object], warning: str) -> None:
    result = ask(name, accelerator, parallel, **changes)
    assert result.fits, f"it works: {result.reasons}"
    assert any(warning in found for found in result.warnings), f"{result.warnings}"


def test_wider_numbers_need_more_memory() -> None:
    half, full = ask("Qwen3-8B", "H100"), ask("Qwen3-8B", "H100", dtype="float32")
    assert full.per_gpu.weights_gib == pytest.approx(2 * half.per_gpu.weights_gib, rel=0.01), "four bytes each"
    assert full.kv_bytes_per_token == 2 * half.kv_bytes_per_token, "the cache too"


def test_the_context_where_nobody_says_one_is_that_of_a_plan() -> None:
    assert ask("Llama-3.1-8B", "L4").max_model_len == DEFAULT_MAX_MODEL_LEN, "size and plan must agree"
    assert ask("Llama-2-7B", "L4").max_model_len == 4096, "never above the model's own"


def test_names_known_here_are_those_the_plan_knows() -> None:
    assert set(engine_words.ONLINE_METHODS) <= set(MINIMUM_CAPABILITY), "a method known in one place only would be refused in the other"


def test_the_parts_add_up_to_what_is_usable() -> None:
    gpu = ask("Qwen3-8B", "L4").per_gpu
    parts = gpu.weights_gib + gpu.activations_gib + gpu.graphs_gib + gpu.non_torch_gib + gpu.kv_gib
    assert parts == pytest.approx(gpu.usable_gib, abs=0.03), "rounded to hundredths"
