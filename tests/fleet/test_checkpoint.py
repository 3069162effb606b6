"""Quantised checkpoints: bytes of a weight in every format, and which modules a file leaves in 16 bits."""

from __future__ import annotations

import pytest

from fleet.architecture import ArchitectureError, from_config
from fleet.checkpoint import MXFP4_BYTES, NVFP4_BYTES, family
from fleet.module_patterns import Patterns
from tests.support.model_configs import LLAMA_8B, QWEN3_30B_A3B, Config

pytestmark = pytest.mark.published


def built(quantization: Config, base: Config = LLAMA_8B) -> Config:
    return {**base, "quantization_config": quantization}


def group(bits: int, kind: str = "int", size: int | None = None, **more: object) -> Config:
    return {"targets": ["Linear"], "weights": {"num_bits": bits, "type": kind, "group_size": size, **more}}


def tensors(*groups: Config, ignore: tuple[str, ...] = ("lm_head",)) -> Config:
    named = {f"group_{index}": one for index, one in enumerate(groups)}
    return {"quant_method": "compressed-tensors", "config_groups": named, "ignore": list(ignore)}


@pytest.mark.parametrize(
    ("quantization", "size"),
    [
        ({"quant_method": "fp8"}, 1.0),
        ({"quant_method": "fp8", "weight_block_size": [128, 128]}, 1.0),
        ({"quant_method": "fbgemm_fp8"}, 1.0),
        ({"quant_method": "awq", "bits": 4, "group_size": 128}, 0.5 + 2.5 / 128),  # a 16-bit scale and four bits of zero point
        ({"quant_method": "gptq", "bits": 4, "group_size": 128, "desc_act": True}, 0.5 + 2.5 / 128),
        ({"quant_method": "gptq", "bits": 8, "group_size": 128}, 1.0 + 3 / 128),
        ({"quant_method": "gptq", "bits": 3, "group_size": 64}, 0.375 + 2.375 / 64),
        ({"quant_method": "gptq", "bits": 2, "group_size": -1}, 0.25),  # one scale per channel
        ({"quant_method": "auto-round", "bits": 4, "group_size": 128}, 0.5 + 2.5 / 128),
        (tensors(group(8, "float")), 1.0),
        (tensors(group(8)), 1.0),
        (tensors(group(4, size=128)), 0.5 + 2 / 128),  # symmetric: no zero point
        (tensors(group(4, size=32)), 0.5 + 2 / 32),  # Kimi-K2.5
        (tensors(group(4, size=128, symmetric=False)), 0.5 + 2.5 / 128),
        (tensors(group(4, "float", 16)), NVFP4_BYTES),
        (tensors(group(4, "float", 32)), MXFP4_BYTES),
        ({"quant_method": "modelopt", "quant_algo": "FP8"}, 1.0),
        ({"quant_method": "modelopt", "quant_algo": "NVFP4", "ignore": ["lm_head"]}, NVFP4_BYTES),
        ({"quant_method": "quark", "global_quant_config": {"weight": {"dtype": "fp8_e4m3"}}}, 1.0),
        ({"quant_method": "quark", "global_quant_config": {"weight": {"dtype": "fp4"}}}, MXFP4_BYTES),
    ],
)
def test_a_weight_takes_the_bytes_of_its_format(quantization: Config, size: float) -> None:
    plain, shape = from_config(LLAMA_8B), from_config(built(quantization))
    linear = sum(part.parameters for layer in plain.layers for part in layer.parts if part.linear)
    assert plain.weight_bytes() - shape.weight_bytes() == pytest.approx(linear * (2 - size)), "embeddings, head and norms stay in 16 bits"


ATTENTION = 2 * 4096 * 4096 + 2 * 4096 * 1024
MLP = 3 * 4096 * 14336


@pytest.mark.parametrize(
    ("ignore", "kept"),
    [
        ((), 0),
        (("lm_head", "re:.*lm_head", "model.embed_tokens"), 0),
        (("re:.*self_attn.*",), 32 * ATTENTION),
        (("model.layers.*.self_attn",), 32 * ATTENTION),
        (("self_attn",), 32 * ATTENTION),
        (("model.layers.0.mlp", "model.layers.31.mlp"), 2 * MLP),
        (("model.layers.3.self_attn.o_proj",), 4096 * 4096),
        (("re:.*layers\\.[01]\\.mlp\\.(gate|up|gate_up|down)_proj.*",), 2 * MLP),
        (("re:model\\.layers\\.5\\..*",), ATTENTION + MLP),
        (("model.language_model.layers.7.mlp.down_proj",), 4096 * 14336),  # as multimodal files name it
        (("model.layers.2.self_attn.qkv_proj",), 4096 * 4096 + 2 * 4096 * 1024),  # as vLLM fuses it
        (("re:vision_tower.*", "multi_modal_projector"), 0),
    ],
)
def test_modules_that_a_file_leaves_out_stay_in_16_bits_and_no_others(ignore: tuple[str, ...], kept: int) -> None:
    everything = from_config(built(tensors(group(8), ignore=()))).weight_bytes()
    some = from_config(built(tensors(group(8), ignore=ignore))).weight_bytes()
    assert some - everything == kept, "one byte more for each weight of them"


