"""The simulated engine judges command lines as the pinned vLLM does, so that a plan which it starts with starts in production."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from fleet import plan
from fleet.stack_file import read
from local.tools import build, ensure
from tests.support.vllm_flags import recorded
from tests.support.vllm_parser import RealParser, real_parser

pytestmark = pytest.mark.parser

PROJECT = Path(__file__).resolve().parents[2]
TABLE = build.MODULES / "engine" / "serve" / "flags.json"
RECORD = f"python -m tests.support.vllm_flags > {TABLE.relative_to(PROJECT)}"
MODEL = "org/model"
CONNECTOR = '{"kv_connector":"NixlConnector","kv_role":"kv_both"}'

WHOLE: dict[str, Sequence[str]] = {
    "the model alone": [MODEL],
    "the model last": ["--port", "8001", MODEL],
    "the model by its flag": ["--port", "8001", "--model", MODEL],
    "underscores in a flag": [MODEL, "--max_model_len", "4096"],
    "a value behind an equals sign": [MODEL, "--max-model-len=4096"],
    "a decimal size": [MODEL, "--max-model-len", "8.5k"],
    "a binary size": [MODEL, "--kv-cache-memory-bytes", "10G"],
    "a context that the engine chooses": [MODEL, "--max-model-len", "auto"],
    "an abbreviation that fits one flag": [MODEL, "--tensor-parallel", "2"],
    "a short flag": [MODEL, "-tp", "2"],
    "a short flag with its value": [MODEL, "-qawq"],
    "an optimisation level": [MODEL, "-O3"],
    "a switch turned off": [MODEL, "--no-enable-prefix-caching"],
    "a switch by the name of its opposite": [MODEL, "--disable-log-requests"],
    "a flag that is repeated": [MODEL, "--shutdown-timeout", "10", "--shutdown-timeout", "20"],
    "several keys": [MODEL, "--api-key", "first", "second"],
    "several names": [MODEL, "--served-model-name", "first", "second"],
    "a list of numbers": [MODEL, "--cudagraph-capture-sizes", "1", "2", "4"],
    "a value that may be missing": [MODEL, "--hf-token"],
    "the value None": [MODEL, "--quantization", "None"],
    "an object": [MODEL, "--kv-transfer-config", CONNECTOR],
    "an object by its keys": [MODEL, "--kv-transfer-config.kv_role", "kv_both"],
    "an adapter of a model": [MODEL, "--lora-modules", "name=/path"],
    "a word in capitals where case does not matter": [MODEL, "--moe-backend", "Deep-Gemm"],
    "tools with their parser": [MODEL, "--enable-auto-tool-choice", "--tool-call-parser", "hermes"],
}

BROKEN: dict[str, Sequence[str]] = {
    "no model": ["--max-model-len", "4096"],
    "a list that swallows the model": ["--api-key", "first", MODEL],
    "a name before the model": ["--served-model-name", "chat", MODEL],
    "two models": [MODEL, "org/other"],
    "a removed flag": [MODEL, "--swap-space", "4"],
    "a misspelt flag": [MODEL, "--max-modellen", "4096"],
    "an abbreviation that fits many flags": [MODEL, "--max-num", "4"],
    "a dropped value": [MODEL, "--revision"],
    "a dropped value before a flag": [MODEL, "--revision", "--max-model-len", "4096"],
    "a list without a value": [MODEL, "--api-key"],
    "a value for a switch": [MODEL, "--enforce-eager=true"],
    "a word behind a switch": [MODEL, "--enforce-eager", "true"],
    "a word for a number": [MODEL, "--max-model-len", "long"],
    "a fraction for an integer": [MODEL, "--shutdown-timeout", "1.5"],
    "a binary size with decimals": [MODEL, "--max-model-len", "8.5K"],
    "a size with an unknown unit": [MODEL, "--kv-cache-memory-bytes", "10Gi"],
    "a word among numbers": [MODEL, "--cudagraph-capture-sizes", "1", "two"],
    "a misspelt choice": [MODEL, "--dtype", "haf"],
    "a choice in the wrong case": [MODEL, "--log-level", "info"],
    "a number that is no choice": [MODEL, "--max-lora-rank", "9"],
    "an unknown tool parser": [MODEL, "--tool-call-parser", "hermse"],
    "an unknown reasoning parser": [MODEL, "--reasoning-parser", "qwen33"],
    "an unknown quantisation": [MODEL, "--quantization", "bitsandbytes"],
    "an unknown KV cache type": [MODEL, "--kv-cache-dtype", "fp7"],
    "an unknown loader": [MODEL, "--load-format", "zip"],
    "tools without a parser": [MODEL, "--enable-auto-tool-choice"],
    "a negative drain": [MODEL, "--shutdown-timeout", "-1"],
    "a negative queue": [MODEL, "--max-num-queued-reqs", "-1"],
    "a negative interval": [MODEL, "--sse-keep-alive-interval", "-1"],
    "more memory than there is": [MODEL, "--gpu-memory-utilization", "1.5"],
    "no number for the memory": [MODEL, "--gpu-memory-utilization", "nan"],
    "no GPU": [MODEL, "--tensor-parallel-size", "0"],
    "fewer tokens in a batch than sequences": [MODEL, "--max-num-seqs", "512", "--max-num-batched-tokens", "256"],
    "broken JSON": [MODEL, "--override-generation-config", "{max_new_tokens: 4096}"],
    "a broken object": [MODEL, "--kv-transfer-config", "{"],
    "an object with an unknown key": [MODEL, "--kv-transfer-config", '{"kv_rol":"kv_both"}'],
    "an unknown key": [MODEL, "--kv-transfer-config.kv_rol", "kv_both"],
    "a broken adapter of a model": [MODEL, "--lora-modules", "{"],
}


@pytest.fixture(scope="module")
def parser() -> Iterator[RealParser]:
    with real_parser() as running:
        yield running


def _judged(line: Sequence[str], variables: Mapping[str, str] | None = None) -> tuple[int, str]:
    """Exit status and words of the simulated engine, told to go no further than its command line."""
    engine = ensure(("vllm-simulator",))["vllm-simulator"]
    environment = {"SIMULATOR_CHECK_ONLY": "1"} | dict(variables or {})
    done = subprocess.run([engine, *line], env=environment, capture_output=True, text=True, check=False, timeout=30)
    return done.returncode, done.stdout.strip() or done.stderr.strip()


def _rendered() -> dict[str, tuple[str, ...]]:
    return {
        f"{path.name} {cluster.name} {model.name}": model.argv
        for path in sorted(PROJECT.glob("Pulumi.*.yaml"))
        for cluster in plan(read(path), directory=PROJECT).clusters
        for model in cluster.models
    }


def test_the_recorded_table_is_what_the_real_parser_says_today() -> None:
    assert TABLE.read_text(encoding="utf-8") == recorded(), f"the release has changed: {RECORD}"


def test_every_rendered_command_line_is_taken_by_both(parser: RealParser) -> None:
    lines = _rendered()
    assert len(lines) >= 10, "the shipped stack files place at least ten models"
    for name, line in lines.items():
        assert parser.engine_line(line).reason is None, name
        assert _judged(line) == (0, "ok"), name


def test_a_rendered_command_line_with_any_value_dropped_is_judged_alike(parser: RealParser) -> None:
    line = max(_rendered().values(), key=len)
    for place in range(len(line)):
        shorter = (*line[:place], *line[place + 1 :])
        reason = parser.engine_line(shorter).reason
        status, said = _judged(shorter)
        assert (status == 0) == (reason is None), f"without {line[place]!r}: vLLM says {reason}, the simulated engine {said}"


@pytest.mark.parametrize("name", WHOLE)
def test_what_vllm_takes_the_simulated_engine_takes(parser: RealParser, name: str) -> None:
    assert parser.engine_line(WHOLE[name]).reason is None
    assert _judged(WHOLE[name]) == (0, "ok")


@pytest.mark.parametrize("name", BROKEN)
def test_what_vllm_refuses_the_simulated_engine_refuses(parser: RealParser, name: str) -> None:
    assert parser.engine_line(BROKEN[name]).reason, "vLLM itself takes it: this is no example of a broken line"
    status, said = _judged(BROKEN[name])
    assert status in {1, 2}
    assert said.startswith("vllm"), "the message says who refuses"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ([MODEL, "--swap-space", "4"], "vllm: error: unrecognized arguments: --swap-space 4"),
        ([MODEL, "--revision"], "vllm serve: error: argument --revision: expected one argument"),
        ([MODEL, "--dtype", "haf"], "vllm serve: error: argument --dtype: invalid choice: 'haf' (choose from "),
        ([MODEL, "--max-num", "4"], "vllm serve: error: ambiguous option: --max-num could match "),
    ],
)
def test_the_parsers_own_refusals_have_its_words_and_its_exit_status(parser: RealParser, line: Sequence[str], said: str) -> None:
    assert said in (parser.engine_line(line).reason or ""), "the words are those of the real one"
    status, text = _judged(line)
    assert status == 2
    assert text.startswith(said)


@pytest.mark.parametrize("name", ["VLLM_PORT_80_TCP", "VLLM_HTTP_TIMEOUT_KEEPALIVE", "VLLM_API_KEY", "VLLM_LOGGING_LEVEL", "OTHER"])
def test_variables_are_judged_alike_and_only_where_it_was_asked_for(parser: RealParser, name: str) -> None:
    refused = parser.environment({name: "1"}).reason is not None
    assert _judged([MODEL, "--fail-on-environ-validation"], {name: "1"})[0] == int(refused)
    assert _judged([MODEL], {name: "1"}) == (0, "ok"), "vLLM only warns then"


def test_the_table_names_every_flag_that_a_plan_renders() -> None:
    names = {name for flag in json.loads(TABLE.read_text(encoding="utf-8"))["flags"] for name in flag["names"]}
    rendered = {word for line in _rendered().values() for word in line if word.startswith("--")}
    assert rendered <= names
