"""GPU memory of one model server, term by term, in bytes on each GPU. Only arithmetic: rules are in `sizing_rules`.

Weights and KV cache are derived from the model's shape. Activations, CUDA graphs and the rest are estimates, set on
published start-up logs of vLLM 0.18 to 0.30 (docs/adr/0020-memory-check.md).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from fleet import catalog, memory_terms
from fleet.architecture import GIB, Architecture
from fleet.kv_cache import BLOCK_TOKENS, Pages, pages, token_bytes
from fleet.terms import Term

__all__ = ["BLOCK_TOKENS", "SizeRequest", "Terms", "batch_defaults", "kv_bytes", "kv_bytes_per_token", "largest_context"]

DEFAULT_MAX_MODEL_LEN = 8192
"""Context where nobody says one, as in a plan: enough for chat, small enough not to starve concurrency."""

DEFAULT_GPU_MEMORY_UTILIZATION = 0.92
"""Default of vLLM 0.33, whose profiler already subtracts CUDA graphs from it."""

SAMPLER_BYTES = 10.0
"""Per sequence and entry of the vocabulary while tokens are drawn: logits in 16 bits and two copies in 32. 14.5 bytes, three
copies, in 58 logs of vLLM 0.19, which do not take graphs out of the pool; 5.5, one copy, in 0.30 if its graphs are counted beside
it (Qwen3-8B on L4: 0.85 GiB beside the weights, 0.43 of them graphs)."""

NON_TORCH_GIB = 0.25
"""CUDA libraries after the context is made: 0.24 to 0.27 in 40 logs of vLLM 0.19 on one H100."""

NCCL_GIB = {False: 0.45, True: 1.85}
"""More of it with several GPUs: NCCL alone, or with the all-reduce workspaces of NVLink GPUs of capability 9.0 and above
(0.55 in all in vLLM 0.11; 2.06 to 2.21 in 14 logs of vLLM 0.19 on two and four H100)."""

IMAGE_PROFILE_GIB = 0.4
"""Images of the largest size while the engine profiles itself, above its peak without: 0.1 to 0.6 in eight logs of vLLM 0.19."""

GRAPH_GIB_PER_LAYER = 0.012
"""CUDA graphs of 51 batch sizes: 0.43 GiB for 36 layers on L4, 0.47 for 40 on A100, 0.6 for 64 on H100 (vLLM 0.30)."""

EXPERT_GRAPHS_GIB = 0.5
"""More of them for models with experts, whose kernels keep buffers: 0.2 to 1.0 above dense models of as many layers in eight
logs of vLLM 0.19 and one of 0.30."""

DTYPES = ("auto", "half", "float16", "bfloat16", "float32")

KV_BYTES = {"auto": None, "float16": 2, "bfloat16": 2, "fp8": 1, "fp8_e4m3": 1, "fp8_e5m2": 1}
"""Bytes of one element by `--kv-cache-dtype`; auto is as wide as the model's dtype, or as the checkpoint's scales are for."""


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

    @property
    def cache_element(self) -> float:
        """Bytes of one element of the KV cache."""
        said = KV_BYTES.get(self.kv_cache_dtype or "auto")
        scales = self.architecture.checkpoint.cache_bytes if catalog.accelerator(self.accelerator).fp8_kv_cache else None
        return said or (scales if self.kv_cache_dtype in (None, "auto") and scales else self.wide)


@dataclass(frozen=True, kw_only=True)
class Terms:
    """Bytes on each GPU."""

    request: SizeRequest

    @cached_property
    def usable(self) -> float:
        """What the engine may take: its utilisation of what the driver shows."""
        return catalog.accelerator(self.request.accelerator).total_gib * GIB * self.request.gpu_memory_utilization

    @cached_property
    def weight_parts(self) -> dict[str, float]:
        """This GPU's share, what every GPU repeats, kernel padding and rotary tables."""
        request = self.request
        return request.architecture.gpu_weight_parts(request.quantization, request.tensor_parallel, wide=request.wide)

    @cached_property
    def weights(self) -> float:
        """All of it."""
        return sum(self.weight_parts.values())

    @cached_property
    def forward(self) -> float:
        """The peak inside one layer over the largest batch: gate, up and their product in a dense MLP or in the experts of
        every token, or queries, keys and values; beside them four vectors of the hidden size per token.
        """
        request, shape = self.request, self.request.architecture
        tokens, parallel = batch_defaults(request)[0], request.tensor_parallel
        mlp = 3 * shape.intermediate_size / parallel
        if shape.expert_width is not None:
            mlp = max(mlp, shape.experts_per_token * (3 * shape.expert_width / parallel + shape.hidden_size))
        heads = 2 * (shape.heads + shape.kv_heads) * shape.head_dimension / parallel
        return tokens * (max(mlp, heads) + 4 * shape.hidden_size) * request.wide

    @cached_property
    def sampler(self) -> float:
        """The peak while one token of every sequence is drawn."""
        return batch_defaults(self.request)[1] * self.request.architecture.vocabulary * SAMPLER_BYTES

    @cached_property
    def images(self) -> float:
        """Profiling with images."""
        return IMAGE_PROFILE_GIB * GIB if self.request.architecture.images else 0.0

    @cached_property
    def activations(self) -> float:
        """The larger of the two peaks, and images."""
        return max(self.forward, self.sampler) + self.images

    @cached_property
    def graphs(self) -> float:
        """Captured CUDA graphs."""
        shape = self.request.architecture
        return (len(shape.layers) * GRAPH_GIB_PER_LAYER + (0.0 if shape.dense else EXPERT_GRAPHS_GIB)) * GIB

    @cached_property
    def nccl(self) -> float:
        """Buffers of collectives between GPUs."""
        if self.request.tensor_parallel == 1:
            return 0.0
        gpu = catalog.accelerator(self.request.accelerator)
        return NCCL_GIB[gpu.nvlink_gb_per_second is not None and gpu.compute_capability >= (9, 0)] * GIB

    @cached_property
    def non_torch(self) -> float:
        """CUDA and NCCL."""
        return NON_TORCH_GIB * GIB + self.nccl

    @cached_property
    def pool(self) -> float:
        """What is left for the KV cache; negative where the rest does not fit."""
        return self.usable - self.weights - self.activations - self.graphs - self.non_torch

    def explained(self) -> tuple[Term, ...]:
        """Every summand with its formula, inputs and source: usable first, what is taken from it, the KV cache last."""
        return memory_terms.explained(self)


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


