"""The key of a region: for disks, buckets, secrets, logs and what Kubernetes keeps."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
from pulumi_aws import kms

from components.references import Made, json_text
from fleet.aws.policy import Statement, document

DELETION_WINDOW_DAYS = {True: 30, False: 7}
"""Until a key is really gone, with all that was encrypted by it: as long as AWS allows where it matters, as short elsewhere."""


@dataclass(frozen=True, kw_only=True)
class EncryptionArgs:
    """What a key is made from."""

    alias: str
    statements: tuple[Statement, ...]
    made: Made
    guarded: bool


class Encryption(pulumi.ComponentResource):
    """A key that is rotated every year, under a name that people know."""

    key_arn: pulumi.Output[str]

    def __init__(self, name: str, args: EncryptionArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("fleet:aws:Encryption", name, None, opts)
        key = kms.Key(
            f"{name}-key",
            description=f"Data of {args.alias}",
            enable_key_rotation=True,
            deletion_window_in_days=DELETION_WINDOW_DAYS[args.guarded],
            policy=json_text(document(*args.statements), args.made),
            opts=pulumi.ResourceOptions(parent=self, protect=args.guarded),
        )
        kms.Alias(
            f"{name}-alias", name=f"alias/{args.alias}", target_key_id=key.id, opts=pulumi.ResourceOptions(parent=self, delete_before_replace=False)
        )
        self.key_arn = key.arn
        self.register_outputs({})
