"""The network of a region of Google Cloud: which zones hold it, and who gets which of its addresses."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Network

from fleet import naming
from fleet.fleet_plan import PoolPlan
from fleet.gcp import offerings
from fleet.gcp.inputs import RegionInputs
from fleet.gcp.maintenance import problems as maintenance_problems
from fleet.gcp.offerings import SYSTEM_MACHINE
from fleet.gcp.plan import NetworkPlan
from fleet.problems import PlanError, Problem
from fleet.settings import GcpCluster

SYSTEM_ZONES = 3
FEWEST_SYSTEM_ZONES = 2
"""So that the system outlives a zone. The control plane is Google's and in several zones whatever is chosen."""

SYSTEM_NODES = {True: 3, False: 2}
"""In prod one for each zone of the system; two elsewhere, so that one can be replaced."""

SYSTEM_GROWTH = 2
"""The system's pool may grow to this many times its usual number."""

GPU_PODS_PER_NODE, SYSTEM_PODS_PER_NODE = 32, 110
"""GKE's own daemons take about fifteen places on a machine with GPUs, and no machine has more than sixteen servers. 110 is GKE's default."""

NODES_PREFIX_LENGTH = 20
PODS_PREFIX_LENGTH = 18
SERVICES_PREFIX_LENGTH = 20
PROXIES_PREFIX_LENGTH = 23
"""Google asks for 64 addresses at least and recommends 512 for the proxies of a region's load balancers."""
FILES_PREFIX_LENGTH = 24
"""A file system takes 8 addresses or 64 of them, by its tier."""

HEALTH_CHECKS = ("35.191.0.0/16", "130.211.0.0/22")
"""Where Google's health checks and the proxies of its global load balancers come from."""

GOOGLE_APIS = "199.36.153.8/30"
"""What private.googleapis.com means: .8 to .11, routed inside Google alone (its documentation on Private Google Access, read 2026-11)."""

NAT_PORTS = 256
"""Connections to one address that a machine may have at once before it gets more: a power of two from 32 on (routers of compute.v1). Mirrors
open four to the hub, image pulls a few dozen. One address of the NAT, with less than 65,536 ports, then serves some 250 machines: a whole
region."""


def network_plan(inputs: RegionInputs) -> NetworkPlan | list[Problem]:
    """The network of the region, or why its zones or its addresses do not hold its machines."""
    problems = [*_wrong_zones(inputs), *maintenance_problems(inputs.cluster_name, inputs.cluster)]
    if not problems:
        problems = [*_few_zones(inputs), *_no_zone(inputs), *_too_many(inputs)]
    if problems:
        return problems
    lower, upper = IPv4Network(inputs.network_cidr).subnets(new_prefix=PODS_PREFIX_LENGTH)
    nodes, services, others, _ = lower.subnets(new_prefix=NODES_PREFIX_LENGTH)
    proxies, rest, *_ = others.subnets(new_prefix=PROXIES_PREFIX_LENGTH)
    files, *_ = rest.subnets(new_prefix=FILES_PREFIX_LENGTH)
    system = system_zones(inputs)
    pools = {zone for pool in inputs.pools for zone in pool_zones(inputs, pool)}
    return NetworkPlan(
        cidr=inputs.network_cidr,
        nodes_cidr=str(nodes),
        pods_cidr=str(upper),
        services_cidr=str(services),
        proxy_cidr=str(proxies),
        file_system_cidr=str(files),
        zones=(*system, *sorted(pools - set(system))),
        flow_logs=inputs.cluster.flow_logs,
        node_tag=naming.safe_name(inputs.name, "node"),
        health_check_cidrs=HEALTH_CHECKS,
        google_api_cidr=GOOGLE_APIS,
        google_api_addresses=tuple(str(address) for address in IPv4Network(GOOGLE_APIS)),
        nat_ports_per_machine=NAT_PORTS,
    )


def usable_zones(cluster: GcpCluster) -> tuple[str, ...]:
    """Zones that the cluster may use: those of the stack file or all of the region."""
    return tuple(sorted(cluster.zones or offerings.zones(cluster.region)))


def system_zones(inputs: RegionInputs) -> tuple[str, ...]:
    """Where the system's machines are: the first three that the cluster may use, whatever pools come and go."""
    return usable_zones(inputs.cluster)[:SYSTEM_ZONES]


