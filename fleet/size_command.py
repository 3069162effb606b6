"""`python -m fleet size`: does a model fit an accelerator."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import cast

from fleet import catalog, presets, sizing
from fleet.architecture import Architecture, ArchitectureError, from_config
from fleet.memory import DEFAULT_GPU_MEMORY_UTILIZATION, DTYPES, KV_BYTES
from fleet.problems import InputError, Problem, nearest
from fleet.size_text import size_text
from fleet.sizing_rules import MINIMUM_CAPABILITY, REMOVED_METHODS

LARGEST_NUMBER = 10**9
CONFIG_REMEDY = "save config.json of the model's repository there (a gated model's page saves as HTML)"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of design section 7. Numbers are read here and not by argparse, so that all wrong ones are named at once."""
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--preset", help=f"a tier ({', '.join(presets.PRESETS)}) or a known model, organisation/name")
    which.add_argument("--config", type=Path, help="a Hugging Face config.json")
    parser.add_argument("--accelerator", required=True, help=", ".join(catalog.ACCELERATORS))
    parser.add_argument("--gpus", help="GPUs of the node (default: tensor parallel)")
    parser.add_argument("--tensor-parallel", help="GPUs of one server (default: the preset's, else 1)")
    parser.add_argument("--quantization", help=f"applied while loading, or a build: {', '.join(sorted(MINIMUM_CAPABILITY))}")
    parser.add_argument("--dtype", help=", ".join(DTYPES))
    parser.add_argument("--kv-cache-dtype", help=", ".join(KV_BYTES))
    parser.add_argument("--max-model-len", help=f"context in tokens (default: the preset's, else the model's up to {sizing.DEFAULT_MAX_MODEL_LEN})")
    parser.add_argument("--gpu-memory-utilization", help=f"share of GPU memory for the engine (default: {DEFAULT_GPU_MEMORY_UTILIZATION})")
    parser.add_argument("--json", action="store_true", help="the answer as JSON")


def run(options: argparse.Namespace) -> int:
    """Print the answer; 0 it fits, 1 it does not.

    Raises:
        InputError: options that mean nothing, or a config.json that cannot be counted; all of them at once.
    """
    request = _request(options)
    result = sizing.size(request)
    print(json.dumps(asdict(result), indent=2) if options.json else size_text(options.preset or str(options.config), request, result))
    return 0 if result.fits else 1


def _request(options: argparse.Namespace) -> sizing.SizeRequest:
    problems: list[Problem] = []
    known_methods = [*MINIMUM_CAPABILITY]
    accelerator = _word(problems, "--accelerator", options.accelerator, catalog.ACCELERATORS, "is not in the catalogue")
    quantization = _word(problems, "--quantization", options.quantization, known_methods, _method_limit(options.quantization))
    dtype = _word(problems, "--dtype", options.dtype, DTYPES, "is no type vLLM computes with")
    kv_cache_dtype = _word(problems, "--kv-cache-dtype", options.kv_cache_dtype, KV_BYTES, "is none whose size is known here")
    gpus = _whole(problems, "--gpus", options.gpus)
    tensor_parallel = _whole(problems, "--tensor-parallel", options.tensor_parallel)
    max_model_len = _whole(problems, "--max-model-len", options.max_model_len)
    utilization = _share(problems, "--gpu-memory-utilization", options.gpu_memory_utilization)
    preset = _preset(problems, options.preset)
    architecture = _architecture(problems, options.config, preset)
    if problems or architecture is None:
        raise InputError(problems)
    base = preset or presets.Preset(model="", config={}, max_model_len=sizing.DEFAULT_MAX_MODEL_LEN)
    parallel = tensor_parallel or base.tensor_parallel
    return sizing.SizeRequest(
        architecture=architecture,
        accelerator=accelerator or "",
        gpus=gpus or parallel,
        tensor_parallel=parallel,
        quantization=quantization or base.quantization,
        dtype=dtype or base.dtype,
        kv_cache_dtype=kv_cache_dtype,
        max_model_len=max_model_len or min(base.max_model_len, architecture.max_position_embeddings),
        gpu_memory_utilization=utilization,
    )


def _word(problems: list[Problem], field: str, value: str | None, known: Iterable[str], limit: str) -> str | None:
    if value is not None and value not in known:
        problems.append(Problem(field=field, value=value, limit=limit, remedy=nearest(value, known)))
    return value


def _method_limit(value: str | None) -> str:
    return "was removed from vLLM" if value in REMOVED_METHODS else "is no quantisation that is sized here"


def _whole(problems: list[Problem], field: str, value: str | None) -> int | None:
    if value is None:
        return None
    digits = value.removeprefix("-")
    if not (digits.isascii() and digits.isdigit()):
        problems.append(Problem(field=field, value=value, limit="is no whole number", remedy="give a positive number, digits only"))
        return None
    if len(digits) > 10 or not 1 <= int(value) <= LARGEST_NUMBER:
        problems.append(Problem(field=field, value=value, limit=f"is not between 1 and {LARGEST_NUMBER:,}", remedy="give a positive number"))
        return None
    return int(value)


def _share(problems: list[Problem], field: str, value: str | None) -> float:
    if value is None:
        return DEFAULT_GPU_MEMORY_UTILIZATION
    try:
        share = float(value)
    except ValueError:
        share = 0.0
    if not 0 < share <= 1:
        remedy = f"{DEFAULT_GPU_MEMORY_UTILIZATION} is vLLM's default"
        problems.append(Problem(field=field, value=value, limit="is no share above 0 and up to 1", remedy=remedy))
    return share


def _preset(problems: list[Problem], name: str | None) -> presets.Preset | None:
    if name is None:
        return None
    found = presets.PRESETS.get(name) or presets.known_model(name)
    if found is None:
        remedy = nearest(name, [*presets.PRESETS, *presets.known_models()])
        problems.append(Problem(field="--preset", value=name, limit="is neither a tier nor a known model", remedy=remedy))
    return found


def _architecture(problems: list[Problem], path: Path | None, preset: presets.Preset | None) -> Architecture | None:
    if preset is not None:
        return from_config(preset.config)
    if path is None:
        return None
    try:
        value: object = json.loads(path.read_text(encoding="utf-8"))
        if isinstance(value, dict):
            return from_config(cast("Mapping[str, object]", value))
        limit = "it holds no JSON object"
    except ArchitectureError as error:
        limit = str(error)
    except (OSError, ValueError, RecursionError) as error:
        limit = error.strerror if isinstance(error, OSError) and error.strerror else "it is not JSON"
    problems.append(Problem(field="--config", value=str(path), limit=limit, remedy=CONFIG_REMEDY))
    return None
