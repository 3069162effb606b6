"""A planned cluster with everything around it, as its cloud is asked for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from fleet import naming
from fleet.aws import images as aws_images
from fleet.aws import inputs as aws_inputs
from fleet.aws import region as aws_region
from fleet.aws import storage_prices as aws_prices
from fleet.fleet_plan import CacheOffer, ClusterPlan
from fleet.gcp import images as gcp_images
from fleet.gcp import inputs as gcp_inputs
from fleet.gcp import region as gcp_region
from fleet.gcp import storage as gcp_storage
from fleet.gcp import storage_prices as gcp_prices
from fleet.problems import Problem
from fleet.references import Reference
from fleet.settings import AwsCluster, Cluster, GcpCluster, Settings


def with_region(settings: Settings, cluster: Cluster, planned: ClusterPlan, network_cidr: str) -> tuple[ClusterPlan, list[Problem]]:
    """The cluster with its region, or why the region cannot be had."""
    if isinstance(cluster, AwsCluster):
        return _aws(settings, cluster, planned, network_cidr)
    if isinstance(cluster, GcpCluster):
        return _gcp(settings, cluster, planned, network_cidr)
    return planned, []


def _aws(settings: Settings, cluster: AwsCluster, planned: ClusterPlan, network_cidr: str) -> tuple[ClusterPlan, list[Problem]]:
    inputs = aws_inputs.RegionInputs(cluster=cluster, **_planned_already(settings, planned, network_cidr))
    found = aws_region.region_plan(inputs, _owned(planned))
    if isinstance(found, list):
        return planned, found
    mirror = found.image_mirror
    pulled_from = {image: aws_images.mirrored(image, mirror) for image in _images(planned)} if mirror else {}
    planned = _offered(planned, aws_prices.offers(inputs))
    return replace(planned, identifier=inputs.identifier, pulled_from=pulled_from, aws=found), []


def _gcp(settings: Settings, cluster: GcpCluster, planned: ClusterPlan, network_cidr: str) -> tuple[ClusterPlan, list[Problem]]:
    inputs = gcp_inputs.RegionInputs(cluster=cluster, **_planned_already(settings, planned, network_cidr))
    found = gcp_region.region_plan(inputs, _owned(planned))
    if isinstance(found, list):
        return planned, found
    mirror = found.image_mirror
    pulled_from: dict[str, str | Reference] = {image: gcp_images.mirrored(image, mirror) for image in _images(planned)} if mirror else {}
    planned = replace(planned, caches=gcp_storage.placed(inputs))
    planned = _offered(planned, gcp_prices.offers(inputs))
    return replace(planned, identifier=inputs.identifier, pulled_from=pulled_from, gcp=found), []


def _planned_already(settings: Settings, planned: ClusterPlan, network_cidr: str) -> dict[str, Any]:
    """What the inputs of every region have but for its cluster, by the names of their fields."""
    return {
        "settings": settings,
        "cluster_name": planned.name,
        "namespace": planned.namespace,
        "network_cidr": network_cidr,
        "pools": planned.pools,
        "models": planned.models,
        "caches": planned.caches,
    }


def _owned(planned: ClusterPlan) -> dict[str, str]:
    return {**planned.tags, "managed-by": naming.MANAGER}


def _images(planned: ClusterPlan) -> list[str]:
    return sorted({*(model.image for model in planned.models), *(cache.mirror_image for cache in planned.caches)})


def _offered(planned: ClusterPlan, offers: Mapping[str, tuple[CacheOffer, ...]]) -> ClusterPlan:
    return replace(planned, caches=tuple(replace(cache, offers=offers[cache.name]) for cache in planned.caches))
