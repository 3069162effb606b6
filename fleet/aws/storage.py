"""Storage of an AWS region: the bucket of weights, the file system of shared caches, and classes of volumes."""

from __future__ import annotations

from math import ceil

from fleet.add_ons import StorageClassSpec
from fleet.aws.inputs import RegionInputs
from fleet.aws.launch import (
    GP3_BASE_IOPS,
    GP3_BASE_MIB_PER_SECOND,
    GP3_IOPS_PER_GIB,
    GP3_IOPS_PER_MIB_PER_SECOND,
    GP3_MOST_MIB_PER_SECOND,
    volume_limit,
)
from fleet.aws.nodes import node_groups
from fleet.aws.plan import BucketPlan, FileSystemPlan
from fleet.caches import BUCKET_PREFIX, SHARED_CLASS, VOLUME_CLASS
from fleet.catalog import SHAPES
from fleet.problems import Problem
from fleet.references import Reference
from fleet.startup import LOAD_GIB_PER_SECOND
from fleet.stored_weights import ABANDONED_UPLOAD_DAYS, LOAD_TARGET_SECONDS, OLD_VERSIONS_DAYS, ladder_zones, weights_gib

EBS_DRIVER, EFS_DRIVER = "ebs.csi.aws.com", "efs.csi.aws.com"
DEFAULT_CLASS = "gp3"

ZONE_LABEL = "topology.kubernetes.io/zone"
"""Kubernetes' own key: current EBS drivers set it on nodes and look at it first, Cluster Autoscaler knows it of machines that do not exist
yet, and the driver's older key (topology.ebs.csi.aws.com/zone) is on its way out."""

USER, GROUP = "2000", "0"
"""Of the engine image, whose pods read and write the shared file system as this user whatever their own is."""


def bucket(inputs: RegionInputs) -> BucketPlan:
    """The bucket of the region's weights."""
    return BucketPlan(
        prefix=BUCKET_PREFIX,
        old_versions_days=OLD_VERSIONS_DAYS[inputs.settings.environment == "prod"],
        abandoned_upload_days=ABANDONED_UPLOAD_DAYS,
        replicate_to=inputs.cluster.replicate_weights_to,
    )


def file_system(inputs: RegionInputs) -> FileSystemPlan | None:
    """The elastic file system, where a cache is `shared`: it costs ten times what the bucket does."""
    return FileSystemPlan() if inputs.uses("shared") else None


def storage_classes(inputs: RegionInputs) -> tuple[StorageClassSpec, ...]:
    """Classes of the region: the default one, and those that its caches use. Their drivers are add-ons that EKS installs.

    None is needed for disks of the node itself: the kubelet's own folder lies on them, and pods take room there as emptyDir.
    """
    found = [StorageClassSpec(name=DEFAULT_CLASS, provisioner=EBS_DRIVER, parameters=_encrypted(), default=True)]
    if inputs.uses("volume"):
        found.append(_volume(inputs))
    if inputs.uses("shared"):
        found.append(_shared())
    return tuple(found)


def problems(inputs: RegionInputs) -> list[Problem]:
    """Why a disk of weights could not be made where both its mirror and its server can run."""
    if not inputs.uses("volume") or _common_zones(inputs):
        return []
    models = [model.name for model in inputs.models if model.cache in _volume_names(inputs)]
    system, *_ = node_groups(inputs)
    limit = (
        f"weights on a disk stay in one zone, and no zone of {inputs.region} has both the system's machines ({', '.join(system.zone_ids)}) and "
        f"those of every pool whose models ask for a disk ({', '.join(models)})"
    )
    remedy = f"use bucket, or set clusters.{inputs.cluster_name}.zones to zones that sell them all"
    return [Problem(field=f"models.{models[0]}.cache.kind", value="volume", limit=limit, remedy=remedy)]


