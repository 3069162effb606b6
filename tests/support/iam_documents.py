"""The documents of one full AWS region as IAM would get them: with ARNs as AWS makes them, and AWS's own policies from moto's snapshot."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from fleet.aws.identity import bucket_statements, file_system_statements, key_statements, roles
from fleet.aws.inputs import RegionInputs
from fleet.aws.plan import RolePlan
from fleet.aws.policy import document
from fleet.references import Reference
from fleet.settings import AwsCluster, Secrets
from tests.support.aws_regions import region

ACCOUNT, STRANGER = "111122223333", "444455556666"
REGION, OTHER_REGION = "us-east-2", "eu-west-1"
BUCKET, OTHER_BUCKET = "arn:aws:s3:::acme-us-bucket-5f0c1d2", "arn:aws:s3:::acme-eu-bucket-9a8b7c6"
KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/0b1c2d3e-1111-4222-8333-944455556666"
OTHER_KEY = f"arn:aws:kms:{OTHER_REGION}:{ACCOUNT}:key/0b1c2d3e-2222-4222-8333-944455556666"
FILES = f"arn:aws:elasticfilesystem:{REGION}:{ACCOUNT}:file-system/fs-0123456789abcdef0"
SECRET = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:acme/prod/us/hub-token-AbCdEf"
API_KEY = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:acme/prod/us/engine-api-key-GhIjKl"
VPC = "vpc-0a1b2c3d4e5f60718"

MADE: Mapping[str, str] = {
    "account": ACCOUNT,
    "vpc_id": VPC,
    "bucket_arn": BUCKET,
    "bucket_arn.eu": OTHER_BUCKET,
    "key_arn": KEY,
    "key_arn.eu": OTHER_KEY,
    "file_system_arn": FILES,
    "secret_arn.hub-token": SECRET,
    "secret_arn.engine-api-key": API_KEY,
}
"""Name of a Reference to a value as AWS makes them."""


@cache
def full() -> RegionInputs:
    """A region in prod with everything that brings a role: mirror of images, flow logs, secrets, a shared cache, replication."""
    inputs = region(
        caches={"l4": ("shared", 40)},
        environment="prod",
        images={"mirror": True},
        flow_logs=True,
        replicate_weights_to=("eu",),
    )
    eu = AwsCluster.model_validate({"cloud": "aws", "region": OTHER_REGION})
    changes = {"clusters": {**inputs.settings.clusters, "eu": eu}, "secrets": Secrets(hub_token="hub", engine_api_key="engine")}
    return replace(inputs, settings=inputs.settings.model_copy(update=changes))


@cache
def bare() -> RegionInputs:
    """A region without anything optional."""
    return region()


def resolved(value: Any) -> Any:
    """A planned value with every Reference replaced, as components do.

    Raises:
        KeyError: a document names something that nothing makes.
    """
    if isinstance(value, Reference):
        return f"{value.prefix}{MADE[value.name]}{value.suffix}"
    if isinstance(value, Mapping):
        return {key: resolved(inner) for key, inner in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [resolved(inner) for inner in value]
    return value


@dataclass(frozen=True, kw_only=True)
class RoleDocuments:
    """One role, resolved."""

    plan: RolePlan
    trust: dict[str, Any]
    policies: Mapping[str, dict[str, Any]]
    """Its own under `own`, AWS's by their ARN."""

    @property
    def arn(self) -> str:
        """With a name as Pulumi makes it."""
        return f"arn:aws:iam::{ACCOUNT}:role/us-{self.plan.key}-role-1f2e3d4"


@cache
def role_documents() -> dict[str, RoleDocuments]:
    """Every role of the full region by its key."""
    found: dict[str, RoleDocuments] = {}
    for plan in roles(full()):
        own = {"own": resolved(document(*plan.statements))} if plan.statements else {}
        policies = {**own, **{arn: aws_policy(arn) for arn in plan.managed_policies}}
        found[plan.key] = RoleDocuments(plan=plan, trust=resolved(document(*plan.trust)), policies=policies)
    return found


@cache
def resource_policies() -> dict[str, dict[str, Any]]:
    """ARN of a resource to the policy that stands on it."""
    found = {KEY: key_statements(full()), BUCKET: bucket_statements(full()), FILES: file_system_statements(full())}
    return {arn: resolved(document(*statements)) for arn, statements in found.items()}


@cache
def _aws_policies() -> dict[str, dict[str, Any]]:
    from moto.iam.aws_managed_policies import aws_managed_policies_data  # tests that need no moto import this file as well

    return json.loads(aws_managed_policies_data)


def aws_policy(arn: str) -> dict[str, Any]:
    """The document of a policy that AWS keeps, as it was when moto's data were taken.

    Raises:
        KeyError: there is none with this ARN.
    """
    path, name = arn.removeprefix("arn:aws:iam::aws:policy").rsplit("/", 1)
    found = _aws_policies()[name]
    if found["Path"] != f"{path}/":
        raise KeyError(f"{name} lies under {found['Path']}, not {path}/")
    return found["Document"]
