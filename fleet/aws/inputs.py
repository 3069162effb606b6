"""What decides one AWS region: the stack file's words for it, and the pools, models and caches that were planned already."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from fleet import naming
from fleet.fleet_plan import CachePlan, ModelPlan, PoolPlan
from fleet.settings import AwsCluster, Settings

PARTITION = "aws"
"""China and GovCloud have partitions, endpoints and offerings of their own and are refused (fleet/aws/network.py)."""


@dataclass(frozen=True, kw_only=True)
class RegionInputs:
    """One cluster with `cloud: aws`."""

    settings: Settings
    cluster_name: str
    cluster: AwsCluster
    namespace: str
    """Where models are served."""
    network_cidr: str
    pools: tuple[PoolPlan, ...]
    models: tuple[ModelPlan, ...] = ()
    caches: tuple[CachePlan, ...] = ()

    @property
    def region(self) -> str:
        """For example us-east-2."""
        return self.cluster.region

    @property
    def prod(self) -> bool:
        """Whether guards are on: the environment is prod and the cluster is not on its way out."""
        return self.settings.environment == "prod" and self.cluster.state == "active"

    @cached_property
    def identity(self) -> tuple[str, ...]:
        """Inputs whose change makes AWS replace the cluster: where it is, and its addresses."""
        return (self.cluster.cloud, self.cluster.region, self.network_cidr)

    @property
    def name(self) -> str:
        """Of the EKS cluster: at most 100 characters of letters, digits, hyphens."""
        parts = (self.settings.name, naming.cluster_identifier(self.settings.environment, self.cluster_name, self.identity))
        return naming.safe_name(*parts, limit=naming.EKS_CLUSTER)

    @property
    def owner(self) -> str:
        """Fleet and environment: what names of things beside the cluster begin with."""
        return f"{self.settings.name}-{self.settings.environment}"

    def uses(self, kind: str) -> bool:
        """Whether a model's weights lie in a cache of this kind."""
        return any(cache.kind == kind for cache in self.caches)
