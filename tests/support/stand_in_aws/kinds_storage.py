"""Buckets and file systems as the stand-in knows them."""

from __future__ import annotations

from tests.support.stand_in_aws.kinds import AutoName, Call, Kind, Needs
from tests.support.stand_in_aws.kinds_network import GROUP_ERROR

BUCKET = Needs(path="bucket", kind="Bucket", error="NoSuchBucket: The specified bucket does not exist: {}")
FILE_SYSTEM = Needs(path="fileSystemId", kind="FileSystem", error="FileSystemNotFound: File system '{}' does not exist.")
OWN_RESOURCE = "is deprecated inside the bucket: it is a resource of its own"


def _of_bucket(title: str, call: Call, **more: object) -> Kind:
    """A setting of a bucket; doing it again changes it."""
    given: dict[str, object] = {"needs": (BUCKET,), "replaced_by": ("bucket",), **more}
    return Kind(token=f"aws:s3/{title[0].lower()}{title[1:]}:{title}", calls=(call,), identity="{bucket}", **given)  # pyright: ignore[reportArgumentType]


KINDS = (
    Kind(
        token="aws:s3/bucket:Bucket",
        calls=(
            Call(
                service="s3",
                operation="CreateBucket",
                renames={"objectLockEnabled": "ObjectLockEnabledForBucket"},
                only=("bucket", "objectLockEnabled", "bucketNamespace"),
            ),
            Call(service="s3", operation="PutBucketTagging", renames={"tags": "Tagging.TagSet"}, given={"Bucket": "b"}, when="tags", only=("tags",)),
        ),
        identity="{bucket}",
        arn="arn:aws:s3:::{id}",
        replaced_by=("bucket", "bucketPrefix", "bucketNamespace", "objectLockEnabled"),
        name=AutoName(property="bucket", limit=63, lower=True),
        prefix="bucketPrefix",
        defaults={"forceDestroy": False},
        unsent={"bucketPrefix": "begins Bucket", "forceDestroy": "makes calls of its own at deletion"},
        refused=dict.fromkeys(
            (
                "accelerationStatus",
                "acl",
                "corsRules",
                "grants",
                "lifecycleRules",
                "logging",
                "objectLockConfiguration",
                "policy",
                "replicationConfiguration",
                "requestPayer",
                "serverSideEncryptionConfiguration",
                "versioning",
                "website",
            ),
            OWN_RESOURCE,
        ),
        conflict="BucketAlreadyOwnedByYou: Your previous request to create the named bucket succeeded and you already own it.",
    ),
    _of_bucket(
        "BucketVersioning",
        Call(
            service="s3",
            operation="PutBucketVersioning",
            within=("VersioningConfiguration",),
            renames={"versioningConfiguration.mfaDelete": "MFADelete"},
        ),
        replaced_by=("bucket", "expectedBucketOwner"),
    ),
    _of_bucket(
        "BucketServerSideEncryptionConfiguration",
        Call(
            service="s3",
            operation="PutBucketEncryption",
            within=("ServerSideEncryptionConfiguration",),
            renames={
                "rules.applyServerSideEncryptionByDefault.kmsMasterKeyId": "KMSMasterKeyID",
                "rules.blockedEncryptionTypes": "BlockedEncryptionTypes.EncryptionType",
            },
        ),
        replaced_by=("bucket", "expectedBucketOwner"),
        needs=(
            BUCKET,
            Needs(
                path="rules.applyServerSideEncryptionByDefault.kmsMasterKeyId",
                kind="Key",
                by="arn",
                error="KMS.NotFoundException: Key '{}' does not exist",
            ),
        ),
    ),
    _of_bucket(
        "BucketPublicAccessBlock",
        Call(
            service="s3", operation="PutPublicAccessBlock", within=("PublicAccessBlockConfiguration",), given={"PublicAccessBlockConfiguration": {}}
        ),
        unsent={"skipDestroy": "keeps the setting when the resource goes"},
    ),
    _of_bucket("BucketPolicy", Call(service="s3", operation="PutBucketPolicy"), documents={"policy": "bucket"}),
    _of_bucket(
        "BucketLifecycleConfiguration",
        Call(
            service="s3",
            operation="PutBucketLifecycleConfiguration",
            within=("LifecycleConfiguration",),
            renames={"rules.filter.and.tags": "Tags"},
        ),
        replaced_by=("bucket", "expectedBucketOwner"),
        unsent={"timeouts": "is of the provider"},
    ),
    _of_bucket(
        "BucketOwnershipControls",
        Call(service="s3", operation="PutBucketOwnershipControls", within=("OwnershipControls",), renames={"rule": "OwnershipControls.Rules"}),
    ),
    _of_bucket(
        "BucketReplicationConfig",
        Call(
            service="s3",
            operation="PutBucketReplication",
            within=("ReplicationConfiguration",),
            renames={
                "rules.destination.encryptionConfiguration.replicaKmsKeyId": "ReplicaKmsKeyID",
                "rules.destination.replicationTime.time": "Time",
                "rules.filter.and.tags": "Tags",
            },
        ),
        needs=(
            BUCKET,
            Needs(path="role", kind="Role", by="arn", error="InvalidArgument: the role {} does not exist"),
            Needs(path="rules.destination.bucket", kind="Bucket", by="arn", anywhere=True, error="InvalidRequest: Destination bucket must exist: {}"),
            Needs(
                path="rules.destination.encryptionConfiguration.replicaKmsKeyId",
                kind="Key",
                by="arn",
                anywhere=True,
                error="InvalidRequest: the key {} does not exist",
            ),
        ),
    ),
    Kind(
        token="aws:efs/fileSystem:FileSystem",
        calls=(
            Call(
                service="efs",
                operation="CreateFileSystem",
                given={"CreationToken": "a"},
                only=(
                    "availabilityZoneName",
                    "creationToken",
                    "encrypted",
                    "kmsKeyId",
                    "performanceMode",
                    "provisionedThroughputInMibps",
                    "tags",
                    "throughputMode",
                ),
            ),
            Call(
                service="efs",
                operation="PutLifecycleConfiguration",
                given={"FileSystemId": "fs-00000000"},
                renames={
                    "lifecyclePolicies.transitionToIa": "TransitionToIA",
                    "lifecyclePolicies.transitionToPrimaryStorageClass": "TransitionToPrimaryStorageClass",
                },
                when="lifecyclePolicies",
                only=("lifecyclePolicies",),
            ),
            Call(
                service="efs",
                operation="UpdateFileSystemProtection",
                given={"FileSystemId": "fs-00000000"},
                renames={"protection.replicationOverwrite": "ReplicationOverwriteProtection", "protection": "."},
                when="protection",
                only=("protection",),
            ),
        ),
        identity="fs-{hex}",
        arn="arn:aws:elasticfilesystem:{region}:{account}:file-system/{id}",
        replaced_by=("availabilityZoneName", "creationToken", "encrypted", "kmsKeyId", "performanceMode"),
        name=AutoName(property="creationToken"),
        needs=(Needs(path="kmsKeyId", kind="Key", by="arn", error="BadRequest: the key {} does not exist"),),
        conflict="FileSystemAlreadyExists: File system already exists with creation token {creationToken}",
        unique=("creationToken",),
    ),
    Kind(
        token="aws:efs/mountTarget:MountTarget",
        calls=(Call(service="efs", operation="CreateMountTarget"),),
        identity="fsmt-{hex}",
        replaced_by=("fileSystemId", "subnetId", "ipAddress", "ipAddressType", "ipv6Address"),
        delete_first=True,
        needs=(
            FILE_SYSTEM,
            Needs(path="subnetId", kind="Subnet", error="SubnetNotFound: The subnet ID '{}' does not exist"),
            Needs(path="securityGroups", kind="SecurityGroup", error="SecurityGroupNotFound: " + GROUP_ERROR.partition(": ")[2]),
        ),
        conflict="MountTargetConflict: mount target already exists in this AZ",
        unique=("fileSystemId", "subnetId"),
    ),
    Kind(
        token="aws:efs/fileSystemPolicy:FileSystemPolicy",
        calls=(Call(service="efs", operation="PutFileSystemPolicy"),),
        identity="{fileSystemId}",
        replaced_by=("fileSystemId",),
        documents={"policy": "file-system"},
        needs=(FILE_SYSTEM,),
    ),
    Kind(
        token="aws:efs/backupPolicy:BackupPolicy",
        calls=(Call(service="efs", operation="PutBackupPolicy"),),
        identity="{fileSystemId}",
        replaced_by=("fileSystemId",),
        needs=(FILE_SYSTEM,),
    ),
)
