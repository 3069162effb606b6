"""Which disks a machine of Google takes, by its family.

Source: the table that the driver for persistent disks labels nodes from (deploy/disk_type_labels.sh of
kubernetes-sigs/gcp-compute-persistent-disk-csi-driver, commit b560165c of 2026-08-18); what it has for confidential machines only is left
out. It knows one a3, and a3-ultragpu takes no Persistent Disk: Vertex AI starts it from Hyperdisk Balanced alone (DiskSpec of its API,
2026-04-01), as do Google's own blueprints for clusters of a3-ultragpu and a4 (GoogleCloudPlatform/cluster-toolkit, 2026-06-25).
"""

from __future__ import annotations

from typing import Literal

DiskType = Literal["pd-balanced", "hyperdisk-balanced", "hyperdisk-ml"]

LOCAL_SSD_GB = 375
"""One disk of the machine itself: 16 of them are the 6000 GB of a3-highgpu-8g, 32 the 12000 GB of a4-highgpu-8g (cluster-toolkit)."""

DISKS: dict[str, frozenset[DiskType]] = {
    "e2": frozenset({"pd-balanced"}),
    "n1": frozenset({"pd-balanced"}),
    "g2": frozenset({"pd-balanced", "hyperdisk-ml"}),
    "a2": frozenset({"pd-balanced", "hyperdisk-ml"}),
    "a3": frozenset({"pd-balanced", "hyperdisk-balanced", "hyperdisk-ml"}),
    "a3-ultragpu": frozenset({"hyperdisk-balanced", "hyperdisk-ml"}),
    "g4": frozenset({"hyperdisk-balanced", "hyperdisk-ml"}),
    "a4": frozenset({"hyperdisk-balanced", "hyperdisk-ml"}),
}
"""Of each family, or of some of its machines where they differ. None but these is in the catalogue, or the system's (e2).
Of families without GPUs n2, c3, c3d and c4a take a Hyperdisk ML."""


def balanced_disk(machine: str) -> DiskType:
    """The type between price and speed: to start from, and for volumes that one machine writes. Persistent Disk where it is taken.

    Raises:
        KeyError: the family is not in the table.
    """
    return "pd-balanced" if takes(machine, "pd-balanced") else "hyperdisk-balanced"


def takes(machine: str, disk: DiskType) -> bool:
    """Whether a disk of this type can be attached to the machine.

    Raises:
        KeyError: the family is not in the table.
    """
    family, kind, *_ = machine.split("-")
    return disk in DISKS.get(f"{family}-{kind}", DISKS[family])


def local_ssd_count(local_ssd_gb: int) -> int:
    """How many disks of its own a machine has, by what the catalogue says of them together."""
    return local_ssd_gb // LOCAL_SSD_GB
