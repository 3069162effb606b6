"""A model's shape from its Hugging Face `config.json`: layers, heads and parameters, counted, never guessed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatch
from typing import Any, Literal, cast

GIB = 1024**3

DENSE = frozenset({"llama", "mistral", "qwen2", "qwen3", "gemma2", "gemma3_text", "phi3", "granite", "olmo2"})
EXPERTS = frozenset({"mixtral", "qwen2_moe", "qwen3_moe", "gpt_oss", "deepseek_v2", "deepseek_v3", "llama4_text", "qwen3_next"})
KNOWN = DENSE | EXPERTS
"""Text model types whose layers are counted here. Anything else is refused by name rather than guessed."""


class ArchitectureError(ValueError):
    """The configuration cannot be counted; the text says which field or type is the reason."""


@dataclass(frozen=True, kw_only=True)
class LatentAttention:
    """Multi-head latent attention: one compressed vector per token instead of keys and values per head."""

    kv_lora_rank: int
    rope_dimension: int


@dataclass(frozen=True, kw_only=True)
class Layer:
    """One decoder layer. `window` is the most tokens a sliding or chunked layer looks back at."""

    kind: Literal["full", "sliding", "linear"]
    window: int | None
    attention_parameters: int
    mlp_parameters: int
    expert_parameters: int


@dataclass(frozen=True, kw_only=True)
class Architecture:
    """What sizing needs of a model. Parameter counts are numbers of weights; sizes in bytes follow from the quantisation."""

    model_type: str
    layers: tuple[Layer, ...]
    hidden_size: int
    intermediate_size: int
    vocabulary: int
    heads: int
    kv_heads: int
    head_dimension: int
    max_position_embeddings: int
    tied_embeddings: bool
    latent: LatentAttention | None
    vision_parameters: int
    checkpoint_quantization: str | None
    checkpoint_bits: int
    group_size: int
    kept_16bit: tuple[str, ...]
    """Module patterns that a quantised checkpoint leaves in 16 bits."""

    @property
    def embedding_parameters(self) -> int:
        """Token embeddings and the output head, kept in 16 bits by every common quantisation."""
        return self.vocabulary * self.hidden_size * (1 if self.tied_embeddings else 2)

    @property
    def parameters(self) -> int:
        """All of them."""
        inside = sum(layer.attention_parameters + layer.mlp_parameters + layer.expert_parameters for layer in self.layers)
        return inside + self.embedding_parameters + self.vision_parameters

    def keeps_16bit(self, module: str) -> bool:
        """Whether a quantised checkpoint leaves this module ("model.layers.3.mlp") in 16 bits."""
        return any(fnmatch(module, pattern) or fnmatch(module, f"{pattern}.*") for pattern in self.kept_16bit)

    def weight_bytes(self, quantization: str | None) -> float:
        """Bytes of all weights under a quantisation of the checkpoint or one applied at load time."""
        method = quantization or self.checkpoint_quantization
        small = bytes_per_weight(method, self.checkpoint_bits, self.group_size)
        total = 2.0 * (self.embedding_parameters + self.vision_parameters)
        for index, layer in enumerate(self.layers):
            attention = 2.0 if self.keeps_16bit(f"model.layers.{index}.self_attn") else small
            mlp = 2.0 if self.keeps_16bit(f"model.layers.{index}.mlp") else small
            total += layer.attention_parameters * attention + (layer.mlp_parameters + layer.expert_parameters) * mlp
        return total

    @property
    def checkpoint_gib(self) -> float:
        """Size of the files as published."""
        return self.weight_bytes(None) / GIB


def bytes_per_weight(method: str | None, bits: int = 4, group_size: int = 128) -> float:
    """Bytes of one quantised weight with its share of scales and zero points (vLLM's own layouts)."""
    if method is None:
        return 2.0
    if method in ("mxfp4", "gpt_oss_mxfp4"):
        return 0.5 + 1 / 32
    if method in ("awq", "gptq", "awq_marlin", "gptq_marlin", "auto_awq", "auto_gptq") or (method == "compressed-tensors" and bits == 4):
        return bits / 8 + 2.5 / (group_size if group_size > 0 else 4096)
    return 1.0


def from_config(config: Mapping[str, object]) -> Architecture:
    """Count a model.

    Raises:
        ArchitectureError: an unknown model type, a missing field, or an impossible number.
    """
    text = cast("Mapping[str, object]", config.get("text_config") or config)
    kind = text.get("model_type", config.get("model_type"))
    if not isinstance(kind, str) or kind not in KNOWN:
        raise ArchitectureError(f"model_type {kind!r} is not one that is counted here: {', '.join(sorted(KNOWN))}")
    heads = _number(text, "num_attention_heads")
    hidden = _number(text, "hidden_size")
    layers = _number(text, "num_hidden_layers")
    if layers > 1000 or hidden > 10**6:
        raise ArchitectureError(f"{layers} layers of width {hidden} are no model that exists")
    kv_heads = _number(text, "num_key_value_heads", heads)
    if heads % kv_heads:
        raise ArchitectureError(f"num_attention_heads {heads} is no multiple of num_key_value_heads {kv_heads}")
    latent = None
    if "kv_lora_rank" in text:
        latent = LatentAttention(kv_lora_rank=_number(text, "kv_lora_rank"), rope_dimension=_number(text, "qk_rope_head_dim"))
    quantization = cast("Mapping[str, Any]", config.get("quantization_config") or text.get("quantization_config") or {})
    return Architecture(
        model_type=kind,
        layers=tuple(_layer(text, kind, index) for index in range(layers)),
        hidden_size=hidden,
        intermediate_size=_number(text, "intermediate_size"),
        vocabulary=_number(text, "vocab_size"),
        heads=heads,
        kv_heads=kv_heads,
        head_dimension=_number(text, "head_dim", hidden // heads),
        max_position_embeddings=_number(text, "max_position_embeddings"),
        tied_embeddings=bool(text.get("tie_word_embeddings", config.get("tie_word_embeddings", False))),
        latent=latent,
        vision_parameters=_vision(config),
        checkpoint_quantization=quantization.get("quant_method"),
        checkpoint_bits=int(quantization.get("bits") or 4),
        group_size=int(quantization.get("group_size") or 128),
        kept_16bit=tuple(quantization.get("modules_to_not_convert") or ()),
    )


def _layer(text: Mapping[str, object], kind: str, index: int) -> Layer:
    mlp, experts = _mlp(text, kind, index)
    window = _window(text, index)
    linear = kind == "qwen3_next" and (index + 1) % _number(text, "full_attention_interval")
    return Layer(
        kind="linear" if linear else "sliding" if window else "full",
        window=window,
        attention_parameters=_linear_attention(text) if linear else _attention(text, kind),
        mlp_parameters=mlp,
        expert_parameters=experts,
    )


def _window(text: Mapping[str, object], index: int) -> int | None:
    kinds = text.get("layer_types")
    if isinstance(kinds, list):
        chosen = cast("list[object]", kinds)
        return _number(text, "sliding_window") if index < len(chosen) and chosen[index] == "sliding_attention" else None
    if "attention_chunk_size" in text:
        return None if (index + 1) % 4 == 0 else _number(text, "attention_chunk_size")
    if text.get("sliding_window") and text.get("use_sliding_window", True) and text.get("model_type") in ("mistral", "gemma2"):
        every_second = text.get("model_type") == "gemma2" and index % 2
        return None if every_second else _number(text, "sliding_window")
    return None


def _attention(text: Mapping[str, object], kind: str) -> int:
    hidden, heads = _number(text, "hidden_size"), _number(text, "num_attention_heads")
    if "kv_lora_rank" in text:
        return _latent_attention(text, hidden, heads)
    kv_heads = _number(text, "num_key_value_heads", heads)
    size = _number(text, "head_dim", hidden // heads)
    query = hidden * heads * size * (2 if kind == "qwen3_next" else 1)
    return query + 2 * hidden * kv_heads * size + heads * size * hidden


def _latent_attention(text: Mapping[str, object], hidden: int, heads: int) -> int:
    rank, rope = _number(text, "kv_lora_rank"), _number(text, "qk_rope_head_dim")
    nope, value = _number(text, "qk_nope_head_dim"), _number(text, "v_head_dim")
    query_rank = text.get("q_lora_rank")
    wide = heads * (nope + rope)
    query = hidden * wide if not query_rank else hidden * int(cast("int", query_rank)) + int(cast("int", query_rank)) * wide
    return query + hidden * (rank + rope) + rank * heads * (nope + value) + heads * value * hidden


def _linear_attention(text: Mapping[str, object]) -> int:
    hidden = _number(text, "hidden_size")
    keys = _number(text, "linear_num_key_heads") * _number(text, "linear_key_head_dim")
    values = _number(text, "linear_num_value_heads") * _number(text, "linear_value_head_dim")
    return hidden * (2 * keys + 2 * values + 2 * _number(text, "linear_num_value_heads")) + values * hidden


def _mlp(text: Mapping[str, object], kind: str, index: int) -> tuple[int, int]:
    """(dense and shared, routed experts): gate, up and down projections of each."""
    hidden = _number(text, "hidden_size")
    dense = 3 * hidden * _number(text, "intermediate_size")
    if kind in DENSE:
        return dense, 0
    experts = next((_number(text, key) for key in ("num_experts", "num_local_experts", "n_routed_experts") if key in text), 0)
    if not experts:
        raise ArchitectureError(f"model_type {kind!r} has experts, but no field says how many")
    if index < _number(text, "first_k_dense_replace", 0) or index in cast("list[int]", text.get("mlp_only_layers") or []):
        return dense, 0
    width = _number(text, "moe_intermediate_size", _number(text, "intermediate_size"))
    shared = _number(text, "n_shared_experts", 0) * width or _number(text, "shared_expert_intermediate_size", 0)
    if kind == "llama4_text":
        shared = width
    return 3 * hidden * shared + hidden * experts, experts * 3 * hidden * width


def _vision(config: Mapping[str, object]) -> int:
    """A vision tower: attention and a two-matrix MLP per layer; embeddings and projector are below one per cent."""
    tower = config.get("vision_config")
    if not isinstance(tower, Mapping):
        return 0
    section = cast("Mapping[str, object]", tower)
    width, inner = _number(section, "hidden_size"), _number(section, "intermediate_size")
    return _number(section, "num_hidden_layers") * (4 * width * width + 2 * width * inner)


def _number(section: Mapping[str, object], key: str, default: int | None = None) -> int:
    value = section.get(key)
    if value is None and default is not None:
        return default
    if value is None:
        raise ArchitectureError(f"the field {key} is missing")
    if not isinstance(value, int) or isinstance(value, bool) or value < 0 or (value == 0 and default is None):
        raise ArchitectureError(f"the field {key} is {value!r}, which is no positive whole number")
    return value
