"""The VPC of a region: which zones it reaches into, and the addresses of each. Adding a pool or a zone moves nothing that exists."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network

from fleet.aws import offerings
from fleet.aws.control_plane import LOG_RETENTION_DAYS
from fleet.aws.identity.names import flow_log_group
from fleet.aws.inputs import RegionInputs
from fleet.aws.offerings import REFUSED_BY_EKS, SYSTEM_MACHINE, zone_number
from fleet.aws.plan import NetworkPlan, ZonePlan
from fleet.fleet_plan import PoolPlan
from fleet.problems import PlanError, Problem
from fleet.settings import AwsCluster

CONTROL_PLANE_ZONES = 3
FEWEST_CONTROL_PLANE_ZONES = 2
"""EKS asks for subnets in at least two zones."""

PRIVATE_PREFIX_LENGTH = 20
"""4,096 addresses of a zone: every pod has one."""

PUBLIC_PREFIX_LENGTH = 24
"""NAT gateways and load balancers only."""

MOST_ZONES = 7
"""Private ranges are the first seven of the eight in a network, the eighth holds the public ones. No region has more than six zones."""

OTHER_PARTITIONS = {"cn-": "China", "us-gov-": "GovCloud"}
RESERVED_RUNGS = frozenset({"reservation", "capacity_block"})

GATEWAY_ENDPOINTS = ("s3",)
INTERFACE_ENDPOINTS = ("ecr.api", "ecr.dkr", "sts", "logs")
PRIVATE_ONLY_ENDPOINTS = ("eks", "eks-auth", "ec2", "autoscaling", "elasticloadbalancing", "secretsmanager")
"""Further services that nodes and controllers call, where whoever wants no public address wants no way around either."""


@dataclass(frozen=True, kw_only=True)
class _Choice:
    """Zones by their ids, in the order of their numbers."""

    control_plane: tuple[str, ...]
    everything: tuple[str, ...]


def network_plan(inputs: RegionInputs) -> NetworkPlan | list[Problem]:
    """The network of the region, or why no zones hold its control plane and its pools."""
    choice = _choose(inputs)
    if not isinstance(choice, _Choice):
        return choice
    prod = inputs.settings.environment == "prod"
    private_only = not inputs.cluster.endpoint.public_cidrs
    return NetworkPlan(
        cidr=inputs.network_cidr,
        zones=tuple(_zone(inputs.network_cidr, zone_id, choice, nat_everywhere=prod) for zone_id in choice.everything),
        gateway_endpoints=GATEWAY_ENDPOINTS,
        interface_endpoints=(*INTERFACE_ENDPOINTS, *(PRIVATE_ONLY_ENDPOINTS if private_only else ())),
        flow_log_group=flow_log_group(inputs) if inputs.cluster.flow_logs else None,
        log_retention_days=LOG_RETENTION_DAYS[prod],
    )


def pool_zones(inputs: RegionInputs, pool: PoolPlan, instance_types: tuple[str, ...]) -> tuple[str, ...]:
    """Ids of the network's zones that offer every one of these machines; of a pool that lives off a reservation alone, only its zone.

    Raises:
        PlanError: the region cannot have a network.
    """
    choice = _choose(inputs)
    if not isinstance(choice, _Choice):
        raise PlanError(choice)
    entry = inputs.settings.pools.get(pool.name)
    reservation = entry.reservations.get(inputs.cluster_name) if entry and RESERVED_RUNGS.issuperset(pool.capacity) else None
    zones = [zone for zone in choice.everything if reservation is None or zone == reservation.zone]
    return _offering(instance_types, inputs.region, zones)


def usable_zones(cluster: AwsCluster) -> tuple[str, ...]:
    """Ids of the zones that the cluster may use: those of the stack file or all of the region, without the ones that EKS refuses."""
    chosen = cluster.zones or offerings.zones(cluster.region)
    return tuple(sorted(set(chosen) - REFUSED_BY_EKS, key=zone_number))


def foreign_partition(region: str) -> str | None:
    """China or GovCloud, where the region has accounts, ARNs and endpoints of its own."""
    return next((place for start, place in OTHER_PARTITIONS.items() if region.startswith(start)), None)


def other_partition(cluster_name: str, region: str) -> Problem | None:
    """Refuses such a region: nothing here speaks its ARNs or knows what it sells."""
    place = foreign_partition(region)
    if place is None:
        return None
    limit = f"is a region of AWS {place}, which has accounts, ARNs and endpoints of its own, and nothing here knows what it sells"
    remedy = "use a commercial region such as us-east-2, or make the cluster there with other tools and enter it with cloud: existing"
    return Problem(field=f"clusters.{cluster_name}.region", value=region, limit=limit, remedy=remedy)


def _choose(inputs: RegionInputs) -> _Choice | list[Problem]:
    foreign = other_partition(inputs.cluster_name, inputs.region)
    if foreign:
        return [foreign]
    problems = list(_wrong_zones(inputs))
    if problems:
        return problems
    usable = usable_zones(inputs.cluster)
    control_plane = tuple(zone for zone in usable if offers(SYSTEM_MACHINE, inputs.region, zone))[:CONTROL_PLANE_ZONES]
    if len(control_plane) < FEWEST_CONTROL_PLANE_ZONES:
        problems.append(_no_control_plane(inputs, control_plane))
    zones = set(control_plane)
    for pool in inputs.pools:
        offering = _offering((pool.machine,), inputs.region, usable)
        zones |= set(offering)
        if not offering:
            problems.append(_no_zone(inputs, pool))
    return problems or _Choice(control_plane=control_plane, everything=tuple(sorted(zones, key=zone_number)))


def _zone(network_cidr: str, zone_id: str, choice: _Choice, *, nat_everywhere: bool) -> ZonePlan:
    place = zone_number(zone_id) - 1
    *private, public = IPv4Network(network_cidr).subnets(new_prefix=PRIVATE_PREFIX_LENGTH)
    first = choice.control_plane[0]
    return ZonePlan(
        zone_id=zone_id,
        private_cidr=str(private[place]),
        public_cidr=str(list(public.subnets(new_prefix=PUBLIC_PREFIX_LENGTH))[place]),
        control_plane=zone_id in choice.control_plane,
        nat=nat_everywhere or zone_id == first,
        nat_zone_id=zone_id if nat_everywhere else first,
    )


def offers(machine: str, region: str, zone_id: str) -> bool:
    """Whether the zone may have the machine. What the table does not know is possible; fleet/aws/checks.py warns of it."""
    return not offerings.knows(machine, region) or zone_id in offerings.zones_offering(machine, region)


def _offering(machines: Sequence[str], region: str, zones: Sequence[str]) -> tuple[str, ...]:
    return tuple(zone for zone in zones if all(offers(machine, region, zone) for machine in machines))


def _wrong_zones(inputs: RegionInputs) -> Iterator[Problem]:
    where, region, chosen = f"clusters.{inputs.cluster_name}.zones", inputs.region, inputs.cluster.zones
    known = offerings.zones(region)
    if not chosen and not known:
        limit = f"which zones {region} has is not known here"
        remedy = f"name at least two: aws ec2 describe-availability-zones --region {region} --query AvailabilityZones[].ZoneId lists them"
        yield Problem(field=where, value=None, limit=limit, remedy=remedy)
    for index, zone in enumerate(chosen):
        field, usable = f"{where}[{index}]", f"one of: {', '.join(zone for zone in known if zone not in REFUSED_BY_EKS)}"
        if zone in chosen[:index]:
            yield Problem(field=field, value=zone, limit="is named twice", remedy="name each once")
        elif zone in REFUSED_BY_EKS:
            yield Problem(field=field, value=zone, limit="EKS takes no subnet in this zone", remedy=usable)
        elif known and zone not in known:
            yield Problem(field=field, value=zone, limit=f"is no zone of {region}", remedy=usable)
        elif zone.partition("-az")[0] != chosen[0].partition("-az")[0]:
            yield Problem(field=field, value=zone, limit=f"is in another region than {chosen[0]}", remedy=f"name zones of {region} only")
        elif not 1 <= zone_number(zone) <= MOST_ZONES:
            limit = f"the address plan has room for zones with the numbers 1 to {MOST_ZONES}"
            yield Problem(field=field, value=zone, limit=limit, remedy="name zones with these numbers")


def _no_control_plane(inputs: RegionInputs, control_plane: tuple[str, ...]) -> Problem:
    where, count = f"clusters.{inputs.cluster_name}", len(control_plane)
    asked = f"a control plane needs {FEWEST_CONTROL_PLANE_ZONES} zones that EKS accepts and that offer {SYSTEM_MACHINE}"
    offering = tuple(zone for zone in offerings.zones_offering(SYSTEM_MACHINE, inputs.region) if zone not in REFUSED_BY_EKS)
    if not inputs.cluster.zones or 0 < len(offering) < FEWEST_CONTROL_PLANE_ZONES:
        limit = f"{asked}, and {inputs.region} has {len(offering)}"
        return Problem(field=f"{where}.region", value=inputs.region, limit=limit, remedy="use another region, for example us-east-2")
    limit = f"{asked}, and these have {count}"
    more = ", ".join(zone for zone in offering if zone not in control_plane)
    remedy = f"add one of: {more}; or leave zones out" if more else "name another zone of the region"
    return Problem(field=f"{where}.zones", value=list(inputs.cluster.zones), limit=limit, remedy=remedy)


def _no_zone(inputs: RegionInputs, pool: PoolPlan) -> Problem:
    """The pool's machine is sold in the region, and in none of the zones that the cluster may use."""
    offering = offerings.zones_offering(pool.machine, inputs.region)
    usable = [zone for zone in offering if zone not in REFUSED_BY_EKS]
    limit = f"{pool.machine} of pool {pool.name} is offered in {', '.join(offering)} of {inputs.region} only"
    other = f"use another machine, accelerator or region for pool {pool.name}"
    if not inputs.cluster.zones:
        limit = f"{limit}, where EKS takes no subnet"
        return Problem(field=f"clusters.{inputs.cluster_name}.region", value=inputs.region, limit=limit, remedy=other)
    remedy = f"add {' or '.join(usable)}, or {other}" if usable else other
    return Problem(field=f"clusters.{inputs.cluster_name}.zones", value=list(inputs.cluster.zones), limit=limit, remedy=remedy)
