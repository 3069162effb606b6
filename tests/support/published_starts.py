"""Start-up times that others published, step by step, with what decided them. Seconds, as they stand in the source."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class PublishedStart:
    """One start. Keys of `seconds` are steps of `fleet.startup.steps`; "engine" is compile and graph capture together."""

    name: str
    source: str
    seconds: Mapping[str, float]
    layers: int
    checkpoint_gib: float | None = None
    cache: str = "bucket"
    """Kind of cache that the run's medium is nearest to."""
    image_gb: float | None = None
    set_on: tuple[str, ...] = ()
    """Steps on which a constant of `fleet.startup` was set. The others only check."""
    warm: bool = False
    """With compiled graphs kept from an earlier start, which the budget never counts on."""
    note: str = field(default="")


TENSORFUSE = "tensorfuse.io/docs/blogs/reducing_gpu_cold_start (2025-09)"
STARTS: tuple[PublishedStart, ...] = (
    PublishedStart(
        name="Qwen3-32B, H100, vLLM 0.26",
        source="llm-d guides/gke-pod-snapshots, benchmark results",
        seconds={"image pull": 69, "process": 73, "weights": 130, "engine": 73},
        layers=64,
        checkpoint_gib=61.03,
        image_gb=8.9,
        set_on=("process", "weights", "engine"),
        note="278 s with a streamed image (1.8 s)",
    ),
    PublishedStart(
        name="8B, g6e.2xlarge (L40S)",
        source="awslabs data-on-eks, run of 2026-07-12",
        seconds={"image pull": 121, "process": 53, "weights": 17.8, "engine": 33.8},
        layers=32,
        checkpoint_gib=15,
        image_gb=11.6,
        set_on=("image pull", "process", "engine"),
        note="streaming loader; 32 layers are those of Llama-3.1-8B; the source's own total on a warm node is 150 s, more than its steps",
    ),
    PublishedStart(
        name="Llama-3.1-8B, L40S, 2025",
        source=TENSORFUSE,
        seconds={"process": 94, "weights": 33, "compile": 52, "graph capture": 54},
        layers=32,
        checkpoint_gib=15,
        cache="volume",
        set_on=("process", "weights"),
        note="61 s of download before it; the release of 2025 captured more graphs",
    ),
    PublishedStart(
        name="the same, caches kept",
        source=TENSORFUSE,
        seconds={"process": 34, "weights": 18, "compile": 23, "graph capture": 7},
        layers=32,
        checkpoint_gib=15,
        cache="volume",
        warm=True,
        note="eight capture sizes, fast loader",
    ),
    PublishedStart(
        name="Llama-3-8B, H100, vLLM 0.6",
        source="vllm-project/vllm pull request 11005 (2024-12)",
        seconds={"compile": 19.4, "graph capture": 15},
        layers=32,
        note="engine start 39 s in all",
    ),
    PublishedStart(
        name="Llama-2-7B, H100, vLLM 0.8",
        source="kubernetes-sigs/gateway-api-inference-extension pull request 550 (2025-03)",
        seconds={"compile": 28.8},
        layers=32,
        note="34 s with profiling",
    ),
    PublishedStart(
        name="35B NVFP4, DGX Spark",
        source="route179.dev (2026-06-30)",
        seconds={"weights": 142, "compile": 39},
        layers=40,
        checkpoint_gib=20,
        cache="node_local",
        note="no card of the catalogue; layers and size are not in the source and assumed",
    ),
)
