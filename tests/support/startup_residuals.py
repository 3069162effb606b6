"""`python -m tests.support.startup_residuals`: what the start-up budget expects beside what others measured, as docs/sizing.md shows it."""

from __future__ import annotations

from collections.abc import Iterator

from fleet.startup import IMAGE_GB, LOAD_GIB_PER_SECOND, MINIMUM_PROBE_SECONDS, SAFETY_FACTOR, steps
from tests.support.published_starts import STARTS, PublishedStart

HEADING = ("Start", "Step", "Published s", "Expected s", "Off by s", "Set on it")


def expected(start: PublishedStart) -> dict[str, int]:
    """Seconds by step, for the steps that were published."""
    found = steps(start.checkpoint_gib or 0.0, start.layers, LOAD_GIB_PER_SECOND[start.cache], start.image_gb or IMAGE_GB)
    by_name = {step.name: step.seconds for step in found}
    by_name["engine"] = by_name["compile"] + by_name["graph capture"]
    return {name: by_name[name] for name in start.seconds}


def probe_seconds(start: PublishedStart) -> float:
    """What the start-up probe would have allowed it, after the image was there."""
    found = {step.name: step.seconds for step in steps(start.checkpoint_gib or 0.0, start.layers, LOAD_GIB_PER_SECOND[start.cache])}
    return max(MINIMUM_PROBE_SECONDS, SAFETY_FACTOR * (sum(found.values()) - found["image pull"]))


def rows() -> Iterator[tuple[str, ...]]:
    """One per published step, and one per start for the sum of its steps."""
    for start in STARTS:
        found, name = expected(start), f"{start.name}{' (warm)' * start.warm}"
        for step, published in start.seconds.items():
            yield name, step, f"{published:g}", f"{found[step]}", f"{found[step] - published:+.0f}", "yes" if step in start.set_on else "no"
        if len(found) > 1:
            published, seconds = sum(start.seconds.values()), sum(found.values())
            yield name, "all of these", f"{published:g}", f"{seconds}", f"{seconds - published:+.0f}", ""


def table() -> str:
    """Markdown."""
    lines = [HEADING, tuple("---" for _ in HEADING), *rows()]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


if __name__ == "__main__":
    print(table())
