"""Decoder layers of a model, counted from its config.json: weights by kind, and what the KV cache keeps of a token."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from fleet.checkpoint import CheckpointFormat
from fleet.config_fields import ArchitectureError, Section, number, numbers, section, words

DENSE = frozenset({"llama", "mistral", "qwen2", "qwen3", "gemma2", "gemma3_text", "phi3", "granite", "olmo2"})
EXPERTS = frozenset({"mixtral", "qwen2_moe", "qwen3_moe", "gpt_oss", "deepseek_v2", "deepseek_v3", "llama4_text", "qwen3_next"})
KNOWN = DENSE | EXPERTS
"""Text model types whose layers are counted here. Anything else is refused by name rather than guessed."""

LARGEST_SCALING = 1000
"""No model stretches its positions further; Gemma 3 does it eightfold."""

GEMMA3_FULL_EVERY = 6
"""Of Gemma 3's layers, where the configuration does not list them: five with a window, then one without."""


@dataclass(frozen=True, kw_only=True)
class Layer:
    """One decoder layer. `window` is the most tokens a sliding or chunked layer looks back at."""

    kind: Literal["full", "sliding", "linear"]
    window: int | None
    attention_parameters: int
    """All of the attention block, the next two among them."""
    key_value_parameters: int
    """Projections to keys and values, repeated on each GPU once there are more GPUs than key-value heads."""
    replicated_parameters: int
    """What tensor parallelism does not divide: the down-projections of latent attention."""
    mlp_parameters: int
    router_parameters: int
    """The gate that chooses experts: 16 bits, on each GPU, not among `mlp_parameters`."""
    expert_parameters: int
    state_bytes: int
    """Of a linear-attention layer, per request, whatever its length."""
    attention_16bit: bool
    mlp_16bit: bool
    """Whether a quantised checkpoint leaves the block in 16 bits."""

    @property
    def parameters(self) -> int:
        """All of them."""
        return self.attention_parameters + self.mlp_parameters + self.router_parameters + self.expert_parameters


def layer(text: Section, kind: str, index: int, checkpoint: CheckpointFormat) -> Layer:
    """Layer `index` of a text model.

    Raises:
        ArchitectureError: a field is missing or impossible.
    """
    dense, router, experts = _mlp(text, kind, index)
    window = _window(text, kind, index)
    linear = kind == "qwen3_next" and (index + 1) % number(text, "full_attention_interval") != 0
    attention, key_value, replicated = _linear_attention(text) if linear else _attention(text, kind)
    return Layer(
        kind="linear" if linear else "sliding" if window else "full",
        window=None if linear else window,
        attention_parameters=attention,
        key_value_parameters=key_value,
        replicated_parameters=replicated,
        mlp_parameters=dense,
        router_parameters=router,
        expert_parameters=experts,
        state_bytes=_state_bytes(text) if linear else 0,
        attention_16bit=checkpoint.keeps_16bit(f"model.layers.{index}.self_attn"),
        mlp_16bit=checkpoint.keeps_16bit(f"model.layers.{index}.mlp"),
    )


def _window(text: Section, kind: str, index: int) -> int | None:
    kinds = words(text, "layer_types")
    if kinds:
        if index >= len(kinds):
            raise ArchitectureError(f"layer_types names {len(kinds)} layers, fewer than num_hidden_layers")
        return number(text, "sliding_window") if kinds[index] == "sliding_attention" else None
    if text.get("attention_chunk_size") is not None:
        return None if (index + 1) % 4 == 0 else number(text, "attention_chunk_size")
    if not text.get("sliding_window"):
        return None
    if kind == "mistral" or (kind == "gemma2" and index % 2 == 0):
        return number(text, "sliding_window")
    if kind == "gemma3_text" and (index + 1) % number(text, "sliding_window_pattern", GEMMA3_FULL_EVERY):
        return number(text, "sliding_window")
    return None


