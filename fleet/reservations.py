"""Capacity that is paid for before it is used: what an entry of a pool gets wrong in any cloud, and in none."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Generic

from fleet import checks
from fleet.fleet_plan import PoolPlan
from fleet.placement import lasting
from fleet.problems import Problem, nearest
from fleet.region_inputs import CloudCluster
from fleet.settings import ExistingCluster, Settings
from fleet.settings.pools import Pool, Reservation


@dataclass(frozen=True, kw_only=True)
class Entry(Generic[CloudCluster]):
    """What a pool has reserved in one cluster."""

    pool_name: str
    pool: Pool
    cluster_name: str
    cluster: CloudCluster
    reservation: Reservation

    @property
    def field(self) -> str:
        """Its path in the stack file."""
        return f"pools.{self.pool_name}.reservations.{self.cluster_name}"


@dataclass(frozen=True, kw_only=True)
class Zones:
    """Where a cluster's machines can be, as far as its cloud's table knows."""

    region: str
    usable: tuple[str, ...]
    """That the cluster uses; empty: nobody knows."""
    addable: frozenset[str]
    """Of the region, that the cluster could use if it named them."""
    offers: Callable[[PoolPlan, str], bool]
    """Whether a zone may have the machine of a pool."""


def problems(settings: Settings) -> Iterator[Problem]:
    """Entries that are in no cluster that this program makes, and machines that should stay where none lasts."""
    for name, pool in settings.pools.items():
        if pool.min_nodes and not lasting(pool.capacity):
            kinds = " and ".join(pool.capacity)
            limit = f"machines of {kinds} begin and end at their own time, and none of them can stay"
            remedy = "leave min_nodes out, or add a rung that lasts, such as on_demand"
            yield Problem(field=f"pools.{name}.min_nodes", value=pool.min_nodes, limit=limit, remedy=remedy)
        for cluster_name, reservation in pool.reservations.items():
            field, cluster = f"pools.{name}.reservations.{cluster_name}", settings.clusters.get(cluster_name)
            if cluster is None:
                remedy = nearest(cluster_name, settings.clusters)
                yield Problem(field=field, value=cluster_name, limit="there is no such cluster", remedy=remedy, unknown_in="clusters")
            elif isinstance(cluster, ExistingCluster):
                limit = f"cluster {cluster_name} exists already: how its nodes are bought is not decided here"
                yield Problem(field=field, value=reservation.id, limit=limit, remedy="remove it")


def entries(settings: Settings, kind: type[CloudCluster]) -> Iterator[Entry[CloudCluster]]:
    """Those in clusters of one cloud, in the order of the stack file."""
    for name, pool in settings.pools.items():
        for cluster_name, reservation in pool.reservations.items():
            cluster = settings.clusters.get(cluster_name)
            if isinstance(cluster, kind):
                yield Entry(pool_name=name, pool=pool, cluster_name=cluster_name, cluster=cluster, reservation=reservation)


def notices(settings: Settings, kind: type[CloudCluster]) -> Iterator[str]:
    """Reservations in a cluster of this cloud where no model would use them: warnings, one sentence each."""
    for entry in entries(settings, kind):
        if entry.cluster_name not in clusters_of(settings, entry.pool_name):
            held = f"pool {entry.pool_name} has reservation {entry.reservation.id} in cluster {entry.cluster_name}"
            yield f"{held}, where no model runs on it"


def zone_problems(entry: Entry[CloudCluster], zones: Zones, planned: PoolPlan | None) -> Iterator[Problem]:
    """The zone must be one of the cluster's, and have the pool's machine.

    Args:
        entry: the reservation.
        zones: where the cluster's machines can be.
        planned: the pool in this cluster; None where it was refused, or nothing runs on it.
    """
    field, zone = f"{entry.field}.zone", entry.reservation.zone
    if zones.usable and zone not in zones.usable:
        remedy = f"use a reservation in one of: {', '.join(zones.usable)}"
        if zone in zones.addable:
            remedy = f"{remedy}; or add {zone} to the cluster's zones"
        yield Problem(field=field, value=zone, limit=f"is no zone that the cluster uses in {zones.region}", remedy=remedy)
    elif planned and not zones.offers(planned, zone):
        having = ", ".join(other for other in zones.usable if zones.offers(planned, other)) or "none that it uses"
        limit = f"the zone does not offer {planned.machine}, the machine of pool {planned.name}"
        remedy = f"name the zone that the reservation is in; {planned.machine} is offered in {having}"
        yield Problem(field=field, value=zone, limit=limit, remedy=remedy)


def clusters_of(settings: Settings, pool: str) -> list[str]:
    """Where a model runs on the pool, in the order of the stack file."""
    used = {
        cluster
        for model in settings.models.values()
        for cluster, placement in checks.placements(settings, model).items()
        if (placement.pool or model.pool) == pool
    }
    return [name for name in settings.clusters if name in used]
