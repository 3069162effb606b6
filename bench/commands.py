"""Commands as a person meets them: tiers of the tests and the command line, start-up included."""

from __future__ import annotations

import time
from collections.abc import Iterator

from bench.figures import Figure
from bench.processes import seconds
from fleet import catalog, presets
from fleet.architecture import Architecture, from_config
from fleet.sizing import SizeRequest, size
from tests.support.tiers import TIERS

TIER_LIMITS_SECONDS = {"pure": 5.0, "mocks": 30.0}
TIER_RUNS = 3

COMMANDS = {
    "fleet size": ("-m", "fleet", "size", "--preset", "small", "--accelerator", "L4"),
    "fleet plan --stack prod": ("-m", "fleet", "plan", "--stack", "prod"),
}
NOTHING = ("-c", "pass")
COMMAND_LIMITS_SECONDS = {"fleet size": 0.4}
CATALOGUE_LIMIT_SECONDS = 0.1


def tier(name: str, runs: int) -> Iterator[Figure]:
    """As `make test` runs it, without what the machine has to be given first."""
    arguments = next(tier.arguments for tier in TIERS if tier.name == name)
    command = ("-m", "pytest", "-q", "-m", name, *arguments)
    seconds(command)
    found = tuple(seconds(command) for _ in range(min(runs, TIER_RUNS)))
    yield Figure(name=f"{name} tier", unit="s", runs=found, limit=TIER_LIMITS_SECONDS[name])


def commands(runs: int) -> Iterator[Figure]:
    """Beside an interpreter that does nothing, in turns; then what `size` alone takes, without a process around it."""
    for name, command in COMMANDS.items():
        seconds(command)
        pairs = [(seconds(command), seconds(NOTHING)) for _ in range(runs)]
        own, bare = zip(*pairs, strict=True)
        yield Figure(name=name, unit="s", runs=own, beside_name="python -c pass", beside=bare)
        if name in COMMAND_LIMITS_SECONDS:
            yield Figure(name=f"{name}, from a cold shell", unit="s", runs=own, limit=COMMAND_LIMITS_SECONDS[name])
    shapes = [from_config(preset.config) for preset in map(presets.known_model, presets.known_models()) if preset is not None]
    slowest = max(shapes, key=_over_the_catalogue)
    found = tuple(_over_the_catalogue(slowest) for _ in range(runs))
    yield Figure(name="size over the catalogue, slowest model", unit="s", runs=found, limit=CATALOGUE_LIMIT_SECONDS)


def _over_the_catalogue(shape: Architecture) -> float:
    start = time.perf_counter()
    for accelerator in catalog.ACCELERATORS:
        size(SizeRequest(architecture=shape, accelerator=accelerator))
    return time.perf_counter() - start
