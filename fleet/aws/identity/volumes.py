"""Roles of the drivers of disks and of the elastic file system."""

from __future__ import annotations

from fleet.aws.identity.names import arn, aws_policy, service_host
from fleet.aws.identity.trust import pod_role
from fleet.aws.inputs import RegionInputs
from fleet.aws.plan import RolePlan
from fleet.aws.policy import Statement
from fleet.references import Reference

EBS_POLICY = aws_policy("AmazonEBSCSIDriverEKSClusterScopedPolicy")
"""Only volumes and machines of the cluster whose name EKS puts into the session's tags. Drivers since 1.58.0, installed by EKS, tag so."""

EFS_TAG = "efs.csi.aws.com/cluster"
"""What the driver puts on every access point it makes (since 1.0)."""


def ebs_csi(inputs: RegionInputs) -> RolePlan:
    """Disks of pods, encrypted with the region's key."""
    key, host = Reference("key_arn"), service_host("ec2", inputs.region)
    return pod_role(
        inputs,
        "ebs-csi",
        "EBS driver: disks of this cluster, encrypted with the key of the region",
        ("kube-system", "ebs-csi-controller-sa"),
        Statement(
            sid="EncryptDisks",
            actions=("kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKeyWithoutPlaintext", "kms:ReEncryptFrom", "kms:ReEncryptTo"),
            resources=(key,),
            conditions={"StringEquals": {"kms:ViaService": host}},
        ),
        Statement(
            sid="LendTheKeyToMachines",
            actions=("kms:CreateGrant",),
            resources=(key,),
            conditions={"StringEquals": {"kms:ViaService": host}, "Bool": {"kms:GrantIsForAWSResource": "true"}},
        ),
        managed_policies=(EBS_POLICY,),
    )


def efs_csi(inputs: RegionInputs) -> RolePlan | None:
    """Folders of the region's file system: narrower than AmazonEFSCSIDriverPolicy, which may make them in every file system."""
    if not inputs.uses("shared"):
        return None
    files, entries = Reference("file_system_arn"), arn(inputs, "elasticfilesystem", "access-point/*")
    return pod_role(
        inputs,
        "efs-csi",
        "EFS driver: access points of the file system of the region",
        ("kube-system", "efs-csi-controller-sa"),
        Statement(
            sid="KnowTheFileSystem",
            actions=(
                "elasticfilesystem:DescribeAccessPoints",
                "elasticfilesystem:DescribeFileSystems",
                "elasticfilesystem:DescribeMountTargets",
            ),
            resources=(files, entries),
        ),
        Statement(
            sid="MakeAccessPoints",
            actions=("elasticfilesystem:CreateAccessPoint",),
            resources=(files,),
            conditions={"StringEquals": {f"aws:RequestTag/{EFS_TAG}": "true"}},
        ),
        Statement(
            sid="MarkNewAccessPoints",
            actions=("elasticfilesystem:TagResource",),
            resources=(files, entries),
            conditions={"StringEquals": {"elasticfilesystem:CreateAction": "CreateAccessPoint"}},
        ),
        Statement(
            sid="DeleteAccessPoints",
            actions=("elasticfilesystem:DeleteAccessPoint",),
            resources=(entries,),
            conditions={"StringEquals": {f"aws:ResourceTag/{EFS_TAG}": "true"}},
        ),
    )
