"""The key of a region: for disks, buckets, secrets and what Kubernetes keeps."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
from pulumi_gcp import kms

from components.gcp.identity import Granted, PodIdentity
from components.references import Made, after
from fleet.gcp.plan import IdentityPlan, KeyPlan


@dataclass(frozen=True, kw_only=True)
class EncryptionArgs:
    """What a key is made from."""

    plan: KeyPlan
    project: str
    region: str
    users: tuple[IdentityPlan, ...]
    """Services of Google that work with the key in their own name."""
    made: Made
    guarded: bool
    deletion_policy: str


class Encryption(pulumi.ComponentResource):
    """A key that is rotated, and the services that may use it. Google's provider deletes no ring and no key: it takes versions of the
    key away, and a name that was used once is not used again.
    """

    key_id: pulumi.Output[str]
    """Handed out only when every service that it is for may use it."""

    def __init__(self, name: str, args: EncryptionArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("fleet:gcp:Encryption", name, None, opts)
        ring = kms.KeyRing(f"{name}-kms", location=args.region, opts=pulumi.ResourceOptions(parent=self))
        key = kms.CryptoKey(
            f"{name}-key",
            key_ring=ring.id,
            purpose="ENCRYPT_DECRYPT",
            rotation_period=f"{args.plan.rotation_seconds}s",
            destroy_scheduled_duration=f"{args.plan.destroy_scheduled_seconds}s",
            deletion_policy=args.deletion_policy,
            opts=pulumi.ResourceOptions(parent=self, protect=args.guarded),
        )
        granted = Granted(project=args.project, region=args.region, key_id=key.id)
        users = [PodIdentity(f"{name}-{user.key}", user, args.made, granted, pulumi.ResourceOptions(parent=self)) for user in args.users]
        self.key_id = after(key.id, *(grant for user in users for grant in user.grants))
        self.register_outputs({})
