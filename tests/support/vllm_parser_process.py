"""Runs inside a process of its own, with vLLM's Python files on its path: loads the real `vllm serve` parser without torch.

Every third-party module that is missing becomes a stand-in that pydantic can build a schema for; a missing vllm module is
an error. Questions come as JSON on standard input, one a line, and are answered one a line: {"line": [...]} with what the
parser makes of a command line, {"engine_line": [...]} likewise but without the rules of this project's own that vLLM lacks,
{"environment": {...}} with what vLLM makes of its variables, {"words": true} with the names that the release knows,
{"flags": true} with all that can be said of its flags in a table.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.metadata
import io
import json
import os
import sys
import typing
from importlib.machinery import ModuleSpec
from unittest import mock

from pydantic_core import core_schema

MOST_STAND_INS = 300
TORCH_VERSION = "2.14.0"
LARGEST_DEFAULT_BATCH_TOKENS, SMALLEST_DEFAULT_SEQS = 16384, 256
"""Where one of the two is given, the engine takes the other from the GPU and fits it to the first; without a GPU, the widest."""

LOAD_FORMATS = frozenset(
    [
        "auto",
        "hf",
        "dummy",
        "safetensors",
        "fastsafetensors",
        "instanttensor",
        "ipc_cache",
        "mistral",
        "modelexpress",
        "npcache",
        "pt",
        "runai_streamer",
        "runai_streamer_sharded",
        "sharded_state",
        "tensorizer",
    ]
)
"""Not checked by the parser itself; from the loaders of the release."""


class StandIn(mock.MagicMock):
    """A third-party module that is not installed."""

    def __init__(self, *arguments, **keywords):
        super().__init__(*arguments, **keywords)
        self.__spec__ = ModuleSpec(keywords.get("name") or "stand-in", None)

    def __get_pydantic_core_schema__(self, source_type, handler):
        return core_schema.any_schema()


class Registry:
    """Stands for vLLM's classes whose decorators need compiled operations."""

    @staticmethod
    def register(*_, **__):
        return lambda decorated: decorated


def tensor_schema(function, **_):
    """What torch.library.infer_schema would say, from the annotations alone."""
    returned = typing.get_type_hints(function)["return"]
    parts = typing.get_args(returned) if typing.get_origin(returned) is tuple else (returned,)
    return f"(Tensor x) -> {', '.join(getattr(part, '__name__', str(part)) for part in parts)}"


def install_stand_ins():
    genuine = importlib.metadata.version

    def version(name):
        try:
            return genuine(name)
        except importlib.metadata.PackageNotFoundError:
            return TORCH_VERSION if name == "torch" else "0.0.0"

    importlib.metadata.version = version
    layers = mock.MagicMock(Parameter=object, Module=type("Module", (), {}))
    sys.modules.update(
        {
            "torch": StandIn(name="torch", nn=layers),
            "torch.nn": layers,
            "torch.library": mock.MagicMock(infer_schema=tensor_schema),
            "vllm._C": mock.MagicMock(),
            "vllm._C_stable_libtorch": mock.MagicMock(),
            "vllm.model_executor.custom_op": mock.MagicMock(CustomOp=Registry, PluggableLayer=Registry),
            "vllm.utils.torch_utils": mock.MagicMock(direct_register_custom_op=lambda *_, **__: None),
        }
    )


def with_stand_ins(action):
    """Run it again with one more stand-in for as long as a third-party module is missing."""
    for _ in range(MOST_STAND_INS):
        try:
            return action()
        except ModuleNotFoundError as error:
            name = error.name or ""
            if name.split(".")[0] == "vllm":
                raise
            sys.modules[name] = StandIn(name=name)
    raise RuntimeError("too many modules are missing")


