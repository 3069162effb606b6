"""Containers of secrets in a region of AWS are empty, and sealed with its key. What holds in every cloud: test_cloud_secrets.py."""

from __future__ import annotations

import re
from base64 import b64decode

import pytest

from tests.support.aws_programs import FLEETS, Recorded, recorded

pytestmark = pytest.mark.mocks


@pytest.fixture(params=FLEETS)
def fleet(request: pytest.FixtureRequest) -> Recorded:
    return recorded(request.param)


def test_containers_of_secrets_are_made_empty_and_sealed_with_the_regions_key(fleet: Recorded) -> None:
    kinds = {each.type for each in fleet.made("aws:secretsmanager/")}
    assert kinds <= {"aws:secretsmanager/secret:Secret"}, "no version with a value, no policy, no rotation"
    for planned in fleet.clusters:
        key = fleet.the("aws:kms/key:Key", planned.name)
        for each in fleet.made("aws:secretsmanager/secret:Secret", cluster=planned.name):
            if not each.inputs["name"].startswith("ecr-pullthroughcache/"):  # which ECR reads, under the key of Secrets Manager itself
                assert key.name in each.inputs["kmsKeyId"], f"{each.name}: the region's own key"
            assert each.inputs["description"], f"{each.name}: whoever puts the value in reads what it is for"


def test_every_secret_of_the_stack_file_has_a_container_and_its_copies() -> None:
    fleet = recorded("everything")
    for planned in fleet.clusters:
        secrets = planned.aws_plan.secrets
        assert [secret.kubernetes_secret for secret in secrets] == ["hub", "engine"], "both that the stack file names"
        for secret in secrets:
            made = fleet.the("aws:secretsmanager/secret:Secret", planned.name, f"{planned.name}-{secret.key}-secret")
            assert made.inputs["name"] == secret.name, "a name that a person can type"
            copies = [copy["region"] for copy in made.inputs.get("replicas", [])]
            assert copies == (["eu-west-1"] if planned.name == "one" else []), "in the regions that the stack file names"


def test_user_data_of_machines_holds_settings_and_nothing_else(fleet: Recorded) -> None:
    for each in fleet.made("aws:ec2/launchTemplate:LaunchTemplate"):
        text = b64decode(each.inputs.get("userData", "")).decode()
        assert not re.search(r"(?i)password|token|secret|credential", text), f"{each.name}: every process of the machine may read it"
