"""What the Google provider and the login of a GKE cluster are told. What holds in every cloud: test_cloud_providers.py."""

from __future__ import annotations

import json

import pytest

from tests.support.gcp_programs import FLEETS, recorded
from tests.support.recorded_fleet import Recorded

pytestmark = pytest.mark.mocks

KUBERNETES, GOOGLE = "pulumi:providers:kubernetes", "pulumi:providers:gcp"


@pytest.fixture(params=FLEETS)
def fleet(request: pytest.FixtureRequest) -> Recorded:
    return recorded(request.param)


def test_a_provider_names_the_project_of_the_stack_file_and_adds_nothing_of_its_own(fleet: Recorded) -> None:
    for planned in fleet.clusters:
        inputs = fleet.the(GOOGLE, planned.name).inputs
        assert inputs["project"] == planned.gcp_plan.project, "whatever project the environment points at"
        assert inputs["addPulumiAttributionLabel"] == "false", "labels are the fleet's"


def test_whatever_says_where_it_is_says_what_its_provider_says(fleet: Recorded) -> None:
    for planned in fleet.clusters:
        for each in fleet.made("gcp:", cluster=planned.name):
            for field in ("location", "region"):
                assert each.inputs.get(field, planned.region) == planned.region, f"{each.name} would land in another {field}"
            assert each.inputs.get("project", planned.gcp_plan.project) == planned.gcp_plan.project, f"{each.name}: another project"


def test_a_cluster_is_logged_in_to_by_googles_command_at_a_name_that_everybody_can_check(fleet: Recorded) -> None:
    for planned in fleet.clusters:
        config = json.loads(fleet.the(KUBERNETES, planned.name).inputs["kubeconfig"])
        (user,), (cluster,) = config["users"], config["clusters"]
        command = user["user"]["exec"]
        assert command["command"] == "gke-gcloud-auth-plugin", "Google's own"
        assert command["args"] == ["--use_application_default_credentials"], "as whoever the provider is"
        assert command["interactiveMode"] == "Never", "nobody sits before an update"
        assert cluster["cluster"] == {"server": f"https://{planned.name}-cluster.gke.example.com"}, "a public certificate, not one to be carried"
