"""What exists in the emulated account, as AWS lists it: not by what was made, so what was forgotten is found."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from tests.support.replay import Region

Listed = Callable[[Region], Iterable[Any]]


def _ec2(operation: str, member: str, key: str, alive: Callable[[Any], bool] = lambda _: True) -> Listed:
    def listed(region: Region) -> Iterable[Any]:
        pages = region.client("ec2").get_paginator(operation).paginate() if region.client("ec2").can_paginate(operation) else None
        answers = pages or [getattr(region.client("ec2"), operation)()]
        return [each[key] for answer in answers for each in answer[member] if alive(each)]

    return listed


def _gone(each: Any) -> bool:
    return each["State"] in ("deleting", "deleted")


def _keys(region: Region) -> Iterable[Any]:
    kms = region.client("kms")
    keys = [kms.describe_key(KeyId=key["KeyId"])["KeyMetadata"] for page in kms.get_paginator("list_keys").paginate() for key in page["Keys"]]
    return [key["KeyId"] for key in keys if key["KeyState"] != "PendingDeletion"]


REGIONAL: Mapping[str, Listed] = {
    "VPCs": _ec2("describe_vpcs", "Vpcs", "VpcId"),
    "subnets": _ec2("describe_subnets", "Subnets", "SubnetId"),
    "internet gateways": _ec2("describe_internet_gateways", "InternetGateways", "InternetGatewayId"),
    "NAT gateways": _ec2("describe_nat_gateways", "NatGateways", "NatGatewayId", lambda each: not _gone(each)),
    "addresses": _ec2("describe_addresses", "Addresses", "AllocationId"),
    "route tables": _ec2("describe_route_tables", "RouteTables", "RouteTableId"),
    "security groups": _ec2("describe_security_groups", "SecurityGroups", "GroupId"),
    "endpoints": _ec2("describe_vpc_endpoints", "VpcEndpoints", "VpcEndpointId", lambda each: not _gone(each)),
    "flow logs": _ec2("describe_flow_logs", "FlowLogs", "FlowLogId"),
    "launch templates": _ec2("describe_launch_templates", "LaunchTemplates", "LaunchTemplateId"),
    "network interfaces": _ec2("describe_network_interfaces", "NetworkInterfaces", "NetworkInterfaceId"),
    "clusters": lambda region: region.client("eks").list_clusters()["clusters"],
    "keys": _keys,
    "aliases": lambda region: [alias["AliasName"] for alias in region.client("kms").list_aliases()["Aliases"]],
    "secrets": lambda region: [each["ARN"] for each in region.client("secretsmanager").list_secrets()["SecretList"] if "DeletedDate" not in each],
    "log groups": lambda region: [group["logGroupName"] for group in region.client("logs").describe_log_groups()["logGroups"]],
    "file systems": lambda region: [each["FileSystemId"] for each in region.client("efs").describe_file_systems()["FileSystems"]],
}

GLOBAL: Mapping[str, Listed] = {
    "roles": lambda region: [role["RoleName"] for page in region.client("iam").get_paginator("list_roles").paginate() for role in page["Roles"]],
    "buckets": lambda region: [bucket["Name"] for bucket in region.client("s3").list_buckets()["Buckets"]],
}


def inventory(regions: Iterable[Region]) -> dict[str, set[Any]]:
    """Kind and region to what is there."""
    found: dict[str, set[Any]] = {}
    for region in regions:
        found |= {f"{kind} of {region.name}": set(listed(region)) for kind, listed in REGIONAL.items()}
        found |= {kind: set(listed(region)) for kind, listed in GLOBAL.items()}
    return found
