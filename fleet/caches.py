"""Where the weights of one model revision lie in one cluster, and how they get there and stay whole."""

from __future__ import annotations

from collections.abc import Collection
from math import ceil, floor

from fleet import catalog, gcs_fuse, naming
from fleet.fleet_plan import CachePlan, DriverSource, FolderSource, Hydration, StaticVolumes
from fleet.model_server import engine_image
from fleet.problems import Problem
from fleet.references import Reference
from fleet.server_inputs import ServerInputs
from fleet.settings import AwsCluster, ExistingCluster, GcpCluster
from fleet.startup import (
    LOAD_GIB_PER_SECOND,
    LONGEST_IMAGE_PULL_SECONDS,
    LONGEST_NODE_SECONDS,
    MINIMUM_DEADLINE_SECONDS,
    MIRROR_GIB_PER_SECOND,
    SAFETY_FACTOR,
)

CACHE_HEADROOM = 1.25
"""A cache holds the weights, the tokenizer files and, while the mirror writes, what it has not renamed yet."""

NO_STORAGE_CLASS = ""
"""Written out, it keeps a cluster's default class from making a volume for the claim."""

SHARED_CLASS, VOLUME_CLASS = "fleet-shared", "fleet-volume"
"""Storage classes that a cloud's cluster gets: of a file system that many nodes mount, and of disks."""

HYDRATION_CLASS, READ_ONLY_CLASS, SNAPSHOT_CLASS = "fleet-hydration", "fleet-read-only", "fleet-snapshots"
"""Classes of a disk that the mirror writes, of copies of it that many nodes read, and of the snapshot between them."""

BUCKET_PREFIX = "weights/"
"""Where weights lie in a region's bucket; policies name it, so it ends in a slash."""

BUCKET_KINDS = ("bucket", "node_local")
"""Kinds whose weights lie in the region's bucket."""

BUCKET_DRIVER = "s3.csi.aws.com"
OWNER_OPTIONS = ("uid=2000", "gid=0", "allow-other")
"""The engine image's user and group (components/kubernetes/containers.py): the bucket's files have no owner of their own."""

OBJECT_STORE_FLAGS = ("--object-store",)

DISK_SHARE = 0.85
"""Of a node's disks that pods may fill: the kubelet evicts pods when less than 15 % is free for images (its default)."""

NODE_IMAGES_GIB = 60
"""On the same disks: the engine image, 11.6 GB packed and two to three times that unpacked, and the next one while it changes."""


def cache_plan(inputs: ServerInputs) -> CachePlan:
    """The cache that this placement's weights lie in; placements of the same revision and kind share it."""
    model, settings, name, kind = inputs.model, inputs.settings, inputs.cache_name, inputs.cache_kind
    static = _static(inputs)
    hydrated = kind == "hyperdisk_ml"
    on_disk = kind == "volume" or hydrated
    in_bucket = static is not None and isinstance(static.source, DriverSource)
    return CachePlan(
        name=name,
        model=model.repository,
        revision=model.revision or "",
        kind=kind,  # pyright: ignore[reportArgumentType]
        size_gib=size_gib(inputs),
        storage_class=NO_STORAGE_CLASS if static else _storage_class(inputs),
        access_mode="ReadWriteOnce" if on_disk else "ReadWriteMany",
        static=static,
        mirror_claim=f"mirror-{name}" if static or hydrated else name,
        mirror_flags=OBJECT_STORE_FLAGS if in_bucket else (),
        mirror_awaited_seconds=_mirror_seconds(inputs) if on_disk else None,
        audit_name=None if on_disk else naming.safe_name("audit", name, limit=naming.CRON_JOB),
        audit_schedule=None if on_disk else naming.weekly_schedule(settings.name, settings.environment, inputs.cluster_name, name),
        node_copy_gib=size_gib(inputs) if kind == "node_local" else None,
        mirror_image=engine_image(inputs),
        hub_token_secret=settings.secrets.hub_token,
        load_gib_per_second=LOAD_GIB_PER_SECOND[kind],
        hydration=Hydration(snapshot=name, snapshot_class=SNAPSHOT_CLASS, read_only_class=READ_ONLY_CLASS) if hydrated else None,
    )


def size_gib(inputs: ServerInputs) -> int:
    """What a cache of this placement's weights needs."""
    return ceil(inputs.model.architecture.checkpoint_gib * CACHE_HEADROOM) + 1


def problems(inputs: ServerInputs) -> list[Problem]:
    """Why this placement's servers cannot copy their weights to their node's own disks, with machines that could hold them."""
    if inputs.cache_kind != "node_local" or isinstance(inputs.cluster, ExistingCluster):
        return []
    pool, servers = inputs.pool, inputs.pool.gpus_per_node // inputs.model.tensor_parallel
    needed = servers * size_gib(inputs)
    machine = next(shape for shape in catalog.SHAPES if (shape.cloud, shape.machine) == (inputs.cluster.cloud, pool.machine))
    free = _room_gib(machine)
    if free >= needed:
        return []
    copies = f"{servers} servers with a copy of {size_gib(inputs)} GiB each" if servers > 1 else f"a copy of {size_gib(inputs)} GiB"
    limit = f"{machine.machine} has {machine.local_nvme_gb} GB of disks of its own, {free} GiB of it for weights; it must hold {copies}"
    found, others = _machines(inputs, needed, (pool.accelerator,)), _machines(inputs, needed, tuple(catalog.ACCELERATORS))
    remedy = "use bucket"
    if found:
        remedy = f"set pools.{pool.name}.machine to one that holds them: {'; '.join(found)}; or use bucket"
    elif others:
        remedy = f"use bucket, or a pool of machines with other GPUs that hold them: {'; '.join(others)}"
    return [Problem(field=f"models.{inputs.model.name}.cache.kind", value="node_local", limit=limit, remedy=remedy)]


