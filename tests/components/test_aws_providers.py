"""What the AWS provider and the login of an EKS cluster are told. What holds in every cloud: test_cloud_providers.py."""

from __future__ import annotations

import json

import pytest

from tests.support.aws_programs import ACCOUNT, FLEETS, Recorded, recorded

pytestmark = pytest.mark.mocks

KUBERNETES, AWS = "pulumi:providers:kubernetes", "pulumi:providers:aws"


@pytest.fixture(params=FLEETS)
def fleet(request: pytest.FixtureRequest) -> Recorded:
    return recorded(request.param)


def test_nothing_names_a_region_of_its_own(fleet: Recorded) -> None:
    for each in fleet.made("aws:"):
        assert "region" not in each.inputs, f"{each.name}: the provider decides alone"


def test_credentials_of_another_account_are_refused_where_the_stack_file_names_one() -> None:
    for cluster in recorded("everything").clusters:
        assert json.loads(recorded("everything").the(AWS, cluster.name).inputs["allowedAccountIds"]) == [ACCOUNT], "before anything is made there"
    assert "allowedAccountIds" not in recorded("private").the(AWS, "only").inputs, "else whoever runs it decides"


def test_a_cluster_is_logged_in_to_by_a_command_that_names_it_and_its_region(fleet: Recorded) -> None:
    for planned in fleet.clusters:
        config = json.loads(fleet.the(KUBERNETES, planned.name).inputs["kubeconfig"])
        (user,), (cluster,) = config["users"], config["clusters"]
        command = user["user"]["exec"]
        assert command["command"] == "aws", "what every operator has"
        arguments = dict(zip(command["args"], command["args"][1:], strict=False))
        assert arguments["--cluster-name"] == planned.aws_plan.control_plane.name, "a token for this cluster"
        assert arguments["--region"] == planned.region, "whatever region the environment points at"
        assert set(cluster["cluster"]) == {"server", "certificate-authority-data"}, "and its server is known by its certificate"
