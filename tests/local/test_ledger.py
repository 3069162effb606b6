"""The ledger: figures beside budgets, kept outside the checkout, written into it only when asked."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from local import ledger
from local.ledger import Ledger

pytestmark = pytest.mark.pure

REFERENCE: dict[str, Any] = {
    "budget_seconds": {"builds": 100, "tests": 50},
    "setup": {},
    "builds": {"etcd": {"cold": 60, "warm": 4}, "kwok": {"cold": 30}},
    "tests": {"pure": {"cold": 4, "warm": 3}},
}


@pytest.fixture(autouse=True)
def reference(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "ledger.json"
    path.write_text(json.dumps(REFERENCE))
    monkeypatch.setattr(ledger, "REFERENCE", path)
    monkeypatch.setenv("FLEET_CACHE", str(tmp_path / "cache"))
    return path


def _run(**tests: float) -> Ledger:
    run = Ledger()
    for name, seconds in tests.items():
        run.record("tests", name, seconds)
    return run


def test_the_table_puts_this_run_beside_the_reference_with_sums() -> None:
    cells = {line[:16].strip(): line[16:].split() for line in _run(pure=5).table().splitlines()}
    assert cells["builds  together"] == ["90", "s", "4", "s", "-"]
    assert cells["tests  pure"] == ["4", "s", "3", "s", "5", "s"]


def test_every_column_of_the_table_ends_at_the_same_place() -> None:
    lines = _run(pure=5, mocks=120).table().splitlines()
    assert lines[0].endswith("THIS RUN")
    ends = {line.rindex(" s") for line in lines if line.startswith("tests")}
    assert ends == {len(lines[0]) - 2}, "figures are read down a column"


def test_a_group_over_its_budget_says_so() -> None:
    assert "OVER BUDGET" not in _run(pure=40).table()
    assert "OVER BUDGET: tests take 51 s in this run, 50 s are allowed" in _run(pure=40, mocks=11).table()


def test_a_reference_over_its_budget_says_so() -> None:
    over = json.loads(json.dumps(REFERENCE))
    over["builds"]["pulumi"] = {"cold": 11}
    assert "OVER BUDGET: builds take 101 s in this cold reference" in Ledger().table(over)


def test_a_run_is_kept_in_the_cache_and_leaves_the_reference_alone(reference: Path) -> None:
    before = reference.read_text()
    _run(pure=3).save()
    _run(pure=4.2).save()
    assert ledger.last_run() == _run(pure=4.2)
    assert len(ledger.runs_file().read_text().splitlines()) == 2
    assert reference.read_text() == before, "a run must not make the checkout dirty"


def test_only_the_newest_runs_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger, "RUNS_KEPT", 3)
    for seconds in range(5):
        _run(pure=seconds).save()
    kept = [json.loads(line)["tests"]["pure"] for line in ledger.runs_file().read_text().splitlines()]
    assert kept == [2, 3, 4]


def test_recording_changes_the_asked_column_of_what_ran_and_nothing_else(reference: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _run(pure=6.4, mocks=20).save()
    assert ledger.main(["--record", "warm"]) == 0
    expected = json.loads(json.dumps(REFERENCE))
    expected["tests"] = {"pure": {"cold": 4, "warm": 6}, "mocks": {"warm": 20}}
    assert json.loads(reference.read_text()) == expected
    assert "tests  mocks" in capsys.readouterr().out


def test_without_a_run_there_is_nothing_to_show_and_one_line_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert ledger.main([]) == 1
    assert "run `make test` first" in capsys.readouterr().err


def test_the_committed_reference_is_within_its_budgets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    assert "OVER BUDGET" not in Ledger().table(), "continuous integration has 90 minutes"
