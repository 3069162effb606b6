"""GPU memory of one model server, term by term, in bytes on each GPU. Only arithmetic: rules are in `sizing_rules`.

Weights and KV cache are derived from the model's shape. Activations, CUDA graphs and the rest are estimates, set on
start-up logs of vLLM 0.30 (Qwen3-8B on L4, Qwen3-14B on A100-40GB, Qwen3-32B on H100).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import ceil

from fleet import catalog
from fleet.architecture import GIB, Architecture

BLOCK_TOKENS = 16
"""Tokens of one KV cache block, vLLM's default."""

DEFAULT_MAX_MODEL_LEN = 8192
"""Context where nobody says one, as in a plan: enough for chat, small enough not to starve concurrency."""

DEFAULT_GPU_MEMORY_UTILIZATION = 0.92
"""Default of vLLM 0.33, whose profiler already subtracts CUDA graphs from it."""

NON_TORCH_GIB = 0.2
NON_TORCH_TENSOR_PARALLEL_GIB = 0.7
"""CUDA context beyond what utilisation leaves out; NCCL's buffers when several GPUs work together."""

VISION_PROFILE_GIB = 1.6
"""Images of the largest size while the engine profiles itself: Gemma-3-27B's peak is 4 GiB, 2.4 of them its text (vLLM 0.19)."""

GRAPH_GIB_PER_LAYER = {False: 0.005, True: 0.015}
"""CUDA graphs per decoder layer with the small and with the large default batch."""

DTYPES = ("auto", "half", "float16", "bfloat16", "float32")

KV_BYTES = {"auto": None, "float16": 2, "bfloat16": 2, "fp8": 1, "fp8_e4m3": 1, "fp8_e5m2": 1}
"""Bytes of one element by `--kv-cache-dtype`; auto is as wide as the model's dtype."""


@dataclass(frozen=True, kw_only=True)
class SizeRequest:
    """One model on one kind of GPU. None means: as the checkpoint or the engine has it."""

    architecture: Architecture
    accelerator: str
    gpus: int = 1
    """GPUs of the node."""
    tensor_parallel: int = 1
    quantization: str | None = None
    dtype: str | None = None
    kv_cache_dtype: str | None = None
    max_model_len: int | None = None
    """None: the model's own limit, at most `DEFAULT_MAX_MODEL_LEN`."""
    gpu_memory_utilization: float = DEFAULT_GPU_MEMORY_UTILIZATION
    max_num_seqs: int | None = None
    max_num_batched_tokens: int | None = None

    @property
    def context(self) -> int:
        """Tokens that one request may have."""
        return self.max_model_len or min(DEFAULT_MAX_MODEL_LEN, self.architecture.max_position_embeddings)

    @property
    def wide(self) -> float:
        """Bytes of an element that is not quantised."""
        return 4.0 if self.dtype == "float32" else 2.0


@dataclass(frozen=True, kw_only=True)
class Terms:
    """Bytes on each GPU."""

    request: SizeRequest

    @cached_property
    def usable(self) -> float:
        """What the engine may take: its utilisation of what the driver shows."""
        return catalog.accelerator(self.request.accelerator).total_gib * GIB * self.request.gpu_memory_utilization

    @cached_property
    def weights(self) -> float:
        """This GPU's share, what every GPU repeats, kernel padding and rotary table."""
        request = self.request
        return request.architecture.gpu_weight_bytes(request.quantization, request.tensor_parallel, wide=request.wide)

    @cached_property
    def activations(self) -> float:
        """The peak of a forward pass over the largest batch, and the logits of every sequence."""
        request, shape = self.request, self.request.architecture
        tokens, seqs = batch_defaults(request)
        inner = tokens * (2 * shape.intermediate_size + 4 * shape.hidden_size) * request.wide / request.tensor_parallel
        images = VISION_PROFILE_GIB * GIB if shape.vision_parameters else 0.0
        return inner + seqs * shape.vocabulary * (4 + request.wide) + images

    @cached_property
    def graphs(self) -> float:
        """Captured CUDA graphs."""
        return len(self.request.architecture.layers) * GRAPH_GIB_PER_LAYER[batch_defaults(self.request)[0] > 2048] * GIB

    @cached_property
    def non_torch(self) -> float:
        """CUDA and NCCL."""
        return (NON_TORCH_GIB if self.request.tensor_parallel == 1 else NON_TORCH_TENSOR_PARALLEL_GIB) * GIB

    @cached_property
    def pool(self) -> float:
        """What is left for the KV cache; negative where the rest does not fit."""
        return self.usable - self.weights - self.activations - self.graphs - self.non_torch


def batch_defaults(request: SizeRequest) -> tuple[int, int]:
    """(max-num-batched-tokens, max-num-seqs) as vLLM 0.33 chooses them for an API server by device memory."""
    gpu = catalog.accelerator(request.accelerator)
    if gpu.total_gib >= 160:
        tokens, seqs = 16384, 1024
    elif gpu.total_gib >= 70 and not gpu.name.startswith("A100"):
        tokens, seqs = 8192, 1024
    else:
        tokens, seqs = 2048, 256
    tokens, seqs = request.max_num_batched_tokens or tokens, request.max_num_seqs or seqs
    return tokens, min(seqs, tokens)


def kv_bytes_per_layer(request: SizeRequest) -> float:
    """Bytes of one token in one layer on each GPU: 2 × key-value heads × head size × element, or one latent vector."""
    shape = request.architecture
    element = KV_BYTES.get(request.kv_cache_dtype or "auto") or request.wide
    if shape.latent:  # one vector for all heads, which tensor parallelism repeats on each GPU
        return (shape.latent.kv_lora_rank + shape.latent.rope_dimension) * element
    return 2 * max(1, shape.kv_heads // request.tensor_parallel) * shape.head_dimension * element


def kv_bytes_per_token(request: SizeRequest) -> int:
    """Bytes of one token on each GPU over all layers with a cache, windowed ones included."""
    return round(kv_bytes_per_layer(request) * sum(count for found, count in request.architecture.layer_counts if found.kind != "linear"))


def kv_bytes(request: SizeRequest, tokens: int) -> float:
    """Bytes on each GPU of the KV cache of one request of this many tokens, in whole blocks.

    A window caps a layer at its tokens and those in flight, plus a block. Windowed and full layers share one pool of
    pages, for which vLLM pads their counts to equal groups (Gemma-3-27B: 10 and 52 layers become 70).
    """
    in_flight, _ = batch_defaults(request)
    blocks = 0
    for window, count in request.architecture.cache_groups:
        whole = ceil(tokens / BLOCK_TOKENS)
        if window is not None:
            whole = min(whole, ceil((window - 1 + in_flight) / BLOCK_TOKENS)) + 1
        blocks += whole * count
    return blocks * BLOCK_TOKENS * kv_bytes_per_layer(request) + request.architecture.state_bytes / request.tensor_parallel


def largest_context(request: SizeRequest, pool_bytes: float) -> int:
    """The longest request that the pool holds, up to the model's own limit; 0 if none."""
    low, high = 0, request.architecture.max_position_embeddings
    while low < high:
        middle = (low + high + 1) // 2
        if kv_bytes(request, middle) <= pool_bytes:
            low = middle
        else:
            high = middle - 1
    return low
