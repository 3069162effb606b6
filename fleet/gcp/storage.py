"""Storage of a Google region: the bucket of weights, the key, what servers keep of what they read, and what cannot be had."""

from __future__ import annotations

from dataclasses import replace
from math import floor

from fleet import gcs_fuse
from fleet.add_ons import EgressSpec
from fleet.caches import BUCKET_KINDS, BUCKET_PREFIX, DISK_SHARE, NODE_IMAGES_GIB
from fleet.catalog import SHAPES
from fleet.fleet_plan import CachePlan, DriverSource, ModelPlan, PoolPlan, ReadCache
from fleet.gcp import filestore
from fleet.gcp.disks import takes
from fleet.gcp.inputs import RegionInputs
from fleet.gcp.network import network_plan, system_zones
from fleet.gcp.offerings import SYSTEM_MACHINE
from fleet.gcp.plan import BucketPlan, KeyPlan
from fleet.gcp.storage_classes import (
    all_zones,
    common_zones,
    disk_type,
    pools_of,
    snapshot_manifests,
    storage_classes,
    volume_gib,
)
from fleet.gcp.storage_prices import prices_of
from fleet.problems import Problem
from fleet.resources import Node
from fleet.stored_weights import ABANDONED_UPLOAD_DAYS, OLD_VERSIONS_DAYS

__all__ = ["bucket", "key", "placed", "problems", "snapshot_manifests", "storage_classes", "weights_egress"]

DAY_SECONDS = 24 * 3600

SOFT_DELETE_SECONDS = {True: 7 * DAY_SECONDS, False: 0}
"""In prod a week, the least that Google offers (its provider's reference), to bring back what was deleted with all its versions; it is billed
until then. AWS has no such thing."""

KEY_ROTATION_SECONDS = 90 * DAY_SECONDS

KEY_DESTROY_SECONDS = {True: 30 * DAY_SECONDS, False: DAY_SECONDS}
"""Until a version of the key is really gone and all that it encrypted with it: in prod the month that Google takes by default, elsewhere a
day."""

METADATA_SERVER = (("169.254.169.254/32", 80), ("169.254.169.252/32", 988))
"""Where pods get tokens of their own identity: the address that they ask, and the one on the node that answers in its place."""

SIDECAR_GIB = 1
"""What the driver's container takes beside what it keeps (estimate: metadata of a few hundred files, buffers of parallel downloads)."""


def bucket(inputs: RegionInputs) -> BucketPlan:
    """The bucket of the region's weights. Regions do not copy from each other: each region's mirror asks the hub itself."""
    prod = inputs.settings.environment == "prod"
    return BucketPlan(
        prefix=BUCKET_PREFIX,
        old_versions_days=OLD_VERSIONS_DAYS[prod],
        abandoned_upload_days=ABANDONED_UPLOAD_DAYS,
        soft_delete_seconds=SOFT_DELETE_SECONDS[prod],
        cached_zones=all_zones(inputs, inputs.pools) if inputs.cluster.anywhere_cache else (),
    )


def key(inputs: RegionInputs) -> KeyPlan:
    """The key of disks, the bucket, secrets and what Kubernetes keeps."""
    return KeyPlan(
        rotation_seconds=KEY_ROTATION_SECONDS,
        destroy_scheduled_seconds=KEY_DESTROY_SECONDS[inputs.settings.environment == "prod"],
    )


def weights_egress(inputs: RegionInputs) -> tuple[EgressSpec, ...]:
    """What pods reach by themselves to read the bucket: its driver runs beside them, in their network, and not on the node as on AWS."""
    network = network_plan(inputs)
    if isinstance(network, list) or not any(cache.kind in BUCKET_KINDS for cache in inputs.caches):
        return ()
    tokens = (EgressSpec(cidr=cidr, port=port, reason="tokens of the pod's own identity") for cidr, port in METADATA_SERVER)
    return (*tokens, EgressSpec(cidr=network.google_api_cidr, port=443, reason="the bucket of weights"))


def placed(inputs: RegionInputs) -> tuple[CachePlan, ...]:
    """The region's caches, with what only the whole region shows: where servers keep what they read, and sizes that are sold."""
    return tuple(_placed(inputs, cache) for cache in inputs.caches)


def problems(inputs: RegionInputs) -> list[Problem]:
    """Why a cache could not be had where its mirror and its servers run, every reason at once."""
    return [*_volume_problems(inputs), *_read_only_problems(inputs), *filestore.problems(inputs, prices_of(inputs))]


def _placed(inputs: RegionInputs, cache: CachePlan) -> CachePlan:
    if cache.kind in BUCKET_KINDS:
        return _reading(cache, _read_cache(inputs, cache))
    if cache.kind == "shared":
        return replace(cache, size_gib=filestore.size_gib(inputs, cache))
    if cache.kind == "volume":
        disk = disk_type(pools_of(inputs, "volume"))
        return replace(cache, size_gib=volume_gib(cache, disk)) if disk else cache
    return cache


