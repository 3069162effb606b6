"""How long a model server takes to become Ready, and every limit that follows: no timeout is shorter than what it waits for."""

from __future__ import annotations

from math import ceil

from fleet.fleet_plan import Startup

IMAGE_PULL_SECONDS = 180
"""An image of 11.6 GB took 121 s to pull and 53 s to start (g6.2xlarge, July 2026)."""

ENGINE_SECONDS = 150
"""Imports 73 s and engine initialisation 73 s (Qwen3-32B on H100, vLLM 0.26): compile, profile, graph capture."""

NODE_SECONDS = 300
"""A GPU node from an autoscaler: 1 to 5 minutes when there is capacity."""

PROBE_PERIOD_SECONDS = 10
MINIMUM_PROBE_SECONDS = 600
SAFETY_FACTOR = 2
"""A start may take twice the expected time before it is restarted: a noisy neighbour on the bucket, a cold compile cache."""


def startup(*, weights_gib_per_pod: float, load_gib_per_second: float, rollout_rounds: int) -> Startup:
    """The start-up budget of one model server.

    Args:
        weights_gib_per_pod: all weights the pod loads.
        load_gib_per_second: from the chosen cache into GPU memory.
        rollout_rounds: how many times an update has to wait for a server until all are replaced.
    """
    weights = ceil(weights_gib_per_pod / load_gib_per_second)
    probe = max(MINIMUM_PROBE_SECONDS, SAFETY_FACTOR * (weights + ENGINE_SECONDS))
    threshold = ceil(probe / PROBE_PERIOD_SECONDS)
    allowed = threshold * PROBE_PERIOD_SECONDS
    deadline = NODE_SECONDS + SAFETY_FACTOR * IMAGE_PULL_SECONDS + allowed + 60
    return Startup(
        image_pull_seconds=IMAGE_PULL_SECONDS,
        weights_seconds=weights,
        engine_seconds=ENGINE_SECONDS,
        total_seconds=IMAGE_PULL_SECONDS + weights + ENGINE_SECONDS,
        probe_period_seconds=PROBE_PERIOD_SECONDS,
        probe_failure_threshold=threshold,
        engine_ready_timeout_seconds=allowed,
        progress_deadline_seconds=deadline,
        update_timeout_seconds=deadline * max(1, rollout_rounds) + 60,
    )
