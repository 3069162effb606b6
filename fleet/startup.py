"""How long a model server takes to become Ready, and every limit that follows: no timeout is shorter than what it waits for."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

from fleet.fleet_plan import RolloutPlan, Startup

IMAGE_PULL_SECONDS = 180
"""An image of 11.6 GB took 121 s to pull and 53 s to start (g6.2xlarge, July 2026)."""

LONGEST_IMAGE_PULL_SECONDS = 480
"""A first pull of the engine image takes up to eight minutes (AWS documentation)."""

ENGINE_SECONDS = 150
"""Imports 73 s and engine initialisation 73 s (Qwen3-32B on H100, vLLM 0.26): compile, profile, graph capture."""

LONGEST_NODE_SECONDS = 600
"""A GPU node from an autoscaler takes 1 to 8 minutes where there is capacity; above ten, somebody is told."""

MIRROR_GIB_PER_SECOND = 0.25
"""From the hub into a cache: 15 GiB took 61 s (Llama-3.1-8B, 2025)."""

PROBE_PERIOD_SECONDS = 10
MINIMUM_PROBE_SECONDS = 600
SAFETY_FACTOR = 2
"""A start may take twice the expected time before it is restarted: a noisy neighbour on the bucket, a cold compile cache."""

MINIMUM_DEADLINE_SECONDS = 1800
"""Kubernetes' default of 600 s is below a cold start; half an hour is what is usually advised."""

SLACK_SECONDS = 60
"""Controllers and schedulers between two steps, and Pulumi between the last step and its own clock."""


@dataclass(frozen=True, kw_only=True)
class StartupInputs:
    """What decides the budget of one model server."""

    checkpoint_gib: float
    """Files that a start reads, before any quantisation while loading."""
    load_gib_per_second: float
    """From the chosen cache into GPU memory."""
    replicas: int
    rollout: RolloutPlan
    longest_grace_seconds: int
    """Of any server on the same pool: a new one may wait for a stopping one's GPU."""


def startup(inputs: StartupInputs) -> Startup:
    """The start-up budget of one model server.

    Probe: twice weights ÷ bandwidth + engine. Progress deadline: the longest time without progress, which is a GPU that a
    stopping server still holds, the first mirror of the weights, a node, an image pull, the probe's allowance and the time
    a server must stay Ready. Update: as many rounds of that as it takes to replace all replicas.
    """
    weights = ceil(inputs.checkpoint_gib / inputs.load_gib_per_second)
    probe = max(MINIMUM_PROBE_SECONDS, SAFETY_FACTOR * (weights + ENGINE_SECONDS))
    threshold = ceil(probe / PROBE_PERIOD_SECONDS)
    allowed = threshold * PROBE_PERIOD_SECONDS
    mirror = ceil(SAFETY_FACTOR * inputs.checkpoint_gib / MIRROR_GIB_PER_SECOND)
    ready = LONGEST_NODE_SECONDS + LONGEST_IMAGE_PULL_SECONDS + allowed + inputs.rollout.min_ready_seconds
    deadline = max(MINIMUM_DEADLINE_SECONDS, inputs.longest_grace_seconds + mirror + ready + SLACK_SECONDS)
    rounds = ceil(inputs.replicas / max(inputs.rollout.max_surge + inputs.rollout.max_unavailable, 1))
    return Startup(
        image_pull_seconds=IMAGE_PULL_SECONDS,
        weights_seconds=weights,
        engine_seconds=ENGINE_SECONDS,
        total_seconds=IMAGE_PULL_SECONDS + weights + ENGINE_SECONDS,
        probe_period_seconds=PROBE_PERIOD_SECONDS,
        probe_failure_threshold=threshold,
        engine_ready_timeout_seconds=allowed,
        progress_deadline_seconds=deadline,
        update_timeout_seconds=deadline * max(1, rounds) + SLACK_SECONDS,
    )
