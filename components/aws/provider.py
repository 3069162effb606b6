"""The AWS provider of one region, and what this machine must have before it is used."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pulumi
import pulumi_aws as aws

from fleet.fleet_plan import ClusterPlan
from fleet.problems import InputError, Problem

COMMAND = "aws"
SETTINGS = ("AWS_PROFILE", "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI")
"""Variables that name a source of credentials. What they name is judged by AWS, not here."""

MACHINE_VENDOR = Path("/sys/devices/virtual/dmi/id/sys_vendor")
"""Where Linux says who made the machine."""

FILES = {"AWS_SHARED_CREDENTIALS_FILE": "~/.aws/credentials", "AWS_CONFIG_FILE": "~/.aws/config"}


def region_provider(plan: ClusterPlan, opts: pulumi.ResourceOptions | None = None) -> aws.Provider:
    """One provider for one region: a resource can then never land in another one.

    Credentials come from where every AWS tool finds them, so none is in the configuration or the state.
    """
    decided = plan.aws_plan
    return aws.Provider(
        f"{plan.name}-aws",
        region=plan.region,
        allowed_account_ids=[decided.account] if decided.account else None,
        default_tags=aws.ProviderDefaultTagsArgs(tags=dict(decided.tags)),
        opts=opts,
    )


def verify(plan: ClusterPlan) -> None:  # noqa: ARG001  alike in every package: what is missing here is missing for every cluster
    """Look for the command that logs in to the cluster and for credentials, without asking AWS.

    Raises:
        InputError: one of them is missing.
    """
    problems: list[Problem] = []
    if shutil.which(COMMAND) is None:
        limit = "the Kubernetes provider of every cluster in AWS logs in with `aws eks get-token`, and PATH has no aws"
        problems.append(Problem(field="the command aws", value=None, limit=limit, remedy="install version 2 of the AWS CLI"))
    if not _credentials():
        limit = "there are none in the environment, in a shared file or from this machine's role"
        remedy = "log in (aws sso login, aws configure), or set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
        problems.append(Problem(field="a source of AWS credentials", value=None, limit=limit, remedy=remedy))
    if problems:
        raise InputError(problems)


def _credentials() -> bool:
    """Whether a usual source of credentials is there. A machine's own role is believed where AWS says that this is its machine."""
    given = bool(os.environ.get("AWS_ACCESS_KEY_ID") and os.environ.get("AWS_SECRET_ACCESS_KEY"))
    named = any(os.environ.get(name) for name in SETTINGS)
    stored = any(Path(os.environ.get(name) or usual).expanduser().is_file() for name, usual in FILES.items())
    return given or named or stored or _on_ec2()


def _on_ec2() -> bool:
    """Machines of EC2 say whose they are in their firmware; their role is asked for by the SDK itself."""
    return MACHINE_VENDOR.is_file() and MACHINE_VENDOR.read_text(encoding="utf-8").strip() == "Amazon EC2"
