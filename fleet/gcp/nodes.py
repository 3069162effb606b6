"""Node pools of a region of Google Cloud: the system's, and one for each rung of each GPU pool.

What differs from AWS:

- One pool is one machine type, also on spot: no larger machines stand in.
- A pool has a group of machines in each zone, so the autoscaler knows which zone a pod's disk ties it to, and no pool is split by zone.
- Which rung grows is GKE's choice, the cheapest that it gets; only a ComputeClass keeps the order (fleet/gcp/compute_classes.py).
- Reservations are taken by the pools of that rung alone. Elsewhere a machine on demand would use one up that another pool counts on.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from math import ceil
from typing import Literal, cast

from fleet import naming
from fleet.catalog import SHAPES, Shape, accelerator
from fleet.fleet_plan import PoolPlan
from fleet.gcp.disks import balanced_disk, local_ssd_count
from fleet.gcp.inputs import RegionInputs
from fleet.gcp.network import GPU_PODS_PER_NODE, SYSTEM_GROWTH, SYSTEM_NODES, SYSTEM_PODS_PER_NODE, pool_zones, system_zones
from fleet.gcp.offerings import SYSTEM_MACHINE
from fleet.gcp.plan import AcceleratorPlan, NodePoolPlan, ReservationPlan
from fleet.placement import GPU_RESOURCE, lasting
from fleet.root_disks import gpu_gib, system_gib
from fleet.settings.pools import Reservation

Rung = Literal["on_demand", "spot", "reservation", "flex_start"]

RUNG_NAMES: Mapping[Rung, str] = {"on_demand": "od", "spot": "spot", "reservation": "res", "flex_start": "flex"}

DRIVERS: Mapping[str, Literal["DEFAULT", "LATEST"]] = {"default": "DEFAULT", "latest": "LATEST"}

FLEX_START_SECONDS = 7 * 24 * 60 * 60
"""The longest that Google lets a flex-start machine run."""

NO_RESERVATION = ReservationPlan(affinity="NO_RESERVATION")


def node_pools(inputs: RegionInputs) -> tuple[NodePoolPlan, ...]:
    """Every node pool of the region, the system's first.

    Raises:
        PlanError: the region cannot have the network that the pools lie in.
    """
    return tuple(replace(pool, pool_name=_name_in_gke(pool)) for pool in (_system(inputs), *_gpu_pools(inputs)))


def _name_in_gke(pool: NodePoolPlan) -> str:
    """Name of the pool and rung, and a hash of what Google's provider replaces a pool for.

    These are in the hash: GPUs with their driver, disks of the machine itself, spot, flex-start, run time, reservation, pods per node
    (ForceNew in node_config.go and resource_container_node_pool.go of hashicorp/terraform-provider-google, commit e03b7622 of 2026-08-21).
    Everything else is changed in place, machine by machine where GKE must: machine type, boot disk, labels, taints, zones, limits of the
    autoscaler, upgrades, repair.
    """
    gpus, reservation = pool.accelerator, pool.reservation
    forcing = (
        *((gpus.type, gpus.count, gpus.driver) if gpus else ()),
        pool.local_ssd_count,
        pool.spot,
        pool.flex_start,
        pool.max_run_seconds,
        reservation.affinity,
        reservation.name,
        pool.max_pods_per_node,
    )
    digits = naming.short_hash(pool.name, *(str(value) for value in forcing))
    return f"{_beginning(pool)}-{digits}"


def _beginning(pool: NodePoolPlan) -> str:
    """The resource name, the pool's part cut where it is long: the rung can always be read."""
    if pool.pool is None:
        return pool.name
    tail = f"-{RUNG_NAMES[pool.rung]}"
    return naming.safe_name(pool.pool, limit=naming.GKE_NAME - naming.HASH_LENGTH - 1 - len(tail)) + tail


