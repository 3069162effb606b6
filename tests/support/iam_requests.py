"""Requests to AWS as the evaluator is asked them: who, what, on what, and with what AWS itself would add."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.support.iam_documents import ACCOUNT, OTHER_BUCKET, OTHER_KEY, REGION, STRANGER, full, resource_policies, role_documents

EVERYTHING = {"Version": "2012-10-17", "Statement": [{"Sid": "Everything", "Effect": "Allow", "Action": "*", "Resource": "*"}]}
EC2_ONLY = {"Version": "2012-10-17", "Statement": [{"Sid": "Ec2", "Effect": "Allow", "Action": "ec2:*", "Resource": "*"}]}

PEOPLE: Mapping[str, tuple[str, dict[str, Any] | None]] = {
    "administrator": (f"arn:aws:iam::{ACCOUNT}:role/administrator", EVERYTHING),
    "colleague": (f"arn:aws:iam::{ACCOUNT}:role/runs-machines", EC2_ONLY),
    "stranger": (f"arn:aws:iam::{STRANGER}:role/administrator", EVERYTHING),
    "auto scaling": (f"arn:aws:iam::{ACCOUNT}:role/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling", None),
    "ecr": (f"arn:aws:iam::{ACCOUNT}:role/aws-service-role/pullthroughcache.ecr.amazonaws.com/AWSServiceRoleForECRPullThroughCache", None),
    "stranger's auto scaling": (f"arn:aws:iam::{STRANGER}:role/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling", None),
}
"""Others than the region's roles: ARN, and what their own policies allow."""

ANONYMOUS = {"type": "Anonymous"}


@dataclass(frozen=True, kw_only=True)
class Request:
    """One request, what should become of it, and why."""

    who: str
    """Key of a role, one of PEOPLE, `anonymous`, or the principal of one of AWS's services."""
    action: str
    resource: str
    allowed: bool
    because: str
    context: Mapping[str, str] = field(default_factory=dict[str, str])
    """Over what every request has."""

    def __str__(self) -> str:
        """As the name of its test."""
        return f"{self.who} {'may' if self.allowed else 'cannot'} {self.action}: {self.because}"

    def question(self) -> dict[str, Any]:
        """For the evaluator. Trust policies and policies of resources are found by the resource."""
        principal, policies, account = _identity(self.who)
        return {
            "simulation": {
                "request": {
                    "principal": principal,
                    "action": self.action,
                    "resource": {"resource": self.resource, "accountId": ACCOUNT},
                    "contextVariables": {**_context(principal, account, self.action), **self.context},
                },
                "identityPolicies": policies,
                "serviceControlPolicies": [],
                "resourceControlPolicies": [],
                "resourcePolicy": _standing_on(self.resource),
            }
        }


def _identity(who: str) -> tuple[Any, list[dict[str, Any]], str | None]:
    roles = role_documents()
    if who in roles:
        return roles[who].arn, [{"name": name, "policy": policy} for name, policy in roles[who].policies.items()], ACCOUNT
    if who in PEOPLE:
        arn, policy = PEOPLE[who]
        return arn, [{"name": "own", "policy": policy}] if policy else [], arn.split(":")[4]
    if who == "anonymous":
        return ANONYMOUS, [], None
    return who, [], None


def _context(principal: Any, account: str | None, action: str) -> dict[str, str]:
    """What AWS adds to every request of this principal; where there is no account, its keys are missing too."""
    found = {"aws:SecureTransport": "true", "aws:ResourceAccount": ACCOUNT}
    if account:
        found |= {"aws:PrincipalAccount": account, "aws:PrincipalArn": principal, "aws:PrincipalIsAWSService": "false"}
        found |= {"kms:CallerAccount": account} if action.startswith("kms:") else {}
    elif isinstance(principal, str):
        found |= {"aws:PrincipalIsAWSService": "true"}
    return found


def _standing_on(resource: str) -> dict[str, Any] | None:
    for role in role_documents().values():
        if role.arn == resource:
            return role.trust
    for arn, policy in resource_policies().items():
        if resource == arn or resource.startswith(f"{arn}/"):
            return policy
    if resource == OTHER_KEY:  # the other region's key lets its account decide, as ours does
        return {"Version": "2012-10-17", "Statement": [resource_policies()[_own_key()]["Statement"][0]]}
    return None


def _own_key() -> str:
    return next(arn for arn in resource_policies() if ":kms:" in arn)


def pod(namespace: str, service_account: str, cluster: str | None = None) -> dict[str, str]:
    """The session tags that EKS sets for a pod."""
    return {
        "aws:RequestTag/eks-cluster-arn": f"arn:aws:eks:{REGION}:{ACCOUNT}:cluster/{cluster or full().name}",
        "aws:RequestTag/kubernetes-namespace": namespace,
        "aws:RequestTag/kubernetes-service-account": service_account,
    }


def via(service: str, region: str = REGION) -> dict[str, str]:
    """The key asked for by a service in the principal's name."""
    return {"kms:ViaService": f"{service}.{region}.amazonaws.com"}


def arn(service: str, rest: str, *, region: str = REGION, account: str = ACCOUNT) -> str:
    """Of something that no document names in full."""
    return f"arn:aws:{service}:{region}:{account}:{rest}"


OTHER_WEIGHTS = f"{OTHER_BUCKET}/weights/model.safetensors"
