"""The part of the plan that says where weights lie: everything decided, nothing created."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Literal

from fleet.references import PublishedAs, Reference


@dataclass(frozen=True, kw_only=True)
class FolderSource:
    """A folder that every node mounts at the same path."""

    path: str
    """Absolute, as the nodes see it."""
    kind: Literal["folder"] = "folder"
    """Tells this source from those of a container storage interface driver."""


@dataclass(frozen=True, kw_only=True)
class DriverSource:
    """A place that a container storage interface driver mounts, the same one for servers and mirror."""

    driver: str
    """Name of the driver, for example s3.csi.aws.com."""
    serving_handle: Annotated[str | Reference, PublishedAs("string")]
    """What the driver knows the servers' volume by. A node mounts each handle once, so no other volume has it."""
    mirror_handle: Annotated[str | Reference, PublishedAs("string")]
    """What the driver knows the mirror's volume by."""
    attributes: Annotated[Mapping[str, str | Reference], PublishedAs("object")]
    """The driver's own words for the place. Values that only the cloud knows stand as ${name}."""
    serving_options: Annotated[tuple[str | Reference, ...], PublishedAs("array")]
    """Options of the mount that servers read through."""
    mirror_options: Annotated[tuple[str | Reference, ...], PublishedAs("array")]
    """Options of the mount that the mirror writes through."""
    pod_annotations: Mapping[str, str] = field(default_factory=dict[str, str])
    """What pods that mount it must say of themselves: some drivers put a container of their own beside the others."""
    kind: Literal["driver"] = "driver"
    """Tells this source from a folder."""


@dataclass(frozen=True, kw_only=True)
class ReadCache:
    """A volume of each serving pod in which its driver keeps what it read."""

    volume: str
    """Name that the driver looks for."""
    medium: Literal["Memory", ""]
    """Memory of the machine, or its own disks."""
    size_gib: int
    pod_annotations: Mapping[str, str] = field(default_factory=dict[str, str])
    """What serving pods say of themselves so that room for it is reserved: the driver's container fills it, not the server's."""


@dataclass(frozen=True, kw_only=True)
class Hydration:
    """A disk that one pod writes, and of which many nodes then read copies: written once, photographed, copied into each zone."""

    snapshot: str
    """Name of the VolumeSnapshot that is taken when the mirror is done."""
    snapshot_class: str
    read_only_class: str
    """Storage class that makes the copies, whose claim many nodes mount and none writes."""


@dataclass(frozen=True, kw_only=True)
class StaticVolumes:
    """Two PersistentVolumes over one place that exists already: no provisioner makes, empties or deletes it."""

    serving_volume: str
    """Name of the volume that many nodes mount and none writes."""
    mirror_volume: str
    """Name of the volume that the mirror writes."""
    source: FolderSource | DriverSource


CacheKind = Literal["bucket", "volume", "shared", "node_local", "hyperdisk_ml"]


@dataclass(frozen=True, kw_only=True)
class CacheOffer:
    """What one kind of cache would cost and take for the same weights."""

    kind: CacheKind
    load_seconds: int
    """From the start of a new server's pod until its weights are in GPU memory, apart from images and the engine."""
    usd_per_month: float | None
    """List price of what lies there; disks of a machine belong to its price. Null where no public table with a date has it."""
    usd_per_load: float
    """List price of reading the weights once."""


@dataclass(frozen=True, kw_only=True)
class CachePlan:
    """The weights of one model revision in one cluster, filled once by a mirror Job, mounted read-only by its servers."""

    name: str
    """Name of the claim that servers mount and, with a prefix, of the Job: model and revision, so that a new revision is a new cache."""
    model: str
    revision: str
    kind: CacheKind
    size_gib: int
    storage_class: str | None
    """The class that makes the volume; empty where the volumes are static."""
    access_mode: Literal["ReadWriteMany", "ReadWriteOnce"]
    """Of the claim that a storage class makes a volume for: Once is a disk, which one node has at a time."""
    static: StaticVolumes | None
    """Volumes of our own description; null where a storage class makes one."""
    mirror_claim: str
    """Name of the claim that the mirror and the audit write through: the servers' own where a storage class made the volume."""
    mirror_flags: tuple[str, ...]
    """Arguments of the mirror and the audit that say what kind of place they write to."""
    mirror_awaited_seconds: int | None
    """Servers are made when the mirror is done, for which an update waits this long at most; null: they are made at once and wait themselves."""
    audit_name: str | None
    """Name of the CronJob that compares every file with the marker and mirrors again what is damaged; null where a server holds the disk."""
    audit_schedule: str | None
    """When it starts, as a cron expression in UTC: weekly, at a minute of this cache's own."""
    node_copy_gib: int | None
    """Limit of the copy that each server makes on its node's own disks before it starts; null: servers read the cache itself."""
    mirror_image: str
    hub_token_secret: str | None
    load_gib_per_second: float
    read_cache: ReadCache | None = None
    """Room in which each server's driver keeps what it read; null: it keeps nothing, or the node does."""
    hydration: Hydration | None = None
    """Where servers read copies of the mirror's disk instead of the disk itself."""
    offers: tuple[CacheOffer, ...] = ()
    """What each kind would cost and take here, the chosen one first; empty where the storage is somebody else's."""
