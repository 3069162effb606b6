"""Does a model fit its GPUs: weights, KV cache and what the engine needs beside them, per GPU, in GiB.

What is derived is exact, what is estimated leans to the safe side on the published measurements (docs/sizing.md,
docs/adr/0020-memory-check.md).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import floor

from fleet import explain, sizing_remedies, sizing_rules
from fleet.architecture import GIB
from fleet.concurrency import ConcurrencyAt, Lengths, concurrency_at
from fleet.memory import DEFAULT_MAX_MODEL_LEN, SizeRequest, Terms, batch_defaults, kv_bytes, kv_bytes_per_token, largest_context
from fleet.offers import Offers
from fleet.sizing_remedies import Change
from fleet.terms import Term

__all__ = ["DEFAULT_MAX_MODEL_LEN", "PerGpu", "SizeRequest", "SizeResult", "batch_defaults", "judge", "kv_bytes", "size"]


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
    servers_per_node: int
    """Such servers that the GPUs of one node hold."""
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
    concurrency_at: ConcurrencyAt | None
    """The same at a prompt and an answer of given lengths, where somebody gave them."""
    missing_gib: float
    """Per GPU, what the memory lacks for weights, overhead and one request of full context; 0 where it is enough."""
    terms: tuple[Term, ...]
    """Every line of the breakdown: usable first, the KV cache last."""
    reasons: tuple[str, ...]
    remedies: tuple[str, ...]
    """Each accepted by this calculation."""
    changes: tuple[Change, ...]
    """The same as options to apply, in the same order."""
    warnings: tuple[str, ...]


def size(request: SizeRequest, offers: Offers | None = None, lengths: Lengths | None = None) -> SizeResult:
    """Size a request, and for one that does not fit, try the nearest changes by the same calculation.

    Args:
        request: the question.
        offers: what may be named instead; default: every machine of the catalogue.
        lengths: of prompts and answers, for `concurrency_at`.
    """
    result = judge(request, lengths)
    if result.fits:
        return result
    changes = sizing_remedies.remedies(request, offers or Offers(), lambda changed: not _refusals(changed, Terms(request=changed)))
    return replace(result, changes=tuple(changes), remedies=tuple(_outcome(request, change) for change in changes))


def judge(request: SizeRequest, lengths: Lengths | None = None) -> SizeResult:
    """The answer without remedies, for who only asks whether."""
    terms = Terms(request=request)
    refusals = _refusals(request, terms)
    one = kv_bytes(request, request.context)
    concurrency = max(0.0, terms.pool / one)
    return SizeResult(
        fits=not refusals,
        accelerator=request.accelerator,
        gpus=request.gpus,
        tensor_parallel=request.tensor_parallel,
        servers_per_node=request.gpus // request.tensor_parallel,
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
        concurrency_at=concurrency_at(request, terms.pool, lengths) if lengths else None,
        missing_gib=_gib(max(0.0, one - terms.pool)),
        terms=explain.breakdown(terms),
        reasons=tuple(refusals),
        remedies=(),
        changes=(),
        warnings=tuple(sizing_rules.warnings(request)),
    )


def _refusals(request: SizeRequest, terms: Terms) -> list[str]:
    """Broken rules, and what the memory lacks."""
    found = sizing_rules.reasons(request)
    usable, pool, one = terms.usable / GIB, terms.pool / GIB, kv_bytes(request, request.context) / GIB
    if pool >= one:
        return found
    taken = f"{explain.taken_words(terms)} = {usable - pool:.2f} GiB of the {usable:.2f} GiB usable per GPU"
    if pool <= 0:
        found.append(f"{taken}: {-pool:.2f} GiB too much, before any KV cache")
    else:
        needs = f"one request of {request.context} tokens needs {one:.2f} GiB of KV cache in the {pool:.2f} GiB left"
        found.append(f"{taken}; {needs}: {one - pool:.2f} GiB too much; the longest request is {largest_context(request, terms.pool)} tokens")
    return found


def _outcome(request: SizeRequest, change: Change) -> str:
    changed = sizing_remedies.applied(request, change.options)
    terms = Terms(request=changed)
    tokens = floor(terms.pool / kv_bytes(changed, changed.context) * changed.context)
    pin = f" ({change.pin})" if change.pin else ""
    sold = f" (sold: {'; '.join(change.machines)})" if change.machines else ""
    outcome = f"needs {terms.weights / GIB:.1f} GiB of weights per GPU, leaves {tokens:,} tokens of KV cache"
    return f"{change.words}{pin}{sold}: {outcome}; cost: {change.cost}"


def _gib(count: float) -> float:
    return round(count / GIB, 2)
