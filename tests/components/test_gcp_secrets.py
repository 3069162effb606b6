"""Containers of secrets in a Google region are empty, and sealed with its key. What holds in every cloud: test_cloud_secrets.py."""

from __future__ import annotations

import json
import re

import pytest

from tests.support.gcp_programs import FLEETS, recorded
from tests.support.recorded_fleet import Recorded

pytestmark = pytest.mark.mocks

SECRET = "gcp:secretmanager/secret:Secret"


@pytest.fixture(params=FLEETS)
def fleet(request: pytest.FixtureRequest) -> Recorded:
    return recorded(request.param)


def test_containers_are_made_without_any_version_and_say_what_they_are_for(fleet: Recorded) -> None:
    kinds = {each.type for each in fleet.made("gcp:secretmanager/")}
    assert kinds <= {SECRET, "gcp:secretmanager/secretIamMember:SecretIamMember"}, "no version with a value: a person puts it in"
    for each in fleet.made(SECRET):
        assert each.inputs["annotations"]["description"], f"{each.name}: whoever puts the value in reads what it is for"
        assert each.inputs["deletionProtection"] is False, f"{each.name}: a stack file that no longer names it must not jam"


def test_a_container_that_no_other_region_holds_is_sealed_with_the_regions_key(fleet: Recorded) -> None:
    for planned in fleet.clusters:
        key = fleet.the("gcp:kms/cryptoKey:CryptoKey", planned.name)
        for each in fleet.made(SECRET, cluster=planned.name):
            replicas = each.inputs["replication"]["userManaged"]["replicas"]
            sealed = [replica["customerManagedEncryption"]["kmsKeyName"] for replica in replicas if "customerManagedEncryption" in replica]
            assert sealed == ([f"{key.name}-id"] if len(replicas) == 1 else []), f"{each.name}: a key is good in its own region alone"


def test_every_secret_of_the_stack_file_has_a_container_in_the_regions_that_the_stack_file_names() -> None:
    fleet = recorded("everything")
    wanted = {"one": ["us-central1", "europe-west4"], "two": ["us-east4"]}
    for planned in fleet.clusters:
        assert [secret.kubernetes_secret for secret in planned.gcp_plan.secrets] == ["hub", "engine"], "both that the stack file names"
        for secret in planned.gcp_plan.secrets:
            made = fleet.the(SECRET, planned.name, f"{planned.name}-{secret.key}-secret")
            assert made.inputs["secretId"] == secret.name, "a name that a person can type"
            assert [each["location"] for each in made.inputs["replication"]["userManaged"]["replicas"]] == wanted[planned.name], "its own first"


def test_what_machines_are_told_holds_settings_and_nothing_else(fleet: Recorded) -> None:
    for each in fleet.made("gcp:container/nodePool:NodePool"):
        metadata = each.inputs["nodeConfig"]["metadata"]
        assert metadata == {"disable-legacy-endpoints": "true"}, f"{each.name}: every process of the machine may read it"
        assert not re.search(r"(?i)password|credential", json.dumps(each.inputs)), f"{each.name}: nor is anything written elsewhere"
