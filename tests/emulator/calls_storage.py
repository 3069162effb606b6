"""Buckets and file systems as calls of S3 and EFS."""

from __future__ import annotations

from typing import Any

from tests.emulator.calls_network import listed, only, tags
from tests.support.replay import Inputs, Made, Region, Translation


def _bucket(region: Region, inputs: Inputs) -> Made:
    s3 = region.client("s3")
    there = {} if region.name == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region.name}}
    s3.create_bucket(Bucket=inputs["bucket"], **there)
    s3.put_bucket_tagging(Bucket=inputs["bucket"], Tagging={"TagSet": listed(inputs["tags"])})
    return {"id": inputs["bucket"], "bucket": inputs["bucket"], "arn": f"arn:aws:s3:::{inputs['bucket']}"}


def _read_bucket(region: Region, made: Made) -> Made:
    s3 = region.client("s3")
    s3.head_bucket(Bucket=made["id"])
    return {"bucket": made["id"], "tags": tags({"Tags": s3.get_bucket_tagging(Bucket=made["id"])["TagSet"]})}


def _no_bucket(region: Region, made: Made, _: Inputs) -> None:
    region.client("s3").delete_bucket(Bucket=made["id"])


def _same(inputs: Inputs) -> Made:
    return {"id": inputs["bucket"]}


def _versioning(region: Region, inputs: Inputs) -> Made:
    status = inputs["versioningConfiguration"]["status"]
    region.client("s3").put_bucket_versioning(Bucket=inputs["bucket"], VersioningConfiguration={"Status": status})
    return _same(inputs)


def _read_versioning(region: Region, made: Made) -> Made:
    return {"bucket": made["id"], "versioningConfiguration": {"status": region.client("s3").get_bucket_versioning(Bucket=made["id"])["Status"]}}


def _ownership(region: Region, inputs: Inputs) -> Made:
    rule = {"ObjectOwnership": inputs["rule"]["objectOwnership"]}
    region.client("s3").put_bucket_ownership_controls(Bucket=inputs["bucket"], OwnershipControls={"Rules": [rule]})
    return _same(inputs)


def _read_ownership(region: Region, made: Made) -> Made:
    found = only(region.client("s3").get_bucket_ownership_controls(Bucket=made["id"])["OwnershipControls"]["Rules"])
    return {"bucket": made["id"], "rule": {"objectOwnership": found["ObjectOwnership"]}}


def _no_ownership(region: Region, made: Made, _: Inputs) -> None:
    region.client("s3").delete_bucket_ownership_controls(Bucket=made["id"])


BLOCKS = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")


def _block(region: Region, inputs: Inputs) -> Made:
    members = {name[0].upper() + name[1:]: inputs[name] for name in BLOCKS}
    region.client("s3").put_public_access_block(Bucket=inputs["bucket"], PublicAccessBlockConfiguration=members)
    return _same(inputs)


def _read_block(region: Region, made: Made) -> Made:
    found = region.client("s3").get_public_access_block(Bucket=made["id"])["PublicAccessBlockConfiguration"]
    return {"bucket": made["id"], **{name: found[name[0].upper() + name[1:]] for name in BLOCKS}}


def _no_block(region: Region, made: Made, _: Inputs) -> None:
    region.client("s3").delete_public_access_block(Bucket=made["id"])


def _encryption(region: Region, inputs: Inputs) -> Made:
    rule = only(inputs["rules"])
    default = rule["applyServerSideEncryptionByDefault"]
    members = {
        "ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": default["sseAlgorithm"], "KMSMasterKeyID": default["kmsMasterKeyId"]},
        "BucketKeyEnabled": rule["bucketKeyEnabled"],
    }
    region.client("s3").put_bucket_encryption(Bucket=inputs["bucket"], ServerSideEncryptionConfiguration={"Rules": [members]})
    return _same(inputs)


def _read_encryption(region: Region, made: Made) -> Made:
    found = only(region.client("s3").get_bucket_encryption(Bucket=made["id"])["ServerSideEncryptionConfiguration"]["Rules"])
    default = found["ApplyServerSideEncryptionByDefault"]
    rule = {
        "applyServerSideEncryptionByDefault": {"sseAlgorithm": default["SSEAlgorithm"], "kmsMasterKeyId": default["KMSMasterKeyID"]},
        "bucketKeyEnabled": found["BucketKeyEnabled"],
    }
    return {"bucket": made["id"], "rules": [rule]}


