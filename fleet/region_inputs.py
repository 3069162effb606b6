"""What decides one region of a cloud: the stack file's words for it, and the pools, models and caches that were planned already."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Generic, TypeVar

from fleet import naming
from fleet.fleet_plan import CachePlan, ModelPlan, PoolPlan
from fleet.settings import AwsCluster, GcpCluster, Settings

CloudCluster = TypeVar("CloudCluster", AwsCluster, GcpCluster)


@dataclass(frozen=True, kw_only=True)
class CloudRegion(Generic[CloudCluster]):
    """One cluster that this program makes."""

    settings: Settings
    cluster_name: str
    cluster: CloudCluster
    namespace: str
    """Where models are served."""
    network_cidr: str
    pools: tuple[PoolPlan, ...]
    models: tuple[ModelPlan, ...] = ()
    caches: tuple[CachePlan, ...] = ()

    @property
    def region(self) -> str:
        """For example us-east-2 or us-central1."""
        return self.cluster.region

    @property
    def prod(self) -> bool:
        """Whether guards are on: the environment is prod and the cluster is not on its way out."""
        return self.settings.environment == "prod" and self.cluster.state == "active"

    @property
    def owner(self) -> str:
        """Fleet and environment: what names of things beside the cluster begin with."""
        return f"{self.settings.name}-{self.settings.environment}"

    @cached_property
    def identity(self) -> tuple[str, ...]:
        """Inputs whose change makes the cloud replace the cluster: where it is, and its addresses."""
        return (self.cluster.cloud, self.cluster.region, self.network_cidr)

    @cached_property
    def identifier(self) -> str:
        """Constant identity for the Kubernetes provider."""
        return naming.cluster_identifier(self.settings.environment, self.cluster_name, self.identity)

    def name_within(self, limit: int) -> str:
        """Of the cluster: fleet and identifier, as far as the cloud's limit of characters lets them."""
        return naming.safe_name(self.settings.name, self.identifier, limit=limit)

    def uses(self, kind: str) -> bool:
        """Whether a model's weights lie in a cache of this kind."""
        return any(cache.kind == kind for cache in self.caches)