def kv_bytes_per_token(request: SizeRequest) -> int:
    """Bytes of one token on each GPU over all layers with a cache, windowed ones included."""
    counts, element = request.architecture.layer_counts, request.cache_element
    return round(sum(token_bytes(layer, element, request.tensor_parallel) * count for layer, count in counts))


def cache_pages(request: SizeRequest) -> tuple[Pages, ...]:
    """The kinds of layers with a cache, as they share the pool."""
    return pages(request.architecture, request.cache_element, request.tensor_parallel)


def kv_bytes(request: SizeRequest, tokens: int) -> float:
    """Bytes on each GPU of the KV cache of one request of this many tokens, in whole blocks; never 0."""
    return _bytes(cache_pages(request), batch_defaults(request)[0], tokens)


def _bytes(kinds: tuple[Pages, ...], in_flight: int, tokens: int) -> float:
    return sum(one.bytes(tokens, in_flight) for one in kinds) or 1.0


def largest_context(request: SizeRequest, pool_bytes: float) -> int:
    """The longest request that the pool holds, up to the model's own limit; 0 if none."""
    kinds, in_flight = cache_pages(request), batch_defaults(request)[0]
    low, high = 0, request.architecture.max_position_embeddings
    while low < high:
        middle = (low + high + 1) // 2
        if _bytes(kinds, in_flight, middle) <= pool_bytes:
            low = middle
        else:
            high = middle - 1
    return low
