"""Capacity that is paid for before it is used: whether a pool can use what its entry names, where the cluster is."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from fleet import checks
from fleet.aws import offerings
from fleet.aws.network import RESERVED_RUNGS, offers, usable_zones
from fleet.fleet_plan import PoolPlan
from fleet.problems import Problem, nearest
from fleet.settings import AwsCluster, ExistingCluster, Settings
from fleet.settings.pools import Reservation

ID_PATTERN = re.compile(r"^cr-[0-9a-f]+$")


def problems(settings: Settings, pools: Mapping[str, Sequence[PoolPlan]]) -> Iterator[Problem]:
    """Entries that fit neither cluster nor capacity, and capacity that lacks its entry."""
    for name, pool in settings.pools.items():
        where, rungs = f"pools.{name}", RESERVED_RUNGS & set(pool.capacity)
        if pool.capacity == ("capacity_block",) and pool.min_nodes:
            limit = "a capacity block begins and ends, and no machine of it can stay"
            remedy = "leave min_nodes out, or add a rung that lasts, such as on_demand"
            yield Problem(field=f"{where}.min_nodes", value=pool.min_nodes, limit=limit, remedy=remedy)
        for cluster_name, entry in pool.reservations.items():
            field, cluster = f"{where}.reservations.{cluster_name}", settings.clusters.get(cluster_name)
            if cluster is None:
                remedy = nearest(cluster_name, settings.clusters)
                yield Problem(field=field, value=cluster_name, limit="there is no such cluster", remedy=remedy, unknown_in="clusters")
            elif isinstance(cluster, ExistingCluster):
                limit = f"cluster {cluster_name} exists already: how its nodes are bought is not decided here"
                yield Problem(field=field, value=entry.id, limit=limit, remedy="remove it")
            elif isinstance(cluster, AwsCluster):
                yield from _entry(name, field, entry, rungs)
                planned = next((found for found in pools.get(cluster_name, ()) if found.name == name), None)
                yield from _zone(f"{field}.zone", entry, cluster, planned)
        yield from _blocks(settings, name)


def notices(settings: Settings) -> Iterator[str]:
    """Reservations in a cluster where no model would use them: warnings, one sentence each."""
    for name, pool in settings.pools.items():
        used = _clusters_of(settings, name)
        idle = [cluster for cluster in pool.reservations if cluster not in used]
        for cluster in idle:
            yield f"pool {name} has reservation {pool.reservations[cluster].id} in cluster {cluster}, where no model runs on it"


def _entry(pool: str, field: str, entry: Reservation, rungs: frozenset[str]) -> Iterator[Problem]:
    if not ID_PATTERN.match(entry.id):
        limit = "is no id of a capacity reservation or block such as cr-0123456789abcdef0"
        yield Problem(field=f"{field}.id", value=entry.id, limit=limit, remedy="copy it from aws ec2 describe-capacity-reservations")
    if not rungs:
        limit = f"pools.{pool}.capacity names neither reservation nor capacity_block, so nothing would use it"
        yield Problem(field=field, value=entry.id, limit=limit, remedy="add the rung that it is, or remove it")
    elif rungs == RESERVED_RUNGS:
        limit = f"pools.{pool}.capacity names reservation and capacity_block, and this is only one of them"
        yield Problem(field=field, value=entry.id, limit=limit, remedy="name one of the two rungs, and use another pool for the other")


def _zone(field: str, entry: Reservation, cluster: AwsCluster, pool: PoolPlan | None) -> Iterator[Problem]:
    """The zone must be one of the cluster's, and have the pool's machine."""
    usable = usable_zones(cluster)
    if usable and entry.zone not in usable:
        known = entry.zone in offerings.zones(cluster.region)
        limit = (
            "is a zone in which EKS takes no subnet"
            if entry.zone in offerings.REFUSED_BY_EKS
            else f"is no zone that the cluster uses in {cluster.region}"
        )
        remedy = f"use a reservation in one of: {', '.join(usable)}"
        if known and entry.zone not in offerings.REFUSED_BY_EKS:
            remedy = f"{remedy}; or add {entry.zone} to the cluster's zones"
        yield Problem(field=field, value=entry.zone, limit=limit, remedy=remedy)
    elif pool and not offers(pool.machine, cluster.region, entry.zone):
        having = ", ".join(zone for zone in offerings.zones_offering(pool.machine, cluster.region) if zone in usable) or "none that it uses"
        limit = f"the zone does not offer {pool.machine}, the machine of pool {pool.name}"
        yield Problem(
            field=field, value=entry.zone, limit=limit, remedy=f"name the zone that the reservation is in; {pool.machine} is offered in {having}"
        )


def _blocks(settings: Settings, name: str) -> Iterator[Problem]:
    pool = settings.pools[name]
    if "capacity_block" not in pool.capacity:
        return
    for cluster in _clusters_of(settings, name):
        if isinstance(settings.clusters.get(cluster), AwsCluster) and cluster not in pool.reservations:
            limit = f"a capacity block is bought beforehand, and nothing says which one pool {name} has in cluster {cluster}"
            shown = "as aws ec2 describe-capacity-reservations shows them"
            remedy = f"write its id and zone, {{id: cr-…, zone: use2-az1}}, {shown}, or take capacity_block out of capacity"
            yield Problem(field=f"pools.{name}.reservations.{cluster}", value=None, limit=limit, remedy=remedy)


def _clusters_of(settings: Settings, pool: str) -> list[str]:
    """Where a model runs on the pool, in the order of the stack file."""
    used = {
        cluster
        for model in settings.models.values()
        for cluster, placement in checks.placements(settings, model).items()
        if (placement.pool or model.pool) == pool
    }
    return [name for name in settings.clusters if name in used]
