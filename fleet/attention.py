"""Attention blocks: weights, and what the KV cache keeps of one token. Shapes follow the modelling files of transformers and vLLM."""

from __future__ import annotations

from dataclasses import dataclass

from fleet.config_fields import ArchitectureError, Section, flag, number, numbers
from fleet.families import Family
from fleet.parts import Part, linear, vector


@dataclass(frozen=True, kw_only=True)
class Heads:
    """Heads of one layer."""

    queries: int
    key_values: int
    size: int


def heads_of(text: Section, kind: str, family: Family, *, index: int, full: bool) -> Heads:
    """Query and key-value heads of a layer; Gemma 4 has other ones without a window than with.

    Raises:
        ArchitectureError: they are missing or do not divide.
    """
    queries, hidden = number(text, "num_attention_heads"), number(text, "hidden_size")
    size = number(text, "head_dim", family.head_dimension or hidden // queries)
    key_values = _key_values(text, queries, index)
    if kind == "gemma4_text" and full:
        size = number(text, "global_head_dim", 512)
        if flag(text, "attention_k_eq_v"):
            key_values = number(text, "num_global_key_value_heads", key_values)
    if key_values == 0 or queries % key_values:
        raise ArchitectureError(f"num_attention_heads {queries} is no multiple of num_key_value_heads {key_values}")
    if size == 0:
        raise ArchitectureError(f"hidden_size {hidden} is below num_attention_heads {queries}")
    return Heads(queries=queries, key_values=key_values, size=size)


def _key_values(text: Section, queries: int, index: int) -> int:
    said = text.get("num_key_value_heads")
    if isinstance(said, list):
        listed = numbers(text, "num_key_value_heads")
        if index >= len(listed):
            raise ArchitectureError(f"num_key_value_heads lists {len(listed)} layers, fewer than num_hidden_layers")
        return listed[index]
    if said is None and flag(text, "multi_query") and not flag(text, "new_decoder_architecture"):
        return 1
    return number(text, "num_key_value_heads", queries)


def attention_parts(text: Section, kind: str, family: Family, heads: Heads, *, full: bool) -> tuple[Part, ...]:
    """Projections, biases and norms of standard attention."""
    hidden = number(text, "hidden_size")
    said = next((text[key] for key in ("attention_bias", "qkv_bias", "use_qkv_bias", "use_bias", "bias") if isinstance(text.get(key), bool)), None)
    query_bias = family.query_bias if said is None else bool(said)
    # Qwen 2 has biases on queries, keys and values whatever its file says, and none on the output.
    output_bias = family.output_bias if said is None or not family.output_bias else bool(said)
    query_width, key_width = heads.queries * heads.size, heads.key_values * heads.size
    shared_value = kind == "gemma4_text" and full and flag(text, "attention_k_eq_v")
    parts = [
        *linear("self_attn.q_proj", hidden, query_width * (2 if family.query_gate else 1), bias=query_bias),
        *linear("self_attn.k_proj", hidden, key_width, bias=query_bias, spread="key_value"),
        *linear("self_attn.o_proj", query_width, hidden, bias=output_bias),
    ]
    if shared_value:  # vLLM copies the keys' projection into the values' (traced in vLLM 0.29: 210 MiB for Gemma-4-31B)
        parts.append(Part(name="self_attn.v_proj", parameters=hidden * key_width, spread="key_value", published=False))
    else:
        parts += linear("self_attn.v_proj", hidden, key_width, bias=query_bias, spread="key_value")
    if family.qk_norms or flag(text, "use_qk_norm"):
        parts.append(vector("self_attn.qk_norm", 2 * heads.size))
    if kind == "gpt_oss":
        parts.append(vector("self_attn.sinks", heads.queries))
    return tuple(parts)


@dataclass(frozen=True, kw_only=True)
class LatentAttention:
    """Multi-head latent attention: one compressed vector per token instead of keys and values per head."""

    kv_lora_rank: int
    rope_dimension: int
    index_bytes: int = 0
    """Bytes per token of the sparse-attention index beside it (DeepSeek V3.2: 128 in fp8 and a scale)."""


def latent_of(text: Section) -> LatentAttention | None:
    """Latent attention where the file has it."""
    if text.get("kv_lora_rank") is None:
        return None
    index = number(text, "index_head_dim", 0)
    return LatentAttention(
        kv_lora_rank=number(text, "kv_lora_rank"),
        rope_dimension=number(text, "qk_rope_head_dim"),
        index_bytes=index + 4 if index else 0,
    )


def latent_parts(text: Section) -> tuple[Part, ...]:
    """DeepSeek's projections: down to the latent vectors whole on each GPU, up from them divided."""
    hidden, heads = number(text, "hidden_size"), number(text, "num_attention_heads")
    rank, rope = number(text, "kv_lora_rank"), number(text, "qk_rope_head_dim")
    nope, value = number(text, "qk_nope_head_dim"), number(text, "v_head_dim")
    query_rank, wide = number(text, "q_lora_rank", 0), heads * (nope + rope)
    up = rank * heads * (nope + value)
    parts = [
        *linear("self_attn.kv_a_proj_with_mqa", hidden, rank + rope, spread="repeated"),
        vector("self_attn.kv_a_layernorm", rank),
        *linear("self_attn.kv_b_proj", rank, heads * (nope + value)),
        *linear("self_attn.o_proj", heads * value, hidden),
        # The up-projection once more in 16 bits, split into keys and values for decoding (vLLM's MLA layer).
        Part(name="self_attn.kv_b_proj.absorbed", parameters=up, linear=False, published=False),
    ]
    if query_rank:
        parts += linear("self_attn.q_a_proj", hidden, query_rank, spread="repeated")
        parts += linear("self_attn.q_b_proj", query_rank, wide)
        parts.append(vector("self_attn.q_a_layernorm", query_rank))
    else:
        parts += linear("self_attn.q_proj", hidden, wide)
    if text.get("index_n_heads") is not None:
        index_heads, index_size = number(text, "index_n_heads"), number(text, "index_head_dim")
        parts += linear("self_attn.indexer.wq_b", query_rank, index_heads * index_size, spread="repeated")
        parts += linear("self_attn.indexer.wk", hidden, index_size, spread="repeated")
        parts.append(vector("self_attn.indexer.weights_proj", hidden * index_heads))
    return tuple(parts)
