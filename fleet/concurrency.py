"""How many requests of given lengths a KV cache holds at once."""

from __future__ import annotations

from dataclasses import dataclass
from math import floor

from fleet.memory import SizeRequest, batch_defaults, kv_bytes


@dataclass(frozen=True, kw_only=True)
class Lengths:
    """Of a typical request, in tokens."""

    prompt_tokens: int
    output_tokens: int


@dataclass(frozen=True, kw_only=True)
class ConcurrencyAt:
    """Requests at once, at these lengths."""

    prompt_tokens: int
    output_tokens: int
    finished: float
    """If all have written their whole answers: what always fits, no request is put back."""
    average: float
    """If they are at all points of their answers, half written on average: what a steady stream fills."""
    running_limit: int
    """max-num-seqs: more than this never run together, however short."""


def concurrency_at(request: SizeRequest, pool_bytes: float, lengths: Lengths) -> ConcurrencyAt:
    """KV pool ÷ KV cache of one request, once at prompt + answer and once at prompt + half the answer; no shared prefixes."""
    _, running = batch_defaults(request)
    whole = kv_bytes(request, lengths.prompt_tokens + lengths.output_tokens)
    half = kv_bytes(request, lengths.prompt_tokens + lengths.output_tokens // 2)
    return ConcurrencyAt(
        prompt_tokens=lengths.prompt_tokens,
        output_tokens=lengths.output_tokens,
        finished=_requests(pool_bytes / whole, running),
        average=_requests(pool_bytes / half, running),
        running_limit=running,
    )


def _requests(count: float, most: int) -> float:
    return min(max(0, floor(count * 100)) / 100, most)
