"""What is wrong is said before the first resource, all of it at once and in words."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pulumi
import pytest

from components.aws import provider
from tests.support.aws_login import CREDENTIALS, bare, with_command
from tests.support.aws_programs import recorded
from tests.support.fleets import Settings, production, shipped, simulated
from tests.support.recording import Graph, run_program

pytestmark = pytest.mark.mocks


def _refused(settings: Any, stack: str = "test") -> str:
    """The message of the run, which must not have registered anything."""
    graph = Graph()
    with pytest.raises(pulumi.RunError) as refused:
        run_program(settings, stack, graph)
    assert graph.resources == {}, "refused before the first resource"
    assert refused.value.__suppress_context__, "an error of the user's is shown without a traceback"
    return str(refused.value)


def _unaccepted(stack: str) -> Settings:
    """A shipped fleet that does not accept that its clusters in a cloud without a package are left out."""
    settings = shipped(stack)
    settings["accepted_risks"] = [each for each in settings["accepted_risks"] if not each["risk"].startswith("uncreated cluster ")]
    return settings


@pytest.mark.parametrize("stack", ["staging", "prod"])
def test_a_cloud_that_is_not_served_yet_is_said_for_every_cluster_of_it_and_for_no_other(stack: str, tmp_path: Path) -> None:
    settings = _unaccepted(stack)
    with bare(tmp_path):
        message = _refused(settings, stack)
    for name, cluster in settings["clusters"].items():
        assert (f"clusters.{name}.cloud: '{cluster['cloud']}'" in message) is (cluster["cloud"] == "gcp"), f"{name}: field and value"
    unserved = [cluster for cluster in settings["clusters"].values() if cluster["cloud"] == "gcp"]
    assert message.count("not created yet") == len(unserved), "in so many words, once for each"
    assert f"python -m fleet plan --stack {stack}" in message, "what can be done meanwhile"
    assert "uncreated cluster gcp-usc1" in message, "or how to go on without it"


@pytest.mark.parametrize("stack", ["staging", "prod"])
def test_an_unserved_cluster_that_is_accepted_by_name_is_left_out_and_said(stack: str) -> None:
    graph = recorded(stack).graph
    assert not [each.name for each in graph.resources.values() if "gcp-usc1" in each.name], "nothing of it is made"
    assert [cluster["name"] for cluster in graph.outputs["clusters"]] == [cluster.name for cluster in recorded(stack).clusters], (
        "nor promised to anybody"
    )
    warnings = [message for level, message in graph.said if level == "warning" and message.startswith("clusters.gcp-usc1 is not created")]
    assert len(warnings) == 1, "and every run says so"


def _lines(message: str) -> list[str]:
    return [line.strip() for line in message.splitlines()[1:]]


@pytest.fixture
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for a machine that is none of EC2's, wherever these tests run."""
    monkeypatch.setattr(provider, "MACHINE_VENDOR", tmp_path / "vendor")
    return tmp_path


def test_a_machine_without_the_command_and_without_credentials_is_told_so_in_a_line_each(nowhere: Path) -> None:
    with bare(nowhere):
        lines = _lines(_refused(shipped("prod"), "prod"))
    assert len(lines) == 2, "one for each, however many clusters want them"
    command, credentials = lines
    assert "the command aws is missing" in command, "what"
    assert "install version 2 of the AWS CLI" in command, "what to do"
    assert "a source of AWS credentials is missing" in credentials, "what"
    assert "aws sso login" in credentials, "what to do"


def test_a_machine_with_credentials_still_needs_the_command(nowhere: Path) -> None:
    with bare(nowhere, **CREDENTIALS):
        (line,) = _lines(_refused(shipped("staging"), "staging"))
    assert "the command aws is missing" in line, "the provider of the cluster logs in with it"


def test_a_machine_with_the_command_still_needs_credentials(nowhere: Path) -> None:
    with bare(nowhere, PATH=str(with_command(nowhere))):
        (line,) = _lines(_refused(shipped("staging"), "staging"))
    assert "a source of AWS credentials is missing" in line, "before AWS is asked for anything"


