"""`python -m tests.support.sizing_docs`: writes the tables of docs/sizing.md anew. Its example stays: it is computed by hand."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import mean

from tests.support import startup_residuals
from tests.support.sizing_cases import Case, further, published

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "sizing.md"
HEADING = ("Case", "Figure", "Published", "Computed", "Off by", "Tolerance")


def _markdown(rows: Sequence[Sequence[str]]) -> str:
    lines = [rows[0], tuple("---" for _ in rows[0]), *rows[1:]]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _case(case: Case) -> tuple[str, ...]:
    if case.residual is None:
        return case.name, "verdict", f"{case.expected}", f"{case.found}", "", ""
    form = ",.0f" if case.figure == "kv_tokens" else ",.2f"
    return case.name, f"{case.figure}", f"{case.expected:{form}}", f"{case.found:{form}}", f"{case.residual:+.1%}", f"{case.fields['tolerance']:.0%}"


def cases() -> str:
    """The project's own, one by one."""
    return _markdown([HEADING, *map(_case, published())])


def summary() -> str:
    """Both sets by figure."""
    rows: list[tuple[str, ...]] = [("Set", "Figure", "Cases", "Met", "Off on average", "Off at most")]
    for title, found in (("the project's", published()), ("further", further())):
        by_figure: defaultdict[str, list[Case]] = defaultdict(list)
        for case in found:
            by_figure[case.figure or "verdict"].append(case)
        for figure, same in sorted(by_figure.items()):
            off = [case.residual for case in same if case.residual is not None]
            spread = (f"{mean(off):+.1%}", f"{max(map(abs, off)):.1%}") if off else ("", "")
            rows.append((title, figure, f"{len(same)}", f"{sum(case.met for case in same)}", *spread))
    return _markdown(rows)


BLOCKS: Mapping[str, Callable[[], str]] = {"cases": cases, "summary": summary, "startup-residuals": startup_residuals.table}


def block(title: str, text: str) -> str | None:
    """What stands between a pair of markers."""
    found = re.search(rf"<!-- {title} -->\n(.*?)\n<!-- end -->", text, re.DOTALL)
    return found[1].strip() if found else None


def main() -> None:
    """Write every table."""
    text = DOCUMENT.read_text(encoding="utf-8")
    for title, make in BLOCKS.items():
        text = text.replace(f"<!-- {title} -->\n{block(title, text)}\n", f"<!-- {title} -->\n{make()}\n")
    DOCUMENT.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