def _system(inputs: RegionInputs) -> NodePoolPlan:
    """Never empty: its first machines are made with it, because GKE's own pods need them before anything asks for more."""
    nodes, zones = SYSTEM_NODES[inputs.settings.environment == "prod"], system_zones(inputs)
    return NodePoolPlan(
        name="system",
        pool_name="",
        pool=None,
        rung="on_demand",
        machine=SYSTEM_MACHINE,
        zones=zones,
        min_nodes=nodes,
        max_nodes=SYSTEM_GROWTH * nodes,
        first_nodes_per_zone=ceil(nodes / len(zones)),
        accelerator=None,
        disk_type=balanced_disk(SYSTEM_MACHINE),
        disk_gib=system_gib(),
        local_ssd_count=0,
        spot=False,
        flex_start=False,
        max_run_seconds=None,
        reservation=NO_RESERVATION,
        labels={"workload": "system"},
        taints=(),
        max_surge=1,
        max_unavailable=0,
        auto_repair=True,
        max_pods_per_node=SYSTEM_PODS_PER_NODE,
    )


def _gpu_pools(inputs: RegionInputs) -> Iterator[NodePoolPlan]:
    """The pool's least number is kept on its first rung that lasts."""
    for pool in inputs.pools:
        first = lasting(pool.capacity)[:1]
        for name in pool.capacity:
            yield _gpu(inputs, pool, cast("Rung", name), keeps_minimum=first == (name,))


def _gpu(inputs: RegionInputs, pool: PoolPlan, rung: Rung, *, keeps_minimum: bool) -> NodePoolPlan:
    """One rung. It may hold the whole pool, whose limit is what its models ask for at most (fleet/rollout.py).

    An update replaces a machine only after it is gone: it never needs a GPU more than the pool has. A flex-start pool has no repair and takes
    no reservation, which Google asks of it (preconditions of cluster-toolkit's module gke-node-pool, 2026-06-25).
    """
    shape, flex_start = _shape(pool), rung == "flex_start"
    reserved = inputs.settings.pools[pool.name].reservations.get(inputs.cluster_name) if rung == "reservation" else None
    return NodePoolPlan(
        name=f"{pool.name}-{RUNG_NAMES[rung]}",
        pool_name="",
        pool=pool.name,
        rung=rung,
        machine=pool.machine,
        zones=(reserved.zone,) if reserved else pool_zones(inputs, pool),
        min_nodes=pool.min_nodes if keeps_minimum else 0,
        max_nodes=pool.max_nodes,
        first_nodes_per_zone=0,
        accelerator=AcceleratorPlan(type=_gke_accelerator(pool), count=pool.gpus_per_node, driver=DRIVERS[inputs.cluster.gpu_driver]),
        disk_type=balanced_disk(pool.machine),
        disk_gib=gpu_gib(),
        local_ssd_count=local_ssd_count(shape.local_nvme_gb),
        spot=rung == "spot",
        flex_start=flex_start,
        max_run_seconds=FLEX_START_SECONDS if flex_start else None,
        reservation=_reservation(reserved) if rung == "reservation" else NO_RESERVATION,
        labels=pool.node_labels,
        taints=tuple(taint for taint in pool.node_taints if taint.key != GPU_RESOURCE),
        max_surge=0,
        max_unavailable=1,
        auto_repair=not flex_start,
        max_pods_per_node=GPU_PODS_PER_NODE,
    )


def _reservation(reserved: Reservation | None) -> ReservationPlan:
    """The one that is named, or any that is open to all; never a machine at full price in its place."""
    if reserved is None:
        return ReservationPlan(affinity="ANY_RESERVATION_THEN_FAIL")
    return ReservationPlan(affinity="SPECIFIC_RESERVATION", name=reserved.id)


def _shape(pool: PoolPlan) -> Shape:
    """The machine with its GPUs: an n1 has as many as are attached to it."""
    asked = ("gcp", pool.machine, pool.accelerator, pool.gpus_per_node)
    return next(found for found in SHAPES if (found.cloud, found.machine, found.accelerator, found.gpus) == asked)


def _gke_accelerator(pool: PoolPlan) -> str:
    """What GKE calls the GPU.

    Raises:
        ValueError: the catalogue sells a machine with it on Google and does not know.
    """
    found = accelerator(pool.accelerator).gke_accelerator
    if found is None:
        raise ValueError(f"{pool.accelerator} has no gke_accelerator in fleet/catalog_rows.py, and {pool.machine} is sold with it")
    return found
