"""Arguments and environment of `vllm serve`, for the pinned release (fleet/versions.py). Every rendered list goes through
the real parser of that release in the tests.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from math import ceil

from fleet.memory import DEFAULT_GPU_MEMORY_UTILIZATION

WEIGHTS_PATH = "/models"
HOME = "/home/vllm"

KEEP_ALIVE_SECONDS = 630
"""Idle connections stay open longer than any load balancer keeps its own: Google's external one keeps them 600 s, an AWS one
60 s. vLLM's default of 5 s closes first, and a request that was just sent into such a connection is answered 502."""

STREAM_COMMENT_SECONDS = 15
"""A stream that has no token to send sends a comment this often, so that no hop takes it for dead (shortest: 60 s)."""

MAX_ANSWERS_PER_REQUEST = 64
"""Upper bound of `n`: the default of 16384 lets one request fill the queue."""

REQUESTS_PER_CONTEXT = 4
"""Usual requests that need as much KV cache as one at full context: 2,000 tokens where 8,000 are allowed (assumed, docs/adr)."""

WAITING_PER_RUNNING = {"interactive": 1.0, "standard": 2.0, "batch": 8.0}
"""Requests that may wait for each that runs, in other words how many times a usual answer's duration a client may wait."""

LARGEST_DEFAULT_MAX_NUM_SEQS = 1024
"""Of vLLM 0.33, on GPUs of 70 GiB and more that are no A100; 256 on the others."""

MINIMUM_IN_FLIGHT = 16

ONLINE_NAME = {"fp8": "fp8_per_tensor"}
"""`fp8` on a 16-bit checkpoint still works in 0.33, warns, and means this method; the checkpoint format keeps its name."""


@dataclass(frozen=True, kw_only=True)
class EngineSpec:
    """What decides the command line. None means: the engine's own default, which is then not repeated."""

    served_name: str
    model: str
    revision: str
    dtype: str | None
    quantization: str | None
    """Only where it is applied at load time (`load_time_quantization`); a quantised checkpoint says so in its config.json."""
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
    """Running and waiting together (`queue_limit`): the engine's flag counts both, whatever its name says."""
    max_output_tokens: int | None = None
    """The longest answer anybody gets, so that a drain that waits for it is long enough; None: up to the context."""


def argv(spec: EngineSpec) -> tuple[str, ...]:
    """Everything after `vllm serve`: the model first (a list-valued flag would swallow it), full flag names, no secret.

    The tokenizer's revision follows the model's by itself, and sampling defaults come from the model's own
    generation_config.json, which the revision pins.
    """
    utilization = None if spec.gpu_memory_utilization == DEFAULT_GPU_MEMORY_UTILIZATION else spec.gpu_memory_utilization
    answer_limit = None if spec.max_output_tokens is None else json.dumps({"max_new_tokens": spec.max_output_tokens}, separators=(",", ":"))
    valued: dict[str, str | int | float | None] = {
        "--served-model-name": spec.served_name,
        "--revision": spec.revision,
        "--max-model-len": spec.max_model_len,
        "--max-num-queued-reqs": spec.max_queued_requests,
        "--shutdown-timeout": spec.shutdown_timeout_seconds,
        "--disable-access-log-for-endpoints": "/health,/metrics,/ping",
        "--sse-keep-alive-interval": STREAM_COMMENT_SECONDS,
        "--override-generation-config": answer_limit,
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
    arguments = [spec.model, "--disable-fastapi-docs", "--fail-on-environ-validation"]
    for flag, value in valued.items():
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
        # Each of `n` answers takes a place in the queue: more than there are places would be told 503 for ever.
        "VLLM_MAX_N_SEQUENCES": str(min(MAX_ANSWERS_PER_REQUEST, spec.max_queued_requests)),
        "VLLM_MEDIA_URL_ALLOW_REDIRECTS": "0",
        "VLLM_NO_USAGE_STATS": "1",
    }


def queue_limit(concurrency: float, slo: str, max_num_seqs: int | None = None) -> int:
    """How many requests, running and waiting together, a server takes before it answers 503 at once.

    A gateway sends a request that got 503 to another server; without a limit it would wait here until its client gives up.
    vLLM's advice for the flag is what can run, plus the queue one wants; what can run is bound by the KV cache on most cards.

    Args:
        concurrency: requests at full context that the KV cache holds at once.
        slo: interactive, standard or batch.
        max_num_seqs: upper bound of running requests; default: vLLM's largest default.
    """
    running = min(max_num_seqs or LARGEST_DEFAULT_MAX_NUM_SEQS, concurrency * REQUESTS_PER_CONTEXT)
    return max(MINIMUM_IN_FLIGHT, ceil(running * (1 + WAITING_PER_RUNNING[slo])))


def load_time_dtype(asked: str | None, *, bfloat16: bool) -> str | None:
    """The value of `--dtype`. A GPU without bfloat16 (T4) is told half by name: left to itself vLLM converts and only warns.

    Args:
        asked: what the stack file or the preset asks for.
        bfloat16: whether the GPU has it.
    """
    return "half" if asked in {None, "auto"} and not bfloat16 else asked


def load_time_quantization(asked: str | None, checkpoint: str | None) -> str | None:
    """The value of `--quantization`, or None where the checkpoint's own config.json says it already.

    Args:
        asked: what the stack file or the preset asks for.
        checkpoint: `quant_method` of the checkpoint's config.json.
    """
    if asked is None or asked == checkpoint:
        return None
    return ONLINE_NAME.get(asked, asked) if checkpoint is None else asked
