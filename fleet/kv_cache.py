"""The KV cache as vLLM pages it: blocks of equal size in bytes, shared by groups of layers of one kind.

Rules of `vllm/v1/core/kv_cache_utils.py`, checked against reservations traced in vLLM 0.29 (Qwen3.5-27B, Gemma-4-31B,
Nemotron-3-Nano) and a log of 0.19 (Gemma-3-27B: 62 layers padded to 70).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil

from fleet.architecture import Architecture
from fleet.layers import Layer

BLOCK_TOKENS = 16
"""Tokens of one KV cache block, vLLM's default."""

GROUPS_PADDED_BELOW = 1.25
"""vLLM gives layers with and without a window equal groups; counts closer than this make the group of the larger."""

STATE_PAGES = 2
"""Pages of a recurrent layer per request: its state, and a copy at the last cached block (prefix caching is the default)."""


@dataclass(frozen=True, kw_only=True)
class Pages:
    """Layers of one kind, padded to whole groups."""

    window: int | None
    layers: int
    state: bool
    block_tokens: int
    page_bytes: float

    def bytes(self, tokens: int, in_flight: int) -> float:
        """Of one request of this many tokens, while a batch of `in_flight` tokens is computed."""
        if self.state:
            return STATE_PAGES * self.page_bytes * self.layers
        blocks = ceil(tokens / self.block_tokens)
        if self.window is not None:
            blocks = min(blocks, ceil((self.window - 1 + in_flight) / self.block_tokens)) + 1
        return blocks * self.page_bytes * self.layers


def token_bytes(layer: Layer, element: float, tensor_parallel: int) -> float:
    """Bytes of one token in this layer on each GPU: 2 × key-value heads × head size × element, or one latent vector."""
    if layer.latent:  # one vector for all heads, which tensor parallelism repeats on each GPU
        return (layer.latent.kv_lora_rank + layer.latent.rope_dimension) * element + layer.latent.index_bytes
    return 2 * max(1, layer.key_value_heads // tensor_parallel) * layer.head_dimension * element if layer.cached else 0.0


def pages(shape: Architecture, element: float, tensor_parallel: int) -> tuple[Pages, ...]:
    """Every kind of layer with a cache or a state."""
    kinds: Counter[tuple[int | None, float, float]] = Counter()
    for layer, count in shape.layer_counts:
        if layer.cached:
            kinds[layer.window, token_bytes(layer, element, tensor_parallel), 0.0] += count
        if layer.state_bytes:
            kinds[None, 0.0, layer.state_bytes / tensor_parallel] += count
    if len({(window, state > 0) for window, _, state in kinds}) < 2:  # layers of one kind may differ in size and need no groups
        return tuple(_alone(window, one, state, count) for (window, one, state), count in kinds.items())
    return _grouped(kinds)


def _alone(window: int | None, one: float, state: float, count: int) -> Pages:
    return Pages(window=window, layers=count, state=state > 0, block_tokens=BLOCK_TOKENS, page_bytes=state or one * BLOCK_TOKENS)


def _grouped(kinds: Mapping[tuple[int | None, float, float], int]) -> tuple[Pages, ...]:
    """Pages of one size for all: smaller ones hold more tokens, and a state makes every page as large as itself."""
    largest = max(one for _, one, _ in kinds) or 1.0
    states = max(state for _, _, state in kinds)
    tokens = max(BLOCK_TOKENS, ceil(states / largest / BLOCK_TOKENS) * BLOCK_TOKENS)
    page = tokens * largest if any(one for _, one, _ in kinds) else states
    fewest, most = min(kinds.values()), max(kinds.values())
    group = most if most < fewest * GROUPS_PADDED_BELOW else fewest
    return tuple(
        Pages(
            window=window,
            layers=ceil(count / group) * group,
            state=state > 0,
            block_tokens=max(BLOCK_TOKENS, int(page / one)) if one else BLOCK_TOKENS,
            page_bytes=page,
        )
        for (window, one, state), count in kinds.items()
    )
