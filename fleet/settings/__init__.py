"""The stack file as typed, frozen values. Read once, here; everything after it sees only these classes."""

from fleet.settings.clusters import AwsCluster, Cluster, Endpoint, ExistingCluster, Filestore, GcpCluster, Maintenance
from fleet.settings.fleet import CONFIG_KEY, AcceptedRisk, Budget, Secrets, Settings, Traffic
from fleet.settings.models import Autoscaling, Cache, Model, Placement, Replicas, Rollout, ServiceLevel
from fleet.settings.pools import Capacity, Pool

__all__ = [
    "CONFIG_KEY",
    "AcceptedRisk",
    "Autoscaling",
    "AwsCluster",
    "Budget",
    "Cache",
    "Capacity",
    "Cluster",
    "Endpoint",
    "ExistingCluster",
    "Filestore",
    "GcpCluster",
    "Maintenance",
    "Model",
    "Placement",
    "Pool",
    "Replicas",
    "Rollout",
    "Secrets",
    "ServiceLevel",
    "Settings",
    "Traffic",
]
