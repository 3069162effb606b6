"""Containers for secrets. A person puts the values in; none passes through this program, its state or its logs."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
from pulumi_gcp import secretmanager

from fleet.gcp.plan import SecretPlan


@dataclass(frozen=True, kw_only=True)
class SecretArgs:
    """What a container is made from."""

    plan: SecretPlan
    key_id: pulumi.Input[str]


class SecretContainer(pulumi.ComponentResource):
    """One empty secret, in the regions that the plan names, encrypted with the region's key where that is possible."""

    secret_id: pulumi.Output[str]

    def __init__(self, name: str, args: SecretArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("fleet:gcp:SecretContainer", name, None, opts)
        plan = args.plan
        encryption = secretmanager.SecretReplicationUserManagedReplicaCustomerManagedEncryptionArgs(kms_key_name=args.key_id)
        replicas = [
            secretmanager.SecretReplicationUserManagedReplicaArgs(location=region, customer_managed_encryption=encryption if plan.own_key else None)
            for region in plan.locations
        ]
        secret = secretmanager.Secret(
            f"{name}-secret",
            secret_id=plan.name,
            annotations={"description": plan.description},
            replication=secretmanager.SecretReplicationArgs(user_managed=secretmanager.SecretReplicationUserManagedArgs(replicas=replicas)),
            version_destroy_ttl=f"{plan.version_destroy_seconds}s" if plan.version_destroy_seconds else None,
            # A stack file that no longer names a secret must not jam: its value is a token that somebody can put in once more.
            deletion_protection=False,
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.secret_id = secret.secret_id
        self.register_outputs({})
