"""Roles of the cluster's controllers: machines, targets of load balancers, secrets."""

from __future__ import annotations

from fleet.aws.identity.names import ANYTHING, arn, service_host
from fleet.aws.identity.trust import pod_role
from fleet.aws.inputs import RegionInputs
from fleet.aws.plan import RolePlan
from fleet.aws.policy import Statement
from fleet.aws.secrets import secrets
from fleet.references import Reference


def cluster_autoscaler(inputs: RegionInputs) -> RolePlan:
    """Sees every group, changes those that carry the cluster's name: actions of Cluster Autoscaler 1.35 with automatic discovery."""
    return pod_role(
        inputs,
        "cluster-autoscaler",
        "Cluster Autoscaler: number of machines in groups of this cluster",
        ("kube-system", "cluster-autoscaler"),
        Statement(
            sid="KnowGroups",
            actions=(
                "autoscaling:DescribeAutoScalingGroups",
                "autoscaling:DescribeAutoScalingInstances",
                "autoscaling:DescribeLaunchConfigurations",
                "autoscaling:DescribeScalingActivities",
                "ec2:DescribeImages",
                "ec2:DescribeInstanceTypes",
                "ec2:DescribeLaunchTemplateVersions",
                "ec2:GetInstanceTypesFromInstanceRequirements",
            ),
            resources=(ANYTHING,),
        ),
        Statement(
            sid="KnowEmptyGroups",
            actions=("eks:DescribeNodegroup",),
            resources=(arn(inputs, "eks", f"nodegroup/{inputs.name}/*/*"),),
        ),
        Statement(
            sid="SizeGroupsOfThisCluster",
            actions=("autoscaling:SetDesiredCapacity", "autoscaling:TerminateInstanceInAutoScalingGroup"),
            # EKS begins the names of its groups with this.
            resources=(arn(inputs, "autoscaling", "autoScalingGroup:*:autoScalingGroupName/eks-*"),),
            conditions={"StringEquals": {f"aws:ResourceTag/k8s.io/cluster-autoscaler/{inputs.name}": "owned"}},
        ),
    )


def load_balancer_controller(inputs: RegionInputs) -> RolePlan:
    """Keeps addresses of pods in target groups that this program makes, and makes nothing itself.

    Its documentation's list for that use also has ModifyTargetGroup and ModifyTargetGroupAttributes; in the sources of 3.5 nothing that
    handles a TargetGroupBinding calls them.
    """
    settings = inputs.settings
    return pod_role(
        inputs,
        "load-balancer-controller",
        "AWS Load Balancer Controller: targets of this cluster's target groups",
        ("kube-system", "aws-load-balancer-controller"),
        Statement(
            sid="KnowTargets",
            actions=(
                "ec2:DescribeAvailabilityZones",
                "ec2:DescribeInstances",
                "ec2:DescribeSecurityGroups",
                "ec2:DescribeVpcs",
                "elasticloadbalancing:DescribeTargetGroups",
                "elasticloadbalancing:DescribeTargetHealth",
            ),
            resources=(ANYTHING,),
        ),
        Statement(
            sid="KeepTargetsOfThisCluster",
            actions=("elasticloadbalancing:DeregisterTargets", "elasticloadbalancing:RegisterTargets"),
            resources=(arn(inputs, "elasticloadbalancing", "targetgroup/*/*"),),
            conditions={
                "StringEquals": {
                    "aws:ResourceTag/fleet": settings.name,
                    "aws:ResourceTag/environment": settings.environment,
                    "aws:ResourceTag/cluster": inputs.cluster_name,
                }
            },
        ),
    )


def external_secrets(inputs: RegionInputs) -> RolePlan | None:
    """Reads the secrets that the stack file names and no others; nobody's role where it names none."""
    named = tuple(Reference(f"secret_arn.{secret.key}") for secret in secrets(inputs))
    if not named:
        return None
    return pod_role(
        inputs,
        "external-secrets",
        "External Secrets: reads the secrets of this cluster",
        ("external-secrets", "external-secrets"),
        Statement(sid="ReadSecrets", actions=("secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue"), resources=named),
        Statement(
            sid="OpenSecrets",
            actions=("kms:Decrypt",),
            resources=(Reference("key_arn"),),
            conditions={"StringEquals": {"kms:ViaService": service_host("secretsmanager", inputs.region)}},
        ),
    )