def volume_throughput(weights: float, size_gib: int, most: int = GP3_MOST_MIB_PER_SECOND) -> int:
    """MiB per second of a gp3 volume: so many that the weights are read in LOAD_TARGET_SECONDS, and no fewer than start-up budgets count on.

    Args:
        weights: GiB that a start reads.
        size_gib: size of the smallest such volume; IOPS, which throughput needs, are limited by it.
        most: what the machine moves (fleet/aws/launch.py).
    """
    wanted = max(weights / LOAD_TARGET_SECONDS, LOAD_GIB_PER_SECOND["volume"]) * 1024
    possible = max(GP3_BASE_IOPS, GP3_IOPS_PER_GIB * size_gib) // GP3_IOPS_PER_MIB_PER_SECOND
    return max(GP3_BASE_MIB_PER_SECOND, min(ceil(wanted), possible, most, GP3_MOST_MIB_PER_SECOND))


def volume_iops(mib_per_second: int) -> int:
    """IOPS without which a gp3 volume may not have that throughput."""
    return max(GP3_BASE_IOPS, GP3_IOPS_PER_MIB_PER_SECOND * mib_per_second)


def class_throughput(inputs: RegionInputs) -> int:
    """MiB per second of every volume of the region's caches: what the largest of them needs and its machines can take."""
    volumes = [cache for cache in inputs.caches if cache.kind == "volume"]
    largest, smallest = max(map(weights_gib, volumes), default=0.0), min((cache.size_gib for cache in volumes), default=1)
    return volume_throughput(largest, smallest, machines_limit(inputs, frozenset(cache.name for cache in volumes)))


def machines_limit(inputs: RegionInputs, caches: frozenset[str]) -> int:
    """MiB per second that the fastest machine which mounts one of these caches reads from a volume."""
    pools = {model.pool for model in inputs.models if model.cache in caches}
    machines = {pool.machine for pool in inputs.pools if pool.name in pools}
    return volume_limit(tuple(shape for shape in SHAPES if shape.cloud == "aws" and shape.machine in machines))


def _encrypted() -> dict[str, str | Reference]:
    return {"type": "gp3", "encrypted": "true", "kmsKeyId": Reference("key_arn")}


def _volume(inputs: RegionInputs) -> StorageClassSpec:
    throughput = class_throughput(inputs)
    zones = _common_zones(inputs) or sorted({zone for zones in _zones_by_pool(inputs) for zone in zones})
    return StorageClassSpec(
        name=VOLUME_CLASS,
        provisioner=EBS_DRIVER,
        parameters={**_encrypted(), "throughput": str(throughput), "iops": str(volume_iops(throughput))},
        topology_key=ZONE_LABEL,
        zones=tuple(Reference(f"zone_name.{zone}") for zone in zones),
    )


def _shared() -> StorageClassSpec:
    """Every volume is a folder with an entry point of its own. The driver encrypts its mounts unless told not to."""
    return StorageClassSpec(
        name=SHARED_CLASS,
        provisioner=EFS_DRIVER,
        parameters={
            "provisioningMode": "efs-ap",
            "fileSystemId": Reference("file_system_id"),
            "basePath": "/weights",
            "directoryPerms": "770",
            "uid": USER,
            "gid": GROUP,
        },
        binding="Immediate",
        expandable=False,
    )


def _volume_names(inputs: RegionInputs) -> frozenset[str]:
    return frozenset(cache.name for cache in inputs.caches if cache.kind == "volume")


def _common_zones(inputs: RegionInputs) -> list[str]:
    """Where the system's machines run, which mirror weights onto the disk, and those of every pool that mounts one."""
    system, *_ = node_groups(inputs)
    return sorted(set(system.zone_ids).intersection(*_zones_by_pool(inputs)))


def _zones_by_pool(inputs: RegionInputs) -> list[set[str]]:
    """For each pool that mounts a disk, the zones in which its whole ladder can be climbed, else those of its first rung."""
    disks = _volume_names(inputs)
    pools = dict.fromkeys(model.pool for model in inputs.models if model.cache in disks)
    groups = node_groups(inputs)
    return [ladder_zones((group.rung, group.zone_ids) for group in groups if group.pool == pool) for pool in pools]
