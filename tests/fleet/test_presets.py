"""The tiers: models that are what their name says, fit what their description says, and are pinned."""

from __future__ import annotations

import re

import pytest

from fleet import engine_words, presets
from fleet.architecture import from_config
from fleet.lock import Lock
from fleet.sizing import SizeRequest, size

pytestmark = pytest.mark.pure

MODELS = [found for name in presets.known_models() if (found := presets.known_model(name))]

BILLIONS = {
    "Qwen/Qwen3-8B": 8.19,
    "Qwen/Qwen3-14B": 14.77,
    "Qwen/Qwen3-32B": 32.76,
    "meta-llama/Llama-3.1-8B-Instruct": 8.03,
    "meta-llama/Llama-3.3-70B-Instruct": 70.55,
    "casperhansen/llama-3.3-70b-instruct-awq": 70.55,
    "openai/gpt-oss-120b": 116.8,
}
"""As published with the models, in sizing-cases.json and vllm.md section 4.3."""


@pytest.mark.parametrize("preset", MODELS, ids=lambda preset: preset.model)
def test_the_counted_parameters_are_the_published_ones(preset: presets.Preset) -> None:
    published = BILLIONS[re.sub(r"-(AWQ|FP8)$", "", preset.model)]
    counted = from_config(preset.config).parameters / 1e9
    assert counted == pytest.approx(published, rel=0.002), "norms and biases are all that is not counted"


@pytest.mark.parametrize("preset", MODELS, ids=lambda preset: preset.model)
def test_the_quantisation_in_a_name_is_the_one_in_the_configuration(preset: presets.Preset) -> None:
    method = from_config(preset.config).checkpoint_quantization
    expected = {"awq": "awq", "fp8": "fp8", "gpt-oss-120b": "mxfp4"}
    named = next((found for word, found in expected.items() if preset.model.lower().endswith(word)), None)
    assert method == named, "a 16-bit count for a 4-bit model would be out by a factor of three"


@pytest.mark.parametrize("preset", MODELS, ids=lambda preset: preset.model)
def test_a_preset_is_pinned_and_its_parsers_exist(preset: presets.Preset) -> None:
    assert re.fullmatch(r"[0-9a-f]{40}", Lock.shipped().revision(preset.model) or ""), "a branch can move under a running fleet"
    assert preset.tool_call_parser in engine_words.TOOL_CALL_PARSERS, "vLLM stops at an unknown parser"
    assert preset.reasoning_parser is None or preset.reasoning_parser in engine_words.REASONING_PARSERS, "likewise"
    assert preset.max_model_len <= from_config(preset.config).max_position_embeddings, "vLLM refuses a longer context"


@pytest.mark.parametrize(
    ("tier", "accelerators"),
    [
        ("mini-int4", ("T4", "L4", "A10G")),
        ("small", ("L4", "A10G")),
        ("medium", ("L40S", "A100-80GB", "H100", "RTX-PRO-6000")),
        ("large", ("A100-80GB", "H100", "RTX-PRO-6000", "H200", "B200")),
    ],
)
def test_a_tier_fits_what_its_description_says(tier: str, accelerators: tuple[str, ...]) -> None:
    preset = presets.PRESETS[tier]
    for accelerator in accelerators:
        request = SizeRequest(
            architecture=from_config(preset.config),
            accelerator=accelerator,
            gpus=preset.tensor_parallel,
            tensor_parallel=preset.tensor_parallel,
            dtype=preset.dtype,
            quantization=preset.quantization,
            max_model_len=preset.max_model_len,
        )
        result = size(request)
        assert result.fits, f"{tier} on {accelerator}: {result.reasons}"
        assert result.concurrency >= 2, f"{tier} on {accelerator} serves one request at a time: {result.concurrency}"


def test_the_smallest_gpu_is_not_enough_for_the_next_tier() -> None:
    small = from_config(presets.PRESETS["small"].config)
    assert not size(SizeRequest(architecture=small, accelerator="T4")).fits, "that is why mini-int4 exists"


def test_what_a_t4_serves_is_told_half_by_name() -> None:
    assert presets.PRESETS["mini-int4"].dtype == "half", "AWQ kernels compute in it, and a T4 has no bfloat16"
