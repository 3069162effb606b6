"""`python -m tests.support.residuals`: every published outcome beside what the program says, as a table."""

from __future__ import annotations

from statistics import mean

from tests.support.sizing_cases import Case, further, published


def row(case: Case) -> str:
    """One line: expected, found, residual and tolerance."""
    figure = case.figure or "verdict"
    if case.residual is None:
        return f"{'met ' if case.met else 'MISS'}  {case.name:<58} {figure:<12} {case.expected!s:>12} {case.found!s:>12}"
    numbers = f"{case.expected:>12,.2f} {case.found:>12,.2f} {case.residual:>+8.1%} of ±{case.fields['tolerance']:.0%}"
    return f"{'met ' if case.met else 'MISS'}  {case.name:<58} {figure:<12} {numbers}"


def main() -> None:
    """Both sets, and how far off each kind of figure is on average."""
    for title, cases in (("The 27 cases of the project", published()), ("Further cases", further())):
        print(f"{title}: {sum(case.met for case in cases)} of {len(cases)} met")
        print("\n".join(row(case) for case in cases))
        for figure in ("weights_gib", "files_gib", "kv_gib", "kv_tokens"):
            off = [case.residual for case in cases if case.figure == figure and case.residual is not None]
            if off:
                print(f"  {figure}: {len(off)} cases, {mean(off):+.1%} on average, {max(map(abs, off)):.1%} at most")
        print()


if __name__ == "__main__":
    main()
