"""What a cluster, whoever made it, hands to the layer that fills it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import pulumi
import pulumi_kubernetes as kubernetes

from fleet.fleet_plan import ClusterPlan


@dataclass(frozen=True, kw_only=True)
class ClusterHandle:
    """A reachable cluster: its plan, the provider that writes into it, and what must exist before anything is written."""

    plan: ClusterPlan
    provider: kubernetes.Provider
    depends_on: tuple[pulumi.Resource, ...] = ()


class CloudPackage(Protocol):
    """What the `cluster` module of every cloud package offers."""

    def verify(self, plan: ClusterPlan) -> None:
        """Refuse a cluster that must not be written to; called for every cluster before the first resource."""
        ...

    def build(self, plan: ClusterPlan, opts: pulumi.ResourceOptions | None = None) -> ClusterHandle:
        """Create or find the cluster of this plan."""
        ...
