"""Who may do what in a Google region: each role given to one somebody on one thing, and no key that could be carried away."""

from __future__ import annotations

import re

import pytest

from tests.support.gcp_programs import FLEETS, recorded
from tests.support.recorded_fleet import Recorded
from tests.support.recorded_outputs import PROJECT_NUMBER
from tests.support.recording import Resource

pytestmark = pytest.mark.mocks

ON_THE_PROJECT = "gcp:projects/iAMMember:IAMMember"

ROLES = {
    ON_THE_PROJECT: {"roles/container.defaultNodeServiceAccount"},
    "gcp:kms/cryptoKeyIAMMember:CryptoKeyIAMMember": {"roles/cloudkms.cryptoKeyEncrypterDecrypter"},
    "gcp:storage/bucketIAMMember:BucketIAMMember": {"roles/storage.objectViewer", "roles/storage.objectUser"},
    "gcp:secretmanager/secretIamMember:SecretIamMember": {"roles/secretmanager.secretAccessor"},
    "gcp:artifactregistry/repositoryIamMember:RepositoryIamMember": {"roles/artifactregistry.reader"},
}
"""Every way in which this program gives a role, and what it gives that way."""

POD = re.compile(
    rf"principal://iam\.googleapis\.com/projects/{PROJECT_NUMBER}/locations/global/workloadIdentityPools/[a-z-]+\.svc\.id\.goog"
    r"/subject/ns/(?P<namespace>[a-z-]+)/sa/(?P<account>[a-z-]+)"
)
MACHINES = re.compile(r"serviceAccount:[a-z0-9-]{6,30}@project\.iam\.gserviceaccount\.com")
SERVICE = re.compile(rf"serviceAccount:service-{PROJECT_NUMBER}@[a-z-]+\.iam\.gserviceaccount\.com")


@pytest.fixture(params=FLEETS)
def fleet(request: pytest.FixtureRequest) -> Recorded:
    return recorded(request.param)


def _given(fleet: Recorded, cluster: str | None = None) -> list[Resource]:
    return [each for each in fleet.made("gcp:", cluster=cluster) if "iam" in each.type.lower().partition("/")[2]]


def test_there_is_no_key_of_any_account(fleet: Recorded) -> None:
    assert {each.type for each in fleet.made("gcp:serviceaccount/")} == {"gcp:serviceaccount/account:Account"}, "nothing that could be carried away"
    for planned in fleet.clusters:
        fleet.the("gcp:serviceaccount/account:Account", planned.name)


def test_a_role_is_added_for_one_member_and_takes_nothing_from_others(fleet: Recorded) -> None:
    for each in _given(fleet):
        assert each.type in ROLES, f"{each.name}: a binding or a policy would throw out everybody whom it does not name"
        assert each.inputs["role"] in ROLES[each.type], f"{each.name}: more than is needed"
        assert "condition" not in each.inputs, f"{each.name}: read at a glance"


def test_a_member_is_one_service_account_of_pods_the_machines_or_a_service_of_google(fleet: Recorded) -> None:
    for each in _given(fleet):
        member = each.inputs["member"]
        assert any(form.fullmatch(member) for form in (POD, MACHINES, SERVICE)), f"{each.name}: {member} is not one of them"
        assert "principalSet" not in member, f"{each.name}: not everybody in a pool"


def test_on_the_whole_project_machines_alone_have_a_role_and_one_only(fleet: Recorded) -> None:
    for planned in fleet.clusters:
        given = fleet.the(ON_THE_PROJECT, planned.name)
        assert MACHINES.fullmatch(given.inputs["member"]), "logs and metrics"


def test_servers_read_weights_the_mirror_writes_them_and_nobody_else_sees_them(fleet: Recorded) -> None:
    for planned in fleet.clusters:
        found = {
            match["namespace"] + "/" + match["account"]: each.inputs["role"]
            for each in fleet.made("gcp:storage/bucketIAMMember:BucketIAMMember", cluster=planned.name)
            if (match := POD.fullmatch(each.inputs["member"]))
        }
        assert found == {"vllm/model-server": "roles/storage.objectViewer", "vllm/weights-mirror": "roles/storage.objectUser"}, "as pods of theirs"


def test_external_secrets_alone_reads_the_secrets_of_its_region_one_by_one() -> None:
    fleet = recorded("everything")
    for planned in fleet.clusters:
        given = list(fleet.made("gcp:secretmanager/secretIamMember:SecretIamMember", cluster=planned.name))
        assert {each.inputs["secretId"] for each in given} == {secret.name for secret in planned.gcp_plan.secrets}, "each of them, and no other"
        for each in given:
            match = POD.fullmatch(each.inputs["member"])
            assert match, f"{each.name}: pods"
            assert match.groupdict() == {"namespace": "external-secrets", "account": "external-secrets"}, "which make Secrets of them"
