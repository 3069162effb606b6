"""Who may do what: pods by their Kubernetes service account, machines by an account of their own, Google's services by theirs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pulumi
from pulumi_gcp import artifactregistry, kms, projects, secretmanager, serviceaccount, storage

from components.references import Made, after, resolve
from fleet.gcp.plan import GrantPlan, IdentityPlan


@dataclass(frozen=True, kw_only=True)
class Granted:
    """What roles are given on, as far as it exists."""

    project: str
    region: str
    key_id: pulumi.Input[str] | None = None
    bucket: pulumi.Input[str] | None = None
    repository: pulumi.Input[str] | None = None
    secrets: Mapping[str, pulumi.Input[str]] = field(default_factory=dict[str, "pulumi.Input[str]"])
    """By their keys."""


class Identity(pulumi.ComponentResource):
    """A service account of the machines. It has no key: nothing outside its machines is ever it."""

    email: pulumi.Output[str]

    def __init__(self, name: str, plan: IdentityPlan, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("fleet:gcp:Identity", name, None, opts)
        account = serviceaccount.Account(
            f"{name}-account",
            account_id=plan.account_id,
            display_name=plan.key,
            description=plan.description,
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.email = account.email
        self.register_outputs({})


class PodIdentity(pulumi.ComponentResource):
    """Roles of somebody who exists already: pods of a service account, the machines, or a service of Google."""

    def __init__(self, name: str, plan: IdentityPlan, made: Made, granted: Granted, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("fleet:gcp:PodIdentity", name, None, opts)
        self._child = pulumi.ResourceOptions(parent=self)
        self.member = resolve(plan.member, made)
        self.grants = [self._grant(f"{name}-{grant.key}", grant, granted) for grant in plan.grants]
        self.register_outputs({})

    def given(self, value: pulumi.Input[str]) -> pulumi.Output[str]:
        """The value, for whoever must not have it before every role is given."""
        return after(value, *self.grants)

    def _grant(self, name: str, grant: GrantPlan, granted: Granted) -> pulumi.Resource:
        role, member = grant.role, self.member
        if grant.on == "key":
            return kms.CryptoKeyIAMMember(name, crypto_key_id=_there(granted.key_id), role=role, member=member, opts=self._child)
        if grant.on == "bucket":
            return storage.BucketIAMMember(name, bucket=_there(granted.bucket), role=role, member=member, opts=self._child)
        if grant.on == "secret":
            secret = granted.secrets[str(grant.resource)]
            return secretmanager.SecretIamMember(name, project=granted.project, secret_id=secret, role=role, member=member, opts=self._child)
        if grant.on == "repository":
            return artifactregistry.RepositoryIamMember(
                name,
                project=granted.project,
                location=granted.region,
                repository=_there(granted.repository),
                role=role,
                member=member,
                opts=self._child,
            )
        return projects.IAMMember(name, project=granted.project, role=role, member=member, opts=self._child)


def _there(value: pulumi.Input[str] | None) -> pulumi.Input[str]:
    if value is None:
        raise ValueError("the plan gives a role on something that it does not make")
    return value
