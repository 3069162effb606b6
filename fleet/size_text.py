"""The answer of `python -m fleet size` as a person reads it."""

from __future__ import annotations

from collections.abc import Iterator

from fleet.concurrency import ConcurrencyAt
from fleet.explain import explanation
from fleet.memory import SizeRequest
from fleet.sizing import SizeResult
from fleet.sizing_remedies import Change

NOTHING = "nothing on one node of the catalogue with this model; several nodes are not served yet"


SHOWN_GIB = 0.005


def size_text(name: str, request: SizeRequest, result: SizeResult, *, explained: bool = False) -> str:
    """Verdict, breakdown per GPU, then why not and what would fit.

    Args:
        name: of the model, as it was asked about.
        request: the question.
        result: the answer.
        explained: with formula, inputs and source of every line.
    """
    verdict = "fits" if result.fits else "does not fit"
    method = request.quantization or request.architecture.checkpoint_quantization or "16 bits"
    parameters = request.architecture.parameters / 1e9
    lines = [
        f"{name} {verdict} on {result.tensor_parallel} × {result.accelerator}",
        f"  {parameters:.1f} billion parameters in {method}, {result.weights_gib:.2f} GiB of weights, context {result.max_model_len:,}",
        *_node(result),
        "",
        explanation(result.terms) if explained else _breakdown(result),
        "",
        f"  {result.kv_tokens:,} tokens of KV cache at {result.kv_bytes_per_token:,} bytes each per GPU",
        f"  {result.concurrency:.2f} requests of {result.max_model_len:,} tokens at once; longest context {result.largest_max_model_len:,}",
        *(_lengths(result.concurrency_at) if result.concurrency_at else ()),
    ]
    if result.reasons:
        lines += ["", "Why not", *(f"  {reason}" for reason in result.reasons)]
        remedies = [line for words, change in zip(result.remedies, result.changes, strict=True) for line in _remedy(words, change)]
        lines += ["", "What would fit", *(remedies or [f"  {NOTHING}"])]
    if result.warnings:
        lines += ["", "Warnings", *(f"  {warning}" for warning in result.warnings)]
    return "\n".join(lines)


def _breakdown(result: SizeResult) -> str:
    """One line per term, marked measured, derived or estimated; what rounds to nothing is in `--explain` only."""
    lines: list[str] = []
    for term in result.terms:
        if abs(term.gib) < SHOWN_GIB:
            continue
        margin = f" (margin {term.margin_gib:.2f})" if term.margin_gib else ""
        lines.append(f"  {term.name:<32} {term.gib:8.2f} GiB per GPU  {term.kind}{margin}")
    return "\n".join(lines)


def _node(result: SizeResult) -> Iterator[str]:
    if result.gpus > result.tensor_parallel:
        left = result.gpus % result.tensor_parallel
        idle = f", {left} of its GPUs serve nothing" if left else ""
        yield f"  a node of {result.gpus} GPUs holds {result.servers_per_node} such servers{idle}"


def _lengths(found: ConcurrencyAt) -> Iterator[str]:
    what = f"requests of {found.prompt_tokens:,} prompt and {found.output_tokens:,} answer tokens at once"
    yield f"  {found.finished:.2f} {what}, all answers written; {found.average:.2f} with answers half written on average"
    if found.running_limit in (found.finished, found.average):
        yield f"  the engine runs no more than {found.running_limit:,} together (max-num-seqs)"


def _remedy(words: str, change: Change) -> Iterator[str]:
    outcome = words.rpartition(": needs ")[2].partition("; cost: ")[0]
    yield f"  {change.words}: needs {outcome}"
    yield f"      cost: {change.cost}"
    if change.pin:
        yield f"      pin: {change.pin}"
    if change.machines:
        yield f"      sold: {'; '.join(change.machines)}"
    options = " ".join(_option(name, value) for name, value in change.options.items())
    yield f"      {options}"


def _option(name: str, value: object) -> str:
    option = f"--{name.replace('_', '-')}"
    return f"(without {option})" if value is None else f"{option} {value}"
