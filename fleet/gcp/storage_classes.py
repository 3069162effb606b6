"""Classes of volumes of a Google region: disks of one server, disks that many read, and file systems."""

from __future__ import annotations

from collections.abc import Iterable
from math import ceil

from fleet import naming
from fleet.add_ons import ManifestSpec, StorageClassSpec
from fleet.cache_plan import CachePlan
from fleet.caches import HYDRATION_CLASS, READ_ONLY_CLASS, SHARED_CLASS, SNAPSHOT_CLASS, VOLUME_CLASS
from fleet.fleet_plan import CacheKind, PoolPlan
from fleet.gcp import filestore
from fleet.gcp.disks import DiskType, balanced_disk, takes
from fleet.gcp.inputs import RegionInputs
from fleet.gcp.network import network_plan, system_zones
from fleet.gcp.nodes import node_pools
from fleet.gcp.offerings import SYSTEM_MACHINE
from fleet.references import Reference
from fleet.startup import LOAD_GIB_PER_SECOND
from fleet.stored_weights import LOAD_TARGET_SECONDS, ladder_zones, weights_gib

DISK_DRIVER, FILE_DRIVER = "pd.csi.storage.gke.io", "filestore.csi.storage.gke.io"

ZONE_LABEL = "topology.gke.io/zone"
"""The key that both drivers know zones by."""

WRITABLE: tuple[DiskType, ...] = ("pd-balanced", "hyperdisk-balanced")
"""Types between price and speed, the older first: it is the only one for most machines, and needs no speed bought beside its size."""

PD_BASE_MIB_PER_SECOND, PD_MIB_PER_SECOND_PER_GIB, PD_MOST_MIB_PER_SECOND = 140, 0.28, 1200
"""Of a balanced Persistent Disk: its speed cannot be bought without its size. Google's page on Persistent Disk performance (per GiB, most); the
base from a public tool (gcp_opt) whose tests hold its formula against every row of that page's tables."""

HYPERDISK_BASE_MIB_PER_SECOND, HYPERDISK_MOST_MIB_PER_SECOND = 140, 2400
HYPERDISK_BASE_IOPS, HYPERDISK_IOPS_PER_MIB_PER_SECOND = 3000, 4
"""Of Hyperdisk Balanced, Google's page on it: base figures are free. Four IOPS for each MiB/s are what the base figures leave room for."""

ML_LEAST_MIB_PER_SECOND, ML_LEAST_MIB_PER_SECOND_PER_GIB = 400, 0.12
"""Of Hyperdisk ML: Google's page on it, and sources of the disk driver of 2026-08-18. Every MiB/s is paid for, in each zone."""


def storage_classes(inputs: RegionInputs) -> tuple[StorageClassSpec, ...]:
    """Classes that the region's caches use. Their drivers belong to GKE, and so does the default class: there is no second one.

    None is needed for disks of the node itself: the kubelet's own folder lies on them, and pods take room there as emptyDir.
    """
    found: list[StorageClassSpec] = []
    if inputs.uses("volume"):
        found.append(_volume(inputs))
    if inputs.uses("hyperdisk_ml"):
        found += [_hydration(inputs), _read_only(inputs)]
    if inputs.uses("shared"):
        found.append(_shared(inputs))
    return tuple(found)


def snapshot_manifests(inputs: RegionInputs) -> tuple[ManifestSpec, ...]:
    """How pictures of disks are taken, where a cache is copied from one. They stay in the region."""
    if not inputs.uses("hyperdisk_ml"):
        return ()
    return (
        ManifestSpec(
            name=SNAPSHOT_CLASS,
            api_version="snapshot.storage.k8s.io/v1",
            kind="VolumeSnapshotClass",
            namespace=None,
            spec={},
            fields={"driver": DISK_DRIVER, "deletionPolicy": "Delete", "parameters": {"storage-locations": inputs.region, "labels": _labels(inputs)}},
        ),
    )


