"""Does a model fit its GPUs: weights, KV cache and what the engine needs beside them, per GPU, in GiB.

Weights and KV cache are derived from the model's shape. Activations, CUDA graphs and the rest are estimates, set on
start-up logs of vLLM 0.30 (Qwen3-8B on L4, Qwen3-14B on A100-40GB, Qwen3-32B on H100).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import ceil, floor

from fleet import catalog
from fleet.architecture import GIB, Architecture

BLOCK_TOKENS = 16
"""Tokens of one KV cache block, vLLM's default."""

NON_TORCH_GIB = 0.2
NON_TORCH_TENSOR_PARALLEL_GIB = 0.7
"""CUDA context beyond what utilisation leaves out; NCCL's buffers when several GPUs work together."""

GRAPH_GIB_PER_LAYER = {False: 0.005, True: 0.015}
"""CUDA graphs per decoder layer with the small and with the large default batch."""

MINIMUM_CAPABILITY = {
    "awq": (7, 5),
    "gptq": (6, 0),
    "fp8": (7, 5),
    "fp8_per_tensor": (7, 5),
    "fp8_per_block": (7, 5),
    "compressed-tensors": (7, 0),
    "fbgemm_fp8": (8, 0),
    "mxfp4": (8, 0),
    "gpt_oss_mxfp4": (8, 0),
}
"""Compute capability below which vLLM 0.33 refuses a method, as coded in its quantisation layers."""

REMOVED_METHODS = frozenset({"bitsandbytes", "gguf"})
ONLINE_METHODS = ("fp8_per_tensor",)
"""Quantisation that can be applied to a 16-bit checkpoint while it is loaded."""


@dataclass(frozen=True, kw_only=True)
class SizeRequest:
    """One model on one kind of GPU. None means: as the checkpoint or the engine has it."""

    architecture: Architecture
    accelerator: str
    gpus: int = 1
    tensor_parallel: int = 1
    quantization: str | None = None
    dtype: str | None = None
    kv_cache_dtype: str | None = None
    max_model_len: int | None = None
    gpu_memory_utilization: float = 0.92
    max_num_seqs: int | None = None
    max_num_batched_tokens: int | None = None


@dataclass(frozen=True, kw_only=True)
class PerGpu:
    """GiB on each GPU."""

    usable_gib: float
    weights_gib: float
    activations_gib: float
    graphs_gib: float
    non_torch_gib: float
    kv_gib: float


@dataclass(frozen=True, kw_only=True)
class SizeResult:
    """The answer: `fits`, the breakdown, and when it does not fit, why and what would."""

    fits: bool
    accelerator: str
    gpus: int
    tensor_parallel: int
    weights_gib: float
    per_gpu: PerGpu
    kv_bytes_per_token: int
    """On each GPU."""
    kv_tokens: int
    largest_max_model_len: int
    concurrency: float
    reasons: tuple[str, ...]
    remedies: tuple[str, ...]
    warnings: tuple[str, ...]


def size(request: SizeRequest) -> SizeResult:
    """Size a request, and for one that does not fit, try the nearest changes by the same calculation."""
    result = _size(request)
    if result.fits:
        return result
    return replace(result, remedies=tuple(_remedies(request)))


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


