"""Who may take on a role: pods of one service account in one cluster, or one of AWS's services."""

from __future__ import annotations

from fleet.aws.identity.names import arn
from fleet.aws.inputs import RegionInputs
from fleet.aws.plan import RolePlan
from fleet.aws.policy import Conditions, Statement


def pod_role(
    inputs: RegionInputs,
    key: str,
    description: str,
    account: tuple[str, str],
    *statements: Statement,
    managed_policies: tuple[str, ...] = (),
) -> RolePlan:
    """The role of one service account's pods.

    Args:
        inputs: the region.
        key: of the role.
        description: for people who find the role in the console.
        account: namespace and name of the service account.
        statements: what its pods may do.
        managed_policies: ARNs of policies that AWS keeps.
    """
    namespace, service_account = account
    return RolePlan(
        key=key,
        description=description,
        trust=(_pods(inputs, namespace, service_account),),
        statements=statements,
        managed_policies=managed_policies,
        namespace=namespace,
        service_account=service_account,
    )


def service(principal: str, conditions: Conditions | None = None) -> tuple[Statement, ...]:
    """One of AWS's services takes the role on. Conditions against the confused deputy are set where AWS documents what they hold."""
    return (Statement(sid="Service", actions=("sts:AssumeRole",), principals={"Service": principal}, conditions=conditions or {}),)


def _pods(inputs: RegionInputs, namespace: str, service_account: str) -> Statement:
    """By the session tags that EKS sets and pods cannot change. Without them anybody who may write an association in any cluster of the
    account could hand the role to a pod of his own.
    """
    return Statement(
        sid="PodsOfOneServiceAccount",
        actions=("sts:AssumeRole", "sts:TagSession"),
        principals={"Service": "pods.eks.amazonaws.com"},
        conditions={
            "StringEquals": {
                "aws:RequestTag/eks-cluster-arn": arn(inputs, "eks", f"cluster/{inputs.name}"),
                "aws:RequestTag/kubernetes-namespace": namespace,
                "aws:RequestTag/kubernetes-service-account": service_account,
            }
        },
    )
