"""What EC2, EKS and IAM say of a region, put into the words of its plan."""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fleet.aws.plan import NetworkPlan, NodeGroupPlan, VolumePlan
from fleet.references import Reference
from tests.emulator.calls_network import only

ANYWHERE = "0.0.0.0/0"


@dataclass(frozen=True, order=True)
class Subnet:
    """Addresses in one zone, and how they reach what lies outside."""

    zone_id: str
    cidr: str
    way_out: str
    """`internet`, or the zone of the NAT gateway."""


def planned_subnets(plan: NetworkPlan) -> list[Subnet]:
    """As the plan has them."""
    private = [Subnet(zone.zone_id, zone.private_cidr, zone.nat_zone_id) for zone in plan.zones]
    return sorted([*private, *(Subnet(zone.zone_id, zone.public_cidr, "internet") for zone in plan.zones)])


def subnets(ec2: Any, vpc_id: str) -> list[Subnet]:
    """As EC2 routes them: a packet is followed, no tag is believed."""
    filters = [{"Name": "vpc-id", "Values": [vpc_id]}]
    found = {each["SubnetId"]: each for each in ec2.describe_subnets(Filters=filters)["Subnets"]}
    tables = ec2.describe_route_tables(Filters=filters)["RouteTables"]
    routes = {link["SubnetId"]: table["Routes"] for table in tables for link in table["Associations"] if "SubnetId" in link}
    attached = {
        each["InternetGatewayId"] for each in ec2.describe_internet_gateways()["InternetGateways"] if only(each["Attachments"])["VpcId"] == vpc_id
    }
    gateways = {each["NatGatewayId"]: each["SubnetId"] for each in ec2.describe_nat_gateways(Filters=filters)["NatGateways"]}

    def outside(subnet: str) -> dict[str, Any]:
        return only([each for each in routes[subnet] if each.get("DestinationCidrBlock") == ANYWHERE])

    def way_out(subnet: str) -> str:
        route = outside(subnet)
        if route.get("GatewayId") in attached:
            return "internet"
        between = gateways[route["NatGatewayId"]]
        assert outside(between).get("GatewayId") in attached, "a NAT gateway in a subnet without a way out leads nowhere"
        return found[between]["AvailabilityZoneId"]

    return sorted(Subnet(each["AvailabilityZoneId"], each["CidrBlock"], way_out(key)) for key, each in found.items())


def rules(ec2: Any, vpc_id: str) -> list[tuple[str, str, int]]:
    """(direction, addresses, port) of every rule of every security group of the network, the default group's too."""
    groups = [each["GroupId"] for each in ec2.describe_security_groups(Filters=[{"Name": "vpc-id", "Values": [vpc_id]}])["SecurityGroups"]]
    found = ec2.describe_security_group_rules(Filters=[{"Name": "group-id", "Values": groups}])["SecurityGroupRules"]
    return sorted(("out" if each["IsEgress"] else "in", each["CidrIpv4"], each["FromPort"]) for each in found)


def planned_group(plan: NodeGroupPlan) -> dict[str, Any]:
    """What EKS is meant to say of a node group."""
    effects = {"NoSchedule": "NO_SCHEDULE", "PreferNoSchedule": "PREFER_NO_SCHEDULE", "NoExecute": "NO_EXECUTE"}
    return {
        "labels": dict(plan.labels),
        "taints": [(taint.key, taint.value, effects[taint.effect]) for taint in plan.taints],
        "machines": list(plan.instance_types),
        "image": plan.ami_type,
        "bought": plan.capacity_type,
        "nodes": (plan.min_nodes, plan.first_nodes, plan.max_nodes),
        "zones": sorted(plan.zone_ids),
    }


def group(ec2: Any, found: Mapping[str, Any]) -> dict[str, Any]:
    """What it says."""
    scaling = found["scalingConfig"]
    return {
        "labels": found["labels"],
        "taints": [(taint["key"], taint.get("value"), taint["effect"]) for taint in found["taints"]],
        "machines": found["instanceTypes"],
        "image": found["amiType"],
        "bought": found["capacityType"],
        "nodes": (scaling["minSize"], scaling["desiredSize"], scaling["maxSize"]),
        "zones": zones(ec2, found["subnets"]),
    }


def zones(ec2: Any, subnet_ids: Sequence[str]) -> list[str]:
    """Ids of the zones that these subnets lie in."""
    return sorted({each["AvailabilityZoneId"] for each in ec2.describe_subnets(SubnetIds=list(subnet_ids))["Subnets"]})


def planned_machine(plan: NodeGroupPlan, key_arn: str, tags: Mapping[str, str]) -> dict[str, Any]:
    """What a launch template is meant to say of a machine."""
    launch = plan.launch
    root = (launch.root_device, launch.root_gib, launch.root_iops, launch.root_throughput_mib_per_second)
    return {
        "disks": [root, *(_volume(volume) for volume in launch.extra_volumes)],
        "keys": {key_arn},
        "identity": ("required", launch.metadata_hop_limit),
        "reads first": launch.user_data,
        "market": launch.market,
        "reservation": launch.reservation_id or launch.reservation_preference,
        "tags": dict.fromkeys(("instance", "network-interface", "volume"), tags),
    }


def machine(data: Mapping[str, Any]) -> dict[str, Any]:
    """What it says; every disk is encrypted and goes with the machine."""
    disks = {each["DeviceName"]: each["Ebs"] for each in data["BlockDeviceMappings"]}
    assert all(disk["Encrypted"] and disk["DeleteOnTermination"] and disk["VolumeType"] == "gp3" for disk in disks.values()), disks
    held = data.get("CapacityReservationSpecification", {})
    made = {each["ResourceType"]: {tag["Key"]: tag["Value"] for tag in each["Tags"] if tag["Key"] != "Name"} for each in data["TagSpecifications"]}
    return {
        "disks": [(device, disk["VolumeSize"], disk.get("Iops"), disk.get("Throughput")) for device, disk in disks.items()],
        "keys": {disk["KmsKeyId"] for disk in disks.values()},
        "identity": (data["MetadataOptions"]["HttpTokens"], data["MetadataOptions"]["HttpPutResponseHopLimit"]),
        "reads first": b64decode(data.get("UserData", "")).decode(),
        "market": data.get("InstanceMarketOptions", {}).get("MarketType"),
        "reservation": held.get("CapacityReservationTarget", {}).get("CapacityReservationId") or held.get("CapacityReservationPreference"),
        "tags": {kind: tags for kind, tags in made.items() if kind != "launch-template"},
    }


def _volume(volume: VolumePlan) -> tuple[str, int, None, None]:
    return (volume.device, volume.gib, None, None)


def resolved(value: Any, made: Mapping[str, str]) -> Any:
    """A planned document with what AWS made, as components do it and written a second time."""
    if isinstance(value, Reference):
        return f"{value.prefix}{made[value.name]}{value.suffix}"
    if isinstance(value, Mapping):
        return {key: resolved(inner, made) for key, inner in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [resolved(inner, made) for inner in value]
    return value


def policy(text: Any) -> Any:
    """A document as AWS gives it: text or read already."""
    return json.loads(text) if isinstance(text, str) else text