def pools_of(inputs: RegionInputs, kind: CacheKind) -> tuple[PoolPlan, ...]:
    """Pools whose models have a cache of this kind."""
    names = {cache.name for cache in inputs.caches if cache.kind == kind}
    pools = {model.pool for model in inputs.models if model.cache in names}
    return tuple(pool for pool in inputs.pools if pool.name in pools)


def disk_type(pools: Iterable[PoolPlan]) -> DiskType | None:
    """The type of disk that both the system's machines, which mirror weights onto it, and those of these pools take; None: there is none."""
    machines = (SYSTEM_MACHINE, *(pool.machine for pool in pools))
    return next((disk for disk in WRITABLE if all(takes(machine, disk) for machine in machines)), None)


def common_zones(inputs: RegionInputs) -> tuple[str, ...]:
    """Where the system's machines run and those of every pool that mounts a disk."""
    return tuple(sorted(set(system_zones(inputs)).intersection(*(ladder_zones(_rungs(inputs, pool)) for pool in pools_of(inputs, "volume")))))


def all_zones(inputs: RegionInputs, pools: Iterable[PoolPlan]) -> tuple[str, ...]:
    """Every zone in which these pools may have machines."""
    return tuple(sorted({zone for pool in pools for _, zones in _rungs(inputs, pool) for zone in zones}))


def _rungs(inputs: RegionInputs, pool: PoolPlan) -> list[tuple[str, tuple[str, ...]]]:
    return [(found.rung, found.zones) for found in node_pools(inputs) if found.pool == pool.name]


def volume_gib(cache: CachePlan, disk: DiskType) -> int:
    """Size of a disk of weights: what they need, and on a Persistent Disk what makes it as fast as start-up budgets count on."""
    if disk != "pd-balanced":
        return cache.size_gib
    wanted = LOAD_GIB_PER_SECOND["volume"] * 1024
    return max(cache.size_gib, ceil((wanted - PD_BASE_MIB_PER_SECOND) / PD_MIB_PER_SECOND_PER_GIB))


def volume_mib_per_second(cache: CachePlan, disk: DiskType, size: int) -> int:
    """How fast a disk of weights is read, apart from its machine's own limit: on a Hyperdisk, what is bought."""
    if disk == "pd-balanced":
        return min(int(PD_BASE_MIB_PER_SECOND + PD_MIB_PER_SECOND_PER_GIB * size), PD_MOST_MIB_PER_SECOND)
    return min(_wanted_mib_per_second(cache, LOAD_GIB_PER_SECOND["volume"]), HYPERDISK_MOST_MIB_PER_SECOND)


def hyperdisk_iops(mib_per_second: int) -> int:
    """IOPS without which a Hyperdisk Balanced may not have that throughput."""
    return max(HYPERDISK_BASE_IOPS, HYPERDISK_IOPS_PER_MIB_PER_SECOND * mib_per_second)


def read_only_mib_per_second(inputs: RegionInputs) -> int:
    """Throughput of every copy that many servers read: what the largest cache needs. Servers that start together share it."""
    caches = [cache for cache in inputs.caches if cache.kind == "hyperdisk_ml"]
    return max((ml_mib_per_second(cache) for cache in caches), default=ML_LEAST_MIB_PER_SECOND)


def ml_mib_per_second(cache: CachePlan) -> int:
    """Throughput that a copy of one cache needs: its weights in LOAD_TARGET_SECONDS, and no less than is sold or budgets count on."""
    budget = LOAD_GIB_PER_SECOND.get("hyperdisk_ml", LOAD_GIB_PER_SECOND["volume"])
    return max(ML_LEAST_MIB_PER_SECOND, ceil(ML_LEAST_MIB_PER_SECOND_PER_GIB * cache.size_gib), _wanted_mib_per_second(cache, budget))


