"""Secrets of a Google region: empty containers, and what becomes of them in the cluster. A value never passes through here."""

from __future__ import annotations

from fleet.gcp.inputs import RegionInputs
from fleet.gcp.plan import SecretPlan
from fleet.secret_names import DESCRIPTIONS, KUBERNETES_KEYS, in_use

DAY_SECONDS = 24 * 3600

VERSION_DESTROY_SECONDS = {True: 30 * DAY_SECONDS, False: 0}
"""Seconds between the destruction of a value and its effect, in prod and elsewhere. It holds for single values: a container that is deleted is
gone at once with all of them, which on AWS has the same month."""


def secrets(inputs: RegionInputs) -> tuple[SecretPlan, ...]:
    """One container for every secret that the stack file names."""
    locations = tuple(dict.fromkeys((inputs.region, *inputs.cluster.secret_replicas)))
    return tuple(
        SecretPlan(
            key=key,
            name=secret_name(inputs, key),
            description=DESCRIPTIONS[key],
            kubernetes_secret=kubernetes_secret,
            kubernetes_key=KUBERNETES_KEYS[key],
            locations=locations,
            own_key=len(locations) == 1,
            version_destroy_seconds=VERSION_DESTROY_SECONDS[inputs.settings.environment == "prod"],
        )
        for key, kubernetes_secret in in_use(inputs.settings)
    )


def secret_name(inputs: RegionInputs, key: str) -> str:
    """Id in Secret Manager, by which a person finds the container that wants a value.

    Letters, digits, hyphens and underscores are all that it may hold, so an underscore stands where AWS has a slash: no part has one.
    """
    return f"{inputs.settings.name}_{inputs.settings.environment}_{inputs.cluster_name}_{key}"
