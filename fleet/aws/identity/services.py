"""Roles of AWS's services and of machines: the control plane, nodes, flow logs, and the registry's own."""

from __future__ import annotations

from fleet.aws import images
from fleet.aws.identity.names import ANYTHING, arn, aws_policy, flow_log_group
from fleet.aws.identity.trust import service
from fleet.aws.inputs import RegionInputs
from fleet.aws.plan import RolePlan
from fleet.aws.policy import Statement
from fleet.references import Reference

NODE_POLICIES = (aws_policy("AmazonEKSWorkerNodeMinimalPolicy"), aws_policy("AmazonEC2ContainerRegistryPullOnly"))
"""Asking for the identities of pods, and pulling images: also those of add-ons, which lie in accounts of AWS that differ by region."""


def cluster(inputs: RegionInputs) -> RolePlan:
    """What Kubernetes itself does to the account.

    The least that the EKS user guide ("Amazon EKS cluster IAM role") asks for in place of AmazonEKSClusterPolicy, which may delete any security
    group and volume of the account for load balancers and disks that this fleet has others make.
    """
    key = Reference("key_arn")
    return RolePlan(
        key="cluster",
        description="EKS control plane: knows its machines, and seals Secrets with the key of the region",
        trust=service("eks.amazonaws.com"),
        statements=(
            Statement(
                sid="MarkMachines",
                actions=("ec2:CreateTags",),
                resources=(arn(inputs, "ec2", "instance/*"),),
                conditions={"ForAnyValue:StringLike": {"aws:TagKeys": "kubernetes.io/cluster/*"}},
            ),
            Statement(
                sid="KnowMachines",
                actions=(
                    "ec2:DescribeAvailabilityZones",
                    "ec2:DescribeDhcpOptions",
                    "ec2:DescribeInstances",
                    "ec2:DescribeInstanceTopology",
                    "ec2:DescribeNetworkInterfaces",
                    "ec2:DescribeVpcs",
                ),
                resources=(ANYTHING,),
            ),
            Statement(sid="SealSecrets", actions=("kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:ListGrants"), resources=(key,)),
            Statement(
                sid="LendTheKeyToEks",
                actions=("kms:CreateGrant",),
                resources=(key,),
                conditions={"Bool": {"kms:GrantIsForAWSResource": "true"}},
            ),
        ),
    )


def nodes(inputs: RegionInputs) -> RolePlan:
    """What a machine needs before its pods have identities of their own, and every pod on the host's network has.

    No policy of the network plugin: its pods have a role. Amazon Linux asks EC2 for its own host name and for what its machine type can do.
    """
    asks = Statement(sid="KnowItself", actions=("ec2:DescribeInstances", "ec2:DescribeInstanceTypes"), resources=(ANYTHING,))
    mirror = images.image_mirror(inputs)
    # The first pull of an image makes its repository, in the name of whoever pulls. Importing it is in AWS's policy for pulling.
    makes = Statement(sid="MirrorImages", actions=("ecr:CreateRepository",), resources=(_repositories(inputs, mirror.prefix),)) if mirror else None
    return RolePlan(
        key="nodes",
        description="Machines of the cluster: join it and pull images",
        trust=service("ec2.amazonaws.com"),
        statements=(asks, makes) if makes else (asks,),
        managed_policies=NODE_POLICIES,
    )


def image_mirror(inputs: RegionInputs) -> RolePlan | None:
    """ECR, when it makes a mirrored image's repository: with tags it does so only under a role of ours (ECR user guide, "Create an IAM role
    for repository creation templates").
    """
    mirror = images.image_mirror(inputs)
    if mirror is None:
        return None
    return RolePlan(
        key="image-mirror",
        description="ECR: makes and tags repositories of mirrored images",
        trust=service("ecr.amazonaws.com"),
        statements=(
            Statement(
                sid="MakeRepositories",
                actions=("ecr:CreateRepository", "ecr:TagResource"),
                resources=(_repositories(inputs, mirror.prefix),),
            ),
        ),
    )


def flow_logs(inputs: RegionInputs) -> RolePlan | None:
    """VPC flow logs write into one log group, which is there before them."""
    if not inputs.cluster.flow_logs:
        return None
    group = f"log-group:{flow_log_group(inputs)}"
    trust = service(
        "vpc-flow-logs.amazonaws.com",
        {
            "StringEquals": {"aws:SourceAccount": Reference("account")},
            "ArnLike": {"aws:SourceArn": arn(inputs, "ec2", "vpc-flow-log/*")},
        },
    )
    return RolePlan(
        key="flow-logs",
        description="VPC flow logs: write to the log group of the network",
        trust=trust,
        statements=(
            Statement(
                sid="WriteFlows",
                actions=("logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"),
                resources=(arn(inputs, "logs", group), arn(inputs, "logs", f"{group}:*")),
            ),
            Statement(sid="FindTheLogGroup", actions=("logs:DescribeLogGroups",), resources=(ANYTHING,)),
        ),
    )


def _repositories(inputs: RegionInputs, prefix: str) -> Reference:
    return arn(inputs, "ecr", f"repository/{prefix}/*")
