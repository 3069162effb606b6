"""The EKS cluster of a region, and who administers it."""

from __future__ import annotations

from fleet.aws.identity.names import control_plane_log_group
from fleet.aws.inputs import RegionInputs
from fleet.aws.plan import ControlPlanePlan

SERVICE_CIDR = "172.20.0.0/16"
"""Addresses of Services: outside of every cluster's network (fleet/network.py), so that routes between networks stay possible."""

LOG_TYPES = ("api", "audit", "authenticator", "controllerManager", "scheduler")
SCHEDULER_WEIGHTS = {"cpu": 1, "memory": 1, "nvidia.com/gpu": 5}
"""Machines are filled one after the other, by GPUs first: a model that needs a whole machine then finds one, and an idle one can go."""

LOG_RETENTION_DAYS = {True: 365, False: 14}
"""In prod a year, for inquiries into what is noticed late (checkov asks for it as CKV_AWS_338); elsewhere for debugging."""


def control_plane(inputs: RegionInputs) -> ControlPlanePlan:
    """The cluster as EKS is asked for it."""
    cluster = inputs.cluster
    prod = inputs.settings.environment == "prod"
    return ControlPlanePlan(
        name=inputs.name,
        version=cluster.kubernetes_version,
        service_cidr=SERVICE_CIDR,
        public_cidrs=cluster.endpoint.public_cidrs,
        private_only=not cluster.endpoint.public_cidrs,
        log_group=control_plane_log_group(inputs),
        log_types=LOG_TYPES,
        log_retention_days=LOG_RETENTION_DAYS[prod],
        deletion_protection=inputs.prod,
        zonal_shift=prod,
        creator_is_administrator=cluster.deployer is None,
        administrators=tuple(dict.fromkeys((*([cluster.deployer] if cluster.deployer else []), *cluster.admins))),
        scheduler_weights=SCHEDULER_WEIGHTS,
    )
