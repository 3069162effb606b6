"""A provider for a cluster that exists already."""

from __future__ import annotations

import pulumi
import pulumi_kubernetes as kubernetes

from components.existing.identity import kubeconfig_path, verify
from components.handle import ClusterHandle
from fleet.fleet_plan import ClusterPlan

__all__ = ["ExistingCluster", "build", "verify"]


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


def build(plan: ClusterPlan, opts: pulumi.ResourceOptions | None = None) -> ClusterHandle:
    """Hand out the cluster's provider."""
    return ClusterHandle(plan=plan, provider=ExistingCluster(plan, opts).provider)
