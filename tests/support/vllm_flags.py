"""Record every flag of the pinned vLLM release: `python -m tests.support.vllm_flags > local/tools/engine/serve/flags.json`.

The table is made inside the process of `vllm_parser_process`, which imports this file, from the loaded parser. In it `kind`
names the function that turns a word into a value, `optional` that "" and "None" mean none; `choices` is what the parser
itself allows, `allowed`, `keys` and the bounds what vLLM's configuration classes refuse afterwards.
"""

from __future__ import annotations

import dataclasses
import importlib
import json
import sys
import typing

import annotated_types

BOUNDS = {annotated_types.Gt: "above", annotated_types.Ge: "minimum", annotated_types.Le: "maximum", annotated_types.Lt: "below"}

FIELD_OF_FLAG = {"kv_cache_dtype": "cache_dtype"}
"""Where an argument and the configuration's field differ in name."""

KIND_OF_FUNCTION = {
    "str": "text",
    "parse_reasoning_parser": "text_or_none",
    "int": "integer",
    "float": "number",
    "human_readable_int": "size",
    "human_readable_int_or_auto": "size_or_auto",
    "loads": "json",
    "union_dict_and_str": "text_or_json",
    "_compute_kwargs.<locals>.parse_dataclass": "object",
}

WRAPPERS = {"optional_type.<locals>._optional_type", "parse_type.<locals>._parse_type"}

ARGUMENTS = {None: "one", "+": "many", "?": "maybe", 0: "none"}


def table(parser):
    """Flags by their names, and environment variables."""
    bounds, allowed = config_bounds(parser), allowed_words(parser)
    names = {}
    for name, action in parser.serve._option_string_actions.items():
        names.setdefault(id(action), []).append(name)
    flags = [flag(action, names[id(action)], bounds, allowed) for action in parser.serve._actions if action.option_strings]
    return {"flags": flags, "environment": sorted(importlib.import_module("vllm.envs").environment_variables)}


def flag(action, names, bounds, allowed):
    said = {"names": names, "destination": action.dest, "arguments": ARGUMENTS[action.nargs]}
    if off := [name for name in names if name in getattr(action, "negative_option_strings", ())]:
        said["off"] = off
    if action.nargs != 0:
        said |= value_rules(action)
    if action.dest in allowed:
        said["allowed"] = allowed[action.dest]
    return said | bounds.get(FIELD_OF_FLAG.get(action.dest, action.dest), {})


def value_rules(action):
    """How a word becomes a value, through every wrapper around the function that does it."""
    function: typing.Any = action.type or str
    said = {}
    while function.__qualname__ in WRAPPERS:
        if function.__qualname__.startswith("optional"):
            said["optional"] = True
        function = function.__closure__[0].cell_contents
    if type(action).__name__ == "LoRAParserAction":
        said["kind"] = "lora_module"
    elif function.__name__ == "<lambda>":
        said["kind"] = "lowered" if function("A-b") == "a_b" else "text"
    else:
        said["kind"] = KIND_OF_FUNCTION[function.__qualname__]
    if said["kind"] == "object":
        said["keys"] = sorted(field.name for field in dataclasses.fields(function.__defaults__[0]))
    if action.choices:
        said["choices"] = [str(choice) for choice in action.choices if choice is not None]
    return said


def config_bounds(parser):
    """Smallest and largest values of the fields that the classes checked by `Parser.check_configuration` declare."""
    configs = (parser.config.CacheConfig, parser.config.ParallelConfig, parser.config.SchedulerConfig, parser.config.VllmConfig)
    return {
        name: {BOUNDS[type(rule)]: getattr(rule, type(rule).__slots__[0]) for rule in field.metadata if type(rule) in BOUNDS}
        for config in configs
        for name, field in config.__pydantic_fields__.items()
        if field.metadata
    }


def allowed_words(parser):
    """Names that the parser takes as any text and the engine looks up in its registries."""
    cache = importlib.import_module("vllm.config.cache")
    return {
        "quantization": sorted(parser.methods),
        "load_format": sorted(parser.load_formats),
        "tool_call_parser": sorted(parser.tool_parsers),
        "reasoning_parser": sorted(parser.reasoning_parsers),
        "kv_cache_dtype": sorted(typing.get_args(cache.CacheDType)),
    }


def recorded():
    """The text of the table, one flag and one variable a line, from the real parser of the pinned release."""
    from fleet.versions import VLLM
    from tests.support.vllm_parser import real_parser

    with real_parser() as parser:
        found = parser.flags()
    flags = ",\n".join(json.dumps(flag, separators=(",", ":")) for flag in found["flags"])
    variables = ",\n".join(json.dumps(name) for name in found["environment"])
    return f'{{"version":"{VLLM}",\n"flags":[\n{flags}\n],\n"environment":[\n{variables}\n]}}\n'


if __name__ == "__main__":
    sys.stdout.write(recorded())