def _no_encryption(region: Region, made: Made, _: Inputs) -> None:
    region.client("s3").delete_bucket_encryption(Bucket=made["id"])


def _lifecycle(region: Region, inputs: Inputs) -> Made:
    rules = [
        {
            "ID": rule["id"],
            "Status": rule["status"],
            "Filter": {"Prefix": rule["filter"]["prefix"]},
            "NoncurrentVersionExpiration": {"NoncurrentDays": rule["noncurrentVersionExpiration"]["noncurrentDays"]},
            "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": rule["abortIncompleteMultipartUpload"]["daysAfterInitiation"]},
        }
        for rule in inputs["rules"]
    ]
    region.client("s3").put_bucket_lifecycle_configuration(Bucket=inputs["bucket"], LifecycleConfiguration={"Rules": rules})
    return _same(inputs)


def _read_lifecycle(region: Region, made: Made) -> Made:
    rules = [
        {
            "id": rule["ID"],
            "status": rule["Status"],
            "filter": {"prefix": rule["Filter"]["Prefix"]},
            "noncurrentVersionExpiration": {"noncurrentDays": rule["NoncurrentVersionExpiration"]["NoncurrentDays"]},
            "abortIncompleteMultipartUpload": {"daysAfterInitiation": rule["AbortIncompleteMultipartUpload"]["DaysAfterInitiation"]},
        }
        for rule in region.client("s3").get_bucket_lifecycle_configuration(Bucket=made["id"])["Rules"]
    ]
    return {"bucket": made["id"], "rules": rules}


def _no_lifecycle(region: Region, made: Made, _: Inputs) -> None:
    region.client("s3").delete_bucket_lifecycle(Bucket=made["id"])


def _policy(region: Region, inputs: Inputs) -> Made:
    region.client("s3").put_bucket_policy(Bucket=inputs["bucket"], Policy=inputs["policy"])
    return _same(inputs)


def _read_policy(region: Region, made: Made) -> Made:
    return {"bucket": made["id"], "policy": region.client("s3").get_bucket_policy(Bucket=made["id"])["Policy"]}


def _no_policy(region: Region, made: Made, _: Inputs) -> None:
    region.client("s3").delete_bucket_policy(Bucket=made["id"])


def _sent(rule: Inputs) -> dict[str, Any]:
    destination = rule["destination"]
    return {
        "ID": rule["id"],
        "Priority": rule["priority"],
        "Status": rule["status"],
        "Filter": {"Prefix": rule["filter"]["prefix"]},
        "DeleteMarkerReplication": {"Status": rule["deleteMarkerReplication"]["status"]},
        "SourceSelectionCriteria": {"SseKmsEncryptedObjects": {"Status": rule["sourceSelectionCriteria"]["sseKmsEncryptedObjects"]["status"]}},
        "Destination": {
            "Bucket": destination["bucket"],
            "EncryptionConfiguration": {"ReplicaKmsKeyID": destination["encryptionConfiguration"]["replicaKmsKeyId"]},
        },
    }


def _received(rule: Inputs) -> dict[str, Any]:
    destination, criteria = rule["Destination"], rule.get("SourceSelectionCriteria", {})
    return {
        "id": rule["ID"],
        "priority": rule["Priority"],
        "status": rule["Status"],
        "filter": {"prefix": rule["Filter"]["Prefix"]},
        "deleteMarkerReplication": {"status": rule["DeleteMarkerReplication"]["Status"]},
        "sourceSelectionCriteria": {"sseKmsEncryptedObjects": {"status": criteria.get("SseKmsEncryptedObjects", {}).get("Status")}},
        "destination": {
            "bucket": destination["Bucket"],
            "encryptionConfiguration": {"replicaKmsKeyId": destination.get("EncryptionConfiguration", {}).get("ReplicaKmsKeyID")},
        },
    }


def _replication(region: Region, inputs: Inputs) -> Made:
    configuration = {"Role": inputs["role"], "Rules": [_sent(rule) for rule in inputs["rules"]]}
    region.client("s3").put_bucket_replication(Bucket=inputs["bucket"], ReplicationConfiguration=configuration)
    return _same(inputs)


def _read_replication(region: Region, made: Made) -> Made:
    found = region.client("s3").get_bucket_replication(Bucket=made["id"])["ReplicationConfiguration"]
    return {"bucket": made["id"], "role": found["Role"], "rules": [_received(rule) for rule in found["Rules"]]}


