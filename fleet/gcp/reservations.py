"""Capacity that is paid for before it is used: whether a pool can use what its entry names, in a region of Google Cloud."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from fleet import reservations
from fleet.fleet_plan import PoolPlan
from fleet.gcp import offerings
from fleet.gcp.network import usable_zones
from fleet.problems import Problem
from fleet.reservations import Entry, Zones, zone_problems
from fleet.settings import GcpCluster, Settings

NAME_PATTERN = re.compile(r"^[a-z](?:[-a-z0-9]{0,61}[a-z0-9])?$")
"""Names of reservations (compute.v1 of Google's discovery documents)."""


def problems(settings: Settings, pools: Mapping[str, Sequence[PoolPlan]]) -> Iterator[Problem]:
    """Entries that fit neither cluster nor capacity. The rung without an entry takes any reservation of the project that is open to all."""
    for entry in reservations.entries(settings, GcpCluster):
        yield from _entry(entry)
        planned = next((found for found in pools.get(entry.cluster_name, ()) if found.name == entry.pool_name), None)
        yield from _zone(entry, planned)


def notices(settings: Settings) -> Iterator[str]:
    """Reservations in a cluster on Google Cloud where no model would use them: warnings, one sentence each."""
    yield from reservations.notices(settings, GcpCluster)


def _entry(entry: Entry[GcpCluster]) -> Iterator[Problem]:
    reserved = entry.reservation
    if not NAME_PATTERN.match(reserved.id):
        limit = "is no name of a reservation: at most 63 lower-case letters, digits and hyphens, a letter first"
        yield Problem(field=f"{entry.field}.id", value=reserved.id, limit=limit, remedy="copy it from gcloud compute reservations list")
    if "reservation" not in entry.pool.capacity:
        limit = f"pools.{entry.pool_name}.capacity does not name reservation, so nothing would use it"
        yield Problem(field=entry.field, value=reserved.id, limit=limit, remedy="add the rung, or remove it")


def _zone(entry: Entry[GcpCluster], planned: PoolPlan | None) -> Iterator[Problem]:
    """The zone must be one of the cluster's, and have the pool's machine."""
    region = entry.cluster.region
    zones = Zones(
        region=region,
        usable=usable_zones(entry.cluster),
        addable=frozenset(offerings.zones(region)),
        offers=lambda pool, zone: not offerings.knows(pool.machine, region) or zone in offerings.zones_offering(pool.machine, region),
    )
    yield from zone_problems(entry, zones, planned)
