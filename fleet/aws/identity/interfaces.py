"""The role of the network plugin, bound to the region's own network."""

from __future__ import annotations

from fleet.aws.identity.names import ANYTHING, arn
from fleet.aws.identity.trust import pod_role
from fleet.aws.inputs import PARTITION, RegionInputs
from fleet.aws.plan import RolePlan
from fleet.aws.policy import Conditions, Statement
from fleet.references import Reference

MANAGED_TAG = "eks:cluster-name"
"""EKS sets it on every machine of a managed node group, whatever its launch template says."""


def vpc_cni(inputs: RegionInputs) -> RolePlan:
    """Addresses for pods.

    AWS's AmazonEKS_CNI_Policy may detach and delete every network interface of the account. The plugin's own narrow example goes by a tag
    that it sets where it is told its cluster's name; the network is a bound that needs no configuration, and holds from the first second.
    """
    return pod_role(
        inputs,
        "vpc-cni",
        "Network plugin: addresses for pods, from network interfaces of this network",
        ("kube-system", "aws-node"),
        Statement(
            sid="KnowTheNetwork",
            actions=(
                "ec2:DescribeInstances",
                "ec2:DescribeInstanceTypes",
                "ec2:DescribeNetworkInterfaces",
                "ec2:DescribeSecurityGroups",
                "ec2:DescribeSubnets",
                "ec2:DescribeTags",
            ),
            resources=(ANYTHING,),
        ),
        *_new_interfaces(inputs),
        *_existing_interfaces(inputs),
    )


def _new_interfaces(inputs: RegionInputs) -> tuple[Statement, ...]:
    """A new interface belongs to a network by its subnet; it has no network of its own yet that could be asked for."""
    interfaces = arn(inputs, "ec2", "network-interface/*")
    return (
        Statement(
            sid="MakeInterfaces",
            actions=("ec2:CreateNetworkInterface",),
            resources=(interfaces,),
            conditions={"Null": {"aws:RequestTag/node.k8s.amazonaws.com/instance_id": "false"}},
        ),
        Statement(
            sid="MakeThemInThisNetwork",
            actions=("ec2:CreateNetworkInterface",),
            resources=(arn(inputs, "ec2", "subnet/*"), arn(inputs, "ec2", "security-group/*")),
            conditions=_in_network(inputs),
        ),
        Statement(
            sid="MarkNewInterfaces",
            actions=("ec2:CreateTags",),
            resources=(interfaces,),
            conditions={"StringEquals": {"ec2:CreateAction": "CreateNetworkInterface"}},
        ),
    )


def _existing_interfaces(inputs: RegionInputs) -> tuple[Statement, ...]:
    interfaces = arn(inputs, "ec2", "network-interface/*")
    return (
        Statement(
            sid="KeepInterfacesOfThisNetwork",
            actions=(
                "ec2:AssignPrivateIpAddresses",
                "ec2:AttachNetworkInterface",
                "ec2:CreateTags",
                "ec2:DeleteNetworkInterface",
                "ec2:DetachNetworkInterface",
                "ec2:ModifyNetworkInterfaceAttribute",
                "ec2:UnassignPrivateIpAddresses",
            ),
            resources=(interfaces,),
            conditions=_in_network(inputs),
        ),
        Statement(
            sid="AttachToMachinesOfThisCluster",
            actions=("ec2:AttachNetworkInterface", "ec2:DetachNetworkInterface", "ec2:ModifyNetworkInterfaceAttribute"),
            resources=(arn(inputs, "ec2", "instance/*"),),
            conditions={"StringEquals": {f"aws:ResourceTag/{MANAGED_TAG}": inputs.name}},
        ),
        Statement(
            sid="UseGroupsOfThisNetwork",
            actions=("ec2:ModifyNetworkInterfaceAttribute",),
            resources=(arn(inputs, "ec2", "security-group/*"),),
            conditions=_in_network(inputs),
        ),
    )


def _in_network(inputs: RegionInputs) -> Conditions:
    return {"ArnLike": {"ec2:Vpc": Reference("vpc_id", prefix=f"arn:{PARTITION}:ec2:{inputs.region}:*:vpc/")}}
