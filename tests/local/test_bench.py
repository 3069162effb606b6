"""The benchmark's arithmetic, verdicts and exit status, without running what it measures."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from bench import cloud_regions, previewing, programs
from bench.__main__ import main
from bench.bare_program import arguments, made, resource_class
from bench.figures import Figure, NotMeasurable, table
from bench.large_fleet import TEN_REGIONS, stack, ten_regions
from bench.processes import measured, seconds
from bench.recording import FROM, config_maps, recording
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


@pytest.mark.parametrize(
    ("part", "module", "binary"),
    [
        (previewing.figures, "pulumi-kubernetes", "pulumi-resource-kubernetes"),
        *((partial(cloud_regions.figures, kind), "pulumi", "pulumi") for kind in TEN_REGIONS),
    ],
)
def test_a_missing_tool_is_named_with_the_way_to_get_it(part: Any, module: str, binary: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert any(recipe.module == module for recipe in RECIPES), "the name still stands for a tool"
    monkeypatch.setattr(programs, "_present", lambda recipe: recipe.module != module)
    with pytest.raises(NotMeasurable, match=f"{binary} missing; `make tools`"):
        next(part(1))


def test_the_large_fleet_is_accepted_and_places_every_model_in_every_cluster() -> None:
    planned = plan(parse(stack(4, 3)))
    assert [len(cluster.models) for cluster in planned.clusters] == [3, 3, 3, 3], "what is timed is a whole plan"


@pytest.mark.parametrize("kind", TEN_REGIONS)
def test_the_ten_regions_are_accepted_whole(kind: str) -> None:
    planned = plan(parse(ten_regions(kind)))
    assert len({cluster.region for cluster in planned.clusters}) == 10, "ten different regions"
    assert {(len(cluster.models), len(cluster.pools)) for cluster in planned.clusters} == {(6, 3)}, "all models on all pools in each"
    assert all(cluster.aws or cluster.gcp for cluster in planned.clusters), "and everything around them"
    clouds = [cluster.cloud for cluster in planned.clusters]
    assert (clouds.count("aws"), clouds.count("gcp")) == {"aws": (10, 0), "gcp": (0, 10), "mixed": (5, 5)}[kind], "as the name says"


UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
"""What the engine writes for a value that a preview does not know."""


def _goal(kind: str, name: str, **goal: Any) -> dict[str, Any]:
    return {"goal": {"type": kind, "name": name, "custom": not kind.startswith("fleet:"), "inputDiff": {"adds": goal.pop("inputs", {})}, **goal}}


PLAN = {
    "resourcePlans": {
        "b-subnet": _goal(
            "aws:ec2/subnet:Subnet",
            "subnet",
            inputs={"__defaults": [], "vpcId": UNKNOWN, "tags": {"of": [UNKNOWN]}},
            provider=f"z-aws::{UNKNOWN}",
            dependencies=["c-vpc", "d-ordered"],
            propertyDependencies={"vpcId": ["c-vpc"], "tags": ["c-vpc", "z-aws"]},
        ),
        "c-vpc": _goal("aws:ec2/vpc:Vpc", "vpc", inputs={"cidrBlock": "10.0.0.0/16"}, provider=f"z-aws::{UNKNOWN}"),
        "d-ordered": _goal("fleet:aws:Network", "network"),
        "e-stack": _goal("pulumi:pulumi:Stack", "stack"),
        "z-aws": _goal("pulumi:providers:aws", "aws", inputs={"region": "us-east-2", "defaultTags": '{"tags": {}}', "version": "1.2.3"}),
    }
}


def test_a_recording_holds_inputs_and_where_they_come_from_in_an_order_that_can_be_made(tmp_path: Path) -> None:
    plan_file = tmp_path / "plan.json"
    plan_file.write_text(json.dumps(PLAN), encoding="utf-8")
    found = recording(plan_file)
    assert [entry["urn"] for entry in found.resources] == ["z-aws", "c-vpc", "b-subnet"], "provider, network, what lies in it"
    provider, _, subnet = found.resources
    assert provider["inputs"] == {"region": "us-east-2", "defaultTags": {"tags": {}}}, "as a program writes them, without the SDK's own version"
    assert subnet["inputs"] == {"vpcId": {FROM: ["c-vpc"]}, "tags": {"of": [{FROM: ["c-vpc", "z-aws"]}]}}, "outputs where nothing is known yet"
    assert (found.components, found.count) == (1, 5), "components are counted, and the stack"


def test_the_bare_program_finds_the_sdks_classes_and_names() -> None:
    assert resource_class("aws:ec2/vpc:Vpc").pulumi_type == "aws:ec2/vpc:Vpc", "of a cloud"
    assert resource_class("kubernetes:networking.k8s.io/v1:NetworkPolicy").__name__ == "NetworkPolicy", "of a group with dots"
    assert resource_class("pulumi:providers:kubernetes").__name__ == "Provider", "and providers"
    inputs = {"automountServiceAccountToken": False, "metadata": {"name": "a"}}
    assert arguments(inputs) == {"automount_service_account_token": False, "metadata": {"name": "a"}}, "the rest is in its class"


def test_an_input_from_another_resource_is_that_resources_output(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(made, "c-vpc", SimpleNamespace(id="its output"))
    assert arguments({"vpcIds": [{FROM: ["c-vpc"]}]}) == {"vpc_ids": ["its output"]}, "so that the SDK has the same to wait for"


def test_small_objects_are_spread_over_the_clusters() -> None:
    maps = config_maps(3, ["east", "west"])
    assert [entry["provider"] for entry in maps] == ["east", "west", "east"], "no cluster gets all of them"
    assert len({entry["urn"] for entry in maps}) == 3, "each is another one"


def test_what_a_program_looks_up_is_no_figure(monkeypatch: pytest.MonkeyPatch) -> None:
    script = "import sys; print('aws:1,kubernetes:2', flush=True); sys.stdin.read(); print('{\"looked_up\": [\"aws:ec2/getAmi:getAmi\"]}')"
    monkeypatch.setattr(cloud_regions, "STAND_INS", ("-c", script))
    with pytest.raises(NotMeasurable, match="getAmi"), cloud_regions.stand_ins() as addresses:
        assert addresses == "aws:1,kubernetes:2", "where they listen"


def test_stand_ins_that_do_not_start_say_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cloud_regions, "STAND_INS", ("-c", "raise SystemExit('no port')"))
    with pytest.raises(NotMeasurable, match="no port"), cloud_regions.stand_ins():
        pass