def test_half_of_a_pair_of_credentials_is_none(nowhere: Path) -> None:
    half = {"AWS_ACCESS_KEY_ID": CREDENTIALS["AWS_ACCESS_KEY_ID"]}
    with bare(nowhere, PATH=str(with_command(nowhere)), **half):
        assert "a source of AWS credentials is missing" in _refused(shipped("staging"), "staging"), "a forgotten export is said before the first call"


def _by_profile(_: Path) -> dict[str, str]:
    return {"AWS_PROFILE": "deployer"}


def _by_file(folder: Path) -> dict[str, str]:
    shared = folder / "home" / ".aws" / "credentials"
    shared.parent.mkdir(parents=True)
    shared.write_text("[default]\n", encoding="utf-8")
    return {}


def _by_machine(folder: Path) -> dict[str, str]:
    (folder / "vendor").write_text("Amazon EC2\n", encoding="utf-8")
    return {}


@pytest.mark.parametrize("source", [_by_profile, _by_file, _by_machine])
def test_credentials_may_come_from_where_every_tool_of_aws_finds_them(nowhere: Path, source: Callable[[Path], dict[str, str]]) -> None:
    with bare(nowhere, PATH=str(with_command(nowhere)), **source(nowhere)):
        assert run_program(shipped("staging"), "staging").resources, "what they are worth is for AWS to say"


def test_a_fleet_without_aws_needs_neither_command_nor_credentials(nowhere: Path) -> None:
    settings = production()
    with simulated(settings, nowhere), bare(nowhere):
        assert run_program(settings).resources, "nobody is asked for what is not used"


def test_one_cluster_in_a_cloud_refuses_the_whole_run(tmp_path: Path) -> None:
    settings = production()
    settings["clusters"]["c"] = shipped("prod")["clusters"]["gcp-usc1"]
    with simulated(settings, tmp_path) as servers:
        message = _refused(settings)
        assert "clusters.c.cloud" in message, "the one that cannot be made"
        assert "clusters.a" not in message, "and not those that could"
        assert not servers["a"].asked, "nobody is asked in vain"


BROKEN: dict[str, tuple[str, Any, str]] = {
    "an unknown key": ("naem", "acme", "name"),
    "an unknown accelerator": ("pools", {"l4": {"accelerator": "L5", "max_nodes": 2}}, "L4"),
    "no models": ("models", {}, "models"),
    "a placement nowhere": ("models", {"chat": {"tier": "small", "pool": "l4", "placements": {"atlantis": {}}}}, "atlantis"),
    "too many replicas": ("models", {"chat": {"tier": "small", "pool": "l4", "replicas": {"min": 50}}}, "max_nodes"),
    "a branch as revision": ("models", {"chat": {"model": "org/name", "revision": "main", "pool": "l4"}}, "40 hexadecimal"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_bad_setting_is_refused_with_a_remedy(case: str) -> None:
    key, value, word = BROKEN[case]
    message = _refused({**production(), key: value})
    assert key in message, "the field"
    assert word in message, "the value, the limit or the remedy"


def test_all_problems_are_said_at_once() -> None:
    settings = production()
    settings["models"]["chat"]["tier"] = "smal"
    settings["models"]["wide"]["pool"] = "absent"
    message = _refused(settings)
    assert "models.chat.tier" in message, "the first"
    assert "models.wide.pool" in message, "and the second: nobody likes to be told one by one"


@pytest.mark.parametrize("text", ["{}", "[]", "3", '"text"', "null"])
def test_settings_that_are_no_settings_are_refused(text: str) -> None:
    assert _refused(text), "whatever stands under the key"


def test_a_stack_without_settings_is_told_what_is_missing() -> None:
    message = _refused("{}")
    for field in ("name", "clusters", "models"):
        assert field in message, "each of them"