def kv_bytes(request: SizeRequest, tokens: int) -> float:
    """Bytes on each GPU of the KV cache of one request of this many tokens, in whole blocks."""
    shape, element = request.architecture, _kv_element_bytes(request)
    if shape.latent:
        per_token = (shape.latent.kv_lora_rank + shape.latent.rope_dimension) * element
    else:
        per_token = 2 * max(1, shape.kv_heads // request.tensor_parallel) * shape.head_dimension * element
    in_flight, _ = batch_defaults(request)
    total = 0.0
    for layer in shape.layers:
        if layer.kind == "linear":
            continue
        held = tokens if layer.window is None else min(tokens, layer.window - 1 + in_flight)
        total += ceil(held / BLOCK_TOKENS) * BLOCK_TOKENS * per_token
    return total


def _size(request: SizeRequest) -> SizeResult:
    gpu = catalog.accelerator(request.accelerator)
    shape = request.architecture
    reasons = list(_rule_reasons(request, gpu))
    weights = shape.weight_bytes(request.quantization) / GIB
    tokens, seqs = batch_defaults(request)
    activations = (tokens * (2 * shape.intermediate_size + 4 * shape.hidden_size) * 2 / request.tensor_parallel + seqs * shape.vocabulary * 6) / GIB
    graphs = len(shape.layers) * GRAPH_GIB_PER_LAYER[tokens > 2048]
    non_torch = NON_TORCH_GIB if request.tensor_parallel == 1 else NON_TORCH_TENSOR_PARALLEL_GIB
    usable = gpu.total_gib * request.gpu_memory_utilization
    pool = usable - weights / request.tensor_parallel - activations - graphs - non_torch
    longest = _largest_context(request, pool * GIB)
    wanted = request.max_model_len or min(longest, shape.max_position_embeddings) or 1
    one = kv_bytes(request, wanted)
    if not reasons and pool <= 0:
        reasons.append(f"weights and overhead need {usable - pool:.1f} GiB of the {usable:.1f} GiB usable per GPU: {-pool:.1f} GiB too much")
    elif not reasons and one > pool * GIB:
        reasons.append(
            f"one request of {wanted} tokens needs {one / GIB:.2f} GiB of KV cache per GPU, {pool:.2f} GiB are left; the longest is {longest}"
        )
    concurrency = max(0.0, pool * GIB / one)
    return SizeResult(
        fits=not reasons,
        accelerator=request.accelerator,
        gpus=request.gpus,
        tensor_parallel=request.tensor_parallel,
        weights_gib=round(weights, 2),
        per_gpu=PerGpu(
            usable_gib=round(usable, 2),
            weights_gib=round(weights / request.tensor_parallel, 2),
            activations_gib=round(activations, 2),
            graphs_gib=round(graphs, 2),
            non_torch_gib=non_torch,
            kv_gib=round(max(pool, 0.0), 2),
        ),
        kv_bytes_per_token=round(one / wanted),
        kv_tokens=floor(concurrency * wanted),
        largest_max_model_len=longest,
        concurrency=round(concurrency, 2),
        reasons=tuple(reasons),
        remedies=(),
        warnings=tuple(_warnings(request, gpu)),
    )


def _kv_element_bytes(request: SizeRequest) -> int:
    return 1 if (request.kv_cache_dtype or "").startswith(("fp8", "int8")) else 2


def _largest_context(request: SizeRequest, pool_bytes: float) -> int:
    """The longest request that the pool holds, up to the model's own limit."""
    low, high = 0, request.architecture.max_position_embeddings
    while low < high:
        middle = (low + high + 1) // 2
        if kv_bytes(request, middle) <= pool_bytes:
            low = middle
        else:
            high = middle - 1
    return low


def _rule_reasons(request: SizeRequest, gpu: catalog.Accelerator) -> list[str]:
    shape, parallel = request.architecture, request.tensor_parallel
    reasons: list[str] = []
    if parallel > request.gpus:
        reasons.append(f"tensor parallel {parallel} needs {parallel} GPUs on one node, which has {request.gpus}; several nodes are not served yet")
    if shape.heads % parallel:
        reasons.append(f"{shape.heads} attention heads cannot be divided by tensor parallel {parallel}")
    elif shape.latent is None and shape.kv_heads % parallel and parallel % shape.kv_heads:
        reasons.append(f"{shape.kv_heads} key-value heads and tensor parallel {parallel}: neither divides the other")
    method = request.quantization or shape.checkpoint_quantization
    capability = ".".join(map(str, gpu.compute_capability))
    if method in REMOVED_METHODS:
        reasons.append(f"quantization {method} was removed from vLLM")
    elif method is not None and method not in MINIMUM_CAPABILITY:
        reasons.append(f"quantization {method} is not one that is sized here: {', '.join(sorted(MINIMUM_CAPABILITY))}")
    elif method is not None and gpu.compute_capability < MINIMUM_CAPABILITY[method]:
        needed = ".".join(map(str, MINIMUM_CAPABILITY[method]))
        reasons.append(f"quantization {method} needs compute capability {needed}, {gpu.name} has {capability}")
    if request.quantization and shape.checkpoint_quantization and request.quantization != shape.checkpoint_quantization:
        reasons.append(f"the checkpoint is {shape.checkpoint_quantization} already: it cannot be loaded as {request.quantization}")
    if request.dtype == "bfloat16" and not gpu.bfloat16:
        reasons.append(f"{gpu.name} (compute capability {capability}) has no bfloat16: use dtype half")
    if (request.kv_cache_dtype or "").startswith("fp8") and not gpu.fp8_kv_cache:
        reasons.append(f"{gpu.name} has no attention kernel for an fp8 KV cache")
    if request.max_model_len and request.max_model_len > shape.max_position_embeddings:
        reasons.append(f"a context of {request.max_model_len} is above the model's {shape.max_position_embeddings}")
    return reasons


def _warnings(request: SizeRequest, gpu: catalog.Accelerator) -> list[str]:
    warnings: list[str] = []
    if request.tensor_parallel > 1 and gpu.nvlink_gb_per_second is None:
        warnings.append(f"tensor parallel {request.tensor_parallel} on {gpu.name} goes over PCIe: expect less speed than the GPUs add up to")
    method = request.quantization or request.architecture.checkpoint_quantization
    if method is not None and "fp8" in method and not gpu.fp8_compute:
        warnings.append(f"{gpu.name} has no fp8 units: fp8 weights save memory and no time")
    return warnings


def _remedies(request: SizeRequest) -> list[str]:
    """The nearest changes, each kept only if the same calculation says that it fits."""
    found: list[str] = []
    shape = request.architecture

    def attempt(changed: SizeRequest, words: str) -> None:
        answer = _size(changed)
        if answer.fits:
            found.append(f"{words}: {answer.per_gpu.weights_gib:.1f} GiB of weights per GPU, {answer.kv_tokens} tokens of KV cache")

    if request.max_model_len:
        longest = _size(request).largest_max_model_len
        if longest >= BLOCK_TOKENS:
            attempt(replace(request, max_model_len=longest), f"lower max_model_len to {longest}")
    if shape.checkpoint_quantization is None and request.quantization is None:
        attempt(replace(request, quantization="fp8_per_tensor"), "quantise to fp8 while loading (quantization: fp8_per_tensor)")
        four_bit = replace(shape, checkpoint_quantization="awq", checkpoint_bits=4, group_size=128)
        attempt(replace(request, architecture=four_bit), "take a 4-bit (AWQ) build of the model")
    for parallel in (2, 4, 8):
        if parallel > request.tensor_parallel:
            gpus = max(parallel, request.gpus)
            attempt(replace(request, tensor_parallel=parallel, gpus=gpus), f"tensor parallel {parallel} on {gpus} GPUs of a node")
    for gpu in sorted(catalog.ACCELERATORS.values(), key=lambda other: other.total_gib):
        if gpu.name != request.accelerator and len(found) < 6:
            attempt(replace(request, accelerator=gpu.name), f"use {gpu.name}")
    return found
