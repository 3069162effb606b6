"""What AWS or this machine would refuse: in words, with the field to mend, and before anything is made."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.aws_fleet import CREDENTIALS, ONE_REGION, AwsFleet
from tests.support.stand_in_aws import ACCOUNT

pytestmark = pytest.mark.engine

ANOTHER = "444455556666"


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[AwsFleet]:
    found = AwsFleet(tmp_path, ONE_REGION)
    yield found
    found.remove()


def _refused(fleet: AwsFleet) -> str:
    said = fleet.failing(fleet.start("up"))
    assert not fleet.aws.objects, "nothing was made"
    return said


def test_a_machine_without_the_aws_command_and_credentials_is_told_what_it_lacks(fleet: AwsFleet, tmp_path: Path) -> None:
    for name in CREDENTIALS:
        del os.environ[name]
    kept = (folder for folder in os.environ["PATH"].split(os.pathsep) if not (Path(folder) / "aws").exists())
    os.environ |= {"PATH": os.pathsep.join(kept), "HOME": str(tmp_path)}
    said = _refused(fleet)
    assert "the command aws is missing" in said, "what"
    assert "install version 2 of the AWS CLI" in said, "the remedy"
    assert "a source of AWS credentials is missing" in said, "both at once"
    assert not fleet.aws.previewed, "the provider was not even asked what it would do"


def test_credentials_of_another_account_are_refused_with_the_account_they_are_of(fleet: AwsFleet) -> None:
    fleet.settings["clusters"]["east"] |= {"account": ANOTHER, "deployer": f"arn:aws:iam::{ANOTHER}:role/deployer"}
    said = _refused(fleet)
    assert f"AWS account ID not allowed: {ACCOUNT}" in said, "whose credentials they are, in AWS's provider's words"
    assert "east-aws" in said, "and which region's provider says so"


def test_a_shape_that_the_region_does_not_sell_is_refused_with_what_it_sells(fleet: AwsFleet) -> None:
    fleet.settings["pools"]["l4"] = {"accelerator": "A100-40GB", "gpus_per_node": 2, "max_nodes": 4}
    said = _refused(fleet)
    assert "The plan is refused" in said, "in words"
    assert "pools.l4" in said, "the field"
    assert not fleet.aws.previewed, "the provider was asked for nothing"
