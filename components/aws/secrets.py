"""Containers for secrets. A person puts the values in; none passes through this program, its state or its logs."""

from __future__ import annotations

import pulumi
from pulumi_aws import secretsmanager

from fleet.aws.plan import SecretPlan


class SecretContainer(pulumi.ComponentResource):
    """One empty secret, encrypted with the region's key and copied where the plan says."""

    arn: pulumi.Output[str]

    def __init__(self, name: str, plan: SecretPlan, key_arn: pulumi.Input[str], opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("fleet:aws:SecretContainer", name, None, opts)
        secret = secretsmanager.Secret(
            f"{name}-secret",
            name=plan.name,
            description=plan.description,
            kms_key_id=key_arn,
            recovery_window_in_days=plan.recovery_days,
            replicas=[secretsmanager.SecretReplicaArgs(region=region) for region in plan.replica_regions],
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.arn = secret.arn
        self.register_outputs({})
