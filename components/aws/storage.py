"""Where weights lie: the region's bucket, and an elastic file system where a cache asks for one."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
from pulumi_aws import ec2, efs, s3, vpc

from components.references import Made, after, json_text
from fleet.aws.plan import BucketPlan, FileSystemPlan
from fleet.aws.policy import Statement, document


@dataclass(frozen=True, kw_only=True)
class BucketArgs:
    """What a bucket is made from."""

    plan: BucketPlan
    statements: tuple[Statement, ...]
    made: Made
    key_arn: pulumi.Input[str]
    guarded: bool


class ModelBucket(pulumi.ComponentResource):
    """A private, versioned and encrypted bucket. Its policy is there before anybody gets its name."""

    bucket_name: pulumi.Output[str]
    arn: pulumi.Output[str]

    def __init__(self, name: str, args: BucketArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("fleet:aws:ModelBucket", name, None, opts)
        self._name, self._child = name, pulumi.ResourceOptions(parent=self)
        # Guarded, a bucket with weights in it cannot be deleted at all; on its way out, what is in it goes with it.
        bucket = s3.Bucket(f"{name}-bucket", force_destroy=not args.guarded, opts=pulumi.ResourceOptions(parent=self, protect=args.guarded))
        self._bucket = bucket
        blocked = self._closed()
        self.versioning = s3.BucketVersioning(
            f"{name}-versioning",
            bucket=bucket.bucket,
            versioning_configuration=s3.BucketVersioningVersioningConfigurationArgs(status="Enabled"),
            opts=self._child,
        )
        encrypted = self._encrypted(args.key_arn)
        self._lifecycle(args.plan)
        policy = s3.BucketPolicy(
            f"{name}-bucket-policy",
            bucket=bucket.bucket,
            policy=json_text(document(*args.statements), {**args.made, "bucket_arn": bucket.arn}),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[blocked]),
        )
        # Copies to other regions are refused before both buckets have versions.
        whole = (self.versioning, encrypted, policy)
        self.bucket_name, self.arn = after(bucket.bucket, *whole), after(bucket.arn, *whole)
        self.register_outputs({})

    def _closed(self) -> s3.BucketPublicAccessBlock:
        s3.BucketOwnershipControls(
            f"{self._name}-ownership",
            bucket=self._bucket.bucket,
            rule=s3.BucketOwnershipControlsRuleArgs(object_ownership="BucketOwnerEnforced"),
            opts=self._child,
        )
        return s3.BucketPublicAccessBlock(
            f"{self._name}-public-access",
            bucket=self._bucket.bucket,
            block_public_acls=True,
            block_public_policy=True,
            ignore_public_acls=True,
            restrict_public_buckets=True,
            opts=self._child,
        )

    def _encrypted(self, key_arn: pulumi.Input[str]) -> pulumi.Resource:
        return s3.BucketServerSideEncryptionConfiguration(
            f"{self._name}-encryption",
            bucket=self._bucket.bucket,
            rules=[
                s3.BucketServerSideEncryptionConfigurationRuleArgs(
                    apply_server_side_encryption_by_default=s3.BucketServerSideEncryptionConfigurationRuleApplyServerSideEncryptionByDefaultArgs(
                        sse_algorithm="aws:kms", kms_master_key_id=key_arn
                    ),
                    # Every part of every file would be a request to the key otherwise, each of them billed.
                    bucket_key_enabled=True,
                )
            ],
            opts=self._child,
        )

    def _lifecycle(self, plan: BucketPlan) -> None:
        s3.BucketLifecycleConfiguration(
            f"{self._name}-lifecycle",
            bucket=self._bucket.bucket,
            rules=[
                s3.BucketLifecycleConfigurationRuleArgs(
                    id="old-versions",
                    status="Enabled",
                    filter=s3.BucketLifecycleConfigurationRuleFilterArgs(prefix=""),
                    noncurrent_version_expiration=s3.BucketLifecycleConfigurationRuleNoncurrentVersionExpirationArgs(
                        noncurrent_days=plan.old_versions_days
                    ),
                    abort_incomplete_multipart_upload=s3.BucketLifecycleConfigurationRuleAbortIncompleteMultipartUploadArgs(
                        days_after_initiation=plan.abandoned_upload_days
                    ),
                )
            ],
            # S3 refuses rules about versions on a bucket that has none yet.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[self.versioning]),
        )


@dataclass(frozen=True, kw_only=True)
class ReplicationArgs:
    """What replication is made from: bucket and key of the source's role, and of each destination by its cluster's name."""

    bucket: pulumi.Input[str]
    prefix: str
    role_arn: pulumi.Input[str]
    key_arn: pulumi.Input[str]
    destinations: tuple[tuple[str, pulumi.Input[str], pulumi.Input[str]], ...]
    """Cluster, ARN of its bucket, ARN of its key; most important first."""


class Replication(pulumi.ComponentResource):
    """Whatever arrives in one region's bucket is copied into others. Deletions are not: a mistake stays in one region."""

    def __init__(self, name: str, args: ReplicationArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("fleet:aws:Replication", name, None, opts)
        s3.BucketReplicationConfig(
            f"{name}-replication",
            bucket=args.bucket,
            role=args.role_arn,
            rules=[
                s3.BucketReplicationConfigRuleArgs(
                    id=cluster,
                    priority=priority,
                    status="Enabled",
                    filter=s3.BucketReplicationConfigRuleFilterArgs(prefix=args.prefix),
                    delete_marker_replication=s3.BucketReplicationConfigRuleDeleteMarkerReplicationArgs(status="Disabled"),
                    source_selection_criteria=s3.BucketReplicationConfigRuleSourceSelectionCriteriaArgs(
                        sse_kms_encrypted_objects=s3.BucketReplicationConfigRuleSourceSelectionCriteriaSseKmsEncryptedObjectsArgs(status="Enabled")
                    ),
                    destination=s3.BucketReplicationConfigRuleDestinationArgs(
                        bucket=bucket_arn,
                        encryption_configuration=s3.BucketReplicationConfigRuleDestinationEncryptionConfigurationArgs(replica_kms_key_id=key_arn),
                    ),
                )
                for priority, (cluster, bucket_arn, key_arn) in enumerate(args.destinations)
            ],
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.register_outputs({})


@dataclass(frozen=True, kw_only=True)
class FileSystemArgs:
    """What a file system is made from."""

    plan: FileSystemPlan
    statements: tuple[Statement, ...]
    made: Made
    key_arn: pulumi.Input[str]
    vpc_id: pulumi.Input[str]
    network_cidr: str
    subnets: tuple[tuple[str, pulumi.Input[str]], ...]
    """Zone id and private subnet of every zone."""
    title: str
    guarded: bool


class FileSystem(pulumi.ComponentResource):
    """An elastic file system that every private subnet mounts."""

    file_system_id: pulumi.Output[str]
    arn: pulumi.Output[str]

    def __init__(self, name: str, args: FileSystemArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("fleet:aws:FileSystem", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        files = efs.FileSystem(
            f"{name}-files",
            encrypted=True,
            kms_key_id=args.key_arn,
            throughput_mode=args.plan.throughput_mode,
            tags={"Name": args.title},
            opts=pulumi.ResourceOptions(parent=self, protect=args.guarded),
        )
        group = ec2.SecurityGroup(
            f"{name}-files-access",
            vpc_id=args.vpc_id,
            description="NFS from inside the network",
            tags={"Name": f"{args.title}-files"},
            opts=child,
        )
        nfs = vpc.SecurityGroupIngressRule(
            f"{name}-files-nfs",
            security_group_id=group.id,
            description="NFS from inside the network",
            cidr_ipv4=args.network_cidr,
            ip_protocol="tcp",
            from_port=2049,
            to_port=2049,
            opts=child,
        )
        policy = efs.FileSystemPolicy(
            f"{name}-files-policy",
            file_system_id=files.id,
            policy=json_text(document(*args.statements), {**args.made, "file_system_arn": files.arn}),
            opts=child,
        )
        targets = [
            efs.MountTarget(f"{name}-files-{zone_id}", file_system_id=files.id, subnet_id=subnet, security_groups=[group.id], opts=child)
            for zone_id, subnet in args.subnets
        ]
        # A mount without its target hangs for ever, and with it the pod and the machine that should go.
        self.file_system_id, self.arn = after(files.id, policy, nfs, *targets), files.arn
        self.register_outputs({})
