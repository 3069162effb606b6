"""Every line of a breakdown with its formula, what it was given and where it comes from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from fleet import catalog
from fleet.architecture import GIB
from fleet.memory import SizeRequest, Terms
from fleet.terms import Kind, Term

DECIMALS = 4
"""Of a GiB in an answer: a tenth of a MiB."""


def breakdown(request: SizeRequest, terms: Terms) -> tuple[Term, ...]:
    """What is usable, what is taken from it, and what is left for the KV cache: the first is the sum of the others."""
    gpu = catalog.accelerator(request.accelerator)
    usable = Term(
        name="usable",
        gib=terms.usable / GIB,
        kind="measured",
        formula="total_gib × gpu_memory_utilization",
        inputs={"total_gib": gpu.total_gib, "gpu_memory_utilization": request.gpu_memory_utilization},
        source="total that PyTorch prints for this GPU (fleet/catalog_rows.py); share as the engine's option, vLLM 0.33",
    )
    cache = Term(
        name="KV cache",
        gib=terms.pool / GIB,
        kind="derived",
        formula="usable − all lines between; below 0: so much is too much",
        inputs={"usable_gib": round(usable.gib, DECIMALS), "taken_gib": round((terms.usable - terms.pool) / GIB, DECIMALS)},
        source="vLLM 0.33, v1/worker/gpu_worker.py: requested − consumed − peak − graphs",
    )
    return tuple(_rounded(term) for term in (usable, *_taken(terms), cache))


def _taken(terms: Terms) -> tuple[Term, ...]:
    lines: tuple[tuple[str, float, Kind, str], ...] = (
        ("weights", terms.weights, "derived", "share of each GPU + what every GPU repeats + padding of kernels + rotary table"),
        ("activations", terms.activations, "estimated", "tokens of a batch × (2 intermediate + 4 hidden) × bytes ÷ tensor parallel + logits"),
        ("CUDA graphs", terms.graphs, "estimated", "layers × GiB per layer of the default batch"),
        ("non-torch", terms.non_torch, "estimated", "CUDA context; NCCL where several GPUs work together"),
    )
    source = "fleet/memory.py, docs/adr/0020-memory-check.md"
    return tuple(Term(name=name, gib=value / GIB, kind=kind, formula=formula, inputs={}, source=source) for name, value, kind, formula in lines)


def taken_words(terms: Sequence[Term]) -> str:
    """The sum in one line, the largest first: "weights 15.26 + activations 0.41 + …"."""
    taken = sorted(terms[1:-1], key=lambda term: -term.gib)
    return " + ".join(f"{term.name} {term.gib:.2f}" for term in taken)


def explanation(terms: Iterable[Term]) -> str:
    """The breakdown as a person checks it."""
    lines: list[str] = []
    for term in terms:
        margin = f", {term.margin_gib:.2f} of it margin" if term.margin_gib else ""
        lines.append(f"  {term.name:<32} {term.gib:10.4f} GiB per GPU  {term.kind}{margin}")
        details = {"formula": term.formula, "given": _given(term.inputs), "source": term.source}
        lines += [f"      {title:<8} {text}" for title, text in details.items() if text]
    return "\n".join(lines)


def _given(inputs: Mapping[str, float | int | str]) -> str:
    return ", ".join(f"{name} = {value:,}" if isinstance(value, int) else f"{name} = {value}" for name, value in inputs.items())


def _rounded(term: Term) -> Term:
    return replace(term, gib=round(term.gib, DECIMALS), margin_gib=round(term.margin_gib, DECIMALS))
