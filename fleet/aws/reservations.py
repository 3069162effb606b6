"""Capacity that is paid for before it is used: whether a pool can use what its entry names, in a region of AWS."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from fleet import reservations
from fleet.aws import offerings
from fleet.aws.network import RESERVED_RUNGS, offers, usable_zones
from fleet.fleet_plan import PoolPlan
from fleet.problems import Problem
from fleet.reservations import Entry, Zones, zone_problems
from fleet.settings import AwsCluster, Settings

ID_PATTERN = re.compile(r"^cr-[0-9a-f]+$")


def problems(settings: Settings, pools: Mapping[str, Sequence[PoolPlan]]) -> Iterator[Problem]:
    """Entries that fit neither cluster nor capacity, and capacity that lacks its entry."""
    for entry in reservations.entries(settings, AwsCluster):
        yield from _entry(entry)
        planned = next((found for found in pools.get(entry.cluster_name, ()) if found.name == entry.pool_name), None)
        yield from _zone(entry, planned)
    for name in settings.pools:
        yield from _blocks(settings, name)


def notices(settings: Settings) -> Iterator[str]:
    """Reservations in an AWS cluster where no model would use them: warnings, one sentence each."""
    yield from reservations.notices(settings, AwsCluster)


def _entry(entry: Entry[AwsCluster]) -> Iterator[Problem]:
    reserved, where, rungs = entry.reservation, f"pools.{entry.pool_name}", RESERVED_RUNGS & set(entry.pool.capacity)
    if not ID_PATTERN.match(reserved.id):
        limit = "is no id of a capacity reservation or block such as cr-0123456789abcdef0"
        yield Problem(field=f"{entry.field}.id", value=reserved.id, limit=limit, remedy="copy it from aws ec2 describe-capacity-reservations")
    if not rungs:
        limit = f"{where}.capacity names neither reservation nor capacity_block, so nothing would use it"
        yield Problem(field=entry.field, value=reserved.id, limit=limit, remedy="add the rung that it is, or remove it")
    elif rungs == RESERVED_RUNGS:
        limit = f"{where}.capacity names reservation and capacity_block, and this is only one of them"
        yield Problem(field=entry.field, value=reserved.id, limit=limit, remedy="name one of the two rungs, and use another pool for the other")


def _zone(entry: Entry[AwsCluster], planned: PoolPlan | None) -> Iterator[Problem]:
    """The zone must be one of the cluster's, in which EKS takes a subnet, and have the pool's machine."""
    zone, region, usable = entry.reservation.zone, entry.cluster.region, usable_zones(entry.cluster)
    if usable and zone in offerings.REFUSED_BY_EKS:
        remedy = f"use a reservation in one of: {', '.join(usable)}"
        yield Problem(field=f"{entry.field}.zone", value=zone, limit="is a zone in which EKS takes no subnet", remedy=remedy)
        return
    zones = Zones(
        region=region,
        usable=usable,
        addable=frozenset(offerings.zones(region)),
        offers=lambda pool, other: offers(pool.machine, region, other),
    )
    yield from zone_problems(entry, zones, planned)


def _blocks(settings: Settings, name: str) -> Iterator[Problem]:
    pool = settings.pools[name]
    if "capacity_block" not in pool.capacity:
        return
    for cluster in reservations.clusters_of(settings, name):
        if isinstance(settings.clusters.get(cluster), AwsCluster) and cluster not in pool.reservations:
            limit = f"a capacity block is bought beforehand, and nothing says which one pool {name} has in cluster {cluster}"
            shown = "as aws ec2 describe-capacity-reservations shows them"
            remedy = f"write its id and zone, {{id: cr-…, zone: use2-az1}}, {shown}, or take capacity_block out of capacity"
            yield Problem(field=f"pools.{name}.reservations.{cluster}", value=None, limit=limit, remedy=remedy)
