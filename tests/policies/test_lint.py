"""The same documents under a linter that others wrote: unknown actions, resources an action does not know, conditions it never has."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import parliament
import pytest

from tests.support.iam_documents import aws_policy, resource_policies, role_documents
from tests.support.iam_wildcards import WILDCARD_ONLY

pytestmark = pytest.mark.policies

LIMITS = {"role": 10_240, "trust": 2_048}
"""Characters of a document without white space, by quotas of IAM: of all of a role's own policies, and of its trust."""


def _documents() -> Iterator[tuple[str, dict[str, Any]]]:
    for key, role in role_documents().items():
        if "own" in role.policies:
            yield f"role {key}", role.policies["own"]
    for arn, policy in resource_policies().items():
        yield f"policy of {arn}", policy


DOCUMENTS = dict(_documents())


def _findings(policy: dict[str, Any]) -> list[str]:
    found = parliament.analyze_policy_string(json.dumps(policy)).findings
    mismatches = [mismatch for finding in found if finding.issue == "RESOURCE_MISMATCH" for mismatch in finding.detail]
    others = [f"{finding.issue}: {finding.detail}" for finding in found if finding.issue != "RESOURCE_MISMATCH"]
    return [*others, *(f"RESOURCE_MISMATCH: {mismatch}" for mismatch in mismatches if not _elsewhere(policy, mismatch))]


def _elsewhere(policy: dict[str, Any], mismatch: dict[str, str]) -> bool:
    """Whether another statement allows the action for the kind of resource that this one does not name: AWS asks about each by itself."""
    return any(
        mismatch["action"] in statement["Action"]
        and any(parliament.is_arn_match("", mismatch["required_format"], resource) for resource in statement["Resource"])
        for statement in policy["Statement"]
    )


def _only(**statement: Any) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **statement}]}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_document_says_nothing_that_iam_would_not_understand(name: str) -> None:
    found = _findings(DOCUMENTS[name])
    # On a policy of a resource, `*` is that resource.
    expected = [finding for finding in found if name.startswith("policy of") and finding.startswith("RESOURCE_STAR")]
    assert [finding for finding in found if finding not in expected] == [], "IAM takes such a document and never allows what was meant"


@pytest.mark.parametrize(
    ("statement", "issue"),
    [
        ({"Action": ["s3:GetObjects"], "Resource": ["arn:aws:s3:::b/*"]}, "UNKNOWN_ACTION"),
        ({"Action": ["s4:GetObject"], "Resource": ["arn:aws:s3:::b/*"]}, "UNKNOWN_PREFIX"),
        ({"Action": ["ec2:DeleteVolume"], "Resource": ["arn:aws:ec2:us-east-2:111122223333:instance/i-0a1b"]}, "RESOURCE_MISMATCH"),
        (
            {"Action": ["s3:GetObject"], "Resource": ["arn:aws:s3:::b/*"], "Condition": {"StringEquals": {"s3:prefix": "x"}}},
            "UNKNOWN_CONDITION_FOR_ACTION",
        ),
        ({"Action": ["autoscaling:SetDesiredCapacity"], "Resource": ["*"]}, "RESOURCE_STAR"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_the_linter_would_have_said_so(statement: dict[str, Any], issue: str) -> None:
    assert any(finding.startswith(issue) for finding in _findings(_only(**statement))), "a linter that finds nothing proves nothing"


def test_the_linter_knows_no_resource_for_what_is_allowed_for_everything() -> None:
    found = _findings(_only(Action=sorted(WILDCARD_ONLY), Resource=["*"]))
    assert not found, "a second source says that these could be narrower"


def test_policies_that_aws_keeps_exist_under_these_names() -> None:
    named = {arn for role in role_documents().values() for arn in role.plan.managed_policies}
    assert named, "some are used"
    for arn in named:
        assert aws_policy(arn)["Statement"], "an attachment of a policy that does not exist ends the update"


def test_policies_that_aws_keeps_do_not_reach_into_iam() -> None:
    named = {arn for role in role_documents().values() for arn in role.plan.managed_policies}
    reaching = [
        (arn, action)
        for arn in named
        for statement in aws_policy(arn)["Statement"]
        for action in ([statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"])
        if action.split(":")[0] in ("iam", "sts", "kms", "*")
    ]
    assert not reaching, "AWS may widen them, and this is where it would show"


@pytest.mark.parametrize("key", role_documents())
def test_a_role_fits_into_iam(key: str) -> None:
    role = role_documents()[key]
    assert len(json.dumps(role.policies.get("own", {}), separators=(",", ":"))) <= LIMITS["role"], "IAM refuses longer policies"
    assert len(json.dumps(role.trust, separators=(",", ":"))) <= LIMITS["trust"], "and longer trust"
