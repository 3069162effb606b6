"""Rules that have nothing to do with memory: each is met in a table, and its message names the field, the limit and what to do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from fleet import catalog, sizing_rules
from fleet.architecture import from_config
from fleet.memory import SizeRequest
from fleet.problems import InputError
from tests.support.model_configs import EVERY, LLAMA_8B, QWEN3_30B_A3B, SHAPES, Config

pytestmark = pytest.mark.pure


def said(config: Config, accelerator: str = "H100", parallel: int = 1, **changes: object) -> str:
    request = SizeRequest(architecture=from_config(config), accelerator=accelerator, gpus=max(1, parallel), tensor_parallel=parallel)
    return " | ".join(sizing_rules.reasons(replace(request, **changes)))  # type: ignore[arg-type]


def quantised(method: str, base: Config = LLAMA_8B, **more: object) -> Config:
    return {**base, "quantization_config": {"quant_method": method, **more}}


FP8_GROUP = {"group_0": {"targets": ["Linear"], "weights": {"num_bits": 8, "type": "float"}}}


@pytest.mark.parametrize(
    ("config", "accelerator", "parallel", "changes", "reason"),
    [
        (LLAMA_8B, "T4", 1, {"dtype": "bfloat16"}, "T4 (compute capability 7.5) has no bfloat16: use dtype half"),
        (LLAMA_8B, "T4", 1, {"kv_cache_dtype": "fp8"}, "T4 has no attention kernel for an fp8 KV cache"),
        (EVERY["gemma-3-27b"], "T4", 8, {}, "unstable in float16, and vLLM refuses it; T4 has no bfloat16"),
        (EVERY["gemma-3-27b"], "H100", 1, {"dtype": "half"}, "unstable in float16, and vLLM refuses it"),
        (quantised("mxfp4"), "T4", 1, {}, "mxfp4 needs compute capability 8.0, T4 has 7.5"),
        (quantised("fbgemm_fp8"), "T4", 1, {}, "fbgemm_fp8 needs compute capability 8.0, T4 has 7.5"),
        (quantised("modelopt", quant_algo="FP8"), "T4", 1, {}, "modelopt needs compute capability 8.0"),
        (quantised("bitsandbytes"), "H100", 1, {}, "bitsandbytes was removed from vLLM"),
        (quantised("gguf"), "H100", 1, {}, "gguf was removed from vLLM"),
        (quantised("hqq"), "H100", 1, {}, "hqq is not one that is sized here"),
        (LLAMA_8B, "H100", 1, {"quantization": "auto-round"}, "does not say its bits: use the config.json of a checkpoint"),
        (quantised("fp8"), "H100", 1, {"quantization": "awq"}, "the checkpoint is fp8 already: it cannot be loaded as awq"),
        (LLAMA_8B, "H100", 3, {}, "32 attention heads cannot be divided by tensor parallel 3"),
        ({**LLAMA_8B, "num_attention_heads": 24, "num_key_value_heads": 8}, "H100", 6, {}, "8 key-value heads and tensor parallel 6"),
        ({**LLAMA_8B, "intermediate_size": 14338}, "H100", 4, {}, "MLP of 14338 cannot be divided by tensor parallel 4"),
        ({**QWEN3_30B_A3B, "moe_intermediate_size": 770}, "H100", 4, {}, "experts of 770 cannot be divided by tensor parallel 4"),
        ({**LLAMA_8B, "num_attention_heads": 40, "num_key_value_heads": 40, "hidden_size": 5120}, "H100", 5, {}, "vocabulary of 128256"),
        (LLAMA_8B, "H100", 8, {"gpus": 4}, "tensor parallel 8 needs 8 GPUs on one node, which has 4; several nodes are not served yet"),
        (LLAMA_8B, "H100", 1, {"max_model_len": 131073}, "a context of 131073 is above the model's 131072"),
        ({**LLAMA_8B, "intermediate_size": 14400}, "H100", 4, {"quantization": "awq"}, "are no multiple of 128, the weights that share a scale"),
        (quantised("fp8", QWEN3_30B_A3B, weight_block_size=[128, 128]), "H100", 4, {}, "cuts the MLP of 768"),
    ],
)
def test_a_broken_rule_is_said_in_words(config: Config, accelerator: str, parallel: int, changes: Mapping[str, object], reason: str) -> None:
    assert reason in said(config, accelerator, parallel, **changes), "vLLM would stop at the start"


@pytest.mark.parametrize(
    ("config", "accelerator", "parallel", "changes"),
    [
        (LLAMA_8B, "T4", 1, {}),  # bfloat16 weights become float16
        (LLAMA_8B, "H100", 16, {}),  # more GPUs than key-value heads repeat them
        (EVERY["DeepSeek-V2-Lite"], "H100", 8, {}),  # latent attention has no key-value heads to divide
        (EVERY["gpt-oss-120b"], "H100", 8, {}),  # 360 columns of 2880 are padded
        (quantised("awq", bits=4, group_size=128), "T4", 1, {"quantization": "awq_marlin"}),  # a kernel of the same format
        (quantised("compressed-tensors", config_groups=FP8_GROUP), "A100-80GB", 1, {}),  # through Marlin
        ({**LLAMA_8B, "rope_scaling": {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 131072}}, "H100", 1,
         {"max_model_len": 524288}),
    ],
)  # fmt: skip
def test_what_vllm_accepts_is_not_refused(config: Config, accelerator: str, parallel: int, changes: Mapping[str, object]) -> None:
    assert not said(config, accelerator, parallel, **changes), "no rule speaks against it"


@pytest.mark.parametrize("accelerator", ["T4", "L4", "A10G", "L40S", "RTX-PRO-6000"])
def test_tensor_parallelism_over_pcie_is_warned_about_with_the_reason(accelerator: str) -> None:
    found = sizing_rules.warnings(SizeRequest(architecture=SHAPES["Qwen3-8B"], accelerator=accelerator, gpus=2, tensor_parallel=2))
    assert any("PCIe" in warning and accelerator in warning for warning in found), f"{found}"


@pytest.mark.parametrize("accelerator", ["A100-40GB", "A100-80GB", "H100", "H200", "B200"])
def test_tensor_parallelism_over_nvlink_is_not(accelerator: str) -> None:
    request = SizeRequest(architecture=SHAPES["Qwen3-8B"], accelerator=accelerator, gpus=2, tensor_parallel=2)
    assert not any("PCIe" in warning for warning in sizing_rules.warnings(request)), "it has NVLink"


@pytest.mark.parametrize(
    ("config", "quantization"),
    [(LLAMA_8B, "fp8"), (quantised("fp8"), None), (quantised("compressed-tensors", config_groups=FP8_GROUP), None)],
)
def test_fp8_on_a_gpu_without_fp8_units_saves_memory_and_not_time(config: Config, quantization: str | None) -> None:
    request = SizeRequest(architecture=from_config(config), accelerator="A100-80GB", quantization=quantization)
    assert any("no fp8 units" in warning for warning in sizing_rules.warnings(request)), "whatever the format is called"
    assert not any("no fp8 units" in warning for warning in sizing_rules.warnings(replace(request, accelerator="L4"))), "an L4 has them"


def test_every_broken_rule_is_told_at_once() -> None:
    found = said(LLAMA_8B, "T4", 3, gpus=1, dtype="bfloat16", kv_cache_dtype="fp8", max_model_len=10**6, quantization="mxfp4")
    assert found.count("|") >= 5, f"a person mends them in one go: {found}"


def test_a_row_of_the_catalogue_without_a_needed_figure_is_one_clear_line(monkeypatch: pytest.MonkeyPatch) -> None:
    incomplete = replace(catalog.accelerator("L4"), total_gib=0.0)
    monkeypatch.setattr(catalog, "ACCELERATORS", {**catalog.ACCELERATORS, "L4": incomplete})
    with pytest.raises(InputError) as refused:
        catalog.accelerator("L4")
    assert [problem.limit for problem in refused.value.problems] == ["its row lacks total_gib"], "nothing is guessed in its place"