def _attention(text: Section, kind: str) -> tuple[int, int, int]:
    """(all, keys and values, what is not divided)."""
    hidden, heads = number(text, "hidden_size"), number(text, "num_attention_heads")
    if "kv_lora_rank" in text:
        return _latent_attention(text, hidden, heads)
    size = number(text, "head_dim", hidden // heads)
    key_value = 2 * hidden * number(text, "num_key_value_heads", heads) * size
    query = hidden * heads * size * (2 if kind == "qwen3_next" else 1)
    return query + key_value + heads * size * hidden, key_value, 0


def _latent_attention(text: Section, hidden: int, heads: int) -> tuple[int, int, int]:
    rank, rope = number(text, "kv_lora_rank"), number(text, "qk_rope_head_dim")
    nope, value = number(text, "qk_nope_head_dim"), number(text, "v_head_dim")
    query_rank, wide = number(text, "q_lora_rank", 0), heads * (nope + rope)
    down = hidden * (rank + rope) + hidden * query_rank
    query = query_rank * wide if query_rank else hidden * wide
    return down + query + rank * heads * (nope + value) + heads * value * hidden, 0, down


def _linear_attention(text: Section) -> tuple[int, int, int]:
    hidden = number(text, "hidden_size")
    keys = number(text, "linear_num_key_heads") * number(text, "linear_key_head_dim")
    values = number(text, "linear_num_value_heads") * number(text, "linear_value_head_dim")
    return hidden * (2 * keys + 2 * values + 2 * number(text, "linear_num_value_heads")) + values * hidden, 0, 0


def _state_bytes(text: Section) -> int:
    """A matrix of keys × values per value head in 32 bits, and the last inputs of the convolution in 16."""
    key, value = number(text, "linear_key_head_dim"), number(text, "linear_value_head_dim")
    keys, values = number(text, "linear_num_key_heads") * key, number(text, "linear_num_value_heads") * value
    return 4 * key * values + 2 * number(text, "linear_conv_kernel_dim", 4) * (2 * keys + values)


def _mlp(text: Section, kind: str, index: int) -> tuple[int, int, int]:
    """(dense and shared, router, routed experts): gate, up and down projections of each."""
    hidden = number(text, "hidden_size")
    if kind in DENSE:
        return 3 * hidden * number(text, "intermediate_size"), 0, 0
    experts = expert_count(text)
    if not experts:
        raise ArchitectureError(f"model_type {kind!r} has experts, but no field says how many")
    if not _sparse(text, kind, index):
        return 3 * hidden * number(text, "intermediate_size_mlp", number(text, "intermediate_size")), 0, 0
    width = expert_width(text)
    shared = number(text, "n_shared_experts", 0) * width or number(text, "shared_expert_intermediate_size", 0)
    if kind == "llama4_text":
        shared = width
    return 3 * hidden * shared, hidden * experts, experts * 3 * hidden * width


def _sparse(text: Section, kind: str, index: int) -> bool:
    """Whether this layer has experts."""
    if index < number(text, "first_k_dense_replace", 0) or index in numbers(text, "mlp_only_layers"):
        return False
    step = number(text, "interleave_moe_layer_step" if kind == "llama4_text" else "decoder_sparse_step", 1)
    return step > 0 and (index + 1) % step == 0


def expert_count(text: Section) -> int:
    """Routed experts per layer, 0 for a dense model."""
    return next((number(text, key) for key in ("num_experts", "num_local_experts", "n_routed_experts") if text.get(key) is not None), 0)


def expert_width(text: Section) -> int:
    """Inner width of one expert."""
    return number(text, "moe_intermediate_size", number(text, "intermediate_size"))


def linear_scaling(text: Section) -> float:
    """The factor by which a linearly scaled rotary table is longer than the positions (Gemma 3: 8)."""
    scaling = section(text, "rope_scaling") or {}
    factor = scaling.get("factor")
    linear = scaling.get("rope_type", scaling.get("type")) == "linear"
    return float(factor) if linear and isinstance(factor, int | float) and 1 <= factor <= LARGEST_SCALING else 1.0


def vision_parameters(config: Section) -> int:
    """A vision tower: attention and a two-matrix MLP per layer; embeddings and projector are below one per cent."""
    tower = section(config, "vision_config")
    if tower is None:
        return 0
    width, inner = number(tower, "hidden_size"), number(tower, "intermediate_size")
    return number(tower, "num_hidden_layers") * (4 * width * width + 2 * width * inner)
