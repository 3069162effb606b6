"""`python -m fleet size`: does a model fit an accelerator."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import cast

from fleet import catalog, option_values, presets, sizing
from fleet.architecture import Architecture, ArchitectureError, from_config
from fleet.concurrency import Lengths
from fleet.lock import Lock
from fleet.memory import DEFAULT_GPU_MEMORY_UTILIZATION, DTYPES, KV_BYTES
from fleet.offers import Offers, known_shape
from fleet.plan_json import plain
from fleet.problems import InputError, Problem, nearest
from fleet.size_text import size_text
from fleet.sizing_rules import MINIMUM_CAPABILITY, REMOVED_METHODS

COUNTS = ("gpus", "tensor_parallel", "max_model_len", "max_num_seqs", "max_num_batched_tokens", "prompt_tokens", "output_tokens")
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
    parser.add_argument("--max-num-seqs", help="requests that run at once (default: the engine's on that GPU)")
    parser.add_argument("--max-num-batched-tokens", help="tokens of one engine step (default: the engine's on that GPU)")
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
    accelerator = option_values.word(problems, "--accelerator", options.accelerator, catalog.ACCELERATORS, "is not in the catalogue")
    quantization = option_values.word(problems, "--quantization", options.quantization, known_methods, _method_limit(options.quantization))
    dtype = option_values.word(problems, "--dtype", options.dtype, DTYPES, "is no type vLLM computes with")
    kv_cache_dtype = option_values.word(problems, "--kv-cache-dtype", options.kv_cache_dtype, KV_BYTES, "is none whose size is known here")
    count = {name: option_values.whole(problems, f"--{name.replace('_', '-')}", getattr(options, name)) for name in COUNTS}
    utilization = option_values.share(problems, "--gpu-memory-utilization", options.gpu_memory_utilization)
    preset = _preset(problems, options.preset)
    architecture = _architecture(problems, options.config, preset)
    base = preset or presets.Preset(model="", config={}, max_model_len=sizing.DEFAULT_MAX_MODEL_LEN)
    context = count["max_model_len"] or (min(base.max_model_len, architecture.max_position_embeddings) if architecture else None)
    lengths = _lengths(problems, options, count, context)
    if problems or architecture is None:
        raise InputError(problems)
    parallel = count["tensor_parallel"] or base.tensor_parallel
    request = sizing.SizeRequest(
        architecture=architecture,
        accelerator=accelerator or "",
        gpus=count["gpus"] or parallel,
        tensor_parallel=parallel,
        quantization=quantization or base.quantization,
        dtype=dtype or base.dtype,
        kv_cache_dtype=kv_cache_dtype,
        max_model_len=context,
        gpu_memory_utilization=utilization,
        max_num_seqs=count["max_num_seqs"],
        max_num_batched_tokens=count["max_num_batched_tokens"],
    )
    _batch(request)
    return request, lengths


def _batch(request: sizing.SizeRequest) -> None:
    tokens, _ = sizing.batch_defaults(replace(request, max_num_seqs=None))
    if request.max_num_seqs is not None and request.max_num_seqs > tokens:
        limit = f"is above the tokens of one batch, {tokens}, and each running request needs one"
        raise InputError(
            [Problem(field="--max-num-seqs", value=request.max_num_seqs, limit=limit, remedy="lower it, or raise --max-num-batched-tokens")]
        )


def _lengths(problems: list[Problem], options: argparse.Namespace, count: Mapping[str, int | None], context: int | None) -> Lengths | None:
    prompt, output = count["prompt_tokens"], count["output_tokens"]
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


def _method_limit(value: str | None) -> str:
    return "was removed from vLLM" if value in REMOVED_METHODS else "is no quantisation that is sized here"


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
        return known_shape(preset.model)
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
    except ArithmeticError:
        limit = "one of its numbers is impossible"
    except (OSError, ValueError, RecursionError) as error:
        limit = error.strerror if isinstance(error, OSError) and error.strerror else f"it is not JSON{' but a web page' * page}"
    problems.append(Problem(field="--config", value=str(path), limit=limit, remedy=CONFIG_REMEDY))
    return None