def test_layers_whose_number_starts_alike_are_not_confused() -> None:
    assert not Patterns(names=("model.layers.1.mlp",)).hold("layers.11.mlp.up_proj"), "1 is not 11"
    assert Patterns(names=("model.layers.1",)).hold("layers.1.mlp.up_proj"), "what is inside is meant too"


def test_groups_of_different_bits_are_counted_each_for_its_modules() -> None:
    mixed = tensors({**group(8), "targets": ["re:.*self_attn.*"]}, {**group(4, size=128), "targets": ["re:.*mlp.*"]}, ignore=())
    eight, four = from_config(built(tensors(group(8), ignore=()))), from_config(built(mixed))
    assert eight.weight_bytes() - four.weight_bytes() == pytest.approx(32 * MLP * (1 - 0.5 - 2 / 128)), "only the MLPs are smaller"


def test_experts_are_quantised_as_the_file_names_them() -> None:
    whole = from_config(built(tensors(group(8), ignore=()), QWEN3_30B_A3B)).weight_bytes()
    kept = from_config(built(tensors(group(8), ignore=("re:.*mlp.experts.*",)), QWEN3_30B_A3B)).weight_bytes()
    assert kept - whole == 48 * 128 * 3 * 2048 * 768, "one byte more for each weight of the experts"
    routers = from_config(built(tensors(group(8), ignore=("re:.*mlp.gate$",)), QWEN3_30B_A3B)).weight_bytes()
    assert routers == whole, "routers are in 16 bits anyway, and gate is not gate_proj"


def test_gptq_leaves_modules_out_by_its_own_list() -> None:
    base = {"quant_method": "gptq", "bits": 4, "group_size": 128}
    whole, kept = from_config(built(base)), from_config(built({**base, "dynamic": {"-:.*attn.*": {}}}))
    assert kept.weight_bytes() - whole.weight_bytes() == pytest.approx(32 * ATTENTION * (1.5 - 2.5 / 128)), "as Qwen3.5 has it"


def test_a_quantised_head_is_counted_as_such() -> None:
    base = {"quant_method": "gptq", "bits": 4, "group_size": 128}
    whole, smaller = from_config(built(base)), from_config(built({**base, "lm_head": True}))
    assert whole.weight_bytes() - smaller.weight_bytes() == pytest.approx(128256 * 4096 * (1.5 - 2.5 / 128)), "lm_head: true"


@pytest.mark.parametrize(
    ("quantization", "words"),
    [
        ({"quant_method": "modelopt", "quant_algo": "MIXED_PRECISION"}, "says 'MIXED_PRECISION', which is none of FP8"),
        ({"quant_method": "quark"}, "quark says None"),
        ({"quant_method": "quark", "global_quant_config": {"weight": {"dtype": "int4"}}, "layer_quant_config": {"x": {}}}, "layer_quant_config"),
        ({"quant_method": "gptq", "bits": 4, "group_size": 128, "dynamic": {"+:.*mlp.*": {"bits": 8}}}, "of its own bits"),
        (tensors(), "no config_groups"),
        (tensors(group(32)), "num_bits 32"),
        ({"quant_method": "compressed-tensors", "config_groups": {"group_0": {"weights": {"num_bits": None}}}}, "num_bits is missing"),
    ],
)
def test_a_format_that_is_not_understood_is_refused_in_words(quantization: Config, words: str) -> None:
    with pytest.raises(ArchitectureError) as refused:
        from_config(built(quantization))
    assert words in str(refused.value), f"nothing is guessed: {refused.value}"


def test_names_of_kernels_stand_for_their_formats() -> None:
    assert (family("awq_marlin"), family("gptq_marlin"), family("nvfp4"), family("hqq")) == ("awq", "gptq", "modelopt_fp4", "hqq")
