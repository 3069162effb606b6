"""What vLLM 0.33 refuses whatever the memory: heads that do not divide, formats a GPU cannot compute, contexts too long."""

from __future__ import annotations

from collections.abc import Iterator

from fleet import catalog
from fleet.checkpoint import ONLINE_METHODS, family
from fleet.memory import SizeRequest
from fleet.weights import VOCABULARY_MULTIPLE

MINIMUM_CAPABILITY = {
    "awq": (7, 5),
    "auto_awq": (7, 5),
    "awq_marlin": (7, 5),
    "gptq": (6, 0),
    "auto_gptq": (6, 0),
    "gptq_marlin": (7, 5),
    "fp8": (7, 5),
    "fp8_per_tensor": (7, 5),
    "fp8_per_block": (7, 5),
    "compressed-tensors": (7, 0),
    "fbgemm_fp8": (8, 0),
    "mxfp4": (8, 0),
    "gpt_oss_mxfp4": (8, 0),
    "modelopt": (8, 0),
    "modelopt_fp8": (8, 0),
    "modelopt_fp4": (7, 5),
    "nvfp4": (7, 5),
    "quark": (7, 0),
    "inc": (6, 0),
    "auto-round": (6, 0),
    "auto_round": (6, 0),
}
"""Compute capability below which vLLM 0.33 refuses a method, as coded in its quantisation layers (Marlin: 7.5)."""

BITS_IN_CHECKPOINT = frozenset({"quark", "inc"})
"""Families of formats whose bits only a checkpoint says: nothing can be sized from the name alone."""

REMOVED_METHODS = frozenset({"bitsandbytes", "gguf"})

FLOAT16_UNSTABLE = frozenset({"gemma2", "gemma3", "gemma3_text", "glm4"})
"""Model types for which vLLM refuses float16."""


def reasons(request: SizeRequest) -> list[str]:
    """Every rule that the request breaks, in words."""
    gpu = catalog.accelerator(request.accelerator)
    return [*_parallel(request), *_quantization(request, gpu), *_types(request, gpu), *_context(request)]


def warnings(request: SizeRequest) -> list[str]:
    """What works, but not as a reader may expect."""
    gpu = catalog.accelerator(request.accelerator)
    found: list[str] = []
    if request.tensor_parallel > 1 and gpu.nvlink_gb_per_second is None:
        found.append(f"tensor parallel {request.tensor_parallel} on {gpu.name} goes over PCIe: expect less speed than the GPUs add up to")
    if request.architecture.format(request.quantization).fp8 and not gpu.fp8_compute:
        found.append(f"{gpu.name} has no fp8 units: fp8 weights save memory and no time")
    if request.quantization and request.architecture.checkpoint_quantization is None and request.quantization not in ONLINE_METHODS:
        found.append(f"the checkpoint is in 16 bits: {request.quantization} needs a repository with such a build")
    return found


def _parallel(request: SizeRequest) -> Iterator[str]:
    shape, parallel = request.architecture, request.tensor_parallel
    if parallel > request.gpus:
        yield f"tensor parallel {parallel} needs {parallel} GPUs on one node, which has {request.gpus}; several nodes are not served yet"
    if shape.heads % parallel:
        yield f"{shape.heads} attention heads cannot be divided by tensor parallel {parallel}"
    elif shape.latent is None and shape.kv_heads % parallel and parallel % shape.kv_heads:
        yield f"{shape.kv_heads} key-value heads and tensor parallel {parallel}: neither divides the other"
    padded = -(-shape.vocabulary // VOCABULARY_MULTIPLE) * VOCABULARY_MULTIPLE
    if padded % parallel:
        yield f"a vocabulary of {shape.vocabulary}, padded to {padded}, cannot be divided by tensor parallel {parallel}"
    yield from _widths(request)


def _widths(request: SizeRequest) -> Iterator[str]:
    """MLPs and experts: cut into equal parts, and never within weights that share a scale."""
    shape, parallel = request.architecture, request.tensor_parallel
    chosen = shape.format(request.quantization)
    for name, width in (("MLP", shape.intermediate_size), ("experts", 0 if chosen.padded else shape.expert_width or 0)):
        if width % parallel:
            yield f"{name} of {width} cannot be divided by tensor parallel {parallel}"
    # Experts of 4-bit formats fall back to a kernel without this limit; blocks of fp8 are never cut.
    widths = [shape.intermediate_size] if shape.dense else [shape.expert_width] if chosen.block else []
    for width in widths:
        if parallel > 1 and width and chosen.partition_multiple and width % (parallel * chosen.partition_multiple):
            yield (
                f"tensor parallel {parallel} cuts the MLP of {width} into parts that are no multiple of "
                f"{chosen.partition_multiple}, the weights that share a scale in {chosen.method}"
            )


def _quantization(request: SizeRequest, gpu: catalog.Accelerator) -> Iterator[str]:
    asked, checkpoint = request.quantization, request.architecture.checkpoint_quantization
    if asked and checkpoint and family(asked) != family(checkpoint):
        yield f"the checkpoint is {checkpoint} already: it cannot be loaded as {asked}"
    method = asked or checkpoint
    if method is None:
        return
    if method in REMOVED_METHODS:
        yield f"quantization {method} was removed from vLLM"
    elif method not in MINIMUM_CAPABILITY:
        yield f"quantization {method} is not one that is sized here: {', '.join(sorted(MINIMUM_CAPABILITY))}"
    elif checkpoint is None and family(method) in BITS_IN_CHECKPOINT:
        yield f"quantization {method} does not say its bits: use the config.json of a checkpoint in that format"
    elif gpu.compute_capability < MINIMUM_CAPABILITY[method]:
        needed, there = _version(MINIMUM_CAPABILITY[method]), _version(gpu.compute_capability)
        yield f"quantization {method} needs compute capability {needed}, {gpu.name} has {there}"


def _types(request: SizeRequest, gpu: catalog.Accelerator) -> Iterator[str]:
    kind, cache = request.architecture.model_type, request.kv_cache_dtype or "auto"
    if request.dtype == "bfloat16" and not gpu.bfloat16:
        yield f"{gpu.name} (compute capability {_version(gpu.compute_capability)}) has no bfloat16: use dtype half"
    half = request.dtype in ("half", "float16") or (request.dtype in (None, "auto") and not gpu.bfloat16)
    if half and kind in FLOAT16_UNSTABLE:
        yield f"{kind} is unstable in float16, and vLLM refuses it{'' if gpu.bfloat16 else f'; {gpu.name} has no bfloat16'}"
    if cache.startswith("fp8") and not gpu.fp8_kv_cache:
        yield f"{gpu.name} has no attention kernel for an fp8 KV cache"
    if cache == "bfloat16" and not gpu.bfloat16:
        yield f"{gpu.name} has no bfloat16 for the KV cache"


def _context(request: SizeRequest) -> Iterator[str]:
    longest = request.architecture.max_position_embeddings
    if request.context > longest:
        yield f"a context of {request.context} is above the model's {longest}"


def _version(capability: tuple[int, int]) -> str:
    return ".".join(map(str, capability))