def _no_replication(region: Region, made: Made, _: Inputs) -> None:
    region.client("s3").delete_bucket_replication(Bucket=made["id"])


def _files(region: Region, inputs: Inputs) -> Made:
    made = region.client("efs").create_file_system(
        CreationToken=inputs["tags"]["Name"],
        Encrypted=inputs["encrypted"],
        KmsKeyId=inputs["kmsKeyId"],
        ThroughputMode=inputs["throughputMode"],
        Tags=listed(inputs["tags"]),
    )
    return {"id": made["FileSystemId"], "arn": made["FileSystemArn"]}


def _read_files(region: Region, made: Made) -> Made:
    found = only(region.client("efs").describe_file_systems(FileSystemId=made["id"])["FileSystems"])
    return {"encrypted": found["Encrypted"], "kmsKeyId": found["KmsKeyId"], "throughputMode": found["ThroughputMode"], "tags": tags(found)}


def _no_files(region: Region, made: Made, _: Inputs) -> None:
    region.client("efs").delete_file_system(FileSystemId=made["id"])


def _files_policy(region: Region, inputs: Inputs) -> Made:
    region.client("efs").put_file_system_policy(FileSystemId=inputs["fileSystemId"], Policy=inputs["policy"])
    return {"id": inputs["fileSystemId"]}


def _read_files_policy(region: Region, made: Made) -> Made:
    found = region.client("efs").describe_file_system_policy(FileSystemId=made["id"])
    return {"fileSystemId": found["FileSystemId"], "policy": found["Policy"]}


def _mount(region: Region, inputs: Inputs) -> Made:
    made = region.client("efs").create_mount_target(
        FileSystemId=inputs["fileSystemId"], SubnetId=inputs["subnetId"], SecurityGroups=inputs["securityGroups"]
    )
    return {"id": made["MountTargetId"]}


def _read_mount(region: Region, made: Made) -> Made:
    efs = region.client("efs")
    found = only(efs.describe_mount_targets(MountTargetId=made["id"])["MountTargets"])
    groups = efs.describe_mount_target_security_groups(MountTargetId=made["id"])["SecurityGroups"]
    return {"fileSystemId": found["FileSystemId"], "subnetId": found["SubnetId"], "securityGroups": groups}


def _no_mount(region: Region, made: Made, _: Inputs) -> None:
    region.client("efs").delete_mount_target(MountTargetId=made["id"])


TRANSLATIONS = {
    "aws:s3/bucket:Bucket": Translation(
        create=_bucket,
        read=_read_bucket,
        delete=_no_bucket,
        name="bucket",
        tagged=True,
        everywhere=True,
        lost={"forceDestroy": "the provider empties the bucket before it deletes it; no call says so"},
    ),
    "aws:s3/bucketVersioning:BucketVersioning": Translation(create=_versioning, read=_read_versioning, everywhere=True),
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls": Translation(
        create=_ownership, read=_read_ownership, delete=_no_ownership, everywhere=True
    ),
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": Translation(create=_block, read=_read_block, delete=_no_block, everywhere=True),
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": Translation(
        create=_encryption, read=_read_encryption, delete=_no_encryption, everywhere=True
    ),
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": Translation(
        create=_lifecycle, read=_read_lifecycle, delete=_no_lifecycle, everywhere=True
    ),
    "aws:s3/bucketPolicy:BucketPolicy": Translation(create=_policy, read=_read_policy, delete=_no_policy, everywhere=True),
    "aws:s3/bucketReplicationConfig:BucketReplicationConfig": Translation(
        create=_replication,
        read=_read_replication,
        delete=_no_replication,
        everywhere=True,
        lost={
            "rules.filter.prefix": "moto keeps it and answers with an empty one",
            "rules.sourceSelectionCriteria.sseKmsEncryptedObjects.status": "moto keeps it and does not answer with it",
        },
    ),
    "aws:efs/fileSystem:FileSystem": Translation(create=_files, read=_read_files, delete=_no_files, tagged=True),
    "aws:efs/fileSystemPolicy:FileSystemPolicy": Translation(create=_files_policy, read=_read_files_policy),
    "aws:efs/mountTarget:MountTarget": Translation(create=_mount, read=_read_mount, delete=_no_mount),
}
