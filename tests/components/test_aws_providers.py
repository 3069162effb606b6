"""Who makes what: each resource of AWS the provider of its own region, each object the provider of its own cluster, none an ambient one."""

from __future__ import annotations

import json

import pytest

from tests.support.aws_login import CREDENTIALS
from tests.support.aws_programs import ACCOUNT, FLEETS, Recorded, recorded

pytestmark = pytest.mark.mocks

KUBERNETES, AWS = "pulumi:providers:kubernetes", "pulumi:providers:aws"


@pytest.fixture(params=FLEETS)
def fleet(request: pytest.FixtureRequest) -> Recorded:
    return recorded(request.param)


def test_everything_is_made_by_an_explicit_provider_of_its_own_region(fleet: Recorded) -> None:
    for each in fleet.graph.resources.values():
        if not each.custom or each.type.startswith("pulumi:providers:"):
            continue
        provider = fleet.graph.provider(each)
        assert provider is not None, f"{each.name} would land wherever the machine's environment points"
        assert provider.type == (AWS if each.type.startswith("aws:") else KUBERNETES), f"{each.name} is made by the right kind"
        assert fleet.graph.region(provider) == fleet.graph.region(each), f"{each.name} would land in another region"


def test_there_is_one_provider_of_aws_and_one_of_kubernetes_for_each_region(fleet: Recorded) -> None:
    for planned in fleet.clusters:
        assert fleet.the(AWS, planned.name).inputs["region"] == planned.region, "the region of the stack file"
        fleet.the(KUBERNETES, planned.name)
    found = {each.type for each in fleet.graph.resources.values() if each.type.startswith("pulumi:providers:")}
    assert found == {AWS, KUBERNETES}, "and no other"


def test_nothing_names_a_region_of_its_own(fleet: Recorded) -> None:
    for each in fleet.made("aws:"):
        assert "region" not in each.inputs, f"{each.name}: the provider decides alone"


def test_credentials_of_another_account_are_refused_where_the_stack_file_names_one() -> None:
    for cluster in recorded("everything").clusters:
        assert json.loads(recorded("everything").the(AWS, cluster.name).inputs["allowedAccountIds"]) == [ACCOUNT], "before anything is made there"
    assert "allowedAccountIds" not in recorded("private").the(AWS, "only").inputs, "else whoever runs it decides"


def test_a_cluster_is_logged_in_to_by_a_command_and_no_token_is_kept(fleet: Recorded) -> None:
    for planned in fleet.clusters:
        text = fleet.the(KUBERNETES, planned.name).inputs["kubeconfig"]
        config = json.loads(text)
        (user,), (cluster,) = config["users"], config["clusters"]
        assert set(user["user"]) == {"exec"}, "no token, no password, no certificate of a client"
        command = user["user"]["exec"]
        assert command["command"] == "aws", "what every operator has"
        arguments = dict(zip(command["args"], command["args"][1:], strict=False))
        assert arguments["--cluster-name"] == planned.aws_plan.control_plane.name, "a token for this cluster"
        assert arguments["--region"] == planned.region, "whatever region the environment points at"
        assert set(cluster["cluster"]) == {"server", "certificate-authority-data"}, "and its server is known by its certificate"
        assert config["current-context"] == config["contexts"][0]["name"], "the only one there is"
        assert not [value for value in CREDENTIALS.values() if value in text], "credentials of whoever runs it stay with him"


def test_the_identity_of_a_cluster_is_plain_and_the_plans(fleet: Recorded) -> None:
    for planned in fleet.clusters:
        inputs = fleet.the(KUBERNETES, planned.name).inputs
        assert inputs["clusterIdentifier"] == planned.identifier, "another one only when the cluster is another one"
        assert planned.identifier in planned.aws_plan.control_plane.name, "whose name then changes with it, so that both can exist"
        assert inputs["enableServerSideApply"] == "true", "fields of others are left alone"
        assert not {"context", "cluster", "namespace"} & set(inputs), "nothing of the machine's own kubeconfig"


def test_the_identity_does_not_wait_for_aws() -> None:
    """An identity that is computed from outputs is unknown in a preview, and the provider would replace all that is in the cluster."""
    names = {cluster.name: cluster.identifier for cluster in recorded("prod").clusters}
    assert len(set(names.values())) == len(names), "each cluster has its own"
    for name, identifier in names.items():
        assert identifier.startswith(f"prod-{name}-"), "environment and key of the stack file, readable"
