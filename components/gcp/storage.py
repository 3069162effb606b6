"""Where weights lie: the region's bucket. Disks and file systems are made inside the cluster, by their drivers."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
from pulumi_gcp import storage

from components.references import after
from fleet.gcp.plan import BucketPlan


@dataclass(frozen=True, kw_only=True)
class BucketArgs:
    """What a bucket is made from."""

    plan: BucketPlan
    region: str
    key_id: pulumi.Input[str]
    guarded: bool
    deletion_policy: str


class ModelBucket(pulumi.ComponentResource):
    """A private, versioned and encrypted bucket."""

    bucket_name: pulumi.Output[str]

    def __init__(self, name: str, args: BucketArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("fleet:gcp:ModelBucket", name, None, opts)
        plan = args.plan
        bucket = storage.Bucket(
            f"{name}-bucket",
            location=args.region,
            storage_class="STANDARD",
            uniform_bucket_level_access=True,
            public_access_prevention="enforced",
            versioning=storage.BucketVersioningArgs(enabled=True),
            soft_delete_policy=storage.BucketSoftDeletePolicyArgs(retention_duration_seconds=plan.soft_delete_seconds),
            encryption=storage.BucketEncryptionArgs(default_kms_key_name=args.key_id),
            lifecycle_rules=[
                _rule("Delete", days_since_noncurrent_time=plan.old_versions_days, with_state="ARCHIVED"),
                _rule("AbortIncompleteMultipartUpload", age=plan.abandoned_upload_days),
            ],
            # Guarded, a bucket with weights in it cannot be deleted at all; on its way out, what is in it goes with it.
            force_destroy=not args.guarded,
            deletion_policy=args.deletion_policy,
            opts=pulumi.ResourceOptions(parent=self, protect=args.guarded),
        )
        caches = [
            storage.AnywhereCache(f"{name}-cache-{zone}", bucket=bucket.name, zone=zone, opts=pulumi.ResourceOptions(parent=self))
            for zone in plan.cached_zones
        ]
        self.bucket_name = after(bucket.name, *caches)
        self.register_outputs({})


def _rule(
    action: str, *, age: int | None = None, days_since_noncurrent_time: int | None = None, with_state: str | None = None
) -> storage.BucketLifecycleRuleArgs:
    return storage.BucketLifecycleRuleArgs(
        action=storage.BucketLifecycleRuleActionArgs(type=action),
        condition=storage.BucketLifecycleRuleConditionArgs(age=age, days_since_noncurrent_time=days_since_noncurrent_time, with_state=with_state),
    )
