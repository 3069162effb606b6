"""Commands as a person meets them: tiers of the tests and the command line, start-up included."""

from __future__ import annotations

from collections.abc import Iterator

from bench.figures import Figure
from bench.processes import seconds
from tests.support.tiers import TIERS

TIER_LIMITS_SECONDS = {"pure": 5.0, "mocks": 30.0}
TIER_RUNS = 3

COMMANDS = {
    "fleet size": ("-m", "fleet", "size", "--preset", "small", "--accelerator", "L4"),
    "fleet plan --stack prod": ("-m", "fleet", "plan", "--stack", "prod"),
}
NOTHING = ("-c", "pass")


def tier(name: str, runs: int) -> Iterator[Figure]:
    """As `make test` runs it, without what the machine has to be given first."""
    arguments = next(tier.arguments for tier in TIERS if tier.name == name)
    command = ("-m", "pytest", "-q", "-m", name, *arguments)
    seconds(command)
    found = tuple(seconds(command) for _ in range(min(runs, TIER_RUNS)))
    yield Figure(name=f"{name} tier", unit="s", runs=found, limit=TIER_LIMITS_SECONDS[name])


def commands(runs: int) -> Iterator[Figure]:
    """Beside an interpreter that does nothing, in turns."""
    for name, command in COMMANDS.items():
        seconds(command)
        pairs = [(seconds(command), seconds(NOTHING)) for _ in range(runs)]
        own, bare = zip(*pairs, strict=True)
        yield Figure(name=name, unit="s", runs=own, beside_name="python -c pass", beside=bare)
