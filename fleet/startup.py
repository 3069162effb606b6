"""How long a model server takes to become Ready, and every limit that follows: no timeout is shorter than what it waits for.

Steps are set on published start-up times; what they miss by is in docs/sizing.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

from fleet.fleet_plan import RolloutPlan, Startup, StartupStep

IMAGE_GB, IMAGE_GB_PER_SECOND = 11.6, 0.096
"""An image of 11.6 GB took 121 s to pull (g6.2xlarge, July 2026); one of 8.9 GB took 69 s. The slower rate counts."""

LONGEST_IMAGE_PULL_SECONDS = 480
"""A first pull of the engine image takes up to eight minutes (AWS documentation)."""

PROCESS_SECONDS = 73
"""Container, Python imports, CUDA, API server and workers: 94 s (Llama-3.1-8B, L40S, 2025), 73 s (Qwen3-32B, H100, vLLM 0.26) and
53 s (8B, g6e.2xlarge, July 2026); their mean."""

COMPILE_SECONDS_PER_LAYER, CAPTURE_SECONDS_PER_LAYER = 0.60, 0.54
"""torch.compile with profiling, and CUDA graphs, per decoder layer. Engine start took 73 s for 64 layers (vLLM 0.26), 1.14 each,
and 33.8 s for 32 (July 2026), 1.06 each; the split is that of logs which print both."""

LOAD_GIB_PER_SECOND = {"bucket": 0.47, "shared": 0.25, "volume": 0.47, "node_local": 1.4, "hyperdisk_ml": 0.47}
"""Weights read per second and copied to the GPU, by cache. Bucket: 61 GiB in 130 s (Qwen3-32B, vLLM 0.26); a streaming loader read
15 GiB in 17.8 s. Volume: 15 GiB in 33 s. Node-local: from NVMe or page cache. Shared: some hundred MB/s (estimate: EFS, Filestore).
Hyperdisk ML: as a volume (estimate): its speed is bought, at least this (fleet/gcp/storage_classes.py), and servers that start together share it."""

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
    layers: int
    """Decoder layers, which are compiled and captured."""
    load_gib_per_second: float
    """From the chosen cache into GPU memory."""
    replicas: int
    rollout: RolloutPlan
    longest_grace_seconds: int
    """Of any server on the same pool: a new one may wait for a stopping one's GPU."""


def steps(checkpoint_gib: float, layers: int, load_gib_per_second: float, image_gb: float = IMAGE_GB) -> tuple[StartupStep, ...]:
    """The expected start in order: image pull, process, weights, compile, graph capture."""
    per_layer = "layers × seconds per layer"
    return (
        StartupStep(
            name="image pull",
            seconds=ceil(image_gb / IMAGE_GB_PER_SECOND),
            formula="GB of the engine's image ÷ GB per second",
            inputs={"gb": image_gb, "gb_per_second": IMAGE_GB_PER_SECOND},
        ),
        StartupStep(name="process", seconds=PROCESS_SECONDS, formula="imports, CUDA, API server and workers", inputs={}),
        StartupStep(
            name="weights",
            seconds=ceil(checkpoint_gib / load_gib_per_second),
            formula="GiB of files ÷ GiB per second of the cache, copied to the GPU meanwhile",
            inputs={"gib": round(checkpoint_gib, 2), "gib_per_second": load_gib_per_second},
        ),
        StartupStep(
            name="compile",
            seconds=ceil(layers * COMPILE_SECONDS_PER_LAYER),
            formula=per_layer,
            inputs={"layers": layers, "seconds_per_layer": COMPILE_SECONDS_PER_LAYER},
        ),
        StartupStep(
            name="graph capture",
            seconds=ceil(layers * CAPTURE_SECONDS_PER_LAYER),
            formula=per_layer,
            inputs={"layers": layers, "seconds_per_layer": CAPTURE_SECONDS_PER_LAYER},
        ),
    )


def startup(inputs: StartupInputs) -> Startup:
    """The start-up budget of one model server.

    Probe: twice weights ÷ bandwidth + engine, and one period more: probes tick from the pod's start, not the container's, so the
    last one may come up to a period early. Progress deadline: the longest time without progress, which is a GPU that a
    stopping server still holds, the first mirror of the weights, a node, an image pull, the probe's allowance and the time
    a server must stay Ready. Update: as many rounds of that as it takes to replace all replicas.
    """
    expected = steps(inputs.checkpoint_gib, inputs.layers, inputs.load_gib_per_second)
    pull, process, weights, compiled, captured = (step.seconds for step in expected)
    engine = process + compiled + captured
    periods = ceil(max(MINIMUM_PROBE_SECONDS, SAFETY_FACTOR * (weights + engine)) / PROBE_PERIOD_SECONDS)
    allowed = periods * PROBE_PERIOD_SECONDS
    threshold = periods + 1
    mirror = ceil(SAFETY_FACTOR * inputs.checkpoint_gib / MIRROR_GIB_PER_SECOND)
    ready = LONGEST_NODE_SECONDS + LONGEST_IMAGE_PULL_SECONDS + threshold * PROBE_PERIOD_SECONDS + inputs.rollout.min_ready_seconds
    deadline = max(MINIMUM_DEADLINE_SECONDS, inputs.longest_grace_seconds + mirror + ready + SLACK_SECONDS)
    rounds = ceil(inputs.replicas / max(inputs.rollout.max_surge + inputs.rollout.max_unavailable, 1))
    return Startup(
        image_pull_seconds=pull,
        weights_seconds=weights,
        engine_seconds=engine,
        total_seconds=pull + weights + engine,
        probe_period_seconds=PROBE_PERIOD_SECONDS,
        probe_failure_threshold=threshold,
        engine_ready_timeout_seconds=allowed,
        progress_deadline_seconds=deadline,
        update_timeout_seconds=deadline * max(1, rounds) + SLACK_SECONDS,
        steps=expected,
    )
