"""What a cloud or this machine would refuse: in words, with the field to mend, and before anything is made."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.cloud_fleet import CloudFleet, small
from tests.support.cloud_login import CREDENTIALS, GOOGLE_CREDENTIALS
from tests.support.stand_in_aws import ACCOUNT

pytestmark = pytest.mark.engine

ANOTHER = "444455556666"


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[CloudFleet]:
    found = CloudFleet(tmp_path, small("east", "central"))
    yield found
    found.remove()


def _refused(fleet: CloudFleet) -> str:
    said = fleet.failing(fleet.start("up"))
    assert not list(fleet.objects()), "nothing was made"
    return said


def _asked_for_nothing(fleet: CloudFleet) -> None:
    for cloud in fleet.clouds:
        assert not cloud.previewed, f"{cloud.package}'s provider was not even asked what it would do"


def test_a_machine_without_commands_and_credentials_is_told_everything_that_it_lacks(fleet: CloudFleet, tmp_path: Path) -> None:
    for name in (*CREDENTIALS, GOOGLE_CREDENTIALS):
        del os.environ[name]
    os.environ |= {"PATH": str(tmp_path / "none"), "HOME": str(tmp_path)}
    said = _refused(fleet)
    for lacking in ("the command aws is missing", "the command gke-gcloud-auth-plugin is missing"):
        assert lacking in said, "what"
    assert "install version 2 of the AWS CLI" in said, "the remedy"
    assert "gcloud components install gke-gcloud-auth-plugin" in said, "for each"
    for source in ("a source of AWS credentials is missing", "a source of Google credentials is missing"):
        assert source in said, "everything at once"
    _asked_for_nothing(fleet)


def test_a_shape_that_a_region_does_not_sell_is_refused_with_what_it_sells(fleet: CloudFleet) -> None:
    fleet.settings["pools"]["l4"] = {"accelerator": "A100-40GB", "gpus_per_node": 2, "max_nodes": 4}
    said = _refused(fleet)
    assert "The plan is refused" in said, "in words"
    assert "pools.l4" in said, "the field"
    _asked_for_nothing(fleet)


def test_credentials_of_another_account_are_refused_with_the_account_they_are_of(fleet: CloudFleet) -> None:
    fleet.settings = small("east")
    fleet.settings["clusters"]["east"] |= {"account": ANOTHER, "deployer": f"arn:aws:iam::{ANOTHER}:role/deployer"}
    said = _refused(fleet)
    assert f"AWS account ID not allowed: {ACCOUNT}" in said, "whose credentials they are, in AWS's provider's words"
    assert "east-aws" in said, "and which region's provider says so"
