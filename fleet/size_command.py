"""`python -m fleet size`: does a model fit an accelerator."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import cast

from fleet import catalog, presets, sizing
from fleet.architecture import Architecture, ArchitectureError, from_config
from fleet.problems import InputError, Problem, nearest


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of design section 7."""
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--preset", help="a tier (mini-int4, small, medium, large) or a known model, organisation/name")
    which.add_argument("--config", type=Path, help="a Hugging Face config.json")
    parser.add_argument("--accelerator", required=True, help=", ".join(catalog.ACCELERATORS))
    parser.add_argument("--gpus", type=int, help="GPUs of the node (default: tensor parallel)")
    parser.add_argument("--tensor-parallel", type=int, default=1)
    parser.add_argument("--quantization")
    parser.add_argument("--dtype")
    parser.add_argument("--kv-cache-dtype")
    parser.add_argument("--max-model-len", type=int)
    parser.add_argument("--gpu-memory-utilization", type=float, default=0.92)
    parser.add_argument("--json", action="store_true")


def run(options: argparse.Namespace) -> int:
    """Print the answer; 0 it fits, 1 it does not.

    Raises:
        InputError: an option that means nothing, or a config.json that cannot be counted.
    """
    _check(options)
    request = sizing.SizeRequest(
        architecture=_architecture(options),
        accelerator=options.accelerator,
        gpus=options.gpus or options.tensor_parallel,
        tensor_parallel=options.tensor_parallel,
        quantization=options.quantization,
        dtype=options.dtype,
        kv_cache_dtype=options.kv_cache_dtype,
        max_model_len=options.max_model_len,
        gpu_memory_utilization=options.gpu_memory_utilization,
    )
    result = sizing.size(request)
    print(json.dumps(asdict(result), indent=2) if options.json else _text(options.preset or str(options.config), result))
    return 0 if result.fits else 1


def _check(options: argparse.Namespace) -> None:
    problems: list[Problem] = []
    if options.accelerator not in catalog.ACCELERATORS:
        remedy = nearest(options.accelerator, catalog.ACCELERATORS)
        problems.append(Problem(field="--accelerator", value=options.accelerator, limit="is not in the catalogue", remedy=remedy))
    for name in ("gpus", "tensor_parallel", "max_model_len"):
        value = getattr(options, name)
        if value is not None and value < 1:
            problems.append(Problem(field=f"--{name.replace('_', '-')}", value=value, limit="is below 1", remedy="give a positive number"))
    if not 0 < options.gpu_memory_utilization <= 1:
        value = options.gpu_memory_utilization
        problems.append(Problem(field="--gpu-memory-utilization", value=value, limit="is a share of 1", remedy="0.92 is vLLM's default"))
    if problems:
        raise InputError(problems)


def _architecture(options: argparse.Namespace) -> Architecture:
    if options.preset:
        preset = presets.PRESETS.get(options.preset) or presets.known_model(options.preset)
        if preset is None:
            remedy = nearest(options.preset, presets.PRESETS)
            raise InputError([Problem(field="--preset", value=options.preset, limit="is neither a tier nor a known model", remedy=remedy)])
        return from_config(preset.config)
    path: Path = options.config
    remedy = "save config.json of the model's repository there (a gated model's page saves as HTML)"
    try:
        value: object = json.loads(path.read_text(encoding="utf-8"))
        return from_config(cast("Mapping[str, object]", value if isinstance(value, Mapping) else {}))
    except ArchitectureError as error:
        raise InputError([Problem(field="--config", value=str(path), limit=str(error), remedy=remedy)]) from None
    except (OSError, ValueError, RecursionError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "is not JSON"
        raise InputError([Problem(field="--config", value=str(path), limit=str(reason), remedy=remedy)]) from None


def _text(name: str, result: sizing.SizeResult) -> str:
    gpu = result.per_gpu
    verdict = "fits" if result.fits else "does not fit"
    lines = [f"{name} {verdict} on {result.tensor_parallel} × {result.accelerator}", ""]
    terms = {
        "usable": gpu.usable_gib,
        "weights": gpu.weights_gib,
        "activations": gpu.activations_gib,
        "CUDA graphs": gpu.graphs_gib,
        "non-torch": gpu.non_torch_gib,
        "KV cache": gpu.kv_gib,
    }
    lines += [f"  {term:<12} {value:8.2f} GiB per GPU" for term, value in terms.items()]
    lines += [
        "",
        f"  {result.kv_tokens:,} tokens of KV cache, {result.concurrency} requests at once, longest context {result.largest_max_model_len:,}",
    ]
    for title, entries in (("Why not", result.reasons), ("What would fit", result.remedies), ("Warnings", result.warnings)):
        if entries:
            lines += ["", title, *(f"  {entry}" for entry in entries)]
    return "\n".join(lines)
