"""Secrets of an AWS region: empty containers, and what becomes of them in the cluster. A value never passes through here."""

from __future__ import annotations

from fleet.aws.inputs import RegionInputs
from fleet.aws.plan import SecretPlan
from fleet.secret_names import DESCRIPTIONS, KUBERNETES_KEYS, in_use

RECOVERY_DAYS = {True: 30, False: 0}
"""Days between a deletion and its effect, in prod and elsewhere. Until then the name is taken, and a fleet that was destroyed could not
be made again: where nothing is lost but a token that somebody can put in once more, it goes at once."""


def secrets(inputs: RegionInputs) -> tuple[SecretPlan, ...]:
    """One container for every secret that the stack file names."""
    return tuple(
        SecretPlan(
            key=key,
            name=secret_name(inputs, key),
            description=DESCRIPTIONS[key],
            kubernetes_secret=kubernetes_secret,
            kubernetes_key=KUBERNETES_KEYS[key],
            replica_regions=inputs.cluster.secret_replicas,
            recovery_days=RECOVERY_DAYS[inputs.settings.environment == "prod"],
        )
        for key, kubernetes_secret in in_use(inputs.settings)
    )


def secret_name(inputs: RegionInputs, key: str) -> str:
    """Name in Secrets Manager, by which a person finds the container that wants a value."""
    return f"{inputs.settings.name}/{inputs.settings.environment}/{inputs.cluster_name}/{key}"
