"""Decoder layers of a model, counted from its config.json: weights by part, and what the KV cache keeps of a token."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from fleet.attention import LatentAttention, attention_parts, heads_of, latent_of, latent_parts
from fleet.config_fields import ArchitectureError, Section, flag, number, numbers, short, words
from fleet.families import Family
from fleet.feed_forward import mlp_parts, shares_cache
from fleet.parts import Part, linear, vector
from fleet.recurrent import recurrent

Kind = Literal["full", "sliding", "linear", "both", "none"]
"""Attention without and with a window, a recurrent layer, both beside each other, or neither (an MLP of its own)."""

_NAMES: dict[str, Kind] = {
    **dict.fromkeys(("full_attention", "attention", "*"), "full"),
    **dict.fromkeys(("sliding_attention", "chunked_attention"), "sliding"),
    **dict.fromkeys(("linear_attention", "mamba", "mamba2", "M"), "linear"),
    **dict.fromkeys(("mlp", "moe", "-", "E"), "none"),
}
"""What `layer_types`, `layers_block_type` and `hybrid_override_pattern` call them."""


@dataclass(frozen=True, kw_only=True)
class Layer:
    """One decoder layer. `window` is the most tokens a sliding or chunked layer looks back at."""

    kind: Kind
    window: int | None
    parts: tuple[Part, ...]
    key_value_heads: int
    """Heads in the cache; 0 for latent attention and for layers without a cache."""
    head_dimension: int
    latent: LatentAttention | None
    state_bytes: int
    """Of a recurrent layer, per request over all GPUs, whatever its length."""

    @property
    def cached(self) -> bool:
        """Whether it keeps keys and values (or a latent vector) of every token."""
        return self.latent is not None or self.key_value_heads > 0

    @property
    def parameters(self) -> int:
        """All of them, as the files hold them."""
        return sum(part.parameters for part in self.parts if part.published)

    @property
    def expert_parameters(self) -> int:
        """Of the routed experts; 0 for a dense layer."""
        return sum(part.parameters for part in self.parts if part.experts)


def layer(text: Section, kind: str, family: Family, index: int) -> Layer:
    """Layer `index` of a text model.

    Raises:
        ArchitectureError: a field is missing or impossible.
    """
    name = _named(text, family, index)
    block = _kind(text, family, index, name)
    window = _window(text, family, index, named=block if name else None)
    block = "sliding" if block == "full" and window else block
    parts: list[Part] = [vector("norms", number(text, "hidden_size") * family.norms)]
    state = 0
    if block in ("linear", "both"):
        found, state = recurrent(text, family.recurrent)
        parts += found
    latent, heads = None, None
    if block in ("full", "sliding", "both"):
        latent = latent_of(text)
        heads = None if latent else heads_of(text, kind, family, index=index, full=block != "sliding")
        parts += latent_parts(text) if heads is None else attention_parts(text, kind, family, heads, full=block != "sliding")
    parts += _feed_forward(text, kind, family, index, name)
    shared = kind == "gemma4_text" and shares_cache(text, index)
    return Layer(
        kind=block,
        window=window if block == "sliding" else None,
        parts=tuple(parts),
        key_value_heads=0 if heads is None or shared else heads.key_values,
        head_dimension=heads.size if heads else 0,
        latent=latent,
        state_bytes=state,
    )


def _feed_forward(text: Section, kind: str, family: Family, index: int, name: str | None) -> tuple[Part, ...]:
    if kind in ("mamba", "falcon_mamba", "mamba2"):
        return ()
    if kind == "nemotron_h":  # its blocks are one thing each: Mamba, attention, MLP or experts
        if name in ("-", "mlp"):
            return mlp_parts(text, kind, replace(family, experts="none"), index)
        return mlp_parts(text, kind, replace(family, experts="all"), index) if name in ("E", "moe") else ()
    parts = mlp_parts(text, kind, family, index)
    inputs = per_layer_inputs(text) if kind == "gemma4_text" else 0
    if inputs:
        hidden = number(text, "hidden_size")
        gates = linear("per_layer_input_gate", hidden, inputs, spread="repeated")
        parts = (*parts, *gates, *linear("per_layer_projection", inputs, hidden, spread="repeated"))
    return parts


def per_layer_inputs(text: Section) -> int:
    """Width of Gemma 4's embeddings per layer: E2B and E4B have them, the larger models share no cache and have none."""
    return number(text, "hidden_size_per_layer_input", 256 if number(text, "num_kv_shared_layers", 0) else 0)


def _named(text: Section, family: Family, index: int) -> str | None:
    """What the file calls this layer, None where it has no list."""
    pattern = text.get("hybrid_override_pattern")
    names = tuple(pattern) if isinstance(pattern, str) else words(text, "layer_types")
    if not names:
        if family.recurrent == "mamba2" and not family.gated:
            raise ArchitectureError("the field hybrid_override_pattern is missing: nothing says which layers are Mamba, attention or MLP")
        return None
    if index >= len(names):
        raise ArchitectureError(f"layer_types names {len(names)} layers, fewer than num_hidden_layers")
    if names[index] not in _NAMES:
        raise ArchitectureError(f"layer_types holds {short(names[index])}, a kind of layer that is not counted here")
    return names[index]


def _kind(text: Section, family: Family, index: int, name: str | None) -> Kind:
    if family.recurrent == "beside":
        return "both"
    if name is not None:
        return _NAMES[name]
    return "full" if not family.recurrent or _attends(text, family, index) else "linear"


def _attends(text: Section, family: Family, index: int) -> bool:
    """Whether a layer of a model with recurrent ones is attention, by a period, a list of kinds or a list of layers."""
    if family.recurrent == "delta":
        return (index + 1) % number(text, "full_attention_interval") == 0
    if family.recurrent == "lightning":
        kinds = numbers(text, "attn_type_list")
        if index >= len(kinds):
            raise ArchitectureError(f"attn_type_list names {len(kinds)} layers, fewer than num_hidden_layers")
        return kinds[index] == 1
    if text.get("attn_layer_period") is not None:
        return index % number(text, "attn_layer_period") == number(text, "attn_layer_offset", 0)
    return index in numbers(text, "attn_layer_indices")


def _window(text: Section, family: Family, index: int, named: Kind | None) -> int | None:
    chunk = number(text, "attention_chunk_size", 0) if family.windows == "fourth" else 0
    if named is not None:
        return (chunk or number(text, "sliding_window")) if named == "sliding" else None
    if chunk:
        return chunk if (index + 1) % 4 else None
    window = number(text, "sliding_window", 0)
    if text.get("use_sliding_window") is not None:
        used = flag(text, "use_sliding_window") and index >= number(text, "max_window_layers", 0)
    else:
        used = _by_rule(text, family, index)
    return window if window and used else None


def _by_rule(text: Section, family: Family, index: int) -> bool:
    """Whether the family gives this layer a window, where neither a list nor a switch says so."""
    pattern = text.get("sliding_window_pattern")
    if isinstance(pattern, str):
        return family.windows == "pattern" and pattern[index % len(pattern) : index % len(pattern) + 1] == "L" if pattern else False
    if family.windows in ("sixth", "fourth"):
        every = number(text, "sliding_window_pattern", 6 if family.windows == "sixth" else 4)
        return every > 0 and (index + 1) % every != 0
    return family.windows == "all" or (family.windows == "even" and index % 2 == 0)
