"""A start may take as long as the plan computes, and an update that cannot succeed ends when the plan says, with the reason in words.

Minutes would be waited for seconds: budgets are scaled down by smaller constants in the plan's own formulas.
"""

# pyright: reportOptionalMemberAccess=false, reportOptionalSubscript=false, reportOptionalIterable=false
# The client types every field of an object as optional; a test that meets None fails by itself.

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from fleet.fleet_plan import ModelPlan
from local.automation import EngineFailed
from tests.support.real_fleet import RealFleet, all_ready, restarts
from tests.support.scaled_start import scaled

pytestmark = pytest.mark.pods

REPOSITORY = "Qwen/Qwen3-8B"
SLOW, NEVER, MENDED = "5" * 40, "e" * 40, "f" * 40
SPARE_SECONDS = 4.0
"""Less than the allowance: the last probe comes up to a period before its end, and a busy machine starts processes slowly."""

OVERHEAD_SECONDS = 20
"""The engine's own start, its comparison, and the objects before the Deployment, on a busy machine."""


@dataclass(frozen=True)
class Update:
    """How the update with both models ended."""

    slow: ModelPlan
    never: ModelPlan
    error: str
    seconds: float


@pytest.fixture(scope="module")
def update(fleet: RealFleet) -> Iterator[Update]:
    """Both models new in region west in one update, so that their waiting overlaps."""
    try:
        with scaled(["slow", "never"]):
            for name, revision in (("slow", SLOW), ("never", NEVER)):
                fleet.settings["models"][name] = {"tier": "small", "pool": "l4", "revision": revision, "placements": {"west": {}}}
            planned = {model.name: model for cluster in fleet.plan().clusters for model in cluster.models}
            allowed = planned["slow"].startup.engine_ready_timeout_seconds
            fleet.publish(REPOSITORY, SLOW, start_seconds=allowed - SPARE_SECONDS)
            fleet.publish(REPOSITORY, NEVER, start_seconds=3600)
            fleet.publish(REPOSITORY, MENDED, start_seconds=0.2)
            began = time.monotonic()
            with pytest.raises(EngineFailed) as failed:
                fleet.up()
            yield Update(planned["slow"], planned["never"], str(failed.value), time.monotonic() - began)
    finally:
        for name in ("slow", "never"):
            fleet.settings["models"].pop(name, None)
        fleet.up()


def test_an_engine_that_takes_nearly_the_whole_allowance_becomes_ready_without_a_restart(fleet: RealFleet, update: Update) -> None:
    pod = all_ready(fleet, "west", "slow", 1, timeout_seconds=1)[0]
    started: Any = pod.status.containerStatuses[0].state.running.startedAt
    answered: Any = next(condition.lastTransitionTime for condition in pod.status.conditions if condition.type == "Ready")
    took = (answered - started).total_seconds()
    print(f"\na start that may take {update.slow.startup.engine_ready_timeout_seconds} s took {took:.0f} s")
    assert took >= update.slow.startup.engine_ready_timeout_seconds - SPARE_SECONDS - 1, "it was slow; the API tells whole seconds"
    assert restarts(pod) == 0, "its startup probe waits for as long as the plan allows"


def test_an_update_that_cannot_succeed_ends_within_its_computed_timeout_and_says_why(update: Update) -> None:
    budget = update.never.startup
    limits = f"a deadline of {budget.progress_deadline_seconds} s and a timeout of {budget.update_timeout_seconds} s"
    print(f"\nan update with {limits} failed after {update.seconds:.0f} s")
    assert budget.progress_deadline_seconds < update.seconds < budget.update_timeout_seconds + OVERHEAD_SECONDS, "in time, and not before its time"
    for words in ("west.never-deployment", "timed out waiting to be Ready", "ProgressDeadlineExceeded", "containers with unready status: [engine]"):
        assert words in update.error, f"it says what is wrong:\n{update.error}"
    assert "west.slow" not in update.error, "and of nothing else"


def test_the_next_update_heals_it(fleet: RealFleet, update: Update) -> None:
    fleet.settings["models"]["never"]["revision"] = MENDED
    fleet.settings["models"].pop("slow")
    fleet.up()
    assert restarts(all_ready(fleet, "west", "never", 1, timeout_seconds=1)[0]) == 0, "it runs"
    assert not fleet.pods("west", "slow"), "the model that is no longer asked for is gone"
