"""The nearest changes to a request that does not fit. Each is tried by the same calculation before it is named."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

from fleet import catalog, change_costs, presets
from fleet.memory import BLOCK_TOKENS, DEFAULT_GPU_MEMORY_UTILIZATION, SizeRequest, Terms, largest_context
from fleet.offers import Offers, known_shape, price_order

MOST_NAMED = 6
SHORTEST_USEFUL_CONTEXT = 1024
"""A context below this is named for no model: nobody could use it."""

TENSOR_PARALLEL = (1, 2, 4, 8)

Option = str | int | float | None
"""A value of an option of `python -m fleet size`; None: leave the option out."""


@dataclass(frozen=True, kw_only=True)
class Change:
    """What to change, in words and as options of `python -m fleet size` (and fields of `SizeRequest`)."""

    words: str
    options: Mapping[str, Option]
    cost: str
    """What it usually costs, in quality and speed."""
    machines: tuple[str, ...] = ()
    """What is sold for it, with list prices; only where the change is of the machine."""
    pin: str = ""
    """What is known of the commit, where the change is of the weights."""


def applied(request: SizeRequest, options: Mapping[str, Option]) -> SizeRequest:
    """The request with these options. `preset` takes the shape of another build, and what it is served with."""
    fields = dict(options)
    preset = presets.known_model(str(fields.pop("preset", "")))
    shape = known_shape(preset.model) if preset else None
    if preset and shape:
        request = replace(request, architecture=shape, quantization=preset.quantization, dtype=preset.dtype)
    return replace(request, **fields)  # pyright: ignore[reportArgumentType]


def remedies(request: SizeRequest, offers: Offers, fits: Callable[[SizeRequest], bool]) -> list[Change]:
    """Changes that make the request fit: one where one is enough, else two, the nearest first."""
    found: list[Change] = []
    for change in _changes(request, offers):
        # The smallest tensor parallel size that does is enough; larger ones would crowd out other ideas.
        again = "tensor_parallel" in change.options and any("tensor_parallel" in named.options for named in found)
        if not again and fits(applied(request, change.options)):
            found.append(change)
    if not found:
        for both in _pairs(request, offers):
            if all(both.options != named.options for named in found) and fits(applied(request, both.options)):
                found.append(both)
            if len(found) == MOST_NAMED:
                break
    return [_complete(request, change) for change in found[:MOST_NAMED]]


def _complete(request: SizeRequest, change: Change) -> Change:
    """A preset brings its own context and GPUs; what was asked about stays."""
    if "preset" not in change.options:
        return change
    after = applied(request, change.options)
    kept = {"tensor_parallel": after.tensor_parallel, "gpus": after.gpus, "max_model_len": after.context}
    return replace(change, options={**change.options, **kept})


def _pairs(request: SizeRequest, offers: Offers) -> Iterator[Change]:
    for first in _changes(request, offers):
        for second in _changes(applied(request, first.options), offers):
            # A second change of the same thing would undo the first.
            if not set(first.options) & set(second.options) - {"gpus"}:
                yield _joined(request, offers, first, second)


def _joined(request: SizeRequest, offers: Offers, first: Change, second: Change) -> Change:
    words, cost = first.words, first.cost
    if "accelerator" in second.options:  # what the first change costs on the GPU that the second brings
        words = words.partition(" on a node of ")[0]
        there = _changes(applied(request, second.options), offers)
        cost = next((change.cost for change in there if change.options == first.options), cost)
    return Change(
        words=f"{words} and {second.words}",
        options={**first.options, **second.options},
        cost=second.cost if "tensor_parallel" in first.options and "accelerator" in second.options else f"{cost}; {second.cost}",
        machines=second.machines or first.machines,
        pin=second.pin or first.pin,
    )


def _changes(request: SizeRequest, offers: Offers) -> Iterator[Change]:
    yield from _types(request)
    yield from _context(request)
    yield from _kv_cache(request)
    yield from _quantised(request, offers)
    yield from _parallel(request, offers)
    yield from _other_accelerators(request, offers)


def _types(request: SizeRequest) -> Iterator[Change]:
    gpu = catalog.accelerator(request.accelerator)
    if request.dtype == "float32" or (request.dtype == "bfloat16" and not gpu.bfloat16):
        yield Change(words="use dtype half", options={"dtype": "half"}, cost="half the precision; models trained in 16 bits lose nothing")
    if request.dtype in ("half", "float16", "float32") and gpu.bfloat16:
        yield Change(words="use dtype bfloat16", options={"dtype": "bfloat16"}, cost="models trained in 16 bits lose nothing")
    if request.gpu_memory_utilization < DEFAULT_GPU_MEMORY_UTILIZATION:
        share = DEFAULT_GPU_MEMORY_UTILIZATION
        yield Change(
            words=f"raise gpu_memory_utilization to {share}, vLLM's default", options={"gpu_memory_utilization": share}, cost=change_costs.FULLER
        )


def _context(request: SizeRequest) -> Iterator[Change]:
    longest = largest_context(request, Terms(request=request).pool) // BLOCK_TOKENS * BLOCK_TOKENS
    if SHORTEST_USEFUL_CONTEXT <= longest < request.context:
        yield Change(words=f"lower max_model_len to {longest}", options={"max_model_len": longest}, cost=change_costs.SHORTER)


def _kv_cache(request: SizeRequest) -> Iterator[Change]:
    dtype = request.kv_cache_dtype or "auto"
    if dtype != "auto":
        yield Change(words="leave kv_cache_dtype at auto", options={"kv_cache_dtype": "auto"}, cost="none in quality: as wide as the model")
    if not dtype.startswith("fp8") and catalog.accelerator(request.accelerator).fp8_kv_cache:
        yield Change(words="keep the KV cache in fp8", options={"kv_cache_dtype": "fp8"}, cost=change_costs.KV_FP8)


def _quantised(request: SizeRequest, offers: Offers) -> Iterator[Change]:
    gpu, checkpoint = catalog.accelerator(request.accelerator), request.architecture.checkpoint_quantization
    if checkpoint is None and request.quantization is None:
        words = "quantise to fp8 while loading (quantization: fp8_per_tensor)"
        yield Change(words=words, options={"quantization": "fp8_per_tensor"}, cost=change_costs.fp8(gpu))
    builds = list(offers.builds(request.architecture))
    for preset in builds:
        shape = known_shape(preset.model)
        quantized = shape.checkpoint_quantization if shape else None
        bits = {"awq": "4-bit (AWQ)", "gptq": "4-bit (GPTQ)"}.get(quantized or "", quantized or "16-bit")
        options: dict[str, Option] = {"preset": preset.model, "quantization": None, "dtype": preset.dtype}
        words = f"take the {bits} build {preset.model}"
        yield Change(words=words, options=options, cost=change_costs.build(quantized, gpu), pin=offers.pin(preset.model))
    if checkpoint is None and request.quantization is None and not any("AWQ" in preset.model.upper() for preset in builds):
        words = "take a 4-bit (AWQ) build of the model"
        yield Change(words=words, options={"quantization": "awq"}, cost=change_costs.FOUR_BIT)
    elif checkpoint and request.quantization:
        words = f"leave quantization out: the checkpoint is {checkpoint}"
        yield Change(words=words, options={"quantization": None}, cost=change_costs.SAME_WEIGHTS)


def _parallel(request: SizeRequest, offers: Offers) -> Iterator[Change]:
    """Larger powers of two, and where the present size breaks a rule, the smaller ones too, the nearest first."""
    gpu = catalog.accelerator(request.accelerator)
    larger = [size for size in TENSOR_PARALLEL if size > request.tensor_parallel]
    smaller = [size for size in reversed(TENSOR_PARALLEL) if size < request.tensor_parallel]
    for parallel in [request.tensor_parallel, *smaller, *larger]:
        gpus = request.gpus if request.gpus >= parallel else offers.gpus(request.accelerator, parallel)
        if gpus and (parallel, gpus) != (request.tensor_parallel, request.gpus):
            yield Change(
                words=f"tensor parallel {parallel} on a node of {gpus} GPU{'s' if gpus > 1 else ''}",
                options={"tensor_parallel": parallel, "gpus": gpus},
                cost=change_costs.parallel(gpu, parallel),
                machines=tuple(shape.label for shape in offers.machines(gpu.name, gpus)) if gpus != request.gpus else (),
            )


def _other_accelerators(request: SizeRequest, offers: Offers) -> Iterator[Change]:
    """The cheapest first, where prices are known."""
    found: list[tuple[tuple[bool, float], float, Change]] = []
    for gpu in catalog.ACCELERATORS.values():
        gpus = offers.gpus(gpu.name, request.tensor_parallel)
        if gpu.name == request.accelerator or not gpus:
            continue
        machines = offers.machines(gpu.name, gpus)
        node = f" (nodes of {gpus} GPUs)" if gpus > 1 else ""
        change = Change(
            words=f"use {gpu.name}{node}",
            options={"accelerator": gpu.name, "gpus": gpus},
            cost=change_costs.parallel(gpu, request.tensor_parallel) if request.tensor_parallel > 1 else "another machine",
            machines=tuple(shape.label for shape in machines),
        )
        found.append((min(map(price_order, machines), default=(True, 0.0)), gpu.total_gib, change))
    yield from (change for *_, change in sorted(found, key=lambda one: one[:2]))
