"""Requests against the documents of a full region, decided by an evaluator that others wrote (docs/adr/0040-aws-identity.md)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from tests.policies.cases import CASES, INTERFACE, NAME, WEIGHTS, role
from tests.support.iam_documents import ACCOUNT, BUCKET, FILES, KEY, SECRET, role_documents
from tests.support.iam_evaluator import ask
from tests.support.iam_requests import Request, arn
from tests.support.iam_wildcards import WILDCARD_ONLY

pytestmark = pytest.mark.policies

ROLES = tuple(sorted(role_documents()))

ESCALATIONS: Mapping[str, str] = {
    "iam:PassRole": role("nodes"),
    "iam:CreateRole": f"arn:aws:iam::{ACCOUNT}:role/back-door",
    "iam:AttachRolePolicy": role("model-server"),
    "iam:PutRolePolicy": role("model-server"),
    "iam:UpdateAssumeRolePolicy": role("cluster"),
    "iam:CreateAccessKey": f"arn:aws:iam::{ACCOUNT}:user/somebody",
    "iam:CreateServiceLinkedRole": f"arn:aws:iam::{ACCOUNT}:role/aws-service-role/spot.amazonaws.com/AWSServiceRoleForEC2Spot",
    "sts:AssumeRole": role("cluster"),
    "eks:CreateAccessEntry": arn("eks", f"cluster/{NAME}"),
    "eks:CreatePodIdentityAssociation": arn("eks", f"cluster/{NAME}"),
    "eks:UpdateClusterConfig": arn("eks", f"cluster/{NAME}"),
    "kms:PutKeyPolicy": KEY,
    "kms:ScheduleKeyDeletion": KEY,
    "s3:PutBucketPolicy": BUCKET,
    "s3:PutEncryptionConfiguration": BUCKET,
    "s3:PutReplicationConfiguration": BUCKET,
    "s3:DeleteBucket": BUCKET,
    "s3:DeleteObjectVersion": WEIGHTS,
    "secretsmanager:PutSecretValue": SECRET,
    "secretsmanager:PutResourcePolicy": SECRET,
    "elasticfilesystem:DeleteFileSystem": FILES,
    "ec2:RunInstances": arn("ec2", "instance/i-0a1b"),
    "ec2:TerminateInstances": arn("ec2", "instance/i-0a1b"),
    "ec2:ModifyInstanceAttribute": arn("ec2", "instance/i-0a1b"),
    "ec2:AuthorizeSecurityGroupIngress": arn("ec2", "security-group/sg-0a1b"),
    "ec2:CreateSnapshot": arn("ec2", "volume/vol-0a1b"),
    "autoscaling:UpdateAutoScalingGroup": arn("autoscaling", "autoScalingGroup:0f1e2d3c:autoScalingGroupName/eks-l4-od"),
    "ecr:PutImage": arn("ecr", "repository/acme-prod-us/vllm/vllm-openai"),
    "ecr:SetRepositoryPolicy": arn("ecr", "repository/acme-prod-us/vllm/vllm-openai"),
    "ssm:StartSession": arn("ec2", "instance/i-0a1b"),
}
"""Ways to more than a role was given, each with something of ours: nobody has any of them."""


@pytest.fixture(scope="module")
def answers() -> dict[str, Any]:
    """Every case's answer: one process for all of them."""
    return dict(zip(map(str, CASES), ask(case.question() for case in CASES), strict=True))


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_request_ends_as_it_should(case: Request, answers: Mapping[str, Any]) -> None:
    answer = answers[str(case)]
    assert "errors" not in answer, f"the evaluator refuses the document or the request: {answer.get('errors')}"
    assert not answer["ignored"], f"AWS never says {answer['ignored']} with {case.action}: the case proves nothing"
    assert (answer["result"] == "Allowed") == case.allowed, f"{answer['result']}; {case.because}"


def test_no_role_leads_to_more_than_it_was_given() -> None:
    requests = [
        Request(who=key, action=action, resource=resource, allowed=False, because="a way to more rights")
        for key in ROLES
        for action, resource in ESCALATIONS.items()
    ]
    found = ask(request.question() for request in requests)
    refused = [str(request) for request, answer in zip(requests, found, strict=True) if "errors" in answer]
    assert not refused, "a request that the evaluator does not understand proves nothing"
    allowed = [str(request) for request, answer in zip(requests, found, strict=True) if answer["result"] == "Allowed"]
    assert not allowed, "whoever takes over such a pod has the account"


def test_every_role_is_asked_for_something_it_may_do() -> None:
    told = {case.who for case in CASES if case.allowed}
    assert set(ROLES) <= told, "a role that may do nothing would pass every refusal"


def test_a_condition_holds_only_where_aws_says_what_it_asks_for() -> None:
    statement = {
        "Sid": "Near",
        "Effect": "Allow",
        "Action": ["ec2:DeleteNetworkInterface"],
        "Resource": [INTERFACE],
        "Condition": {"StringEquals": {"ec2:Vpc": "here"}},
    }
    policies = [{"name": "near", "policy": {"Version": "2012-10-17", "Statement": [statement]}}]
    requests = [
        Request(who="nodes", action="ec2:DeleteNetworkInterface", resource=INTERFACE, allowed=bool(context), because="", context=context)
        for context in ({}, {"ec2:Vpc": "here"})
    ]
    without, matching = ask({"simulation": {**request.question()["simulation"], "identityPolicies": policies}} for request in requests)
    assert without["result"] == "ImplicitlyDenied", "an evaluator that skips conditions proves nothing"
    assert matching["result"] == "Allowed", "nor does one that allows nothing"


def test_actions_that_are_allowed_for_everything_could_not_be_narrower() -> None:
    actions = sorted(WILDCARD_ONLY)
    found = dict(zip(actions, ask({"action": action} for action in actions), strict=True))
    narrower = [action for action, answer in found.items() if not answer["wildcardOnly"]]
    assert not narrower, "AWS could limit these to resources of ours"
