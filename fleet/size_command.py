"""`python -m fleet size`: does a model fit an accelerator."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import cast

from fleet import catalog, presets, sizing
from fleet.architecture import Architecture, ArchitectureError, from_config
from fleet.concurrency import Lengths
from fleet.lock import Lock
from fleet.memory import DEFAULT_GPU_MEMORY_UTILIZATION, DTYPES, KV_BYTES
from fleet.offers import Offers, gaps
from fleet.plan_json import plain
from fleet.problems import InputError, Problem, nearest
from fleet.size_text import size_text
from fleet.sizing_rules import MINIMUM_CAPABILITY, REMOVED_METHODS

LARGEST_NUMBER = 10**9
CATALOGUE_REMEDY = "complete its row in fleet/catalog_rows.py, with its source"
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
    parser.add_argument("--prompt-tokens", help="of a typical request: how many run at once at this length; with --output-tokens")
    parser.add_argument("--output-tokens", help="of a typical answer; with --prompt-tokens")
    parser.add_argument("--explain", action="store_true", help="formula, inputs and source of every line (JSON always has them under terms)")
    parser.add_argument("--json", action="store_true", help="the answer as JSON")


def run(options: argparse.Namespace) -> int:
    """Print the answer; 0 it fits, 1 it does not.

    Raises:
        InputError: options that mean nothing, or a config.json that cannot be counted; all of them at once.
    """
    request, lengths = _question(options)
    preset = _known(options.preset)
    offers = Offers(repository=preset.model if preset else None, lock=Lock.shipped())
    result = sizing.size(request, offers, lengths)
    result = replace(result, warnings=(*result.warnings, *_unsold(request)))
    if options.json:
        print(json.dumps(plain(result), indent=2))
    else:
        print(size_text(options.preset or str(options.config), request, result, explained=options.explain))
    return 0 if result.fits else 1


def _question(options: argparse.Namespace) -> tuple[sizing.SizeRequest, Lengths | None]:
    problems: list[Problem] = []
    known_methods = [*MINIMUM_CAPABILITY]
    accelerator = _accelerator(problems, options.accelerator)
    quantization = _word(problems, "--quantization", options.quantization, known_methods, _method_limit(options.quantization))
    dtype = _word(problems, "--dtype", options.dtype, DTYPES, "is no type vLLM computes with")
    kv_cache_dtype = _word(problems, "--kv-cache-dtype", options.kv_cache_dtype, KV_BYTES, "is none whose size is known here")
    names = ("gpus", "tensor_parallel", "max_model_len", "prompt_tokens", "output_tokens")
    gpus, tensor_parallel, max_model_len, prompt, output = (_whole(problems, f"--{name.replace('_', '-')}", getattr(options, name)) for name in names)
    utilization = _share(problems, "--gpu-memory-utilization", options.gpu_memory_utilization)
    preset = _preset(problems, options.preset)
    architecture = _architecture(problems, options.config, preset)
    base = preset or presets.Preset(model="", config={}, max_model_len=sizing.DEFAULT_MAX_MODEL_LEN)
    context = max_model_len or (min(base.max_model_len, architecture.max_position_embeddings) if architecture else None)
    lengths = _lengths(problems, options, prompt, output, context)
    if problems or architecture is None:
        raise InputError(problems)
    parallel = tensor_parallel or base.tensor_parallel
    request = sizing.SizeRequest(
        architecture=architecture,
        accelerator=accelerator or "",
        gpus=gpus or parallel,
        tensor_parallel=parallel,
        quantization=quantization or base.quantization,
        dtype=dtype or base.dtype,
        kv_cache_dtype=kv_cache_dtype,
        max_model_len=context,
        gpu_memory_utilization=utilization,
    )
    return request, lengths


def _accelerator(problems: list[Problem], name: str) -> str | None:
    found = _word(problems, "--accelerator", name, catalog.ACCELERATORS, "is not in the catalogue")
    gpu = catalog.ACCELERATORS.get(name)
    if gpu is not None:
        limit = "; ".join(gaps(gpu))
        if limit:
            problems.append(Problem(field="--accelerator", value=name, limit=limit, remedy=CATALOGUE_REMEDY))
    return found


def _lengths(problems: list[Problem], options: argparse.Namespace, prompt: int | None, output: int | None, context: int | None) -> Lengths | None:
    if (options.prompt_tokens is None) is not (options.output_tokens is None):
        given, absent = ("prompt", "output") if options.output_tokens is None else ("output", "prompt")
        value = getattr(options, f"{given}_tokens")
        limit = f"a request has a prompt and an answer, and --{absent}-tokens is not given"
        problems.append(Problem(field=f"--{given}-tokens", value=value, limit=limit, remedy=f"add --{absent}-tokens"))
    if prompt is None or output is None:
        return None
    if context is not None and prompt + output > context:
        limit = f"with --output-tokens {output} it is a request of {prompt + output} tokens, and the context is {context}"
        problems.append(Problem(field="--prompt-tokens", value=prompt, limit=limit, remedy="shorten one of them, or raise --max-model-len"))
    return Lengths(prompt_tokens=prompt, output_tokens=output)


def _unsold(request: sizing.SizeRequest) -> list[str]:
    """Words for a node that no cloud sells: it may stand in a cluster of one's own."""
    sold = sorted({shape.gpus for shape in catalog.accelerator(request.accelerator).shapes})
    if request.gpus in sold:
        return []
    return [f"no machine of the catalogue carries {request.gpus} × {request.accelerator}; they are sold in {', '.join(map(str, sold))}"]


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
    found = _known(name)
    if found is None:
        remedy = nearest(name, [*presets.PRESETS, *presets.known_models()])
        problems.append(Problem(field="--preset", value=name, limit="is neither a tier nor a known model", remedy=remedy))
    return found


def _known(name: str | None) -> presets.Preset | None:
    return presets.PRESETS.get(name) or presets.known_model(name) if name else None


def _architecture(problems: list[Problem], path: Path | None, preset: presets.Preset | None) -> Architecture | None:
    if preset is not None:
        return from_config(preset.config)
    if path is None:
        return None
    page = False
    try:
        text = path.read_text(encoding="utf-8-sig")
        page = text.lstrip().startswith("<")
        value: object = json.loads(text)
        if isinstance(value, dict):
            return from_config(cast("Mapping[str, object]", value))
        limit = "it holds no JSON object"
    except ArchitectureError as error:
        limit = str(error)
    except (OSError, ValueError, RecursionError) as error:
        limit = error.strerror if isinstance(error, OSError) and error.strerror else f"it is not JSON{' but a web page' * page}"
    problems.append(Problem(field="--config", value=str(path), limit=limit, remedy=CONFIG_REMEDY))
    return None
