"""Layers with a state of fixed size instead of a KV cache: gated delta rule, lightning attention, Mamba and Mamba 2."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from fleet.config_fields import Section, number
from fleet.parts import Part, linear, vector

State = tuple[tuple[Part, ...], int]
"""The parts, and bytes of the state of one request over all GPUs."""


def recurrent(text: Section, kind: str) -> State:
    """A recurrent block of this kind: "delta", "lightning", "mamba1" or "mamba2".

    Raises:
        ArchitectureError: a field is missing.
    """
    return _KINDS[kind](text)


def _delta(text: Section) -> State:
    """Gated delta rule of Qwen3-Next and Qwen3.5: a matrix of keys × values per head in 32 bits, and the convolution's last inputs."""
    hidden, heads = number(text, "hidden_size"), number(text, "linear_num_value_heads")
    key, value = number(text, "linear_key_head_dim"), number(text, "linear_value_head_dim")
    keys, values = number(text, "linear_num_key_heads") * key, heads * value
    mixed, kernel = 2 * keys + values, number(text, "linear_conv_kernel_dim")
    parts = (
        *linear("linear_attn.in_proj_qkv", hidden, mixed),
        *linear("linear_attn.in_proj_z", hidden, values),
        vector("linear_attn.in_proj_ba", hidden * 2 * heads, spread="divided"),
        vector("linear_attn.conv1d", mixed * kernel, spread="divided"),
        vector("linear_attn.norm", value + 2 * heads),
        *linear("linear_attn.out_proj", values, hidden),
    )
    return parts, 4 * key * values + 2 * (kernel - 1) * mixed


def _lightning(text: Section) -> State:
    """Lightning attention of MiniMax-01 and M1: a matrix of head size × head size per head in 32 bits."""
    hidden, heads, size = number(text, "hidden_size"), number(text, "num_attention_heads"), number(text, "head_dim")
    parts = (
        *linear("self_attn.qkv_proj", hidden, 3 * heads * size),
        *linear("self_attn.output_gate", hidden, heads * size),
        vector("self_attn.norm", heads * size, spread="divided"),
        *linear("self_attn.out_proj", heads * size, hidden),
    )
    return parts, 4 * heads * size * size


def _mamba1(text: Section) -> State:
    hidden, state = number(text, "hidden_size"), number(text, "mamba_d_state", 16)
    inner = number(text, "mamba_d_inner", 0) or number(text, "intermediate_size", 0) * ("mamba_expand" not in text) or _expanded(text)
    said = text.get("mamba_dt_rank")
    rank, kernel = -(-hidden // 16) if said is None or said == "auto" else number(text, "mamba_dt_rank"), number(text, "mamba_d_conv", 4)
    parts = (
        *linear("mamba.in_proj", hidden, 2 * inner),
        vector("mamba.conv1d", inner * (kernel + 1), spread="divided"),
        *linear("mamba.x_proj", inner, rank + 2 * state),
        *linear("mamba.dt_proj", rank, inner, bias=True),
        vector("mamba.A", inner * (state + 1), spread="divided"),
        *linear("mamba.out_proj", inner, hidden),
    )
    return parts, inner * (_state_bytes(text) * state + 2 * (kernel - 1))


def _mamba2(text: Section) -> State:
    hidden, heads = number(text, "hidden_size"), number(text, "mamba_n_heads", 0)
    inner = heads * number(text, "mamba_d_head", 64) if heads and text.get("mamba_d_head") not in (None, "auto") else _inner(text)
    heads = heads or inner // number(text, "mamba_d_head", 64)
    state, kernel = number(text, "mamba_d_state", 128), number(text, "mamba_d_conv", 4)
    mixed = inner + 2 * number(text, "mamba_n_groups", 1) * state
    parts = (
        *linear("mamba.in_proj", hidden, inner + mixed + heads),
        vector("mamba.conv1d", mixed * (kernel + 1), spread="divided"),
        vector("mamba.norm", inner + 3 * heads, spread="divided"),
        *linear("mamba.out_proj", inner, hidden),
    )
    return parts, _state_bytes(text) * inner * state + 2 * (kernel - 1) * mixed


def _inner(text: Section) -> int:
    return number(text, "mamba_d_ssm", 0) or _expanded(text)


def _expanded(text: Section) -> int:
    return number(text, "mamba_expand", 2) * number(text, "hidden_size")


def _state_bytes(text: Section) -> int:
    """Bytes of one element of the state: as the file says, else as wide as the model."""
    said = text.get("mamba_ssm_cache_dtype", text.get("mamba_ssm_dtype"))
    return 4 if said == "float32" else 2


_KINDS: Mapping[str, Callable[[Section], State]] = {"delta": _delta, "lightning": _lightning, "mamba1": _mamba1, "mamba2": _mamba2, "beside": _mamba2}
