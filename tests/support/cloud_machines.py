"""The machines that node groups and node pools of a cloud describe, with the labels and taints that the cloud itself adds, as simulated nodes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from fleet.aws.plan import NodeGroupPlan
from fleet.catalog import SHAPES
from fleet.fleet_plan import ClusterPlan, Taint
from fleet.gcp.plan import NodePoolPlan
from fleet.placement import GPU_RESOURCE, INSTANCE_TYPE_LABEL, gpu_taint
from local.nodes import NodeSpec
from tests.support.simulated_volume_drivers import GOOGLE_ZONE, ZONE
from tests.support.stand_in_aws.account import zone_names

SYSTEM_VCPUS, SYSTEM_MEMORY_GIB = 4, 16.0
"""Of SYSTEM_MACHINE of both clouds (fleet/aws/offerings.py, fleet/gcp/offerings.py), which is in no table of GPU machines."""

GKE_POOL_LABEL, GKE_GPU_LABEL = "cloud.google.com/gke-nodepool", "cloud.google.com/gke-accelerator"

GPU_TAG = f"k8s.io/cluster-autoscaler/node-template/resources/{GPU_RESOURCE}"


@dataclass(frozen=True, kw_only=True)
class MachineGroup:
    """Machines that are alike but for their zone."""

    name: str
    """Resource name inside the cluster."""
    pool: str | None
    """None: the system's."""
    machine: str
    gpus: int
    most: int
    zones: tuple[str, ...]
    labels: Mapping[str, str]
    taints: tuple[Taint, ...]


def machines(cluster: ClusterPlan) -> dict[str, tuple[MachineGroup, NodeSpec]]:
    """Every machine that a cluster may have, by name. What a kubelet says of itself is added to the group's labels."""
    found: dict[str, tuple[MachineGroup, NodeSpec]] = {}
    for group in _groups(cluster):
        for index in range(group.most):
            name = f"{group.name}-{index}"
            found[name] = (group, _machine(name, cluster, group.zones[index % len(group.zones)], group))
    return found


def _groups(cluster: ClusterPlan) -> Iterator[MachineGroup]:
    if cluster.gcp:
        yield from (_of_google(pool) for pool in cluster.gcp.node_pools)
    else:
        zones = zone_names(cluster.region)
        yield from (_of_aws(group, zones) for group in cluster.aws_plan.node_groups)


def _of_aws(group: NodeGroupPlan, zones: Mapping[str, str]) -> MachineGroup:
    return MachineGroup(
        name=group.name,
        pool=group.pool,
        machine=group.instance_types[0],
        gpus=int(group.autoscaling_tags.get(GPU_TAG, "0")),
        most=group.max_nodes,
        zones=tuple(zones[one] for one in group.zone_ids),
        labels=group.labels,
        taints=group.taints,
    )


def _of_google(pool: NodePoolPlan) -> MachineGroup:
    """GKE writes the pool's name and the GPU on a machine, and keeps pods without a GPU away from it."""
    gpus = pool.accelerator
    return MachineGroup(
        name=pool.name,
        pool=pool.pool,
        machine=pool.machine,
        gpus=gpus.count if gpus else 0,
        most=pool.max_nodes,
        zones=pool.zones,
        labels={GKE_POOL_LABEL: pool.pool_name, **({GKE_GPU_LABEL: gpus.type} if gpus else {}), **pool.labels},
        taints=(*pool.taints, *((gpu_taint("gcp"),) if gpus else ())),
    )


def _machine(name: str, cluster: ClusterPlan, zone: str, group: MachineGroup) -> NodeSpec:
    """The driver of Google's disks knows zones by a key of its own, which the kubelet writes on its machine."""
    shape = next((one for one in SHAPES if (one.cloud, one.machine) == (cluster.cloud, group.machine)), None)
    own = {
        "kubernetes.io/arch": "amd64",
        "kubernetes.io/hostname": name,
        "kubernetes.io/os": "linux",
        "topology.kubernetes.io/region": cluster.region,
        ZONE: zone,
        INSTANCE_TYPE_LABEL: group.machine,
        **({GOOGLE_ZONE: zone} if cluster.gcp else {}),
    }
    return NodeSpec(
        name=name,
        vcpus=shape.vcpus if shape else SYSTEM_VCPUS,
        memory_gib=shape.memory_gib if shape else SYSTEM_MEMORY_GIB,
        gpus=group.gpus,
        labels={**own, **group.labels},
        taints=group.taints,
    )
