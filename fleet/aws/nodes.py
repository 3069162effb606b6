"""Node groups of an AWS region: the system's, one for each rung of each GPU pool, and the order in which rungs are tried."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, cast

from fleet import naming
from fleet.aws.inputs import RegionInputs
from fleet.aws.launch import ephemeral_gib, gpu_launch, system_launch
from fleet.aws.network import network_plan, pool_zones
from fleet.aws.offerings import SYSTEM_MACHINE
from fleet.aws.plan import NodeGroupPlan
from fleet.aws.spot import names, shape, spot_machines
from fleet.catalog import Shape
from fleet.fleet_plan import PoolPlan
from fleet.placement import GPU_RESOURCE
from fleet.problems import PlanError
from fleet.settings.pools import Reservation
from fleet.taints import Taint

Rung = Literal["on_demand", "spot", "reservation", "capacity_block"]
CapacityType = Literal["ON_DEMAND", "SPOT", "CAPACITY_BLOCK"]

RUNG_NAMES: Mapping[Rung, str] = {"on_demand": "od", "spot": "spot", "reservation": "odcr", "capacity_block": "cb"}
CAPACITY_TYPES: Mapping[Rung, CapacityType] = {
    "on_demand": "ON_DEMAND",
    "spot": "SPOT",
    "reservation": "ON_DEMAND",
    "capacity_block": "CAPACITY_BLOCK",
}
RESERVED = ("reservation", "capacity_block")

SYSTEM_IMAGE = "AL2023_x86_64_STANDARD"
SYSTEM_NODES = {True: 3, False: 2}
"""In prod one for each zone of the control plane; two elsewhere, so that one can be replaced."""

GPU_IMAGES = {"al2023": "AL2023_x86_64_NVIDIA", "bottlerocket": "BOTTLEROCKET_x86_64_NVIDIA"}

NODE_GROUP_NAME = 63
RANDOM_SUFFIX = 26
"""The AWS provider appends 18 digits of the time and 8 of a counter to a prefix."""

PRIORITY_STEP = 10
LAST_PRIORITY = 1
"""Of groups that no expression names; without it Cluster Autoscaler would never grow them."""


@dataclass(frozen=True, kw_only=True)
class _Group:
    """One rung of a pool, or its part in one zone."""

    pool: PoolPlan
    rung: Rung
    position: int
    zone: str | None
    """The only zone, where weights on a disk tie the pool's pods to a zone."""
    machines: tuple[Shape, ...]
    zone_ids: tuple[str, ...]
    reservation: Reservation | None
    keeps_minimum: bool
    """Whether the pool's least number of machines is kept here."""

    @property
    def ending(self) -> str:
        """What tells this group from the pool's others, for example `spot` or `od-az1`."""
        return RUNG_NAMES[self.rung] + (f"-{self.zone.rpartition('-')[2]}" if self.zone else "")


def node_groups(inputs: RegionInputs) -> tuple[NodeGroupPlan, ...]:
    """Every node group of the region, the system's first.

    Raises:
        PlanError: the region cannot have the network that the groups lie in.
    """
    return (_system(inputs), *(_gpu(inputs, group) for group in _groups(inputs)))


def expander_priorities(inputs: RegionInputs) -> Mapping[int, tuple[str, ...]]:
    """Priorities of Cluster Autoscaler's expander, highest first: expressions on names of Auto Scaling groups.

    The position of a rung in its own pool's ladder decides, because only groups of one pool ever compete for a pod.
    """
    found: dict[int, tuple[str, ...]] = {}
    for group in sorted(_groups(inputs), key=lambda group: group.position):
        priority = PRIORITY_STEP * (len(RUNG_NAMES) - group.position)
        found[priority] = (*found.get(priority, ()), f"^eks-{prefix(group.pool.name, group.ending)}.*")
    return {**found, LAST_PRIORITY: (".*",)}


def prefix(pool: str, ending: str) -> str:
    """What the name of a group of this pool begins with: pool, rung and, where pools are split by zone, zone.

    The pool's own hyphens become underscores, which no pool has: so no prefix is the beginning of another pool's, and
    expressions on names mean one group each.
    """
    tail = f"-{ending}-"
    room = NODE_GROUP_NAME - RANDOM_SUFFIX - len(tail)
    return naming.safe_name(pool, limit=room).replace("-", "_") + tail


