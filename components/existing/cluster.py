"""A provider for a cluster that exists already."""

from __future__ import annotations

from collections.abc import Mapping

import pulumi
import pulumi_kubernetes as kubernetes

from components.existing.identity import kubeconfig_path, verify
from components.handle import ClusterHandle
from fleet.fleet_plan import ClusterPlan

__all__ = ["ExistingCluster", "build", "connect", "providers", "verify"]


class ExistingCluster(pulumi.ComponentResource):
    """A cluster found, not made. Deliberately creates nothing in it and protects nothing."""

    def __init__(self, plan: ClusterPlan, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("fleet:existing:Cluster", plan.name, None, opts)
        self.provider = kubernetes.Provider(
            f"{plan.name}-kubernetes",
            # The path, never the contents: a token in a kubeconfig would land in the state.
            kubeconfig=str(kubeconfig_path(plan)),
            context=plan.context,
            cluster_identifier=plan.identifier,
            enable_server_side_apply=True,
            enable_config_map_mutable=True,
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.register_outputs({"identifier": plan.identifier})


def providers(plan: ClusterPlan, opts: pulumi.ResourceOptions | None = None) -> list[pulumi.ProviderResource]:  # noqa: ARG001  alike in every package
    """None: nothing around the cluster is made here."""
    return []


def build(plan: ClusterPlan, opts: pulumi.ResourceOptions | None = None) -> ClusterHandle:
    """Hand out the cluster's provider."""
    return ClusterHandle(plan=plan, provider=ExistingCluster(plan, opts).provider)


def connect(handle: ClusterHandle, others: Mapping[str, ClusterHandle], opts: pulumi.ResourceOptions | None = None) -> None:
    """Nothing: what several such clusters share was there before."""