class Parser:
    """The real parser and the configuration classes that check what it leaves open."""

    def __init__(self):
        self.arguments = with_stand_ins(lambda: importlib.import_module("vllm.entrypoints.common.cli_args"))
        flexible = with_stand_ins(lambda: importlib.import_module("vllm.utils.argparse_utils")).FlexibleArgumentParser

        def build():
            top = flexible(prog="vllm")
            commands = top.add_subparsers(dest="subparser")
            return top, self.arguments.make_arg_parser(commands.add_parser("serve"))

        with mock.patch("vllm.config.DeviceConfig.__post_init__"):
            self.top, self.serve = with_stand_ins(build)
        self.config = with_stand_ins(lambda: importlib.import_module("vllm.config"))
        quantization = with_stand_ins(lambda: importlib.import_module("vllm.model_executor.layers.quantization"))
        self.methods = set(quantization.QUANTIZATION_METHODS) - set(quantization.DEPRECATED_QUANTIZATION_METHODS)
        tools = with_stand_ins(lambda: importlib.import_module("vllm.tool_parsers"))
        self.tool_parsers = set(tools.ToolParserManager.list_registered())
        reasoning = with_stand_ins(lambda: importlib.import_module("vllm.reasoning"))
        self.reasoning_parsers = set(reasoning.ReasoningParserManager.list_registered())
        self.load_formats = LOAD_FORMATS
        self.flags = set(self.serve._option_string_actions)

    def answer(self, line, check=None):
        """Why this command line is refused, or what it means and which of its flags only repeat a default."""
        said = io.StringIO()
        try:
            with contextlib.redirect_stderr(said), contextlib.redirect_stdout(said):
                known = (check or self.check)(line)
        except SystemExit:
            return {"reason": (said.getvalue().strip().splitlines() or ["refused"])[-1]}
        except (ValueError, TypeError, LookupError, AssertionError) as error:
            return {"reason": str(error)}
        actions = {word: self.serve._option_string_actions[word] for word in line if word in self.flags}
        values = {flag: getattr(known, action.dest) for flag, action in actions.items()}
        repeated = [flag for flag, action in actions.items() if values[flag] == action.default]
        return {"reason": None, "model": known.model_tag, "values": values, "repeated": repeated}

    def check(self, line):
        """Raise what vLLM would raise, and refuse what it would misunderstand."""
        for word in line:
            if word.startswith("--config="):
                raise ValueError("--config=FILE is silently ignored by vLLM: use two arguments")
            flag = word.split("=")[0].split(".")[0].replace("_", "-")
            if word.startswith("--") and flag not in self.flags:
                raise ValueError(f"{word} is not a full flag name")
        return self.engine_check(line)

    def engine_check(self, line):
        """Raise what vLLM would raise. It takes abbreviations."""
        known = self.top.parse_args(["serve", *line])
        self.arguments.validate_parsed_serve_args(known)
        if not known.model_tag and "--config" not in line:
            raise ValueError("no model: vLLM would serve its default one")
        self.check_configuration(known)
        for name, value, allowed in (
            ("quantization", known.quantization, self.methods),
            ("load-format", known.load_format, self.load_formats),
            ("tool-call-parser", known.tool_call_parser, self.tool_parsers),
            ("reasoning-parser", known.reasoning_parser or None, self.reasoning_parsers),
        ):
            if value is not None and value not in allowed:
                raise ValueError(f"--{name} {value!r} is not one of {sorted(allowed)}")
        if known.shutdown_timeout < 0:
            raise ValueError("--shutdown-timeout is negative")
        return known

    def check_configuration(self, known):
        """The pydantic classes that the engine builds from the arguments."""
        self.config.CacheConfig(gpu_memory_utilization=known.gpu_memory_utilization, cache_dtype=known.kv_cache_dtype, block_size=known.block_size)
        self.config.ParallelConfig(tensor_parallel_size=known.tensor_parallel_size, pipeline_parallel_size=known.pipeline_parallel_size)
        tokens = known.max_num_batched_tokens or LARGEST_DEFAULT_BATCH_TOKENS
        self.config.SchedulerConfig(
            max_model_len=max(known.max_model_len or 0, 1),
            is_encoder_decoder=False,
            max_num_batched_tokens=tokens,
            max_num_seqs=known.max_num_seqs or min(SMALLEST_DEFAULT_SEQS, tokens),
            max_num_queued_reqs=known.max_num_queued_reqs,
            max_num_queued_tokens=known.max_num_queued_tokens,
        )
        self.config.ObservabilityConfig(custom_histogram_buckets=known.custom_histogram_buckets)


def words_answer(parser):
    """The names that the release knows, from its own registries."""
    cache = with_stand_ins(lambda: importlib.import_module("vllm.config.cache"))
    online = with_stand_ins(lambda: importlib.import_module("vllm.config.quantization"))
    quantization = importlib.import_module("vllm.model_executor.layers.quantization")
    model = importlib.import_module("vllm.config.model")
    values = {
        "tool_call_parser": sorted(parser.tool_parsers),
        "reasoning_parser": sorted(parser.reasoning_parsers),
        "kv_cache_dtype": sorted(typing.get_args(cache.CacheDType)),
        "quantization": sorted(quantization.QUANTIZATION_METHODS),
        "online": sorted(online.ONLINE_QUANT_SHORTHAND_NAMES),
        "deprecated": sorted(quantization.DEPRECATED_QUANTIZATION_METHODS),
        "float16_unstable": sorted(model._FLOAT16_NOT_SUPPORTED_MODELS),
    }
    return {"reason": None, "values": values}


def environment_answer(variables):
    """What `--fail-on-environ-validation` says of these variables, and the values that vLLM reads from them."""
    envs = importlib.import_module("vllm.envs")
    platform = with_stand_ins(lambda: importlib.import_module("vllm.platforms.interface")).Platform
    with mock.patch.dict(os.environ, variables):
        try:
            platform.validate_environ(hard_fail=True)
            values = {name: envs.environment_variables[name]() for name in variables if name.startswith("VLLM_")}
        except ValueError as error:
            return {"reason": str(error)}
    return {"reason": None, "values": values}


def main():
    install_stand_ins()
    parser = Parser()
    tables = importlib.import_module("vllm_flags")  # beside this file, which is where Python looks first
    for question in map(json.loads, sys.stdin):
        if "line" in question:
            answer = parser.answer(question["line"])
        elif "engine_line" in question:
            answer = parser.answer(question["engine_line"], parser.engine_check)
        elif "flags" in question:
            answer = {"reason": None, "values": tables.table(parser)}
        elif "environment" in question:
            answer = environment_answer(question["environment"])
        else:
            answer = words_answer(parser)
        print(json.dumps(answer, default=str), flush=True)


if __name__ == "__main__":
    main()