def _reading(cache: CachePlan, kept: ReadCache | None) -> CachePlan:
    """With no room to keep files in, files are streamed: the driver would otherwise keep them on the boot disk."""
    if kept or cache.static is None or not isinstance(cache.static.source, DriverSource):
        return replace(cache, read_cache=kept)
    source = cache.static.source
    streamed = tuple(option for option in source.serving_options if option not in gcs_fuse.FILE_CACHE_OPTIONS)
    return replace(cache, static=replace(cache.static, source=replace(source, serving_options=streamed)))


def _read_cache(inputs: RegionInputs, cache: CachePlan) -> ReadCache | None:
    """Disks of the machine where every machine has them, else its memory where it has room for all servers' weights beside the servers.

    A copy on the node's disks (node_local) is read from the bucket once: nothing is kept of that.
    """
    readers = [(model, pool) for model in inputs.models for pool in inputs.pools if model.cache == cache.name and model.pool == pool.name]
    if cache.kind != "bucket" or not readers:
        return None
    size = cache.size_gib
    if all(_disks_gib(pool) >= _servers(model, pool) * size for model, pool in readers):
        return _kept("", size, "ephemeral-storage-request")
    if all(_fits_memory(model, pool, size) for model, pool in readers):
        return _kept("Memory", size, "memory-request")
    return None


def _kept(medium: str, size: int, request: str) -> ReadCache:
    return ReadCache(
        volume=gcs_fuse.CACHE_VOLUME,
        medium="Memory" if medium else "",
        size_gib=size,
        pod_annotations={f"gke-gcsfuse/{request}": f"{size + SIDECAR_GIB}Gi"},
    )


def _servers(model: ModelPlan, pool: PoolPlan) -> int:
    return pool.gpus_per_node // model.tensor_parallel


def _disks_gib(pool: PoolPlan) -> int:
    """What the machine's own disks have for pods beside images."""
    shape = next(shape for shape in SHAPES if (shape.cloud, shape.machine, shape.gpus) == ("gcp", pool.machine, pool.gpus_per_node))
    return max(0, floor(shape.local_nvme_gb * 1e9 / 2**30 * DISK_SHARE) - NODE_IMAGES_GIB)


def _fits_memory(model: ModelPlan, pool: PoolPlan, size: int) -> bool:
    """Whether full pods of a node, each with its server and a copy of its weights, ask for no more than pods may have."""
    node = Node(gpus=pool.gpus_per_node, vcpus=pool.node_vcpus, memory_gib=pool.node_memory_gib)
    room = node.memory_gib_for(pool.gpus_per_node)
    return room is not None and room >= _servers(model, pool) * (model.resources.memory_request_gib + size + SIDECAR_GIB)


def _volume_problems(inputs: RegionInputs) -> list[Problem]:
    pools = pools_of(inputs, "volume")
    if not pools:
        return []
    if disk_type(pools) is None:
        return [_volume_type_problem(inputs, pools)]
    if common_zones(inputs):
        return []
    models = _models(inputs, pools)
    limit = (
        f"weights on a disk stay in one zone, and no zone of {inputs.region} has both the system's machines ({', '.join(system_zones(inputs))}) and "
        f"those of every pool whose models ask for a disk ({', '.join(models)})"
    )
    remedy = f"use bucket, or set clusters.{inputs.cluster_name}.zones to zones that sell them all"
    return [Problem(field=f"models.{models[0]}.cache.kind", value="volume", limit=limit, remedy=remedy)]


def _volume_type_problem(inputs: RegionInputs, pools: tuple[PoolPlan, ...]) -> Problem:
    """One class makes all disks of the region, and each is first at the mirror's machine and then at the server's."""
    odd = tuple(pool for pool in pools if disk_type((pool,)) is None)
    model, *_ = _models(inputs, odd)
    machines = ", ".join(sorted({pool.machine for pool in odd}))
    limit = f"the mirror writes the disk on {SYSTEM_MACHINE}, and {machines} takes none of the types that it takes"
    remedy = "use bucket, or hyperdisk_ml, which is copied from one type of disk to another"
    return Problem(field=f"models.{model}.cache.kind", value="volume", limit=limit, remedy=remedy)


def _read_only_problems(inputs: RegionInputs) -> list[Problem]:
    pools = tuple(pool for pool in pools_of(inputs, "hyperdisk_ml") if not takes(pool.machine, "hyperdisk-ml"))
    if not pools:
        return []
    model, *_ = _models(inputs, pools)
    limit = f"{', '.join(sorted({pool.machine for pool in pools}))} takes no Hyperdisk ML"
    remedy = f"use bucket or volume, or set pools.{pools[0].name}.accelerator to a GPU of another machine family than N1"
    return [Problem(field=f"models.{model}.cache.kind", value="hyperdisk_ml", limit=limit, remedy=remedy)]


def _models(inputs: RegionInputs, pools: tuple[PoolPlan, ...]) -> list[str]:
    """Models on these pools whose weights lie on disks."""
    names, disks = {pool.name for pool in pools}, {cache.name for cache in inputs.caches if cache.kind in ("volume", "hyperdisk_ml")}
    return [model.name for model in inputs.models if model.pool in names and model.cache in disks]
