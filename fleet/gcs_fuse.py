"""The bucket of a Google region as a folder: Cloud Storage FUSE, whose process runs in a container beside those that mount it.

Spellings: sources of the driver, GoogleCloudPlatform/gcs-fuse-csi-driver of 2026-08-21, and of Cloud Storage FUSE itself.
"""

from __future__ import annotations

from collections.abc import Mapping

from fleet.references import Reference

DRIVER = "gcsfuse.csi.storage.gke.io"

CACHE_VOLUME = "gke-gcsfuse-cache"
"""Name of the pod's volume in which the driver keeps what was read; a pod that has none gets one on the node's disk."""

ATTRIBUTES: Mapping[str, str] = {"skipCSIBucketAccessCheck": "true"}
"""The driver's container asks whether it may read the bucket; the driver on the node need not ask as well (its troubleshooting page)."""

OWNER_OPTIONS = ("uid=2000", "gid=0", "file-mode=664", "dir-mode=775")
"""The engine image's user and group, as on AWS: objects have neither, and the kernel checks these."""

FOLDER_OPTIONS = ("implicit-dirs", *OWNER_OPTIONS)
"""A folder is there where an object lies in it, whoever wrote it."""

READ_OPTIONS = (
    *FOLDER_OPTIONS,
    "ro",
    "read_ahead_kb=1024",
    "metadata-cache:ttl-secs:60",
    "metadata-cache:stat-cache-max-size-mb:-1",
    "metadata-cache:type-cache-max-size-mb:-1",
    "metadata-cache:negative-ttl-secs:0",
)
"""What is not there yet is asked for again each time, because servers wait for the marker that the mirror writes last. What is there is asked
for again after a minute, the driver's default: a gate that waits for a damaged file must see that the audit replaced it."""

FILE_CACHE_OPTIONS = (
    "file-cache:max-size-mb:-1",
    "file-cache:cache-file-for-range-read:true",
    "file-cache:enable-parallel-downloads:true",
)
"""Whole files are fetched in parallel parts into the cache volume, and no more than it holds. Only where that is memory or a disk of the machine
itself: writing to a boot disk would be slower than reading the bucket."""

WRITE_OPTIONS = (
    *FOLDER_OPTIONS,
    "metadata-cache:ttl-secs:0",
    "metadata-cache:negative-ttl-secs:0",
    "write:enable-streaming-writes:true",
    "write:global-max-blocks:-1",
)
"""The mirror sees what another mirror wrote, and sends what it writes at once, without room for whole files on its machine. The driver's own
limit of files that are sent at once, 4 on small machines, would put the fifth on the machine's disk; the script writes no more than that, 96 MiB
of memory each (docs/semantics.md of Cloud Storage FUSE)."""

POD_ANNOTATIONS: Mapping[str, str] = {
    "gke-gcsfuse/volumes": "true",
    "gke-gcsfuse/cpu-request": "100m",
    "gke-gcsfuse/memory-request": "256Mi",
    "gke-gcsfuse/ephemeral-storage-request": "1Gi",
    "gke-gcsfuse/cpu-limit": "0",
    "gke-gcsfuse/memory-limit": "0",
    "gke-gcsfuse/ephemeral-storage-limit": "0",
}
"""The container beside: asks for little, so that it fits beside servers that fill their machine, and has no limits (0), because a cache in
memory and parallel downloads count as its own. Room for them is reserved where the cache is planned (fleet/gcp/storage.py)."""


def handle(volume: str) -> Reference:
    """What the driver knows a volume over the region's bucket by: it reads the bucket's name up to the colon, and Kubernetes the whole."""
    return Reference("bucket_name", suffix=f":{volume}")
