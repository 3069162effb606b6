"""A measured figure, its limit and its verdict. Arithmetic only."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

HEADINGS = ("figure", "runs", "min", "median", "beside", "min", "median", "ratio (of minima)", "limit", "verdict")


class NotMeasurable(Exception):
    """Something that a figure needs is missing or failed; the text says what, and how to get it."""


@dataclass(frozen=True, kw_only=True)
class Figure:
    """Runs of one thing; where `beside` holds runs of another, the limit is on how many times as much the one takes."""

    name: str
    unit: str
    runs: tuple[float, ...]
    beside_name: str = ""
    beside: tuple[float, ...] = ()
    limit: float | None = None

    @property
    def ratio(self) -> float | None:
        """Median over median; None where nothing is beside."""
        return statistics.median(self.runs) / statistics.median(self.beside) if self.beside else None

    @property
    def ratio_of_minima(self) -> float | None:
        """The same of the fastest runs, which a busy machine disturbs least."""
        return min(self.runs) / min(self.beside) if self.beside else None

    @property
    def judged(self) -> float:
        """What the limit is on."""
        return statistics.median(self.runs) if self.ratio is None else self.ratio

    @property
    def within(self) -> bool:
        """Whether the limit is kept; a figure without a limit always is."""
        return self.limit is None or self.judged <= self.limit

    @property
    def verdict(self) -> str:
        """One word for the table."""
        if self.limit is None:
            return "shown"
        return "within" if self.within else "OVER"

    def as_dict(self) -> dict[str, Any]:
        """Everything, for other programs."""
        return {
            "name": self.name,
            "unit": self.unit,
            "runs": list(self.runs),
            "min": min(self.runs),
            "median": statistics.median(self.runs),
            "beside": self.beside_name or None,
            "beside_runs": list(self.beside),
            "ratio": self.ratio,
            "ratio_of_minima": self.ratio_of_minima,
            "limit": self.limit,
            "verdict": self.verdict.lower(),
        }


def table(figures: Iterable[Figure]) -> str:
    """All figures, one a line, in columns."""
    rows = [HEADINGS, *(_row(figure) for figure in figures)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADINGS))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows)


def _row(figure: Figure) -> Sequence[str]:
    unit = figure.unit
    beside = (figure.beside_name, _shown(min(figure.beside), unit), _shown(statistics.median(figure.beside), unit)) if figure.beside else ("", "", "")
    ratio = f"{figure.ratio:.2f} ({figure.ratio_of_minima:.2f})" if figure.beside else ""
    limit = "" if figure.limit is None else f"{figure.limit:g}{' ×' if figure.beside else f' {unit}'}"
    own = (_shown(min(figure.runs), unit), _shown(statistics.median(figure.runs), unit))
    return (figure.name, str(len(figure.runs)), *own, *beside, ratio, limit, figure.verdict)


def _shown(value: float, unit: str) -> str:
    return f"{value:.2f} {unit}" if value < 100 else f"{value:.0f} {unit}"
