"""What `python -m fleet size` explains: every line with its kind, formula, inputs and source, for a person and for a program."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from fleet import catalog, cli, plan
from fleet.problems import InputError
from fleet.sizing import SizeRequest, size
from fleet.stack_file import parse
from tests.support.model_configs import SHAPES
from tests.support.stack_files import small

pytestmark = pytest.mark.pure

KINDS = {"measured", "derived", "estimated"}


def shown(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    cli.main(["size", *arguments])
    return capsys.readouterr().out


def answer(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    return json.loads(shown(capsys, *arguments, "--json"))


@pytest.mark.parametrize("name", SHAPES)
def test_every_term_of_every_model_says_how_it_is_computed_and_from_what(name: str) -> None:
    for accelerator, parallel in (("L4", 1), ("H100", 8)):
        result = size(SizeRequest(architecture=SHAPES[name], accelerator=accelerator, gpus=parallel, tensor_parallel=parallel))
        for term in result.terms:
            assert term.kind in KINDS, f"{term.name} is one of {KINDS}"
            assert term.formula, f"{term.name} has a formula"
            assert term.source, f"{term.name} has a source"
            assert term.kind != "measured" or term.inputs, f"{term.name} shows what was measured"
        assert [result.terms[0].name, result.terms[-1].name] == ["usable", "KV cache"], "from what there is to what is left"


def test_a_person_reads_formula_inputs_and_source_aligned(capsys: pytest.CaptureFixture[str]) -> None:
    text = shown(capsys, "--preset", "small", "--accelerator", "L4", "--explain")
    values = [line for line in text.splitlines() if "GiB per GPU" in line]
    assert len({line.index("GiB per GPU") for line in values}) == 1, f"one column:\n{text}"
    for part in ("formula  total_gib × gpu_memory_utilization", "given    total_gib = 21.96", "source   "):
        assert part in text, f"{part!r} in:\n{text}"
    plain = shown(capsys, "--preset", "small", "--accelerator", "L4")
    assert "formula" not in plain, "only where it is asked for"
    assert all(kind in plain for kind in KINDS), "but every line says what it is"


def test_a_program_reads_the_same_terms_without_asking(capsys: pytest.CaptureFixture[str]) -> None:
    found = answer(capsys, "--preset", "medium", "--accelerator", "H100")
    keys = {"name", "gib", "kind", "formula", "inputs", "source", "margin_gib"}
    assert all(set(term) == keys for term in found["terms"]), "each term in full"
    usable, *others = (term["gib"] for term in found["terms"])
    assert sum(others) == pytest.approx(usable, abs=0.001), "usable is the sum of all other lines"


def test_concurrency_is_told_at_the_lengths_that_are_asked_about(capsys: pytest.CaptureFixture[str]) -> None:
    found = answer(capsys, "--preset", "small", "--accelerator", "L4", "--prompt-tokens", "1000", "--output-tokens", "600")["concurrency_at"]
    assert (found["prompt_tokens"], found["output_tokens"]) == (1000, 600), "as asked"
    full = answer(capsys, "--preset", "small", "--accelerator", "L4")
    assert full["concurrency_at"] is None, "only where lengths are given"
    assert found["finished"] == pytest.approx(full["concurrency"] * full["max_model_len"] / 1600, rel=0.01), "1,600 tokens each"
    assert found["average"] == pytest.approx(full["concurrency"] * full["max_model_len"] / 1300, rel=0.02), "half of the answers written"
    many = answer(capsys, "--preset", "small", "--accelerator", "L4", "--prompt-tokens", "16", "--output-tokens", "16")["concurrency_at"]
    assert many["finished"] == many["average"] == many["running_limit"] == 256, "max-num-seqs on an L4"
    text = shown(capsys, "--preset", "small", "--accelerator", "L4", "--prompt-tokens", "16", "--output-tokens", "16")
    assert "the engine runs no more than 256 together" in text, "in words too"


@pytest.mark.parametrize(
    ("arguments", "field", "words"),
    [
        (("--prompt-tokens", "100"), "--prompt-tokens", "--output-tokens is not given"),
        (("--output-tokens", "100"), "--output-tokens", "--prompt-tokens is not given"),
        (("--prompt-tokens", "8000", "--output-tokens", "193"), "--prompt-tokens", "a request of 8193 tokens, and the context is 8192"),
        (("--max-num-seqs", "2049"), "--max-num-seqs", "is above the tokens of one batch, 2048"),
        (("--prompt-tokens", "0", "--output-tokens", "x"), "--prompt-tokens", "is not between 1 and"),
    ],
)
def test_numbers_that_mean_nothing_together_are_refused(
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], field: str, words: str
) -> None:
    assert cli.main(["size", "--preset", "small", "--accelerator", "L4", *arguments]) == 2, "wrong input"
    assert any(f"{field}: " in line and words in line for line in capsys.readouterr().err.splitlines()), "one clear line"


@pytest.mark.parametrize("gap", [0.0, None])
def test_a_catalogue_row_without_a_needed_value_is_named_and_nothing_put_in_its_place(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, gap: float | None
) -> None:
    monkeypatch.setitem(catalog.ACCELERATORS, "L4", replace(catalog.ACCELERATORS["L4"], total_gib=gap))  # type: ignore[arg-type]
    assert cli.main(["size", "--preset", "small", "--accelerator", "L4"]) == 2, "wrong input"
    lines = capsys.readouterr().err.splitlines()[1:]
    assert len(lines) == 1, f"one line: {lines}"
    assert "its row lacks total_gib" in lines[0], lines[0]
    with pytest.raises(InputError, match="its row lacks total_gib"):
        plan(parse(small()))


def test_the_engines_batch_limits_count_where_they_are_given(capsys: pytest.CaptureFixture[str]) -> None:
    usual = answer(capsys, "--preset", "medium", "--accelerator", "H100")
    fewer = answer(capsys, "--preset", "medium", "--accelerator", "H100", "--max-num-seqs", "64", "--max-num-batched-tokens", "2048")
    assert fewer["per_gpu"]["activations_gib"] < usual["per_gpu"]["activations_gib"], "a smaller batch has a smaller peak"
    assert fewer["kv_tokens"] > usual["kv_tokens"], "which the cache gets"


def test_a_node_with_more_gpus_than_one_server_takes_is_told_in_words(capsys: pytest.CaptureFixture[str]) -> None:
    text = shown(capsys, "--preset", "small", "--accelerator", "L4", "--gpus", "3", "--tensor-parallel", "2")
    assert "a node of 3 GPUs holds 1 such servers, 1 of its GPUs serve nothing" in text, text
    assert "no machine of the catalogue carries 3 × L4; they are sold in 1, 2, 4, 8" in text, "nor is there one"


def test_a_remedy_names_machines_that_are_sold_with_prices_and_what_it_costs(capsys: pytest.CaptureFixture[str]) -> None:
    found = answer(capsys, "--preset", "small", "--accelerator", "T4")
    assert [set(change) for change in found["changes"]] == [{"words", "options", "cost", "machines", "pin"}] * len(found["remedies"]), "as options"
    fp8, *others = found["changes"]
    assert fp8["options"] == {"quantization": "fp8_per_tensor"}, "the nearest"
    assert "no fp8 units, so it saves memory and no time" in fp8["cost"], "what it costs on this card"
    parallel = next(change for change in others if set(change["options"]) == {"tensor_parallel", "gpus"})
    assert "over PCIe, without NVLink" in parallel["cost"], "and why several cards are slower"
    other = next(change for change in others if "accelerator" in change["options"])
    assert any("US dollars per hour" in machine for machine in other["machines"]), "what is sold, at which price"
    build = next(change for change in others if "preset" in change["options"])
    assert "is locked" in build["pin"], "whose commit is known"


def test_two_changes_together_are_judged_on_the_gpu_that_one_of_them_brings(capsys: pytest.CaptureFixture[str]) -> None:
    found = answer(
        capsys, "--preset", "meta-llama/Llama-3.3-70B-Instruct", "--accelerator", "L4", "--tensor-parallel", "1", "--max-model-len", "131072"
    )
    both = [change for change in found["changes"] if {"accelerator", "tensor_parallel"} <= set(change["options"])]
    fp8 = [change for change in found["changes"] if {"accelerator", "quantization"} <= set(change["options"])]
    assert both or fp8, f"one change is not enough: {found['remedies']}"
    for change in both:
        joined = "joined by NVLink" in change["cost"]
        assert joined is bool(catalog.accelerator(change["options"]["accelerator"]).nvlink_gb_per_second), f"of the new card: {change}"
        assert change["words"].count("node") <= 1, f"one node: {change['words']}"
    for change in fp8:
        assert "L4" not in change["cost"], f"the new card's units: {change}"


def test_options_of_a_remedy_given_to_the_command_fit(capsys: pytest.CaptureFixture[str]) -> None:
    for preset, accelerator in (("small", "T4"), ("meta-llama/Llama-3.3-70B-Instruct", "T4")):
        for change in answer(capsys, "--preset", preset, "--accelerator", accelerator)["changes"]:
            options = {"preset": preset, "accelerator": accelerator, **change["options"]}
            words = [f"--{name.replace('_', '-')}={value}" for name, value in options.items() if value is not None]
            assert cli.main(["size", *words]) == 0, f"{change['words']}: {capsys.readouterr().out}"
            capsys.readouterr()
