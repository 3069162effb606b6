"""Policies that stand on a resource: the region's key, its bucket, its file system."""

from __future__ import annotations

from fleet.aws.identity.names import ANYTHING, arn, control_plane_log_group, flow_log_group, principal_arn, service_host
from fleet.aws.inputs import RegionInputs
from fleet.aws.policy import Conditions, Statement
from fleet.references import Reference

ACCOUNT = Reference("account")
EVERYBODY = {"AWS": "*"}

SERVICE_LINKED_ROLES = "role/aws-service-role/*"
"""Roles that only AWS's services can take on, by the path that IAM keeps for them."""

USE_KEY = ("kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey", "kms:GenerateDataKeyWithoutPlaintext", "kms:ReEncryptFrom", "kms:ReEncryptTo")
"""What AWS documents for disks and for logs, without pairs of keys, which neither makes."""


def key_statements(inputs: RegionInputs) -> tuple[Statement, ...]:
    """Policy of the key. It may name nothing but the account: all else in the region is made after it."""
    found = [
        # Without it policies of roles do not count, and a key whose policy names one person is lost with that person.
        Statement(sid="AccountDecides", actions=("kms:*",), resources=(ANYTHING,), principals={"AWS": principal_arn("root")}),
        Statement(
            sid="LogsOfThisCluster",
            actions=USE_KEY,
            resources=(ANYTHING,),
            principals={"Service": service_host("logs", inputs.region)},
            conditions={"StringEquals": {"kms:EncryptionContext:aws:logs:arn": _log_groups(inputs)}},
        ),
        *_disks(inputs),
    ]
    return tuple(found)


def bucket_statements(inputs: RegionInputs) -> tuple[Statement, ...]:
    """Policy of the bucket: who may read is said by roles; here is what no role can allow."""
    del inputs
    everything = (Reference("bucket_arn"), Reference("bucket_arn", suffix="/*"))
    return (
        Statement(
            sid="RefusePlainHttp",
            effect="Deny",
            actions=("s3:*",),
            resources=everything,
            principals=EVERYBODY,
            conditions={"Bool": {"aws:SecureTransport": "false"}},
        ),
        Statement(
            sid="RefuseOtherAccounts",
            effect="Deny",
            actions=("s3:*",),
            resources=everything,
            principals=EVERYBODY,
            # Services that act for themselves have no account; none of them is allowed anything here.
            conditions={"StringNotEquals": {"aws:PrincipalAccount": ACCOUNT}, "BoolIfExists": {"aws:PrincipalIsAWSService": "false"}},
        ),
        Statement(
            sid="RefuseKeysOfClients",
            effect="Deny",
            actions=("s3:PutObject",),
            resources=(Reference("bucket_arn", suffix="/*"),),
            principals=EVERYBODY,
            # Weights that were encrypted with a key from outside can be held to ransom: AWS has no copy of such a key.
            conditions={"Null": {"s3:x-amz-server-side-encryption-customer-algorithm": "false"}},
        ),
    )


def file_system_statements(inputs: RegionInputs) -> tuple[Statement, ...]:
    """Policy of the file system: whoever reaches a mount target of the network, with TLS, as the user of the access point and never as root."""
    del inputs
    files = (Reference("file_system_arn"),)
    return (
        Statement(
            sid="MountThroughTheNetwork",
            actions=("elasticfilesystem:ClientMount", "elasticfilesystem:ClientWrite"),
            resources=files,
            principals=EVERYBODY,
            conditions={"Bool": {"elasticfilesystem:AccessedViaMountTarget": "true"}},
        ),
        Statement(
            sid="RefusePlainNfs",
            effect="Deny",
            actions=("elasticfilesystem:ClientMount", "elasticfilesystem:ClientRootAccess", "elasticfilesystem:ClientWrite"),
            resources=files,
            principals=EVERYBODY,
            conditions={"Bool": {"aws:SecureTransport": "false"}},
        ),
    )


def _disks(inputs: RegionInputs) -> tuple[Statement, ...]:
    """Machines with encrypted disks are started by service-linked roles (of Auto Scaling, of Spot), which have no policy for our key.

    Without this, launches end in Client.InternalError and say no more. A key policy cannot name such a role: KMS refuses principals that do not
    exist, and in a new account the first launch makes it. So everybody is named, and a condition on the path leaves service-linked roles alone.
    """
    conditions = _service_linked(inputs, "ec2")
    return (
        Statement(sid="DisksOfMachines", actions=("kms:DescribeKey", *USE_KEY), resources=(ANYTHING,), principals=EVERYBODY, conditions=conditions),
        Statement(
            sid="LendTheKeyToMachines",
            actions=("kms:CreateGrant",),
            resources=(ANYTHING,),
            principals=EVERYBODY,
            conditions={**conditions, "Bool": {"kms:GrantIsForAWSResource": "true"}},
        ),
    )


def _service_linked(inputs: RegionInputs, service: str) -> Conditions:
    """Service-linked roles of this account, through this service."""
    return {
        "StringEquals": {"kms:CallerAccount": ACCOUNT, "kms:ViaService": service_host(service, inputs.region)},
        "ArnLike": {"aws:PrincipalArn": principal_arn(SERVICE_LINKED_ROLES)},
    }


def _log_groups(inputs: RegionInputs) -> tuple[Reference, ...]:
    groups = [control_plane_log_group(inputs), *([flow_log_group(inputs)] if inputs.cluster.flow_logs else [])]
    return tuple(arn(inputs, "logs", f"log-group:{group}") for group in groups)
