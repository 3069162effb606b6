"""Does a model fit its GPUs: weights, KV cache and what the engine needs beside them, per GPU, in GiB.

A first check: what is derived is exact, what is estimated leans to the safe side on the published measurements
(docs/adr/0020-memory-check.md).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import floor

from fleet import sizing_remedies, sizing_rules
from fleet.architecture import GIB
from fleet.memory import DEFAULT_MAX_MODEL_LEN, SizeRequest, Terms, batch_defaults, kv_bytes, kv_bytes_per_token, largest_context

__all__ = ["DEFAULT_MAX_MODEL_LEN", "PerGpu", "SizeRequest", "SizeResult", "batch_defaults", "kv_bytes", "size"]


@dataclass(frozen=True, kw_only=True)
class PerGpu:
    """GiB on each GPU."""

    usable_gib: float
    weights_gib: float
    activations_gib: float
    graphs_gib: float
    non_torch_gib: float
    kv_gib: float


@dataclass(frozen=True, kw_only=True)
class SizeResult:
    """The answer: `fits`, the breakdown, and when it does not fit, why and what would."""

    fits: bool
    accelerator: str
    gpus: int
    tensor_parallel: int
    weights_gib: float
    """Of the whole model, as files keep it under this quantisation."""
    per_gpu: PerGpu
    kv_bytes_per_token: int
    """On each GPU, over all layers with a cache."""
    kv_tokens: int
    """As vLLM prints it: concurrency × context, so that windowed layers count for what they save."""
    max_model_len: int
    """The context that was judged."""
    largest_max_model_len: int
    """The longest request the memory holds, at most the model's own limit."""
    concurrency: float
    """Requests of max_model_len tokens that the KV cache holds at once."""
    reasons: tuple[str, ...]
    remedies: tuple[str, ...]
    warnings: tuple[str, ...]


def size(request: SizeRequest) -> SizeResult:
    """Size a request, and for one that does not fit, try the nearest changes by the same calculation."""
    result = _judge(request)
    if result.fits:
        return result
    changes = sizing_remedies.remedies(request, lambda changed: not _refusals(changed, Terms(request=changed)))
    return replace(result, remedies=tuple(_outcome(words, changed) for words, changed in changes))


def _judge(request: SizeRequest) -> SizeResult:
    terms = Terms(request=request)
    refusals = _refusals(request, terms)
    concurrency = max(0.0, terms.pool / kv_bytes(request, request.context))
    return SizeResult(
        fits=not refusals,
        accelerator=request.accelerator,
        gpus=request.gpus,
        tensor_parallel=request.tensor_parallel,
        weights_gib=_gib(request.architecture.weight_bytes(request.quantization, wide=request.wide)),
        per_gpu=PerGpu(
            usable_gib=_gib(terms.usable),
            weights_gib=_gib(terms.weights),
            activations_gib=_gib(terms.activations),
            graphs_gib=_gib(terms.graphs),
            non_torch_gib=_gib(terms.non_torch),
            kv_gib=_gib(max(0.0, terms.pool)),
        ),
        kv_bytes_per_token=kv_bytes_per_token(request),
        kv_tokens=floor(concurrency * request.context),
        max_model_len=request.context,
        largest_max_model_len=largest_context(request, terms.pool),
        concurrency=floor(concurrency * 100) / 100,
        reasons=tuple(refusals),
        remedies=(),
        warnings=tuple(sizing_rules.warnings(request)),
    )


def _refusals(request: SizeRequest, terms: Terms) -> list[str]:
    """Broken rules, and what the memory lacks."""
    found = sizing_rules.reasons(request)
    usable, pool, one = terms.usable / GIB, terms.pool / GIB, kv_bytes(request, request.context) / GIB
    if pool <= 0:
        found.append(f"weights and overhead need {usable - pool:.1f} GiB of the {usable:.1f} GiB usable per GPU: {-pool:.1f} GiB too much")
    elif one > pool:
        needs = f"one request of {request.context} tokens needs {one:.2f} GiB of KV cache per GPU, {pool:.2f} GiB are left"
        found.append(f"{needs}; the longest is {largest_context(request, terms.pool)}")
    return found


def _outcome(words: str, changed: SizeRequest) -> str:
    answer = _judge(changed)
    return f"{words}: needs {answer.per_gpu.weights_gib:.1f} GiB of weights per GPU, leaves {answer.kv_tokens:,} tokens of KV cache"


def _gib(count: float) -> float:
    return round(count / GIB, 2)
