"""How large the disk is that a machine starts from: what lies on it, whoever sells it."""

from __future__ import annotations

from math import ceil

from fleet.startup import IMAGE_GB

GIB_PER_GB = 1e9 / 2**30

UNPACKED = 2.5
"""Size of an unpacked image for each byte that is pulled: the engine's and others with CUDA are two to three times as large."""

IMAGE_GIB = IMAGE_GB * (1 + UNPACKED) * GIB_PER_GB
"""The engine image while it is unpacked: what was downloaded stays on disk until then, with SOCI's parallel pull as with containerd's own."""

SYSTEM_GIB = 20
"""The operating system with NVIDIA's driver, and the images of add-ons."""

LOGS_GIB, SCRATCH_GIB = 10, 50
"""Logs of containers (the kubelet keeps 5 × 10 MiB of each), and what pods write beside their caches: compiled kernels, temporary files."""

IMAGE_COLLECTION_SHARE = 0.85
"""Of its file system: above it the kubelet deletes images (its default), and an image that is deleted is pulled again."""

GPU_ROOT_MINIMUM_GIB = 200
"""What public guides for images of 8 to 12 GB advise; below it, the second version of an image during an update fills the disk."""


def system_gib() -> int:
    """Of a machine without GPUs: one engine image, because the mirror of weights runs there."""
    return _rounded(SYSTEM_GIB + LOGS_GIB + IMAGE_GIB)


def gpu_gib() -> int:
    """Of a machine with GPUs: two engine images, the old one and the new one of an update."""
    return max(GPU_ROOT_MINIMUM_GIB, _rounded(SYSTEM_GIB + LOGS_GIB + SCRATCH_GIB + 2 * IMAGE_GIB))


def _rounded(used_gib: float) -> int:
    """A disk on which that much stays below where the kubelet begins to delete images, in tens of GiB."""
    return ceil(used_gib / IMAGE_COLLECTION_SHARE / 10) * 10
