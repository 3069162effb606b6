"""The weights of a model as named parts: how many, how tensor parallelism spreads them, and whether a quantisation touches them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Spread = Literal["divided", "repeated", "key_value"]
"""Over the GPUs of one server: in equal shares, whole on each, or by key-value heads (whole heads, repeated where there are fewer)."""


@dataclass(frozen=True, kw_only=True)
class Part:
    """One module of a layer."""

    name: str
    """Its path in the layer, as in the files: "self_attn.q_proj"."""
    parameters: int
    spread: Spread = "divided"
    linear: bool = True
    """A matrix that quantisations convert; norms, biases, gates of experts and convolutions stay as they are."""
    experts: int = 0
    """Routed experts in it; 0: none."""
    inner: int = 0
    """Inner width of one expert."""
    outer: int = 0
    """Width that an expert reads and writes."""
    matrices: int = 3
    """Of each expert: gate, up and down, or up and down."""
    published: bool = True
    """Whether the files hold it; otherwise the engine makes it while loading."""


def linear(name: str, rows: int, columns: int, *, bias: bool = False, spread: Spread = "divided") -> tuple[Part, ...]:
    """A matrix, and its bias as a part of its own."""
    matrix = Part(name=name, parameters=rows * columns, spread=spread)
    return (matrix, Part(name=f"{name}.bias", parameters=columns, spread=spread, linear=False)) if bias else (matrix,)


def vector(name: str, parameters: int, *, spread: Spread = "repeated") -> Part:
    """Norms, biases, convolutions: never quantised."""
    return Part(name=name, parameters=parameters, spread=spread, linear=False)
