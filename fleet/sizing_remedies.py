"""The nearest changes to a request that does not fit. Each is tried by the same calculation before it is named."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from fleet import catalog
from fleet.checkpoint import explicit_format
from fleet.memory import BLOCK_TOKENS, SizeRequest, Terms, largest_context

MOST_NAMED = 6
SHORTEST_USEFUL_CONTEXT = 1024
"""A context below this is named for no model: nobody could use it."""

TENSOR_PARALLEL = (1, 2, 4, 8)

Change = tuple[str, SizeRequest]


def remedies(request: SizeRequest, fits: Callable[[SizeRequest], bool]) -> list[Change]:
    """Changes that make the request fit, in words and applied: one where one is enough, else two, the nearest first."""
    found: list[Change] = []
    for change in _changes(request):
        # The smallest tensor parallel size that does is enough; larger ones would crowd out other ideas.
        again = change[1].tensor_parallel != request.tensor_parallel and any(one.tensor_parallel != request.tensor_parallel for _, one in found)
        if not again and fits(change[1]):
            found.append(change)
    if not found:
        pairs = ((f"{first} and {second}", both) for first, one in _changes(request) for second, both in _changes(one))
        for words, both in pairs:
            if all(both != named for _, named in found) and fits(both):
                found.append((words, both))
            if len(found) == MOST_NAMED:
                break
    return found[:MOST_NAMED]


def _changes(request: SizeRequest) -> Iterator[Change]:
    yield from _types(request)
    yield from _context(request)
    yield from _quantised(request)
    yield from _parallel(request)
    yield from _other_accelerators(request)


def _types(request: SizeRequest) -> Iterator[Change]:
    gpu = catalog.accelerator(request.accelerator)
    if request.dtype == "float32" or (request.dtype == "bfloat16" and not gpu.bfloat16):
        yield "use dtype half", replace(request, dtype="half")
    if request.dtype in ("half", "float16", "float32") and gpu.bfloat16:
        yield "use dtype bfloat16", replace(request, dtype="bfloat16")
    if (request.kv_cache_dtype or "auto") != "auto":
        yield "leave kv_cache_dtype at auto", replace(request, kv_cache_dtype=None)


def _context(request: SizeRequest) -> Iterator[Change]:
    longest = largest_context(request, Terms(request=request).pool) // BLOCK_TOKENS * BLOCK_TOKENS
    if SHORTEST_USEFUL_CONTEXT <= longest < request.context:
        yield f"lower max_model_len to {longest}", replace(request, max_model_len=longest)


def _quantised(request: SizeRequest) -> Iterator[Change]:
    shape = request.architecture
    if shape.checkpoint_quantization is None and request.quantization is None:
        yield "quantise to fp8 while loading (quantization: fp8_per_tensor)", replace(request, quantization="fp8_per_tensor")
        yield "take a 4-bit (AWQ) build of the model", replace(request, architecture=replace(shape, checkpoint=explicit_format("awq")))
    elif shape.checkpoint_quantization and request.quantization:
        yield f"leave quantization out: the checkpoint is {shape.checkpoint_quantization}", replace(request, quantization=None)


def _parallel(request: SizeRequest) -> Iterator[Change]:
    """Larger powers of two, and where the present size breaks a rule, the smaller ones too, the nearest first."""
    larger = [size for size in TENSOR_PARALLEL if size > request.tensor_parallel]
    smaller = [size for size in reversed(TENSOR_PARALLEL) if size < request.tensor_parallel]
    for parallel in [request.tensor_parallel, *smaller, *larger]:
        gpus = request.gpus if request.gpus >= parallel else _node(request.accelerator, parallel)
        changed = replace(request, tensor_parallel=parallel, gpus=gpus or parallel)
        if gpus and changed != request:
            yield f"tensor parallel {parallel} on a node of {gpus} GPU{'s' if gpus > 1 else ''}", changed


def _other_accelerators(request: SizeRequest) -> Iterator[Change]:
    for gpu in sorted(catalog.ACCELERATORS.values(), key=lambda other: other.total_gib):
        gpus = _node(gpu.name, request.tensor_parallel)
        if gpu.name != request.accelerator and gpus:
            node = f" (nodes of {gpus} GPUs)" if gpus > 1 else ""
            yield f"use {gpu.name}{node}", replace(request, accelerator=gpu.name, gpus=gpus)


def _node(accelerator: str, gpus: int) -> int | None:
    """GPUs of the smallest machine that some cloud sells with at least so many, or None."""
    return min((shape.gpus for shape in catalog.accelerator(accelerator).shapes if shape.gpus >= gpus), default=None)
