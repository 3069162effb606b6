"""Model servers whose budgets are seconds instead of minutes: the plan's own formulas with smaller constants, for chosen models only."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

from fleet import model_server, startup
from fleet.fleet_plan import Drain, ModelPlan, RolloutPlan

SCALED: Mapping[str, float] = {
    "PROBE_PERIOD_SECONDS": 1,
    "MINIMUM_PROBE_SECONDS": 15,
    "PROCESS_SECONDS": 1,
    "COMPILE_SECONDS_PER_LAYER": 0,
    "CAPTURE_SECONDS_PER_LAYER": 0,
    "MIRROR_GIB_PER_SECOND": 100,
    "LONGEST_NODE_SECONDS": 12,
    "LONGEST_IMAGE_PULL_SECONDS": 0,
    "MINIMUM_DEADLINE_SECONDS": 0,
    "SLACK_SECONDS": 3,
}
"""A start may take 15 s; the pod, its weights and everything else that comes before it 12 s: two cores may be busy."""

DRAIN = Drain(pre_stop_seconds=1, shutdown_timeout_seconds=2, grace_seconds=4)
MIN_READY_SECONDS = 1


@contextmanager
def scaled(models: Collection[str], *, rollout: Mapping[str, int] | None = None, update_timeout_seconds: int | None = None) -> Iterator[None]:
    """Within the block, plans of these models have scaled budgets; all others stay as they are.

    Args:
        models: by name.
        rollout: fields of their rollout instead of the plan's own choice, for updates that the plan would refuse.
        update_timeout_seconds: instead of the computed one, for updates whose failure is known.
    """
    assemble = model_server._assemble

    def scaled_assemble(inputs: model_server.ServerInputs, planned: RolloutPlan, sized: Any, drained: Drain) -> ModelPlan:
        if inputs.model.name not in models:
            return assemble(inputs, planned, sized, drained)
        with pytest.MonkeyPatch.context() as patch:
            for name, value in SCALED.items():
                patch.setattr(startup, name, value)
            patch.setitem(startup.LOAD_GIB_PER_SECOND, inputs.cache_kind, 100)
            patch.setattr(model_server, "longest_grace_seconds", lambda _: DRAIN.grace_seconds)
            found = assemble(inputs, replace(planned, min_ready_seconds=MIN_READY_SECONDS, **(rollout or {})), sized, DRAIN)
        budget = update_timeout_seconds or found.startup.update_timeout_seconds
        return replace(found, startup=replace(found.startup, update_timeout_seconds=budget))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(model_server, "_assemble", scaled_assemble)
        yield