def _groups(inputs: RegionInputs) -> Iterator[_Group]:
    """The pool's least number is kept on its first rung, a capacity block left out: that is empty before and after its time."""
    for pool in inputs.pools:
        tied = _tied_to_zones(inputs, pool)
        lasting = [rung for rung in pool.capacity if rung != "capacity_block"]
        for position, name in enumerate(pool.capacity):
            rung = cast("Rung", name)
            machines = spot_machines(inputs, pool) if rung == "spot" else (shape(pool.machine),)
            reservation = inputs.settings.pools[pool.name].reservations.get(inputs.cluster_name) if rung in RESERVED else None
            zones = (reservation.zone,) if reservation else pool_zones(inputs, pool, names(machines))
            for zone in zones if tied else (None,):
                yield _Group(
                    pool=pool,
                    rung=rung,
                    position=position,
                    zone=zone,
                    machines=machines,
                    zone_ids=(zone,) if zone else zones,
                    reservation=reservation,
                    keeps_minimum=lasting[:1] == [rung] and zone in (None, zones[0]),
                )


def _tied_to_zones(inputs: RegionInputs, pool: PoolPlan) -> bool:
    """Whether a model of the pool has its weights on a disk of one zone.

    Cluster Autoscaler takes one zone of an empty group for all of them, and would not grow a group of three zones for a
    pod that must run in another one of the three.
    """
    disks = {cache.name for cache in inputs.caches if cache.kind == "volume"}
    return any(model.pool == pool.name and model.cache in disks for model in inputs.models)


def _system(inputs: RegionInputs) -> NodeGroupPlan:
    nodes = SYSTEM_NODES[inputs.settings.environment == "prod"]
    network = network_plan(inputs)
    if isinstance(network, list):
        raise PlanError(network)
    launch = system_launch()
    labels = {"workload": "system"}
    return NodeGroupPlan(
        name="system",
        prefix="system-",
        pool=None,
        rung="on_demand",
        capacity_type="ON_DEMAND",
        ami_type=SYSTEM_IMAGE,
        instance_types=(SYSTEM_MACHINE,),
        zone_ids=tuple(zone.zone_id for zone in network.zones if zone.control_plane),
        min_nodes=nodes,
        max_nodes=2 * nodes,
        first_nodes=nodes,
        labels=labels,
        taints=(),
        max_unavailable=1,
        update_strategy="DEFAULT",
        repairs_stop_above=_repair_limit(nodes),
        launch=launch,
        autoscaling_tags=_autoscaling_tags(inputs, labels, (), {"ephemeral-storage": f"{ephemeral_gib(launch)}Gi"}),
    )


def _gpu(inputs: RegionInputs, group: _Group) -> NodeGroupPlan:
    """A rung's group. Each may hold the whole pool, whose limit is what its models ask for at most (fleet/rollout.py).

    An update replaces a machine only after it is gone (MINIMAL): it never needs a GPU more than the pool has.
    """
    pool = group.pool
    launch = gpu_launch(inputs.cluster.node_image, group.machines, group.rung, group.reservation)
    least = pool.min_nodes if group.keeps_minimum else 0
    resources = {"ephemeral-storage": f"{ephemeral_gib(launch, group.machines)}Gi", GPU_RESOURCE: f"{pool.gpus_per_node}"}
    return NodeGroupPlan(
        name=f"{pool.name}-{group.ending}",
        prefix=prefix(pool.name, group.ending),
        pool=pool.name,
        rung=group.rung,
        capacity_type=CAPACITY_TYPES[group.rung],
        ami_type=GPU_IMAGES[inputs.cluster.node_image],
        instance_types=names(group.machines),
        zone_ids=group.zone_ids,
        min_nodes=least,
        max_nodes=pool.max_nodes,
        first_nodes=least,
        labels=pool.node_labels,
        taints=pool.node_taints,
        max_unavailable=1,
        update_strategy="MINIMAL",
        repairs_stop_above=_repair_limit(pool.max_nodes),
        launch=launch,
        autoscaling_tags=_autoscaling_tags(inputs, pool.node_labels, pool.node_taints, resources),
    )


def _autoscaling_tags(inputs: RegionInputs, labels: Mapping[str, str], taints: tuple[Taint, ...], resources: Mapping[str, str]) -> Mapping[str, str]:
    """What Cluster Autoscaler reads of a group without machines: it finds the group by the first two, the rest describes a machine of it."""
    template = "k8s.io/cluster-autoscaler/node-template"
    return {
        "k8s.io/cluster-autoscaler/enabled": "true",
        f"k8s.io/cluster-autoscaler/{inputs.name}": "owned",
        **{f"{template}/label/{key}": value for key, value in labels.items()},
        **{f"{template}/taint/{taint.key}": f"{taint.value}:{taint.effect}" for taint in taints},
        **{f"{template}/resources/{key}": value for key, value in resources.items()},
    }


def _repair_limit(nodes: int) -> int:
    """Half of the machines: more of them ill at once have a common cause, and replacing them would only cost the others' place."""
    return max(1, nodes // 2)
