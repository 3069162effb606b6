"""`make test`: a skip of a required tier fails, nothing that failed looks well in the last line, and nothing hangs."""

from __future__ import annotations

import sys
from pathlib import Path

import psutil
import pytest

from tests import run
from tests.run import Outcome
from tests.support.tiers import Tier

pytestmark = pytest.mark.tooling

# The tests of a project made for the occasion; what they skip is what a required tier must notice.
TESTS = """
import pytest
pytestmark = pytest.mark.small

def test_good(): pass
def test_bad(): assert False
@pytest.mark.skip
def test_left_out(): pass
@pytest.fixture
def broken(): raise OSError
def test_with_it(broken): pass
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "pytest.ini").write_text(
        "[pytest]\nmarkers = small\naddopts = --strict-markers -p no:cacheprovider -p no:hypothesispytest -p no:xdist\n"
    )
    monkeypatch.setattr(run, "PROJECT", tmp_path)
    monkeypatch.setattr(run, "SETUP_SECONDS", tmp_path / "seconds")
    monkeypatch.setenv("FLEET_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("FLEET_REQUIRE", raising=False)
    return tmp_path


def _tier(reason: str | None = None) -> Tier:
    return Tier("small", 60, lambda _: reason)


def test_a_tiers_tests_are_counted_by_outcome_and_its_failure_is_named(project: Path) -> None:
    (project / "test_small.py").write_text(TESTS)
    outcome = Outcome()
    run.run_tier(_tier(), outcome, required=False)
    assert outcome.counts == {"passed": 1, "failed": 1, "skipped": 1, "error": 1}
    assert outcome.failed == ["small"]
    assert outcome.ledger.seconds["tests"]["small"] > 0
    assert outcome.total(1.0).strip("= ") == "1 failed, 1 passed, 1 skipped, 1 error in 1.00s"


def test_a_skipped_test_in_a_required_tier_is_a_failure(project: Path) -> None:
    (project / "test_small.py").write_text("import pytest\npytestmark = pytest.mark.small\n@pytest.mark.skip\ndef test_left_out(): pass\n")
    outcome = Outcome()
    run.run_tier(_tier(), outcome, required=True)
    assert outcome.failed == ["small: required by FLEET_REQUIRE, but 1 of its tests were skipped"]
    assert "error" in outcome.total(1.0), "the last line must not look well"


def test_a_tier_without_any_test_is_a_failure(project: Path) -> None:
    outcome = Outcome()
    run.run_tier(_tier(), outcome, required=False)
    assert outcome.failed == ["small: pytest ended with status 5"], "a marker that selects nothing would pass unseen"


@pytest.mark.parametrize(("required", "code"), [("", 0), ("small", 1)])
def test_a_tier_that_cannot_run_is_named_and_fails_only_where_it_is_required(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], required: str, code: int
) -> None:
    monkeypatch.setattr(run, "TIERS", (_tier("the engine is not installed"),))
    monkeypatch.setattr(run, "NAMES", ("small",))
    monkeypatch.setenv("FLEET_REQUIRE", required)
    assert run.main(["small"]) == code
    said = capsys.readouterr().out.splitlines()
    word = "FAILED" if required else "SKIPPED"
    assert any(line.startswith(word) and "the engine is not installed" in line for line in said), said


def test_an_unknown_part_or_required_tier_is_wrong_input(project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert run.main(["engines"]) == 2
    assert "arguments: engines is none of lint, pure" in capsys.readouterr().err
    monkeypatch.setenv("FLEET_REQUIRE", "engine,clusters")
    assert run.main([]) == 2, "a misspelt requirement would require nothing"
    assert "FLEET_REQUIRE: clusters" in capsys.readouterr().err


def test_a_check_that_finds_something_shows_it_and_counts_as_an_error(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    outcome = Outcome()
    run.check("good", ("-c", "print('quiet')"), outcome)
    run.check("bad", ("-c", "import sys; sys.exit('line 7 is wrong')"), outcome)
    said = capsys.readouterr().out
    assert "line 7 is wrong" in said
    assert "quiet" not in said, "a check that is content has nothing to say"
    assert outcome.failed == ["bad"]
    assert outcome.counts == {"error": 1}


def test_a_run_that_hangs_is_ended_with_all_it_started(tmp_path: Path) -> None:
    program = (
        f"import subprocess; child = subprocess.Popen(['sleep', '600']); open({str(tmp_path / 'child')!r}, 'w').write(str(child.pid)); child.wait()"
    )
    assert run._within([sys.executable, "-c", program], 0.5) is None
    assert not psutil.pid_exists(int((tmp_path / "child").read_text()))
