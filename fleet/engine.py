"""Arguments and environment of `vllm serve`, for the pinned release (fleet/versions.py). Every rendered list goes through
the real parser of that release in the tests.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

DEFAULT_GPU_MEMORY_UTILIZATION = 0.92
"""Default of vLLM 0.33; the profiler already subtracts CUDA graphs from it."""

WEIGHTS_PATH = "/models"
HOME = "/home/vllm"

KEEP_ALIVE_SECONDS = 75
"""vLLM closes idle connections after 5 s, before any load balancer does, which then answers 502 at random."""

MAX_ANSWERS_PER_REQUEST = 64
"""Upper bound of `n`: the default of 16384 lets one request fill the queue."""

QUEUE_PER_RUNNING = {"interactive": 2.0, "standard": 4.0, "batch": 16.0}
"""Requests that may wait for each that runs at full context; more than that are told 503 at once and go elsewhere."""

MINIMUM_QUEUE = 16


@dataclass(frozen=True, kw_only=True)
class EngineSpec:
    """What decides the command line. None means: the engine's own default, which is then not repeated."""

    served_name: str
    model: str
    revision: str
    dtype: str | None
    quantization: str | None
    """Only where it is applied at load time; a quantised checkpoint says so in its config.json."""
    kv_cache_dtype: str | None
    tensor_parallel: int
    max_model_len: int
    gpu_memory_utilization: float | None
    max_num_seqs: int | None
    max_num_batched_tokens: int | None
    tool_call_parser: str | None
    reasoning_parser: str | None
    shutdown_timeout_seconds: int
    engine_ready_timeout_seconds: int
    max_queued_requests: int


def argv(spec: EngineSpec) -> tuple[str, ...]:
    """Everything after `vllm serve`: the model first (a list-valued flag would swallow it), full flag names, no secret."""
    arguments = [
        spec.model,
        "--served-model-name",
        spec.served_name,
        "--revision",
        spec.revision,
        "--tokenizer-revision",
        spec.revision,
        "--max-model-len",
        str(spec.max_model_len),
        "--max-num-queued-reqs",
        str(spec.max_queued_requests),
        "--shutdown-timeout",
        str(spec.shutdown_timeout_seconds),
        "--disable-fastapi-docs",
        "--disable-access-log-for-endpoints",
        "/health,/metrics,/ping",
        "--fail-on-environ-validation",
        "--sse-keep-alive-interval",
        "15",
    ]
    utilization = None if spec.gpu_memory_utilization == DEFAULT_GPU_MEMORY_UTILIZATION else spec.gpu_memory_utilization
    optional: dict[str, str | int | float | None] = {
        "--tensor-parallel-size": spec.tensor_parallel if spec.tensor_parallel > 1 else None,
        "--dtype": None if spec.dtype == "auto" else spec.dtype,
        "--quantization": spec.quantization,
        "--kv-cache-dtype": None if spec.kv_cache_dtype == "auto" else spec.kv_cache_dtype,
        "--gpu-memory-utilization": utilization,
        "--max-num-seqs": spec.max_num_seqs,
        "--max-num-batched-tokens": spec.max_num_batched_tokens,
        "--reasoning-parser": spec.reasoning_parser,
        "--tool-call-parser": spec.tool_call_parser,
    }
    for flag, value in optional.items():
        if value is not None:
            arguments += [flag, str(value)]
    if spec.tool_call_parser:
        arguments.append("--enable-auto-tool-choice")
    return tuple(arguments)


def environment(spec: EngineSpec) -> dict[str, str]:
    """Variables of the serving container: offline, no usage statistics, writable paths only under the home."""
    return {
        "DO_NOT_TRACK": "1",
        "HF_HUB_CACHE": WEIGHTS_PATH,
        "HF_HUB_OFFLINE": "1",
        "HOME": HOME,
        "USER": "vllm",
        "VLLM_CACHE_ROOT": f"{HOME}/.cache/vllm",
        "VLLM_ENGINE_READY_TIMEOUT_S": str(spec.engine_ready_timeout_seconds),
        "VLLM_HTTP_TIMEOUT_KEEP_ALIVE": str(KEEP_ALIVE_SECONDS),
        "VLLM_MAX_N_SEQUENCES": str(MAX_ANSWERS_PER_REQUEST),
        "VLLM_MEDIA_URL_ALLOW_REDIRECTS": "0",
        "VLLM_NO_USAGE_STATS": "1",
    }


def queue_limit(concurrency: float, slo: str) -> int:
    """How many requests may wait. Beyond it the engine answers 503 at once, which a gateway sends to another server."""
    return max(MINIMUM_QUEUE, ceil(concurrency * QUEUE_PER_RUNNING[slo]))
