"""`python -m fleet size` as a person and as another program meet it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from fleet import cli, presets
from tests.support.model_configs import LLAMA_8B, QWEN3_8B

pytestmark = pytest.mark.pure

PROJECT = Path(__file__).resolve().parents[2]


def answer(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, dict[str, Any]]:
    code = cli.main(["size", *arguments, "--json"])
    return code, json.loads(capsys.readouterr().out)


def refusal(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[str]:
    assert cli.main(["size", *arguments]) == 2, "wrong input is exit code 2"
    shown = capsys.readouterr()
    assert shown.out == "", "an error goes to standard error"
    return shown.err.splitlines()[1:]


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "config.json"
    path.write_text(json.dumps(LLAMA_8B))
    return path


def test_the_answer_has_the_keys_that_other_programs_rely_on(capsys: pytest.CaptureFixture[str]) -> None:
    code, found = answer(capsys, "--preset", "small", "--accelerator", "T4")
    keys = "fits accelerator gpus tensor_parallel weights_gib per_gpu kv_bytes_per_token kv_tokens largest_max_model_len concurrency reasons remedies"
    assert set(keys.split()) <= set(found), "design section 7"
    per_gpu = "usable_gib weights_gib activations_gib graphs_gib non_torch_gib kv_gib"
    assert set(found["per_gpu"]) == set(per_gpu.split()), "and its breakdown"
    assert (code, found["fits"]) == (1, False), "no is exit code 1"
    assert found["reasons"], "why not"
    assert any(remedy.startswith("quantise to fp8") for remedy in found["remedies"]), "and what would fit"


def test_a_fit_is_exit_code_0(capsys: pytest.CaptureFixture[str]) -> None:
    code, found = answer(capsys, "--preset", "small", "--accelerator", "L4")
    assert (code, found["fits"], found["reasons"], found["remedies"]) == (0, True, [], []), "an 8B model on an L4"
    assert found["weights_gib"] == pytest.approx(15.26), "Qwen3-8B"


def test_a_preset_brings_its_own_settings_and_options_replace_them(capsys: pytest.CaptureFixture[str]) -> None:
    name = "meta-llama/Llama-3.3-70B-Instruct"
    preset = presets.known_model(name)
    assert preset, "it is one of ours"
    _, found = answer(capsys, "--preset", name, "--accelerator", "H100")
    assert (found["tensor_parallel"], found["gpus"], found["max_model_len"]) == (4, 4, preset.max_model_len), "as a plan would run it"
    _, changed = answer(capsys, "--preset", name, "--accelerator", "H100", "--tensor-parallel", "8", "--max-model-len", "4096", "--gpus", "8")
    assert (changed["tensor_parallel"], changed["gpus"], changed["max_model_len"]) == (8, 8, 4096), "what is said counts"
    _, large = answer(capsys, "--preset", "large", "--accelerator", "H100")
    assert large["max_model_len"] == presets.PRESETS["large"].max_model_len, "not the model's 131,072"
    _, mini = answer(capsys, "--preset", "mini-int4", "--accelerator", "T4")
    assert mini["weights_gib"] == pytest.approx(5.68), "four bits"


def test_a_configuration_file_is_sized_with_the_context_of_a_plan(capsys: pytest.CaptureFixture[str], config: Path) -> None:
    code, found = answer(capsys, "--config", str(config), "--accelerator", "A10G")
    assert (code, found["max_model_len"], found["kv_bytes_per_token"]) == (0, 8192, 131072), "Llama-3.1-8B"
    code, found = answer(capsys, "--config", str(config), "--accelerator", "A10G", "--max-model-len", "131072")
    assert code == 1, "the whole context needs 16 GiB of cache"
    assert found["remedies"][0].startswith("lower max_model_len to"), "the nearest change first"


def test_a_quantised_checkpoint_says_so_itself_and_may_be_told_again(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    path.write_text(json.dumps({**QWEN3_8B, "quantization_config": {"quant_method": "awq", "bits": 4, "group_size": 128}}))
    _, found = answer(capsys, "--config", str(path), "--accelerator", "T4")
    _, again = answer(capsys, "--config", str(path), "--accelerator", "T4", "--quantization", "awq")
    assert found == again, "the same weights"
    code, other = answer(capsys, "--config", str(path), "--accelerator", "T4", "--quantization", "fp8")
    assert code == 1, "a checkpoint cannot be two things"
    assert any("leave quantization out" in remedy for remedy in other["remedies"]), "which the remedy says"


def test_a_16bit_checkpoint_is_quantised_while_loading(capsys: pytest.CaptureFixture[str], config: Path) -> None:
    _, found = answer(capsys, "--config", str(config), "--accelerator", "H100", "--quantization", "fp8", "--gpu-memory-utilization", "0.95")
    assert found["per_gpu"]["weights_gib"] == pytest.approx(8.49, rel=0.005), "planner-llama8-online-fp8 of sizing-cases.json"


def test_several_nodes_are_refused_in_words(capsys: pytest.CaptureFixture[str], config: Path) -> None:
    code, found = answer(capsys, "--config", str(config), "--accelerator", "L4", "--gpus", "8", "--tensor-parallel", "16")
    assert code == 1, "an answer, not an error"
    assert any("several nodes are not served yet" in reason for reason in found["reasons"]), found["reasons"]


def test_every_wrong_option_is_named_at_once_with_its_nearest_word(capsys: pytest.CaptureFixture[str]) -> None:
    wrong = {
        "--preset": "smal",
        "--accelerator": "A100-80",
        "--gpus": "two",
        "--tensor-parallel": "0",
        "--quantization": "awk",
        "--dtype": "bfloat",
        "--kv-cache-dtype": "fp7",
        "--max-model-len": "8k",
        "--gpu-memory-utilization": "nan",
    }
    lines = refusal(capsys, *(word for pair in wrong.items() for word in pair))
    assert len(lines) == len(wrong), f"one line each: {lines}"
    for field, value in wrong.items():
        assert any(f"{field}: {value!r} refused" in line for line in lines), f"{field} is named with its value"
    for near in ("small", "A100-80GB", "awq", "bfloat16", "fp8"):
        assert any(f"did you mean {near!r}?" in line for line in lines), f"{near} is the nearest"


@pytest.mark.parametrize("value", ["-1", "0", "99999999999999999999", "1e3", "٣", "1.5", ""])
def test_a_number_that_is_none_is_refused(capsys: pytest.CaptureFixture[str], value: str) -> None:
    lines = refusal(capsys, "--preset", "small", "--accelerator", "L4", f"--max-model-len={value}")
    assert lines[0].lstrip().startswith("--max-model-len"), "one clear line"


@pytest.mark.parametrize("value", ["0", "1.01", "-0.5", "inf", "most"])
def test_a_share_that_is_none_is_refused(capsys: pytest.CaptureFixture[str], value: str) -> None:
    assert "no share" in refusal(capsys, "--preset", "small", "--accelerator", "L4", f"--gpu-memory-utilization={value}")[0], "0 to 1"


def test_a_method_that_left_vllm_is_named_as_such(capsys: pytest.CaptureFixture[str]) -> None:
    assert "was removed from vLLM" in refusal(capsys, "--preset", "small", "--accelerator", "L4", "--quantization", "bitsandbytes")[0], (
        "not a typing error"
    )


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (
            b"\n<!doctype html><title>Access to model is restricted</title>",
            "it is not JSON but a web page; save config.json of the model's repository",
        ),
        (b'{"model_type": "llama", "hidden_si', "it is not JSON"),
        (b"\xff\xfe\x00", "it is not JSON"),
        (b"[" * 100_000, "it is not JSON"),
        (b"[]", "it holds no JSON object"),
        (b"", "it is not JSON"),
        (b'{"model_type": "llama", "quantization_config": {"quant_method": "awq", "bits": 4, "group_size": 1' + b"0" * 400 + b"}}", ""),
        (b'{"model_type": "t5"}', "model_type 't5' is not one that is counted here"),
        (b'{"model_type": "llama", "num_attention_heads": 32}', "is missing"),
    ],
)
def test_a_file_that_is_no_configuration_gets_one_clear_line(capsys: pytest.CaptureFixture[str], tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "config.json"
    path.write_bytes(content)
    lines = refusal(capsys, "--config", str(path), "--accelerator", "L4")
    assert len(lines) == 1, f"one line: {lines}"
    assert words in lines[0], lines[0]


@pytest.mark.parametrize(("name", "words"), [("missing.json", "No such file"), (".", "Is a directory")])
def test_a_path_that_cannot_be_read_says_why(capsys: pytest.CaptureFixture[str], tmp_path: Path, name: str, words: str) -> None:
    assert words in refusal(capsys, "--config", str(tmp_path / name), "--accelerator", "L4")[0], "the system's own reason"


def test_a_person_reads_a_table_with_units_and_the_next_step(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["size", "--preset", "small", "--accelerator", "T4"]) == 1, "it does not fit"
    text = capsys.readouterr().out
    for part in (
        "small does not fit on 1 × T4",
        "8.2 billion parameters",
        "GiB per GPU",
        "Why not",
        "What would fit",
        "GiB too much, before any KV cache",
    ):
        assert part in text, f"{part!r} in:\n{text}"


def test_sizing_needs_neither_settings_nor_pydantic() -> None:
    question = "cli.main(['size', '--preset', 'small', '--accelerator', 'L4', '--json'])"
    code = f"import sys; from fleet import cli; {question}; sys.exit(any(name in sys.modules for name in ('pydantic', 'yaml')))"
    done = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, capture_output=True, check=False)
    assert done.returncode == 0, "a person who asks one question does not wait for a schema"