def _machines(inputs: ServerInputs, needed_gib: int, accelerators: Collection[str]) -> list[str]:
    """Machines with as many of these GPUs that the region sells and whose disks would do, the cheapest first: three at most."""
    wanted = (inputs.cluster.cloud, inputs.pool.gpus_per_node)
    alike = [shape for shape in catalog.SHAPES if (shape.cloud, shape.gpus) == wanted and shape.accelerator in accelerators]
    sold = [shape for shape in alike if shape.sold_in(inputs.cluster.region)]
    sold.sort(key=lambda shape: (shape.usd_per_hour is None, shape.usd_per_hour or 0.0, shape.machine))
    return [shape.label for shape in sold if _room_gib(shape) >= needed_gib][:3]


def _room_gib(machine: catalog.Shape) -> int:
    return max(0, floor(machine.local_nvme_gb * 1e9 / 2**30 * DISK_SHARE) - NODE_IMAGES_GIB)


def _storage_class(inputs: ServerInputs) -> str | None:
    if isinstance(inputs.cluster, ExistingCluster):
        return inputs.cluster.storage_classes.get("cache")
    return {"shared": SHARED_CLASS, "volume": VOLUME_CLASS, "hyperdisk_ml": HYDRATION_CLASS}.get(inputs.cache_kind)


def _static(inputs: ServerInputs) -> StaticVolumes | None:
    """Names that no other fleet's volumes have: of all objects of a cache, volumes alone belong to no namespace."""
    owner = (inputs.settings.name, inputs.settings.environment, inputs.cache_name)
    serving, mirror = naming.safe_name("serving", *owner), naming.safe_name("mirror", *owner)
    if inputs.cache_folder:
        return StaticVolumes(serving_volume=serving, mirror_volume=mirror, source=FolderSource(path=inputs.cache_folder))
    if inputs.cache_kind in BUCKET_KINDS and isinstance(inputs.cluster, AwsCluster):
        return StaticVolumes(serving_volume=serving, mirror_volume=mirror, source=_s3_bucket(inputs.cluster.region, serving, mirror))
    if inputs.cache_kind in BUCKET_KINDS and isinstance(inputs.cluster, GcpCluster):
        source = _gcs_bucket(serving, mirror, kept=inputs.cache_kind == "bucket")
        return StaticVolumes(serving_volume=serving, mirror_volume=mirror, source=source)
    return None


def _s3_bucket(region: str, serving: str, mirror: str) -> DriverSource:
    """The region's bucket through Mountpoint, with the role of each pod's own service account (docs/adr/0041).

    Options are written as the driver's documentation writes them. The region is named because pods cannot ask the node for
    it, and the owner of the bucket is checked so that a bucket of the same name in another account is never read.
    """
    options = (
        f"region {region}",
        f"prefix {BUCKET_PREFIX}",
        *OWNER_OPTIONS,
        Reference("account", prefix="expected-bucket-owner "),
    )
    return DriverSource(
        driver=BUCKET_DRIVER,
        serving_handle=serving,
        mirror_handle=mirror,
        attributes={"bucketName": Reference("bucket_name"), "authenticationSource": "pod"},
        serving_options=(*options, "read-only"),
        mirror_options=(*options, "allow-delete", "allow-overwrite"),
    )


def _gcs_bucket(serving: str, mirror: str, *, kept: bool) -> DriverSource:
    """The region's bucket through Cloud Storage FUSE, with the identity of each pod's own service account.

    Args:
        serving: name of the servers' volume.
        mirror: name of the mirror's volume.
        kept: whether servers may keep what they read; a copy on the node's disks is read once.
    """
    folder = f"only-dir={BUCKET_PREFIX.rstrip('/')}"
    return DriverSource(
        driver=gcs_fuse.DRIVER,
        serving_handle=gcs_fuse.handle(serving),
        mirror_handle=gcs_fuse.handle(mirror),
        attributes=gcs_fuse.ATTRIBUTES,
        serving_options=(folder, *gcs_fuse.READ_OPTIONS, *(gcs_fuse.FILE_CACHE_OPTIONS if kept else ())),
        mirror_options=(folder, *gcs_fuse.WRITE_OPTIONS),
        pod_annotations=gcs_fuse.POD_ANNOTATIONS,
    )


def _mirror_seconds(inputs: ServerInputs) -> int:
    """The longest first mirror: a node, the image, and every file at half the expected speed."""
    download = ceil(SAFETY_FACTOR * inputs.model.architecture.checkpoint_gib / MIRROR_GIB_PER_SECOND)
    return max(MINIMUM_DEADLINE_SECONDS, LONGEST_NODE_SECONDS + LONGEST_IMAGE_PULL_SECONDS + download)
