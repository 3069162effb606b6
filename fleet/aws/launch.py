"""Launch templates: disks of a machine, what it reads at its first start, and which reservation it takes."""

from __future__ import annotations

from math import floor

from fleet.aws.plan import LaunchTemplatePlan, VolumePlan
from fleet.caches import DISK_SHARE
from fleet.catalog import Shape
from fleet.root_disks import GIB_PER_GB, gpu_gib, system_gib
from fleet.settings.pools import Reservation

GP3_BASE_IOPS, GP3_MOST_IOPS = 3000, 80_000
GP3_BASE_MIB_PER_SECOND, GP3_MOST_MIB_PER_SECOND = 125, 2000
"""What every gp3 volume has, and the most that one can be given (EC2 API model of botocore 1.44.8)."""

GP3_IOPS_PER_GIB = 500
GP3_IOPS_PER_MIB_PER_SECOND = 4
"""Limits between the three: 500 IOPS for each GiB above the 3000 of every volume, 0.25 MiB/s for each of them (EBS user guide)."""

GPU_ROOT_IOPS = 6000
GPU_ROOT_MIB_PER_SECOND = 600
"""With how much AWS's blueprint for parallel image pulls (SOCI, 2026) says to start. It counts where a machine has no disks of its own."""

EBS_MB_PER_SECOND = {
    **dict.fromkeys(("g4dn.xlarge", "g4dn.2xlarge", "g5.xlarge", "g5.2xlarge"), 437.5),
    **dict.fromkeys(("g4dn.4xlarge", "g5.4xlarge"), 593.75),
    **dict.fromkeys(("g6.xlarge", "g6.2xlarge", "g6e.xlarge", "g6e.2xlarge", "g7e.2xlarge"), 625.0),
    **dict.fromkeys(("g6.4xlarge", "g6e.4xlarge"), 1000.0),
    "g4dn.12xlarge": 1187.5,
    "p5.4xlarge": 1250.0,
    **dict.fromkeys(("g5.8xlarge", "g5.12xlarge", "g6.8xlarge", "g6e.8xlarge"), 2000.0),
}
"""Decimal megabytes per second that a machine moves from and to all its EBS volumes, where that is less than one gp3 volume can
(EbsOptimizedInfo.MaximumThroughputInMBps of DescribeInstanceTypes, snapshot in moto 5.2.5). Machines called xlarge and 2xlarge
reach it in bursts and have a lower baseline. Live: aws ec2 describe-instance-types --query 'InstanceTypes[].EbsInfo'."""

HOP_LIMIT = 1

ROOT_DEVICE = "/dev/xvda"
BOTTLEROCKET_DATA_DEVICE = "/dev/xvdb"
BOTTLEROCKET_SYSTEM_GIB = 10
"""Bottlerocket's own volume: room above its snapshot, which has a few GiB and may grow."""

BOUNDARY = "//"
NODE_CONFIG = """MIME-Version: 1.0
Content-Type: multipart/mixed; boundary="{boundary}"

--{boundary}
Content-Type: application/node.eks.aws

apiVersion: node.eks.aws/v1alpha1
kind: NodeConfig
spec:
{disks}  featureGates:
    FastImagePull: true

--{boundary}--
"""
NODE_CONFIG_DISKS = """  instance:
    localStorage:
      strategy: RAID0
"""

BOTTLEROCKET_PULL = """[settings.container-runtime]
snapshotter = "soci"

[settings.container-runtime-plugins.soci-snapshotter]
pull-mode = "parallel-pull-unpack"

[settings.container-runtime-plugins.soci-snapshotter.parallel-pull-unpack]
max-concurrent-downloads-per-image = 20
concurrent-download-chunk-size = "16mb"
max-concurrent-unpacks-per-image = 12
discard-unpacked-layers = true
"""
"""Amazon Linux 2023 has these numbers behind FastImagePull; Bottlerocket's defaults pull and unpack almost one by one."""

