"""Add-ons that EKS installs and keeps. Values are those that their configuration schemas take; the rest is EKS's default."""

from __future__ import annotations

import json

from fleet.aws.inputs import RegionInputs
from fleet.aws.plan import ManagedAddOnPlan
from fleet.placement import GPU_RESOURCE
from fleet.references import Planned

IDLE_ADDRESSES = {"MINIMUM_IP_TARGET": "12", "WARM_IP_TARGET": "4"}
"""Addresses that a machine takes before pods ask: about what its DaemonSets and one model use. By default it takes those of
two network interfaces, 100 on an eight-GPU machine, and a subnet of 4,000 would hold 40 of them."""

DNS_REPLICAS = 2


def managed(inputs: RegionInputs) -> tuple[ManagedAddOnPlan, ...]:
    """Every add-on that EKS manages, those before nodes first.

    Versions are EKS's default for the cluster's Kubernetes version at the time an add-on is made.
    """
    return (*_before_nodes(inputs), *_after_nodes(inputs))


def _before_nodes(inputs: RegionInputs) -> tuple[ManagedAddOnPlan, ...]:
    return (
        ManagedAddOnPlan(
            name="vpc-cni",
            version=None,
            before_nodes=True,
            values={"enableNetworkPolicy": "true", "env": {**IDLE_ADDRESSES, "ADDITIONAL_ENI_TAGS": json.dumps(_tags(inputs))}},
            identity="vpc-cni",
            service_account="aws-node",
        ),
        ManagedAddOnPlan(name="eks-pod-identity-agent", version=None, before_nodes=True, values={}),
        ManagedAddOnPlan(name="kube-proxy", version=None, before_nodes=True, values={}),
    )


def _after_nodes(inputs: RegionInputs) -> tuple[ManagedAddOnPlan, ...]:
    """DaemonSets among them tolerate every taint by default, but for what is said here."""
    found = [
        ManagedAddOnPlan(
            name="coredns", version=None, before_nodes=False, values={"replicaCount": DNS_REPLICAS, "topologySpreadConstraints": _spread()}
        ),
        ManagedAddOnPlan(
            name="aws-ebs-csi-driver",
            version=None,
            before_nodes=False,
            values={"controller": {"extraVolumeTags": dict(_tags(inputs))}, "node": {"tolerateAllTaints": True}},
            identity="ebs-csi",
            service_account="ebs-csi-controller-sa",
        ),
        ManagedAddOnPlan(name="metrics-server", version=None, before_nodes=False, values={}),
        ManagedAddOnPlan(
            name="eks-node-monitoring-agent",
            version=None,
            before_nodes=False,
            # Its part that watches GPUs tolerates nothing by default, so it would run on no tainted GPU machine.
            values={"dcgmAgent": {"tolerations": [{"key": GPU_RESOURCE, "operator": "Exists"}]}},
        ),
        ManagedAddOnPlan(name="aws-mountpoint-s3-csi-driver", version=None, before_nodes=False, values={"node": {"tolerateAllTaints": True}}),
    ]
    if inputs.uses("shared"):
        found.append(
            ManagedAddOnPlan(
                name="aws-efs-csi-driver", version=None, before_nodes=False, values={}, identity="efs-csi", service_account="efs-csi-controller-sa"
            )
        )
    return tuple(found)


def _spread() -> list[Planned]:
    return [
        {
            "maxSkew": 1,
            "topologyKey": "topology.kubernetes.io/zone",
            "whenUnsatisfiable": "ScheduleAnyway",
            "labelSelector": {"matchLabels": {"k8s-app": "kube-dns"}},
        }
    ]


def _tags(inputs: RegionInputs) -> dict[str, str]:
    """Of what add-ons make on their own, so that what one leaves behind can be traced to its fleet."""
    settings = inputs.settings
    return {"fleet": settings.name, "environment": settings.environment, "owner": settings.owner, "cluster": inputs.cluster_name}
