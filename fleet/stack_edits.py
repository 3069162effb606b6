"""Remedies of a placement that does not fit, as edits of the stack file that asked for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from fleet import presets
from fleet.catalog import Shape
from fleet.offers import Offers
from fleet.server_inputs import ServerInputs
from fleet.settings import ExistingCluster
from fleet.sizing import SizeResult
from fleet.sizing_remedies import Change, Option

LIKE_THE_OPTION = ("max_model_len", "kv_cache_dtype", "dtype", "gpu_memory_utilization", "tensor_parallel")
"""Options of `python -m fleet size` whose field of a model entry has the same name."""


def offers(inputs: ServerInputs) -> Offers:
    """What this placement's cluster can have: machines that its cloud sells there, as the pool buys them."""
    return Offers(repository=inputs.model.repository, sold=None if isinstance(inputs.cluster, ExistingCluster) else _sold(inputs), lock=inputs.lock)


def remedy(inputs: ServerInputs, sized: SizeResult) -> str:
    """Every change that makes the placement fit, as what to set in the stack file, with what it costs."""
    found = [_words(inputs, change, words) for words, change in zip(sized.remedies, sized.changes, strict=True)]
    return "; or ".join(found) or "choose a smaller model or a larger accelerator"


def _sold(inputs: ServerInputs) -> Callable[[Shape], bool]:
    cluster, on_demand = inputs.cluster, "on_demand" in inputs.pool.capacity

    def sold(shape: Shape) -> bool:
        return shape.cloud == cluster.cloud and shape.sold_in(cluster.region) and (shape.on_demand or not on_demand)

    return sold


def _words(inputs: ServerInputs, change: Change, words: str) -> str:
    outcome = words.rpartition(": needs ")[2].partition("; cost: ")[0]
    parts = [f"needs {outcome}", change.pin, f"cost: {change.cost}", f"sold: {', '.join(change.machines)}" if change.machines else ""]
    return f"set {', '.join(_edits(inputs, change))} ({'; '.join(part for part in parts if part)})"


def _edits(inputs: ServerInputs, change: Change) -> Iterator[str]:
    entry, where, pool = inputs.settings.models[inputs.model.name], f"models.{inputs.model.name}", inputs.pool
    options = dict(change.options)
    preset = presets.known_model(str(options.pop("preset", "")))
    if preset is not None:
        yield from _build(inputs, preset, options)
        return
    for name in LIKE_THE_OPTION:
        if name in options:
            yield f"{where}.{name}: {options[name]}"
    if options.get("quantization") == "awq":
        yield f"{where}.model: an AWQ build of {inputs.model.repository} with its own config and revision"
    elif "quantization" in options:
        yield f"{where}.quantization: {options['quantization'] or 'null'}"
    yield from _nodes(pool.name, pool.accelerator, pool.gpus_per_node, options)
    if {"accelerator", "gpus"} & set(options) and inputs.settings.pools[pool.name].machine:
        yield f"pools.{pool.name}.machine: null"
    if "max_model_len" in options and "max_output_tokens" in entry.model_fields_set and entry.max_output_tokens > int(options["max_model_len"] or 0):
        yield f"{where}.max_output_tokens: {options['max_model_len']}"


def _nodes(pool: str, accelerator: str, gpus: int, options: Mapping[str, Option]) -> Iterator[str]:
    if options.get("accelerator", accelerator) != accelerator:
        yield f"pools.{pool}.accelerator: {options['accelerator']}"
    if options.get("gpus", gpus) != gpus:
        yield f"pools.{pool}.gpus_per_node: {options['gpus']}"


def _build(inputs: ServerInputs, preset: presets.Preset, options: Mapping[str, Option]) -> Iterator[str]:
    """Another build of the model: what the entry says of the old one goes, what was asked about stays."""
    entry, where = inputs.settings.models[inputs.model.name], f"models.{inputs.model.name}"
    yield f"{where}.model: {preset.model}"
    for name in ("revision", "config", "quantization", "dtype"):
        if getattr(entry, name) is not None:
            yield f"{where}.{name}: null"
    for name, default in (("tensor_parallel", preset.tensor_parallel), ("max_model_len", preset.max_model_len)):
        if options[name] != (getattr(entry, name) or default):
            yield f"{where}.{name}: {options[name]}"
    if "kv_cache_dtype" in options:
        yield f"{where}.kv_cache_dtype: {options['kv_cache_dtype']}"
    yield from _nodes(inputs.pool.name, inputs.pool.accelerator, inputs.pool.gpus_per_node, options)
