"""Model tiers, and the models whose shape is known here. Revisions are in fleet.lock.json, never in this file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class Preset:
    """A model with the settings it is usually served with. `config` holds the figures of its config.json that size it."""

    model: str
    config: Mapping[str, object]
    quantization: str | None = None
    dtype: str | None = None
    tensor_parallel: int = 1
    max_model_len: int = 8192
    tool_call_parser: str | None = None
    reasoning_parser: str | None = None
    gated: bool = False
    note: str = field(default="")


def _qwen3(hidden: int, intermediate: int, layers: int, heads: int, quantization: Mapping[str, object] | None = None) -> dict[str, object]:
    config: dict[str, object] = {
        "model_type": "qwen3",
        "hidden_size": hidden,
        "intermediate_size": intermediate,
        "num_hidden_layers": layers,
        "num_attention_heads": heads,
        "num_key_value_heads": 8,
        "head_dim": 128,
        "vocab_size": 151936,
        "max_position_embeddings": 40960,
        "tie_word_embeddings": False,
    }
    return config | ({"quantization_config": quantization} if quantization else {})


_AWQ: Mapping[str, object] = {"quant_method": "awq", "bits": 4, "group_size": 128}
_FP8: Mapping[str, object] = {"quant_method": "fp8", "weight_block_size": [128, 128]}
_LLAMA_8B: Mapping[str, object] = {
    "model_type": "llama",
    "hidden_size": 4096,
    "intermediate_size": 14336,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "vocab_size": 128256,
    "max_position_embeddings": 131072,
    "tie_word_embeddings": False,
}
_LLAMA_70B: Mapping[str, object] = _LLAMA_8B | {
    "hidden_size": 8192,
    "intermediate_size": 28672,
    "num_hidden_layers": 80,
    "num_attention_heads": 64,
}
_GPT_OSS_120B: Mapping[str, object] = {
    "model_type": "gpt_oss",
    "hidden_size": 2880,
    "intermediate_size": 2880,
    "num_hidden_layers": 36,
    "num_attention_heads": 64,
    "num_key_value_heads": 8,
    "head_dim": 64,
    "num_local_experts": 128,
    "vocab_size": 201088,
    "max_position_embeddings": 131072,
    "sliding_window": 128,
    "layer_types": ["sliding_attention", "full_attention"] * 18,
    "tie_word_embeddings": False,
    "quantization_config": {
        "quant_method": "mxfp4",
        "modules_to_not_convert": ["model.layers.*.self_attn", "model.layers.*.mlp.router", "model.embed_tokens", "lm_head"],
    },
}


def _qwen(name: str, config: Mapping[str, object], max_model_len: int = 8192) -> Preset:
    return Preset(model=name, config=config, tool_call_parser="hermes", reasoning_parser="qwen3", max_model_len=max_model_len)


_MODELS: tuple[Preset, ...] = (
    _qwen("Qwen/Qwen3-8B", _qwen3(4096, 12288, 36, 32)),
    Preset(
        model="Qwen/Qwen3-8B-AWQ",
        config=_qwen3(4096, 12288, 36, 32, _AWQ),
        dtype="half",
        tool_call_parser="hermes",
        reasoning_parser="qwen3",
        note="AWQ kernels compute in fp16, and a T4 has nothing else",
    ),
    _qwen("Qwen/Qwen3-8B-FP8", _qwen3(4096, 12288, 36, 32, _FP8)),
    _qwen("Qwen/Qwen3-14B", _qwen3(5120, 17408, 40, 40)),
    _qwen("Qwen/Qwen3-32B", _qwen3(5120, 25600, 64, 64)),
    _qwen("Qwen/Qwen3-32B-FP8", _qwen3(5120, 25600, 64, 64, _FP8)),
    _qwen("Qwen/Qwen3-32B-AWQ", _qwen3(5120, 25600, 64, 64, _AWQ)),
    Preset(model="meta-llama/Llama-3.1-8B-Instruct", config=_LLAMA_8B, tool_call_parser="llama3_json", gated=True),
    Preset(model="meta-llama/Llama-3.3-70B-Instruct", config=_LLAMA_70B, tensor_parallel=4, tool_call_parser="llama3_json", gated=True),
    Preset(
        model="casperhansen/llama-3.3-70b-instruct-awq",
        config={**_LLAMA_70B, "quantization_config": _AWQ},
        dtype="half",
        tool_call_parser="llama3_json",
        note="a third party's build, neither Meta's nor Red Hat's",
    ),
    Preset(
        model="openai/gpt-oss-120b",
        config=_GPT_OSS_120B,
        max_model_len=32768,
        tool_call_parser="openai",
        reasoning_parser="openai_gptoss",
    ),
)

_BY_REPOSITORY = {preset.model: preset for preset in _MODELS}

PRESETS: Mapping[str, Preset] = {
    "mini-int4": _BY_REPOSITORY["Qwen/Qwen3-8B-AWQ"],
    "small": _BY_REPOSITORY["Qwen/Qwen3-8B"],
    "medium": _BY_REPOSITORY["Qwen/Qwen3-32B-FP8"],
    "large": _BY_REPOSITORY["openai/gpt-oss-120b"],
}
"""Tier to model: 4-bit 8B for a T4, 16-bit 8B for an L4 or A10G, fp8 32B for a 48 to 80 GiB card, 117B experts for 80 GiB."""


def known_model(repository: str) -> Preset | None:
    """A model whose config.json figures are here, or None."""
    return _BY_REPOSITORY.get(repository)


def known_models() -> tuple[str, ...]:
    """Repositories of every model whose shape is here."""
    return tuple(_BY_REPOSITORY)
