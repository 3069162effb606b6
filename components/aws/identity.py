"""Roles: one for each workload, with a policy that names the resources of this region alone."""

from __future__ import annotations

from collections.abc import Sequence

import pulumi
from pulumi_aws import eks, iam

from components.references import Made, after, json_text
from fleet.aws.plan import RolePlan
from fleet.aws.policy import document


class Identity(pulumi.ComponentResource):
    """One role and what it may do."""

    arn: pulumi.Output[str]
    """Handed out only with everything the role may do: who takes it on must not find it half made."""

    def __init__(self, name: str, plan: RolePlan, made: Made, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("fleet:aws:Identity", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        role = iam.Role(
            f"{name}-role",
            name_prefix=plan.prefix,
            description=plan.description,
            assume_role_policy=json_text(document(*plan.trust), made),
            opts=child,
        )
        allowed = [
            iam.RolePolicyAttachment(f"{name}-{arn.rpartition('/')[2]}", role=role.name, policy_arn=arn, opts=child) for arn in plan.managed_policies
        ]
        self.arn = after(role.arn, *self._own(name, role, plan, made), *allowed)
        self.register_outputs({})

    def _own(self, name: str, role: iam.Role, plan: RolePlan, made: Made) -> list[iam.RolePolicy]:
        """The policy that is written for this role; some roles have AWS's own alone."""
        if not plan.statements:
            return []
        policy = json_text(document(*plan.statements), made)
        return [iam.RolePolicy(f"{name}-policy", role=role.name, policy=policy, opts=pulumi.ResourceOptions(parent=self))]


class PodIdentity(pulumi.ComponentResource):
    """A role, and the service account whose pods get it."""

    def __init__(self, name: str, plan: RolePlan, cluster: pulumi.Input[str], made: Made, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("fleet:aws:PodIdentity", name, None, opts)
        identity = Identity(name, plan, made, pulumi.ResourceOptions(parent=self))
        self.arn = identity.arn
        if plan.namespace and plan.service_account:
            eks.PodIdentityAssociation(
                f"{name}-association",
                cluster_name=cluster,
                namespace=plan.namespace,
                service_account=plan.service_account,
                role_arn=identity.arn,
                # Policies may then be written for one namespace or service account.
                disable_session_tags=False,
                opts=pulumi.ResourceOptions(parent=self, depends_on=[identity]),
            )
        self.register_outputs({})


def administrators(
    name: str, cluster: pulumi.Input[str], principals: Sequence[tuple[str, str]], opts: pulumi.ResourceOptions
) -> list[pulumi.Resource]:
    """Access entries of those who administer the cluster, by a name of each."""
    policy = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy"
    found: list[pulumi.Resource] = []
    for key, principal in principals:
        entry = eks.AccessEntry(f"{name}-access-{key}", cluster_name=cluster, principal_arn=principal, type="STANDARD", opts=opts)
        found.append(
            eks.AccessPolicyAssociation(
                f"{name}-access-{key}-policy",
                cluster_name=cluster,
                principal_arn=entry.principal_arn,
                policy_arn=policy,
                access_scope=eks.AccessPolicyAssociationAccessScopeArgs(type="cluster"),
                opts=opts,
            )
        )
    return found
