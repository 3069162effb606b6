"""No value of a secret passes through a region of any cloud, and nothing is marked that needs no mark."""

from __future__ import annotations

import json
import re

import pytest

from tests.support.cloud_login import CREDENTIALS, GOOGLE_SECRET
from tests.support.cloud_programs import FLEETS, recorded
from tests.support.recorded_fleet import Recorded
from tests.support.recording import Resource

pytestmark = pytest.mark.mocks

CREDENTIAL_INPUTS = {
    "pulumi:providers:aws": {"accessKey", "secretKey", "token"},
    "pulumi:providers:gcp": {"accessToken", "credentials", "externalCredentials", "impersonateServiceAccount"},
}

OF_THE_SDK = {
    "pulumi:providers:aws": {"accessKey", "secretKey", "token"},
    "pulumi:providers:gcp": {"accessToken"},
    "aws:s3/bucketReplicationConfig:BucketReplicationConfig": {"token"},
}
"""What the SDK marks by itself, whether it is given or not."""

LABELS_OF_THE_SDK = {"effectiveLabels", "pulumiLabels"}
"""Outputs of everything in Google Cloud that has labels: those of the provider together with its own. No input is marked."""

FORMS = {
    "an access key of AWS": r"\b(AKIA|ASIA)[0-9A-Z]{16}\b",
    "a token of the hub": r"\bhf_[A-Za-z0-9]{20,}\b",
    "a private key": r"-----BEGIN [A-Z ]*PRIVATE KEY-----",
    "a token of a Kubernetes account": r"\beyJ[A-Za-z0-9_-]{20,}\.",
    "an EKS token": r"k8s-aws-v1\.",
    "an access token of Google": r"\bya29\.",
}


@pytest.fixture(params=FLEETS)
def fleet(request: pytest.FixtureRequest) -> Recorded:
    return recorded(request.param)


def test_no_input_output_or_message_holds_a_secret(fleet: Recorded) -> None:
    graph = fleet.graph
    everything = json.dumps([[each.name, each.inputs] for each in graph.resources.values()]) + json.dumps([graph.outputs, graph.said])
    for value in (*CREDENTIALS.values(), GOOGLE_SECRET):
        assert value not in everything, "credentials of whoever runs it would be in the state"
    for what, form in FORMS.items():
        assert not re.search(form, everything), f"{what} would be in the state"


def test_providers_are_given_no_credentials(fleet: Recorded) -> None:
    for each in fleet.made(*CREDENTIAL_INPUTS):
        assert not CREDENTIAL_INPUTS[each.type] & set(each.inputs), f"{each.name} finds them where every tool of its cloud does"


def _marked_by_the_sdk(each: Resource) -> set[str]:
    return OF_THE_SDK.get(each.type, LABELS_OF_THE_SDK if each.type.startswith("gcp:") else set())


def test_nothing_is_marked_secret_that_is_none(fleet: Recorded) -> None:
    for each in fleet.graph.resources.values():
        assert not set(each.secrets) & set(each.inputs), f"{each.name} is given what it must hide"
        assert set(each.secrets) <= _marked_by_the_sdk(each), f"{each.name}: a diff of it would be hidden from whoever reviews the preview"


def test_no_object_in_a_cluster_carries_a_value(fleet: Recorded) -> None:
    assert not list(fleet.graph.objects("Secret")), "External Secrets makes them inside, from what a person put in"