BOTTLEROCKET_DISKS = """
[settings.bootstrap-commands.node-disks]
commands = [
    ["apiclient", "ephemeral-storage", "init"],
    ["apiclient", "ephemeral-storage", "bind", "--dirs", "/var/lib/containerd", "/var/lib/kubelet", "/var/log/pods", "/var/lib/soci-snapshotter"],
]
essential = true
mode = "always"
"""
"""Bottlerocket's documented commands: the machine's own disks become one array, which a reboot finds again."""


def system_launch() -> LaunchTemplatePlan:
    """Machines of the system: Amazon Linux, and one engine image, because the mirror of weights runs there."""
    return LaunchTemplatePlan(
        root_gib=system_gib(),
        root_device=ROOT_DEVICE,
        root_iops=GP3_BASE_IOPS,
        root_throughput_mib_per_second=GP3_BASE_MIB_PER_SECOND,
        user_data="",
        metadata_hop_limit=HOP_LIMIT,
    )


def gpu_launch(node_image: str, machines: tuple[Shape, ...], rung: str, reservation: Reservation | None) -> LaunchTemplatePlan:
    """Machines of one rung of a GPU pool.

    Args:
        node_image: al2023 or bottlerocket.
        machines: every type of the group; what one of them lacks is not counted on.
        rung: how they are bought.
        reservation: what the rungs `reservation` and `capacity_block` take.
    """
    bottlerocket, disks = node_image == "bottlerocket", own_disks(machines)
    return LaunchTemplatePlan(
        root_gib=gpu_gib(),
        root_device=BOTTLEROCKET_DATA_DEVICE if bottlerocket else ROOT_DEVICE,
        root_iops=GPU_ROOT_IOPS,
        root_throughput_mib_per_second=min(GPU_ROOT_MIB_PER_SECOND, volume_limit(machines)),
        user_data=_settings(disks=disks) if bottlerocket else _node_config(disks=disks),
        metadata_hop_limit=HOP_LIMIT,
        extra_volumes=(VolumePlan(device=ROOT_DEVICE, gib=BOTTLEROCKET_SYSTEM_GIB),) if bottlerocket else (),
        market="capacity-block" if rung == "capacity_block" else None,
        reservation_id=reservation.id if reservation and rung in ("reservation", "capacity_block") else None,
        reservation_preference="capacity-reservations-only" if rung == "reservation" and not reservation else None,
    )


def own_disks(machines: tuple[Shape, ...]) -> bool:
    """Whether every type has disks of its own, which then hold images, logs and files of pods."""
    return all(machine.local_nvme_gb for machine in machines)


def volume_limit(machines: tuple[Shape, ...]) -> int:
    """MiB per second that one gp3 volume can give to the fastest of these machines: more than that is paid for and never seen."""
    limits = [EBS_MB_PER_SECOND.get(machine.machine) for machine in machines]
    known = [limit for limit in limits if limit is not None]
    if not known or len(known) < len(limits):
        return GP3_MOST_MIB_PER_SECOND
    return min(GP3_MOST_MIB_PER_SECOND, floor(max(known) * 1e6 / 2**20))


def ephemeral_gib(launch: LaunchTemplatePlan, machines: tuple[Shape, ...] = ()) -> int:
    """Storage that pods may use on the smallest of these machines: of its own disks, or of its root volume."""
    if machines and own_disks(machines):
        return floor(min(machine.local_nvme_gb for machine in machines) * GIB_PER_GB * DISK_SHARE)
    return floor(launch.root_gib * DISK_SHARE)


def _node_config(*, disks: bool) -> str:
    """For Amazon Linux: EKS adds the part with the cluster's coordinates, and the kubelet's settings stay those of the image."""
    return NODE_CONFIG.format(boundary=BOUNDARY, disks=NODE_CONFIG_DISKS if disks else "")


def _settings(*, disks: bool) -> str:
    """For Bottlerocket; EKS reads only simple TOML: tables and keys without quotes."""
    return BOTTLEROCKET_PULL + (BOTTLEROCKET_DISKS if disks else "")
