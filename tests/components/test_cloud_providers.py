"""Who makes what in every cloud: each resource the provider of its own region, each object the provider of its own cluster."""

from __future__ import annotations

import json

import pytest

from tests.support.cloud_login import CREDENTIALS, GOOGLE_SECRET
from tests.support.cloud_programs import FLEETS, recorded
from tests.support.recorded_fleet import Recorded

pytestmark = pytest.mark.mocks

KUBERNETES = "pulumi:providers:kubernetes"


@pytest.fixture(params=FLEETS)
def fleet(request: pytest.FixtureRequest) -> Recorded:
    return recorded(request.param)


def test_everything_is_made_by_an_explicit_provider_of_its_own_region(fleet: Recorded) -> None:
    for each in fleet.graph.resources.values():
        if not each.custom or each.type.startswith("pulumi:providers:"):
            continue
        provider = fleet.graph.provider(each)
        assert provider is not None, f"{each.name} would land wherever the machine's environment points"
        assert provider.type == f"pulumi:providers:{each.type.partition(':')[0]}", f"{each.name} is made by the right kind"
        assert fleet.graph.region(provider) == fleet.graph.region(each), f"{each.name} would land in another region"


def test_there_is_one_provider_of_the_cloud_and_one_of_kubernetes_for_each_region(fleet: Recorded) -> None:
    for planned in fleet.clusters:
        found = {each.type: each for each in fleet.made("pulumi:providers:", cluster=planned.name)}
        assert set(found) == {f"pulumi:providers:{planned.cloud}", KUBERNETES}, "and no other"
        fleet.the(KUBERNETES, planned.name)
        assert fleet.the(f"pulumi:providers:{planned.cloud}", planned.name).inputs["region"] == planned.region, "the region of the stack file"


def test_the_login_to_a_cluster_keeps_no_token_and_no_credentials(fleet: Recorded) -> None:
    for planned in fleet.clusters:
        text = fleet.the(KUBERNETES, planned.name).inputs["kubeconfig"]
        config = json.loads(text)
        (user,) = config["users"]
        assert set(user["user"]) == {"exec"}, "no token, no password, no certificate of a client: a command is asked each time"
        assert config["current-context"] == config["contexts"][0]["name"], "the only one there is"
        assert not [value for value in (*CREDENTIALS.values(), GOOGLE_SECRET) if value in text], "credentials of whoever runs it stay with him"


def test_the_identity_of_a_cluster_is_plain_and_the_plans(fleet: Recorded) -> None:
    for planned in fleet.clusters:
        inputs = fleet.the(KUBERNETES, planned.name).inputs
        assert inputs["clusterIdentifier"] == planned.identifier, "another one only when the cluster is another one"
        region = planned.aws_plan if planned.aws else planned.gcp_plan
        assert planned.identifier in region.control_plane.name, "whose name then changes with it, so that both can exist"
        assert inputs["enableServerSideApply"] == "true", "fields of others are left alone"
        assert not {"context", "cluster", "namespace"} & set(inputs), "nothing of the machine's own kubeconfig"


def test_the_identity_does_not_wait_for_the_cloud() -> None:
    """An identity that is computed from outputs is unknown in a preview, and the provider would replace all that is in the cluster."""
    names = {cluster.name: cluster.identifier for cluster in recorded("prod").clusters}
    assert len(set(names.values())) == len(names), "each cluster has its own"
    for name, identifier in names.items():
        assert identifier.startswith(f"prod-{name}-"), "environment and key of the stack file, readable"
