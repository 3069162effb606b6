"""The benchmark's arithmetic, verdicts and exit status, without running what it measures."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping

import pytest

from bench import previewing
from bench.__main__ import main
from bench.figures import Figure, NotMeasurable, table
from bench.large_fleet import stack
from bench.processes import measured, seconds
from fleet import plan
from fleet.stack_file import parse
from local.tools import RECIPES

pytestmark = pytest.mark.tooling

FAST = Figure(name="fast", unit="s", runs=(0.3, 0.1, 0.2), limit=1.0)
SLOW = Figure(name="slow", unit="s", runs=(0.1, 2.0, 3.0), limit=1.0)
TWICE = Figure(name="twice", unit="s", runs=(4.0, 2.0, 9.0), beside_name="bare", beside=(2.0, 1.0, 3.0), limit=1.5)
SHOWN = Figure(name="shown", unit="MB", runs=(1e6,))


def _parts(*figures: Figure) -> Mapping[str, Callable[[int], Iterator[Figure]]]:
    return {"part": lambda _: iter(figures)}


def test_the_median_is_judged_and_not_the_luckiest_run() -> None:
    assert FAST.within, "its median of 0.2 s is under 1 s"
    assert not SLOW.within, "one fast run among slow ones proves nothing"


def test_a_limit_beside_another_program_is_on_the_ratio() -> None:
    assert TWICE.ratio == 2.0, "median over median"
    assert TWICE.ratio_of_minima == 2.0, "fastest over fastest"
    assert not TWICE.within, "2 is more than 1.5, whatever the seconds are"


def test_exactly_the_limit_is_within() -> None:
    assert Figure(name="equal", unit="s", runs=(1.0,), limit=1.0).within, "`at most` includes it"


def test_a_figure_without_a_limit_is_shown_and_never_fails() -> None:
    assert SHOWN.within, "nothing was promised"
    assert SHOWN.verdict == "shown", "and the table says so"


def test_the_table_shows_both_sides_the_ratio_the_limit_and_the_verdict() -> None:
    headings, line = table([TWICE]).splitlines()
    assert line.split() == ["twice", "3", "2.00", "s", "4.00", "s", "bare", "1.00", "s", "2.00", "s", "2.00", "(2.00)", "1.5", "×", "OVER"], line
    assert headings.split()[-1] == "verdict", "columns have names"


def test_the_exit_status_is_that_of_the_worst_verdict(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([], _parts(FAST, SHOWN)) == 0, "everything within its limit"
    assert main([], _parts(FAST, SLOW)) == 1, "one over"
    assert "slow: 2.00 is over the limit of 1" in capsys.readouterr().err, "named on standard error"


def test_what_cannot_be_measured_fails_and_says_why_and_the_rest_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    def missing(_: int) -> Iterator[Figure]:
        raise NotMeasurable("the provider is missing; `make tools` builds it")

    assert main([], {"first": missing, "second": lambda _: iter([FAST])}) == 1, "a figure that is not there is no success"
    told = capsys.readouterr()
    assert "`make tools` builds it" in told.err, "the way to get it"
    assert "fast" in told.out, "other parts are measured all the same"


def test_json_has_every_run(capsys: pytest.CaptureFixture[str]) -> None:
    main(["--json"], _parts(TWICE))
    (figure,) = json.loads(capsys.readouterr().out)["figures"]
    assert figure["runs"] == [4.0, 2.0, 9.0], "for whoever wants another statistic"
    assert figure["verdict"] == "over", "and the verdict"


@pytest.mark.parametrize("arguments", [["nonsense"], ["--runs", "0"]])
def test_wrong_arguments_end_with_2(arguments: list[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(arguments)


def test_a_failing_command_is_no_figure() -> None:
    with pytest.raises(NotMeasurable, match="ended with status 3"):
        seconds(["-c", "raise SystemExit(3)"])


def test_a_process_reports_its_own_measure_on_its_last_line() -> None:
    assert measured(["-c", "print('noise'); print('{\"plan\": 1}')"]) == {"plan": 1}, "what it said before does not matter"


def test_a_missing_tool_is_named_with_the_way_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(previewing, "_present", lambda recipe: recipe.module != "pulumi-kubernetes")
    with pytest.raises(NotMeasurable, match="pulumi-resource-kubernetes missing; `make tools`"):
        next(previewing.figures(1))
    assert any(recipe.module == "pulumi-kubernetes" for recipe in RECIPES), "the name still stands for a tool"


def test_the_large_fleet_is_accepted_and_places_every_model_in_every_cluster() -> None:
    planned = plan(parse(stack(4, 3)))
    assert [len(cluster.models) for cluster in planned.clusters] == [3, 3, 3, 3], "what is timed is a whole plan"


def test_the_bare_program_gets_arguments_under_the_sdks_names() -> None:
    inputs = {"apiVersion": "v1", "kind": "ServiceAccount", "automountServiceAccountToken": False, "metadata": {"name": "a"}}
    assert previewing._arguments(inputs) == {"automount_service_account_token": False, "metadata": {"name": "a"}}, "the rest is in its class"
