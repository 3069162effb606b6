"""Counting a model from its config.json: published figures are met, and what is not understood is refused in words."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet.architecture import GIB, Architecture, ArchitectureError, from_config
from fleet.families import FAMILIES, text_model
from fleet.sizing import SizeRequest, size
from tests.support.model_configs import DEEPSEEK_V2_LITE, EVERY, GEMMA_27B, GPT_OSS_120B, LLAMA_8B, LLAMA_70B, QWEN3_8B, QWEN3_30B_A3B, SCOUT, Config
from tests.support.sizing_cases import DATA, further

pytestmark = pytest.mark.published


def gpu_gib(shape: Architecture, parallel: int, quantization: str | None = None) -> float:
    return shape.gpu_weight_bytes(quantization, parallel) / GIB


COUNTS = json.loads((DATA / "parameter-counts.json").read_text())
"""Published shapes with the number of weights that their repositories' safetensors headers or papers give."""


@pytest.mark.parametrize("name", COUNTS)
def test_the_counted_parameters_are_the_published_ones(name: str) -> None:
    counted = from_config(COUNTS[name]["config"]).parameters / 1e9
    assert counted == pytest.approx(COUNTS[name]["billions"], rel=0.006), "one in a hundred would be a layer or a matrix forgotten"


def test_every_family_is_counted_somewhere() -> None:
    configs = [row["config"] for row in COUNTS.values()] + [case.architecture.model_type for case in further()]
    kinds = {one if isinstance(one, str) else text_model(one)[1] for one in configs}
    proven = [FAMILIES[kind] for kind in kinds]
    missing = {kind for kind, family in FAMILIES.items() if family not in proven}
    assert missing <= ALIKE, f"a row that no published count proves: {missing - ALIKE}"


ALIKE = {"mamba2", "nemotron"}
"""Rows with one default changed against a row that a count proves."""


@pytest.mark.parametrize(
    ("config", "files_gib"),
    [(LLAMA_8B, 14.96), (LLAMA_70B, 131.4), ({**QWEN3_8B, "quantization_config": {"quant_method": "awq", "bits": 4, "group_size": 128}}, 5.68)],
)
def test_the_files_are_as_large_as_published(config: Config, files_gib: float) -> None:
    assert from_config(config).checkpoint_gib == pytest.approx(files_gib, rel=0.002), "vllm.md section 4.3 and kaito's catalogue"


def test_eight_bits_keep_embeddings_and_head_in_sixteen() -> None:
    shape = from_config(LLAMA_70B)
    assert gpu_gib(shape, 1, "fp8") == pytest.approx(67.7, rel=0.005), "(P - E) × 1 + E × 2, vllm.md section 4.3"
    assert gpu_gib(shape, 1, "awq") == pytest.approx(37.0, rel=0.005), "(P - E) × (0.5 + 2.5 / 128) + E × 2"


def test_windows_are_read_from_a_list_a_pattern_or_chunks() -> None:
    gemma = [found.kind for found in from_config(GEMMA_27B).layers]
    assert (gemma.count("sliding"), gemma.count("full")) == (52, 10), "five with a window, one without"
    scout = [found.window for found in from_config(SCOUT).layers]
    assert (scout.count(8192), scout.count(None)) == (36, 12), "three chunked, one full"
    oss = [found.window for found in from_config(GPT_OSS_120B).layers]
    assert (oss.count(128), oss.count(None)) == (18, 18), "every other one"
    assert {found.window for found in from_config({**QWEN3_8B, "sliding_window": 4096, "use_sliding_window": False}).layers} == {None}, "switched off"


def test_experts_start_after_the_dense_layers_and_come_in_steps() -> None:
    lite = from_config(DEEPSEEK_V2_LITE).layers
    assert [bool(found.expert_parameters) for found in lite] == [False] + [True] * 26, "first_k_dense_replace 1"
    stepped = from_config({**SCOUT, "text_config": {**SCOUT["text_config"], "interleave_moe_layer_step": 2}}).layers  # type: ignore[dict-item]
    assert [bool(found.expert_parameters) for found in stepped[:4]] == [False, True, False, True], "every second layer, as in Maverick"


def test_gemma_ties_its_embeddings_unless_it_says_otherwise() -> None:
    assert from_config(GEMMA_27B).tied_embeddings, "the published configuration leaves the field out"
    assert not from_config({**LLAMA_8B}).tied_embeddings, "a Llama does not"


def compressed(bits: int, group: int | None, ignore: list[str]) -> Config:
    weights = {"num_bits": bits, "group_size": group, "type": "int"}
    section = {"quant_method": "compressed-tensors", "config_groups": {"group_0": {"weights": weights}}, "ignore": ignore}
    return {**LLAMA_8B, "quantization_config": section}