def _wanted_mib_per_second(cache: CachePlan, budget_gib_per_second: float) -> int:
    return ceil(max(weights_gib(cache) / LOAD_TARGET_SECONDS, budget_gib_per_second) * 1024)


def _disk(inputs: RegionInputs, disk: DiskType) -> dict[str, str | Reference]:
    return {"type": disk, "disk-encryption-kms-key": Reference("key_id"), "labels": _labels(inputs)}


def _labels(inputs: RegionInputs) -> str:
    """Whose a disk is, for bills and for whoever finds one: drivers make them, no program of ours."""
    settings = inputs.settings
    whose = {"fleet": settings.name, "environment": settings.environment, "owner": settings.owner, "cluster": inputs.cluster_name}
    return ",".join(f"{key}={value}" for key, value in {**whose, "managed-by": naming.MANAGER}.items())


def _volume(inputs: RegionInputs) -> StorageClassSpec:
    pools = pools_of(inputs, "volume")
    disk = disk_type(pools) or WRITABLE[0]
    speed: dict[str, str | Reference] = {}
    if disk != "pd-balanced":
        fastest = max(volume_mib_per_second(cache, disk, cache.size_gib) for cache in inputs.caches if cache.kind == "volume")
        speed = {"provisioned-throughput-on-create": f"{fastest}Mi", "provisioned-iops-on-create": str(hyperdisk_iops(fastest))}
    return StorageClassSpec(
        name=VOLUME_CLASS,
        provisioner=DISK_DRIVER,
        parameters={**_disk(inputs, disk), **speed},
        topology_key=ZONE_LABEL,
        zones=common_zones(inputs) or all_zones(inputs, pools),
    )


def _hydration(inputs: RegionInputs) -> StorageClassSpec:
    """The disk that the mirror writes: one that the system's machines take, which is no Hyperdisk ML.

    Its picture becomes disks of another type, as in the driver's own tests (multi_zone_e2e_test.go of 2026-08-18: from a pd-ssd).
    """
    return StorageClassSpec(
        name=HYDRATION_CLASS,
        provisioner=DISK_DRIVER,
        parameters=_disk(inputs, balanced_disk(SYSTEM_MACHINE)),
        topology_key=ZONE_LABEL,
        zones=system_zones(inputs),
    )


def _read_only(inputs: RegionInputs) -> StorageClassSpec:
    """One disk in each zone of the pools that read it, behind one claim: the driver finds a machine the one in its zone."""
    speed: dict[str, str | Reference] = {"provisioned-throughput-on-create": f"{read_only_mib_per_second(inputs)}Mi"}
    return StorageClassSpec(
        name=READ_ONLY_CLASS,
        provisioner=DISK_DRIVER,
        parameters={**_disk(inputs, "hyperdisk-ml"), **speed, "enable-multi-zone-provisioning": "true"},
        binding="Immediate",
        expandable=False,
        topology_key=ZONE_LABEL,
        zones=all_zones(inputs, pools_of(inputs, "hyperdisk_ml")),
    )


def _shared(inputs: RegionInputs) -> StorageClassSpec:
    """Every volume is a file system of its own, unlike on AWS, where it is a folder of one. The driver gives it to the pods' group."""
    network, tier = network_plan(inputs), filestore.tier_of(inputs)
    own_key: dict[str, str | Reference] = {"instance-encryption-kms-key": Reference("key_id")} if tier.own_key else {}
    addresses: dict[str, str | Reference] = {} if isinstance(network, list) else {"reserved-ipv4-cidr": network.file_system_cidr}
    return StorageClassSpec(
        name=SHARED_CLASS,
        provisioner=FILE_DRIVER,
        parameters={
            "tier": inputs.cluster.filestore.tier,
            "network": Reference("network_name"),
            "labels": _labels(inputs),
            **addresses,
            **own_key,
        },
        binding="Immediate",
        topology_key=ZONE_LABEL,
        zones=all_zones(inputs, pools_of(inputs, "shared")),
    )
