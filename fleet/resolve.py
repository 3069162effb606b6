"""Which weights a model entry means, and how they run: the preset, the model's own settings and the lock, in one value."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from fleet import presets
from fleet.architecture import Architecture, ArchitectureError, from_config
from fleet.lock import Lock
from fleet.memory import DEFAULT_MAX_MODEL_LEN
from fleet.offers import known_shape
from fleet.problems import Problem, nearest
from fleet.settings import Model

SHORTEST_TOKENS = 64
"""Of a context and of an engine step; the engine itself starts with 1."""


@dataclass(frozen=True, kw_only=True)
class ResolvedModel:
    """One entry under `models:` with every default filled in, the same in all clusters."""

    name: str
    repository: str
    revision: str | None
    architecture: Architecture
    quantization: str | None
    dtype: str | None
    tensor_parallel: int
    max_model_len: int
    tool_call_parser: str | None
    reasoning_parser: str | None
    gated: bool


def resolve(name: str, model: Model, lock: Lock, directory: Path) -> ResolvedModel | Problem:
    """The model under this name, or the reason why it cannot be known."""
    where = f"models.{name}"
    if model.tier is not None and model.tier not in presets.PRESETS:
        return Problem(
            field=f"{where}.tier", value=model.tier, limit="there is no such tier", remedy=nearest(model.tier, presets.PRESETS), unknown_in="tiers"
        )
    tier = presets.PRESETS[model.tier] if model.tier else None
    repository = model.model or (tier.model if tier else "")
    if not repository:
        remedy = f"set {where}.tier ({nearest('', presets.PRESETS)}), or {where}.model"
        return Problem(field=f"{where}.tier", value=None, limit="neither tier nor model says which weights", remedy=remedy)
    known = tier if tier and tier.model == repository else presets.known_model(repository)
    config = _config(where, model, known, directory, repository)
    if isinstance(config, Problem):
        return config
    try:
        counted = known_shape(known.model) if known is not None and model.config is None else None
        architecture = counted or from_config(config)
    except ArchitectureError as error:
        value = model.config or repository
        return Problem(field=f"{where}.config", value=value, limit=str(error), remedy="take config.json from the model's repository as it is")
    base = known or tier
    wrong = _against(where, model, architecture, base)
    if wrong:
        return wrong
    return ResolvedModel(
        name=name,
        repository=repository,
        revision=model.revision or lock.revision(repository),
        architecture=architecture,
        quantization=model.quantization or (known.quantization if known else None),
        dtype=model.dtype or (known.dtype if known else None),
        tensor_parallel=model.tensor_parallel or (base.tensor_parallel if base else 1),
        max_model_len=model.max_model_len or _default_context(base, architecture),
        tool_call_parser=model.tool_call_parser or (known.tool_call_parser if known else None),
        reasoning_parser=model.reasoning_parser or (known.reasoning_parser if known else None),
        gated=known.gated if known else False,
    )


def _config(where: str, model: Model, known: presets.Preset | None, directory: Path, repository: str) -> Mapping[str, object] | Problem:
    if model.config is None:
        if known is not None:
            return known.config
        limit = f"the shape of {repository} is not known here"
        remedy = "save its config.json beside the stack file and name that file"
        return Problem(field=f"{where}.config", value=None, limit=limit, remedy=remedy)
    path = directory / model.config
    try:
        value: object = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "is not JSON"
        remedy = "save config.json of the model's repository there (a gated model's page saves as HTML)"
        return Problem(field=f"{where}.config", value=model.config, limit=f"{path}: {reason}", remedy=remedy)
    if not isinstance(value, dict):
        return Problem(field=f"{where}.config", value=model.config, limit="holds no JSON object", remedy="save config.json there")
    return cast("Mapping[str, object]", value)


def _against(where: str, model: Model, architecture: Architecture, base: presets.Preset | None) -> Problem | None:
    """The first value of the entry that the model's own shape speaks against, whatever the GPU."""
    longest = architecture.max_position_embeddings
    for name in ("max_model_len", "max_num_batched_tokens"):
        value = getattr(model, name)
        if value is not None and value < SHORTEST_TOKENS:
            limit, remedy = "holds no prompt that anybody sends", f"write {SHORTEST_TOKENS} or more, or leave it out"
            return Problem(field=f"{where}.{name}", value=value, limit=limit, remedy=remedy)
    if model.quantization == "":
        return Problem(field=f"{where}.quantization", value="", limit="names no method", remedy="write fp8_per_tensor, or leave it out")
    if model.max_model_len is not None and model.max_model_len > longest:
        limit = f"the model was trained for {longest} positions"
        return Problem(field=f"{where}.max_model_len", value=model.max_model_len, limit=limit, remedy=f"set it to {longest} or less")
    context = model.max_model_len or _default_context(base, architecture)
    if "max_output_tokens" in model.model_fields_set and model.max_output_tokens > context:
        limit = f"no answer can be longer than the context, {context} tokens"
        remedy = f"set it to {context} or less, or raise {where}.max_model_len"
        return Problem(field=f"{where}.max_output_tokens", value=model.max_output_tokens, limit=limit, remedy=remedy)
    parallel = model.tensor_parallel or 1
    if architecture.heads % parallel:
        divisors = [str(count) for count in (1, 2, 4, 8, 16) if architecture.heads % count == 0]
        limit = f"{architecture.heads} attention heads cannot be divided by it"
        return Problem(field=f"{where}.tensor_parallel", value=parallel, limit=limit, remedy=f"set it to one of: {', '.join(divisors)}")
    return None


def _default_context(base: presets.Preset | None, architecture: Architecture) -> int:
    return min(base.max_model_len if base else DEFAULT_MAX_MODEL_LEN, architecture.max_position_embeddings)
