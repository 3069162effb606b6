"""What a cluster, whoever made it, hands to the layer that fills it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

import pulumi
import pulumi_kubernetes as kubernetes

from components.references import Made
from fleet.add_ons import InCluster
from fleet.fleet_plan import ClusterPlan


@dataclass(frozen=True, kw_only=True)
class ClusterHandle:
    """A reachable cluster: its plan, the provider that writes into it, and what must exist before anything is written."""

    plan: ClusterPlan
    provider: kubernetes.Provider
    depends_on: tuple[pulumi.Resource, ...] = ()
    made: Made = field(default_factory=dict[str, "pulumi.Input[str]"])
    """Values that the plan could only name, by that name."""
    in_cluster: InCluster = field(default_factory=InCluster)
    """What the cloud wants inside the cluster."""


class CloudPackage(Protocol):
    """What the `cluster` module of every cloud package offers."""

    def verify(self, plan: ClusterPlan) -> None:
        """Refuse a cluster that must not be written to; called for every cluster before the first resource."""
        ...

    def providers(self, plan: ClusterPlan, opts: pulumi.ResourceOptions | None = None) -> list[pulumi.ProviderResource]:
        """Explicit providers of the cluster's cloud and region, for everything below."""
        ...

    def build(self, plan: ClusterPlan, opts: pulumi.ResourceOptions | None = None) -> ClusterHandle:
        """Create or find the cluster of this plan."""
        ...

    def connect(self, handle: ClusterHandle, others: Mapping[str, ClusterHandle], opts: pulumi.ResourceOptions | None = None) -> None:
        """Create what needs several clusters of this fleet, once all of them are declared."""
        ...