def test_compressed_tensors_say_their_bits_in_groups() -> None:
    eight, four = from_config(compressed(8, None, ["lm_head"])), from_config(compressed(4, 128, ["lm_head"]))
    assert eight.checkpoint_gib == pytest.approx(8.46, rel=0.01), "an fp8 build is no 4-bit build"
    assert four.checkpoint_gib == pytest.approx(5.33, rel=0.01), "as GPTQ of the same group size"
    kept = from_config(compressed(4, 128, ["re:.*self_attn.*"]))
    assert kept.checkpoint_gib > four.checkpoint_gib + 1, "attention left in 16 bits"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"model_type": "llama9"}, "model_type 'llama9' is not one that is counted here"),
        ({"model_type": None}, "model_type is missing"),
        ({"model_type": ["llama"]}, "is not one that is counted"),
        ({"model_type": "deepseek_v4"}, "those most alike are deepseek_v3"),
        ({"model_type": "gemma3n"}, "is not one that is counted"),
        ({"model_type": "mllama"}, "is not one that is counted"),
        ({"vision_config": {"image_size": [448, 448]}}, "hidden_size of vision_config is missing"),
        ({"head_dim": True}, "which is no positive whole number"),
        ({"tie_word_embeddings": "yes"}, "which is neither true nor false"),
        ({"partial_rotary_factor": 2}, "no share above 0 and up to 1"),
        ({"num_key_value_heads": [8, 8]}, "num_key_value_heads lists 2 layers"),
        ({"layer_types": ["retention"] * 32}, "'retention', a kind of layer that is not counted here"),
        ({"hidden_size": None}, "hidden_size is missing"),
        ({"hidden_size": "4096"}, "which is no positive whole number"),
        ({"hidden_size": 4096.0}, "which is no positive whole number"),
        ({"num_hidden_layers": -1}, "which is no positive whole number"),
        ({"num_hidden_layers": 10**6}, "more than any model has"),
        ({"vocab_size": 10**12}, "no model that exists"),
        ({"num_key_value_heads": 5}, "is no multiple of num_key_value_heads 5"),
        ({"num_key_value_heads": 0}, "num_key_value_heads 0"),
        ({"text_config": "llama"}, "text_config is 'llama', which is no object"),
        ({"layer_types": ["full_attention"]}, "layer_types names 1 layers"),
        ({"quantization_config": "awq"}, "which is no object"),
        ({"quantization_config": {"bits": 4}}, "does not say its quant_method"),
        ({"quantization_config": {"quant_method": "awq"}}, "does not say its bits"),
        ({"quantization_config": {"quant_method": "gptq", "bits": 4}}, "does not say its group_size"),
        ({"quantization_config": {"quant_method": "gptq", "bits": 5, "group_size": 128}}, "does not say its bits"),
        ({"quantization_config": {"quant_method": "compressed-tensors"}}, "no config_groups"),
        ({"quantization_config": {"quant_method": "fp8", "modules_to_not_convert": "lm_head"}}, "which is no list"),
        ({"quantization_config": {"quant_method": "compressed-tensors", "ignore": ["re:("]}}, "no regular expression"),
        ({"hidden_size": 16}, "is below num_attention_heads"),
    ],
)
def test_what_cannot_be_counted_is_refused_with_its_reason(change: Config, words: str) -> None:
    with pytest.raises(ArchitectureError) as refused:
        from_config({**LLAMA_8B, **change})
    assert words in str(refused.value), "the reader sees which field to look at"


def test_experts_without_a_number_are_refused() -> None:
    with pytest.raises(ArchitectureError, match="no field says how many"):
        from_config({**QWEN3_30B_A3B, "num_experts": None})


WRONG: list[object] = [
    *(None, True, False, 0, 1, -1, 3, 7, 10**13, 0.5, float("nan"), "", "128", [], [1], ["x"], [[]], [None]),
    *({}, {"quant_method": None}, {"quant_method": "awq", "bits": "4"}, {"quant_method": "fp8", "weight_block_size": [0]}, {"factor": "8"}),
    *({"quant_method": "compressed-tensors", "config_groups": {"group_0": []}}, {"type": "linear", "factor": float("nan")}, {"hidden_size": 0}),
]
SHAPES = {**EVERY, **{name: row["config"] for name, row in COUNTS.items()}}
FIELDS = sorted({key for config in SHAPES.values() for key in (*config, *dict(config.get("text_config") or {}))} | {"rope_scaling"})  # type: ignore[call-overload]


@given(name=st.sampled_from(sorted(SHAPES)), changes=st.dictionaries(st.sampled_from(FIELDS), st.sampled_from(WRONG), min_size=1, max_size=3))
def test_a_broken_configuration_is_counted_or_refused_and_never_breaks_the_program(name: str, changes: dict[str, object]) -> None:
    config = json.loads(json.dumps({**SHAPES[name], **changes}))
    try:
        shape = from_config(config)
    except ArchitectureError:
        return
    assert shape.parameters > 0, "what is accepted has weights"
    size(SizeRequest(architecture=shape, accelerator="H100"))


@given(name=st.sampled_from(sorted(SHAPES)), parallel=st.sampled_from([1, 2, 4, 8]), method=st.sampled_from([None, "fp8", "awq", "gptq"]))
def test_tensor_parallelism_never_raises_what_one_gpu_holds_and_quantising_neither(name: str, parallel: int, method: str | None) -> None:
    shape = from_config(SHAPES[name])
    one, more = shape.gpu_weight_bytes(method, parallel), shape.gpu_weight_bytes(method, 2 * parallel)
    assert more <= one, "a GPU never holds more than with half as many"
    assert 2 * parallel * more >= parallel * one, "together they hold no less"
    assert shape.gpu_weight_bytes(method, parallel) <= shape.gpu_weight_bytes(None, parallel), "quantised weights are no larger"
