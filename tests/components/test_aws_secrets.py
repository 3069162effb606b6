"""No value of a secret passes through a region of AWS: containers are empty, policies name them, and nothing is marked that needs no mark."""

from __future__ import annotations

import json
import re
from base64 import b64decode

import pytest

from tests.support.aws_login import CREDENTIALS
from tests.support.aws_programs import FLEETS, Recorded, recorded

pytestmark = pytest.mark.mocks

CREDENTIAL_INPUTS = {"accessKey", "secretKey", "token"}
OF_THE_SDK = {"pulumi:providers:aws": CREDENTIAL_INPUTS, "aws:s3/bucketReplicationConfig:BucketReplicationConfig": {"token"}}
"""What the SDK marks by itself, whether it is given or not."""

FORMS = {
    "an access key of AWS": r"\b(AKIA|ASIA)[0-9A-Z]{16}\b",
    "a token of the hub": r"\bhf_[A-Za-z0-9]{20,}\b",
    "a private key": r"-----BEGIN [A-Z ]*PRIVATE KEY-----",
    "a token of a Kubernetes account": r"\beyJ[A-Za-z0-9_-]{20,}\.",
    "an EKS token": r"k8s-aws-v1\.",
}


@pytest.fixture(params=FLEETS)
def fleet(request: pytest.FixtureRequest) -> Recorded:
    return recorded(request.param)


def test_no_input_output_or_message_holds_a_secret(fleet: Recorded) -> None:
    graph = fleet.graph
    everything = json.dumps([[each.name, each.inputs] for each in graph.resources.values()]) + json.dumps([graph.outputs, graph.said])
    for name, value in CREDENTIALS.items():
        assert value not in everything, f"{name} of whoever runs it would be in the state"
    for what, form in FORMS.items():
        assert not re.search(form, everything), f"{what} would be in the state"


def test_providers_are_given_no_credentials(fleet: Recorded) -> None:
    for each in fleet.made("pulumi:providers:aws"):
        assert not CREDENTIAL_INPUTS & set(each.inputs), f"{each.name} finds them where every tool of AWS does"


def test_nothing_is_marked_secret_that_is_none(fleet: Recorded) -> None:
    for each in fleet.graph.resources.values():
        assert not set(each.secrets) & set(each.inputs), f"{each.name} is given what it must hide"
        assert set(each.secrets) <= OF_THE_SDK.get(each.type, set()), f"{each.name}: a diff of it would be hidden from whoever reviews the preview"


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


def test_no_object_in_a_cluster_carries_a_value(fleet: Recorded) -> None:
    assert not list(fleet.graph.objects("Secret")), "External Secrets makes them inside, from what a person put in"


def test_user_data_of_machines_holds_settings_and_nothing_else(fleet: Recorded) -> None:
    for each in fleet.made("aws:ec2/launchTemplate:LaunchTemplate"):
        text = b64decode(each.inputs.get("userData", "")).decode()
        assert not re.search(r"(?i)password|token|secret|credential", text), f"{each.name}: every process of the machine may read it"
