"""Every line of a breakdown with its formula, what it was given and where it comes from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from fleet.architecture import GIB
from fleet.memory import Terms
from fleet.terms import Term

DECIMALS = 4
"""Of a GiB in an answer: a tenth of a MiB."""


def breakdown(terms: Terms) -> tuple[Term, ...]:
    """What is usable, what is taken from it, and what is left for the KV cache: the first is the sum of the others."""
    return tuple(_rounded(term) for term in terms.explained())


def taken_words(terms: Terms) -> str:
    """What is taken in one line, the largest first: "weights 15.26 + activations 0.41 + …"."""
    taken = {"weights": terms.weights, "activations": terms.activations, "CUDA graphs": terms.graphs, "non-torch": terms.non_torch}
    largest_first = sorted(taken.items(), key=lambda one: -one[1])
    return " + ".join(f"{name} {count / GIB:.2f}" for name, count in largest_first)


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
    inputs = {name: round(value, DECIMALS) if isinstance(value, float) else value for name, value in term.inputs.items()}
    return replace(term, gib=round(term.gib, DECIMALS), margin_gib=round(term.margin_gib, DECIMALS), inputs=inputs)