def pool_zones(inputs: RegionInputs, pool: PoolPlan) -> tuple[str, ...]:
    """Zones of the cluster that offer the pool's machine; of a pool that lives off one reservation alone, only its zone.

    Raises:
        PlanError: none does.
    """
    entry = inputs.settings.pools.get(pool.name)
    reservation = entry.reservations.get(inputs.cluster_name) if entry and set(pool.capacity) == {"reservation"} else None
    offering = _offering(inputs, pool)
    if not offering:
        raise PlanError([*_wrong_zones(inputs), *_no_zone(inputs)])
    found = tuple(zone for zone in offering if reservation is None or zone == reservation.zone)
    return found or offering  # a zone without the machine is refused by fleet/gcp/reservations.py


def _offering(inputs: RegionInputs, pool: PoolPlan) -> tuple[str, ...]:
    """Of the zones that the cluster may use. What the table does not know is possible; fleet/gcp/checks.py warns of it."""
    usable = usable_zones(inputs.cluster)
    if not offerings.knows(pool.machine, inputs.region):
        return usable
    return tuple(zone for zone in offerings.zones_offering(pool.machine, inputs.region) if zone in usable)


def _wrong_zones(inputs: RegionInputs) -> Iterator[Problem]:
    where, region, chosen = f"clusters.{inputs.cluster_name}.zones", inputs.region, inputs.cluster.zones
    known = offerings.zones(region)
    if not chosen and not known:
        limit = f"which zones {region} has is not known here"
        remedy = f"name at least two: gcloud compute zones list --filter=region:{region} lists them"
        yield Problem(field=where, value=None, limit=limit, remedy=remedy)
    for index, zone in enumerate(chosen):
        field = f"{where}[{index}]"
        if zone in chosen[:index]:
            yield Problem(field=field, value=zone, limit="is named twice", remedy="name each once")
        elif not zone.startswith(f"{region}-") or (known and zone not in known):
            remedy = f"one of: {', '.join(known)}" if known else f"name zones of {region} only"
            yield Problem(field=field, value=zone, limit=f"is no zone of {region}", remedy=remedy)


def _few_zones(inputs: RegionInputs) -> Iterator[Problem]:
    zones = system_zones(inputs)
    if len(zones) < FEWEST_SYSTEM_ZONES:
        limit = f"the system's machines must outlive a zone and need {FEWEST_SYSTEM_ZONES}; {SYSTEM_MACHINE} is in every one"
        more = ", ".join(zone for zone in offerings.zones(inputs.region) if zone not in zones)
        field = f"clusters.{inputs.cluster_name}.zones"
        yield Problem(field=field, value=list(inputs.cluster.zones), limit=limit, remedy=f"add one of: {more}; or leave zones out")


def _no_zone(inputs: RegionInputs) -> Iterator[Problem]:
    """A pool's machine is sold in the region, and in none of the zones that the cluster may use."""
    for pool in inputs.pools:
        if _offering(inputs, pool):
            continue
        offering = offerings.zones_offering(pool.machine, inputs.region)
        limit = f"{pool.machine} of pool {pool.name} is offered in {', '.join(offering) or 'no zone'} of {inputs.region} only"
        other = f"use another machine, accelerator or region for pool {pool.name}"
        remedy = f"add {' or '.join(offering)}, or {other}" if offering else other
        yield Problem(field=f"clusters.{inputs.cluster_name}.zones", value=list(inputs.cluster.zones), limit=limit, remedy=remedy)


def _too_many(inputs: RegionInputs) -> Iterator[Problem]:
    """Ranges of pods run out long before addresses of machines do.

    A pool counts once, however many rungs it has: what its models ask for at most fits its `max_nodes` (fleet/rollout.py), and an update
    replaces its machines one by one, with none beside them. An update of the system brings one more.
    """
    system = (SYSTEM_GROWTH * SYSTEM_NODES[inputs.settings.environment == "prod"] + 1) * _pod_addresses(SYSTEM_PODS_PER_NODE)
    room = (2 ** (32 - PODS_PREFIX_LENGTH) - system) // _pod_addresses(GPU_PODS_PER_NODE)
    nodes = sum(pool.max_nodes for pool in inputs.pools)
    if nodes <= room:
        return
    largest = max(inputs.pools, key=lambda pool: pool.max_nodes)
    left = largest.max_nodes - (nodes - room)
    limit = f"the pools of cluster {inputs.cluster_name} may have {nodes} machines together, and its network has ranges for the pods of {room}"
    fewer = f"set it to {left} or less, or " if left > 0 else ""
    remedy = f"{fewer}place models in another cluster"
    yield Problem(field=f"pools.{largest.name}.max_nodes", value=largest.max_nodes, limit=limit, remedy=remedy)


def _pod_addresses(most_pods: int) -> int:
    """The power of two that is twice as large at least (GKE's documentation on VPC-native clusters): 64 for 32 pods, 256 for 110."""
    return 2 ** (2 * most_pods - 1).bit_length()
