"""What is wrong is said before the first resource, all of it at once and in words."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pulumi
import pytest

from components.aws import provider as aws_provider
from components.gcp import provider as gcp_provider
from fleet.planner import plan
from fleet.problems import InputError
from fleet.stack_file import parse
from stacks.clouds import verify
from tests.support import aws_programs, gcp_programs
from tests.support.cloud_login import COMMANDS, CREDENTIALS, bare, google_credentials, with_commands
from tests.support.fleets import production, shipped, simulated
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


def _lines(message: str) -> list[str]:
    return [line.strip() for line in message.splitlines()[1:]]


@pytest.fixture
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for a machine that is none of a cloud's own, wherever these tests run."""
    monkeypatch.setattr(aws_provider, "MACHINE_VENDOR", tmp_path / "vendor")
    monkeypatch.setattr(gcp_provider, "MACHINE_PRODUCT", tmp_path / "product")
    return tmp_path


def test_a_machine_without_commands_and_without_credentials_is_told_so_in_a_line_each(nowhere: Path) -> None:
    with bare(nowhere):
        lines = _lines(_refused(shipped("prod"), "prod"))
    assert len(lines) == 4, f"one for each, however many clusters want them: {lines}"
    wanted = {
        "the command aws is missing": "install version 2 of the AWS CLI",
        "a source of AWS credentials is missing": "aws sso login",
        "the command gke-gcloud-auth-plugin is missing": "gcloud components install gke-gcloud-auth-plugin",
        "a source of Google credentials is missing": "gcloud auth application-default login",
    }
    for missing, remedy in wanted.items():
        (line,) = [line for line in lines if missing in line]
        assert remedy in line, "what to do"


@pytest.mark.parametrize("command", COMMANDS)
def test_a_machine_with_credentials_still_needs_each_command(nowhere: Path, command: str) -> None:
    (other,) = [each for each in COMMANDS if each != command]
    with bare(nowhere, PATH=str(with_commands(nowhere, other)), **CREDENTIALS, **google_credentials(nowhere)):
        (line,) = _lines(_refused(shipped("staging"), "staging"))
    assert f"the command {command} is missing" in line, "the provider of the cluster logs in with it"


def test_a_machine_with_the_commands_still_needs_credentials_of_each_cloud(nowhere: Path) -> None:
    with bare(nowhere, PATH=str(with_commands(nowhere))):
        aws, google = sorted(_lines(_refused(shipped("staging"), "staging")))
    assert "a source of AWS credentials is missing" in aws, "before AWS is asked for anything"
    assert "a source of Google credentials is missing" in google, "before Google is"


def test_half_of_a_pair_of_credentials_is_none(nowhere: Path) -> None:
    half = {"AWS_ACCESS_KEY_ID": CREDENTIALS["AWS_ACCESS_KEY_ID"]}
    with bare(nowhere, PATH=str(with_commands(nowhere)), **half):
        assert "a source of AWS credentials is missing" in _refused(shipped("staging"), "staging"), "a forgotten export is said before the first call"


def test_a_file_of_credentials_that_is_not_there_is_named(nowhere: Path) -> None:
    with bare(nowhere, PATH=str(with_commands(nowhere)), **CREDENTIALS, GOOGLE_APPLICATION_CREDENTIALS=str(nowhere / "gone.json")):
        (line,) = _lines(_refused(shipped("staging"), "staging"))
    assert "gone.json" in line, "which"
    assert "there is no such file" in line, "and what is wrong with it"
    assert "unset it" in line, "and what to do: Google's libraries would look nowhere else"


def _by_profile(folder: Path) -> dict[str, str]:
    return {"AWS_PROFILE": "deployer", **google_credentials(folder)}


def _by_file(folder: Path) -> dict[str, str]:
    for name in (".aws/credentials", ".config/gcloud/application_default_credentials.json"):
        stored = folder / "home" / name
        stored.parent.mkdir(parents=True)
        stored.write_text("[default]\n", encoding="utf-8")
    return {}


def _by_machine_of_aws(folder: Path) -> dict[str, str]:
    (folder / "vendor").write_text("Amazon EC2\n", encoding="utf-8")
    return google_credentials(folder)


def _by_machine_of_google(folder: Path) -> dict[str, str]:
    (folder / "product").write_text("Google Compute Engine\n", encoding="utf-8")
    return CREDENTIALS


def _by_folder_of_gcloud(folder: Path) -> dict[str, str]:
    (folder / gcp_provider.STORED).write_text("{}", encoding="utf-8")
    return {**CREDENTIALS, "CLOUDSDK_CONFIG": str(folder)}


@pytest.mark.parametrize("source", [_by_profile, _by_file, _by_machine_of_aws, _by_machine_of_google, _by_folder_of_gcloud])
def test_credentials_may_come_from_where_every_tool_of_a_cloud_finds_them(nowhere: Path, source: Callable[[Path], dict[str, str]]) -> None:
    both = plan(parse(shipped("staging")))
    with bare(nowhere, PATH=str(with_commands(nowhere))), pytest.raises(InputError):
        verify(both)
    with bare(nowhere, PATH=str(with_commands(nowhere)), **source(nowhere)):
        verify(both)  # what they are worth is for the cloud to say


def test_a_fleet_in_aws_alone_needs_nothing_of_google(nowhere: Path) -> None:
    with bare(nowhere, PATH=str(with_commands(nowhere, "aws")), **CREDENTIALS):
        assert run_program(aws_programs.private()).resources, "its own command and credentials are all"


def test_a_fleet_in_google_cloud_alone_needs_nothing_of_aws(nowhere: Path) -> None:
    with bare(nowhere, PATH=str(with_commands(nowhere, "gke-gcloud-auth-plugin")), **google_credentials(nowhere)):
        assert run_program(gcp_programs.inside()).resources, "its own command and credentials are all"


def test_a_fleet_without_a_cloud_needs_neither_command_nor_credentials(nowhere: Path) -> None:
    settings = production()
    with simulated(settings, nowhere), bare(nowhere):
        assert run_program(settings).resources, "nobody is asked for what is not used"


def test_one_cluster_that_nobody_here_can_log_in_to_refuses_the_whole_run(nowhere: Path) -> None:
    settings = production()
    settings["clusters"]["c"] = shipped("prod")["clusters"]["gcp-usc1"]
    with simulated(settings, nowhere), bare(nowhere):
        message = _refused(settings)
    assert "gke-gcloud-auth-plugin" in message, "what is missing"
    assert "AWS" not in message, "and nothing of a cloud that the fleet is not in"


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
