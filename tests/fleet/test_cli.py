"""The command line: what it prints, where, and its exit codes."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from fleet import cli
from fleet.settings import CONFIG_KEY
from tests.support.stack_files import PROJECT, SHIPPED, changed, small

pytestmark = pytest.mark.pure

WIDEST = 120


@pytest.fixture(autouse=True)
def project(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(PROJECT)


def _file(folder: Path, settings: dict[str, Any]) -> str:
    path = folder / "Pulumi.trial.yaml"
    path.write_text(yaml.safe_dump({"config": {CONFIG_KEY: settings}}), encoding="utf-8")
    return str(path)


@pytest.mark.parametrize("stack", SHIPPED)
def test_a_plan_is_printed_as_tables_that_fit_a_terminal(stack: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["plan", "--stack", stack]) == 0, "accepted"
    said = capsys.readouterr()
    assert said.out.startswith("Fleet "), "the fleet first"
    assert f"stack {stack}: accepted" in said.out.splitlines()[0], "then the verdict"
    assert all(len(line) <= WIDEST for line in said.out.split("GPU machines")[0].splitlines()), "no table is wider than a usual terminal"
    assert "\x1b" not in said.out, "no colours where nobody looks"
    assert said.err == "", "nothing is wrong"


def test_a_plan_tells_room_rollout_and_money(capsys: pytest.CaptureFixture[str]) -> None:
    cli.main(["plan", "--stack", "prod"])
    text = capsys.readouterr().out
    lines = [line.split() for line in text.splitlines()]
    assert ["a10g", "1", "×", "A10G", "g5.2xlarge", "2-6", "7", "on_demand", "2.42-7.27"] in lines, "nodes used, and how many there may be"
    assert any(line[:2] == ["chat", "Qwen/Qwen3-8B@b968826d"] and line[-3:-1] == ["1", "more"] for line in lines), "the rollout rule"
    assert "US dollars per hour" in text, "what it costs, with its unit"


@pytest.mark.parametrize("stack", SHIPPED)
def test_json_is_the_contract_and_nothing_else(stack: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["plan", "--stack", stack, "--json"]) == 0, "accepted"
    found = json.loads(capsys.readouterr().out)
    assert (found["accepted"], found["stack"], found["problems"]) == (True, stack, []), "one document"


def test_a_refused_plan_is_one_and_says_why_on_standard_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = _file(tmp_path, changed(small(), {"models.chat.tier": "smal"}))
    assert cli.main(["plan", "--file", path]) == 1, "refused"
    said = capsys.readouterr()
    assert said.out == "", "no plan"
    assert said.err.splitlines()[0] == "the plan is refused:", "what happened"
    assert said.err.splitlines()[1].startswith("  models.chat.tier: 'smal' refused: "), "and why"


def test_wrong_input_is_two_and_says_why_on_standard_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["plan", "--file", _file(tmp_path, changed(small(), {"modles": {}}))]) == 2, "wrong input"
    said = capsys.readouterr()
    assert (said.out, said.err.splitlines()[0]) == ("", "wrong input:"), "what happened"


@pytest.mark.parametrize(
    ("changes", "code", "fields"),
    [
        ({"models.chat.tier": "smal", "clusters.us.weight": 1}, 1, {"models.chat.tier", "clusters.us.weight"}),
        ({"modles": {}, "name": 5}, 2, {"modles", "name"}),
    ],
    ids=["refused", "wrong"],
)
def test_with_json_every_problem_is_in_the_document_whatever_it_is(
    changes: dict[str, Any], code: int, fields: set[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["plan", "--file", _file(tmp_path, changed(small(), changes)), "--json"]) == code, "the same exit code as without"
    said = capsys.readouterr()
    found = json.loads(said.out)
    assert (found["accepted"], found["stack"], found["clusters"]) == (False, "trial", []), "no half a plan"
    assert {problem["field"] for problem in found["problems"]} == fields, "all of them"
    assert all(problem["message"] in said.err for problem in found["problems"]), "and for a person as well"


@pytest.mark.parametrize("arguments", [["--stack", "prd"], ["--stack", ""], ["--file", "absent.yaml"], ["--file", ""]])
def test_with_json_a_file_that_is_not_there_is_a_document_too(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["plan", *arguments, "--json"]) == 2, "wrong input"
    assert json.loads(capsys.readouterr().out)["accepted"] is False, "a program reads this"


def test_an_unknown_stack_is_told_with_the_nearest_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["plan", "--stack", "prd"]) == 2, "wrong input"
    assert "did you mean 'prod'?" in capsys.readouterr().err, "a typing mistake"


def test_a_file_outside_the_project_finds_the_config_beside_it(tmp_path: Path) -> None:
    shape = {"model_type": "qwen3", "hidden_size": 4096, "intermediate_size": 12288, "num_hidden_layers": 36, "num_attention_heads": 32}
    shape |= {"num_key_value_heads": 8, "head_dim": 128, "vocab_size": 151936, "max_position_embeddings": 40960}
    (tmp_path / "config.json").write_text(json.dumps(shape), encoding="utf-8")
    own = {"models.chat": {"model": "acme/own", "revision": "a" * 40, "config": "config.json", "pool": "l4"}}
    assert cli.main(["plan", "--file", _file(tmp_path, changed(small(), own))]) == 0, "paths start where the stack file lies"


@pytest.mark.parametrize(
    "arguments", [["plan"], ["plan", "--stack"], ["plan", "--stack", "a", "--file", "b"], ["plann"], ["plan", "--stack", "prod", "--jsn"]]
)
def test_wrong_options_are_two_and_show_the_usage(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(arguments)
    assert ended.value.code == 2, "wrong input"
    assert "usage: python -m fleet" in capsys.readouterr().err, "what there is"


def test_without_a_command_the_help_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main([]) == 2, "nothing was asked"
    said = capsys.readouterr()
    assert said.out == "", "it is no answer"
    assert "exit codes: 0 fine" in said.err, "how to ask"
    assert "python -m fleet plan --stack prod" in said.err, "an example"


@pytest.mark.parametrize(("tty", "no_color", "coloured"), [(True, "", True), (True, "1", False), (False, "", False)])
def test_colours_are_for_terminals_that_want_them(
    tty: bool, no_color: str, coloured: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("NO_COLOR", no_color)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: tty)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: tty)
    cli.main(["plan", "--stack", "local"])
    cli.main(["plan", "--stack", "absent"])
    said = capsys.readouterr()
    assert ("\x1b[32maccepted\x1b[0m" in said.out) is coloured, "the verdict"
    assert ("\x1b[31mwrong input:\x1b[0m" in said.err) is coloured, "and a refusal"


def test_a_reader_that_goes_away_leaves_no_traceback(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w", encoding="utf-8") as pipe:
        monkeypatch.setattr(sys, "stdout", pipe)
        assert cli.main(["plan", "--stack", "prod"]) == 0, "`| head` is an ordinary end"
    assert capsys.readouterr().err == "", "and nothing to complain about"


def test_a_terminal_without_the_signs_of_the_text_shows_the_rest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with (tmp_path / "said").open("w", encoding="ascii") as poor:
        monkeypatch.setattr(sys, "stdout", poor)
        assert cli.main(["plan", "--stack", "prod"]) == 0, "× is not worth a traceback"
    assert "1 ? A10G" in (tmp_path / "said").read_text(encoding="ascii"), "the plan is there"


def test_a_long_refusal_gives_each_way_out_a_line_of_its_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    settings = changed(small(), {"pools.t4": {"accelerator": "T4", "max_nodes": 2}, "models.chat.pool": "t4"})
    assert cli.main(["plan", "--file", _file(tmp_path, settings)]) == 1, "16 bits do not fit on a T4"
    lines = capsys.readouterr().err.splitlines()
    assert any(line.strip().startswith("or set models.chat.model: Qwen/Qwen3-8B-AWQ") for line in lines), "a wall of text helps nobody"
    assert max(map(len, lines)) < 400, "nor does a line of a thousand characters"
