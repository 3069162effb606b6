"""What AWS refuses to delete because something still uses it, and what it deletes beside what it was asked to.

Modelled: a VPC with subnets, gateways, groups, tables or endpoints; a subnet with network interfaces (NAT, endpoints, mount
targets, a control plane, a node group); an internet gateway while addresses are mapped behind it; an address that NAT uses; a
route table with associations; a security group that is named by others; a cluster with node groups, or protected; a file system
with mount targets; a role that holds policies; a bucket that holds objects. A key is only scheduled, and so is a secret, whose
name stays taken.

Not AWS's own rule, but the stand-in's: a role that a cluster or a node group still runs under is kept. AWS would delete it, and
the cluster could then no longer be taken apart.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from tests.support.stand_in_aws.account import Account, Key, values_at
from tests.support.stand_in_aws.kinds import GLOBAL

INSIDE_VPC: tuple[str, ...] = ("Subnet", "InternetGateway", "SecurityGroup", "RouteTable", "VpcEndpoint")
INTERFACES = {
    "NatGateway": "subnetId",
    "VpcEndpoint": "subnetIds",
    "MountTarget": "subnetId",
    "Cluster": "vpcConfig.subnetIds",
    "NodeGroup": "subnetIds",
}
GROUP_USERS = {
    "VpcEndpoint": "securityGroupIds",
    "MountTarget": "securityGroups",
    "Cluster": "vpcConfig.securityGroupIds",
    "SecurityGroupIngressRule": "referencedSecurityGroupId",
    "SecurityGroupEgressRule": "referencedSecurityGroupId",
}
ROLE_USERS = {"Cluster": "roleArn", "NodeGroup": "nodeRoleArn"}
PARTS = {"Cluster": ("Addon", "AccessEntry", "AccessPolicyAssociation", "PodIdentityAssociation")}
"""What goes with its cluster."""

Rule = Callable[[str, Mapping[str, Any], str, Account], Iterator[str]]


def refusal(key: Key, account: Account) -> str | None:
    """What AWS says to deleting it, or None."""
    region, kind, identity = key
    rule = RULES.get(kind)
    return next(rule(identity, account.objects[key], region, account), None) if rule else None


def delete(key: Key, account: Account) -> None:
    """Take it away with everything that AWS takes away beside it."""
    region, kind, identity = key
    state = account.objects.pop(key)
    owner = state.get("name") if kind == "Cluster" else identity
    for implicit in [one for one, value in account.implicit.items() if value.get("owner") == owner and one[0] == region]:
        del account.implicit[implicit]
    for part in PARTS.get(kind, ()):
        for inner in [one for one, value in account.objects.items() if one[:2] == (region, part) and value["clusterName"] == state["name"]]:
            del account.objects[inner]
    if kind == "Secret" and state.get("recoveryWindowInDays") != 0:
        account.scheduled.add((region, kind, state["name"]))
    if kind == "Key":
        account.scheduled.add(key)


def _users(table: Mapping[str, str], value: str, account: Account, region: str | None) -> list[str]:
    return [
        f"{kind} {key[2]}"
        for kind, path in table.items()
        for key, other in account.of_kind(kind, region)
        if value in values_at(other, path) and key in account.objects
    ]


def _vpc(identity: str, _: Mapping[str, Any], region: str, account: Account) -> Iterator[str]:
    inside = dict.fromkeys(INSIDE_VPC, "vpcId")
    if users := _users(inside, identity, account, region):
        yield f"DependencyViolation: The vpc '{identity}' has dependencies and cannot be deleted. ({', '.join(users)})"


def _subnet(identity: str, _: Mapping[str, Any], region: str, account: Account) -> Iterator[str]:
    if users := _users(INTERFACES, identity, account, region):
        yield f"DependencyViolation: The subnet '{identity}' has dependencies and cannot be deleted. ({', '.join(users)})"


def _internet_gateway(_: str, state: Mapping[str, Any], region: str, account: Account) -> Iterator[str]:
    subnets = {key[2] for key, subnet in account.of_kind("Subnet", region) if subnet["vpcId"] == state.get("vpcId")}
    if any(nat.get("subnetId") in subnets for _, nat in account.of_kind("NatGateway", region)):
        yield (
            f"DependencyViolation: Network {state['vpcId']} has some mapped public address(es). "
            "Please unmap those public address(es) before detaching the gateway."
        )


def _address(identity: str, state: Mapping[str, Any], region: str, account: Account) -> Iterator[str]:
    if users := _users({"NatGateway": "allocationId"}, identity, account, region):
        yield f"InvalidIPAddress.InUse: Address {state['publicIp']} is in use. ({', '.join(users)})"


def _route_table(identity: str, _: Mapping[str, Any], region: str, account: Account) -> Iterator[str]:
    if users := _users({"RouteTableAssociation": "routeTableId"}, identity, account, region):
        yield f"DependencyViolation: The routeTable '{identity}' has dependencies and cannot be deleted. ({', '.join(users)})"


def _security_group(identity: str, _: Mapping[str, Any], region: str, account: Account) -> Iterator[str]:
    own = [key for key, rule in account.of_kind("SecurityGroupIngressRule", region) if rule["securityGroupId"] == identity]
    own += [key for key, rule in account.of_kind("SecurityGroupEgressRule", region) if rule["securityGroupId"] == identity]
    users = [user for user in _users(GROUP_USERS, identity, account, region) if user not in {f"{key[1]} {key[2]}" for key in own}]
    if users:
        yield f"DependencyViolation: resource {identity} has a dependent object ({', '.join(users)})"


def _cluster(_: str, state: Mapping[str, Any], region: str, account: Account) -> Iterator[str]:
    if state.get("deletionProtection"):
        yield f"InvalidRequestException: Cluster {state['name']} has deletion protection enabled"
    if users := _users({"NodeGroup": "clusterName"}, state["name"], account, region):
        yield f"ResourceInUseException: Cluster has nodegroups attached ({', '.join(users)})"


def _file_system(identity: str, _: Mapping[str, Any], region: str, account: Account) -> Iterator[str]:
    if users := _users({"MountTarget": "fileSystemId"}, identity, account, region):
        yield f"FileSystemInUse: File system '{identity}' cannot be deleted while mount targets exist ({', '.join(users)})"


def _role(_: str, state: Mapping[str, Any], __: str, account: Account) -> Iterator[str]:
    name = state["name"]
    if _users({"RolePolicyAttachment": "role"}, name, account, GLOBAL) and not state.get("forceDetachPolicies"):
        yield "DeleteConflict: Cannot delete entity, must detach all policies first."
    if _users({"RolePolicy": "role"}, name, account, GLOBAL) and not state.get("forceDetachPolicies"):
        yield "DeleteConflict: Cannot delete entity, must delete policies first."
    if users := _users(ROLE_USERS, state["arn"], account, None):
        yield f"(rule of the stand-in, not of AWS) role {name} is still used by {', '.join(users)}"


def _bucket(identity: str, state: Mapping[str, Any], _: str, account: Account) -> Iterator[str]:
    if identity in account.full_buckets and not state.get("forceDestroy"):
        yield "BucketNotEmpty: The bucket you tried to delete is not empty. You must delete all versions in the bucket."


RULES: dict[str, Rule] = {
    "Vpc": _vpc,
    "Subnet": _subnet,
    "InternetGateway": _internet_gateway,
    "Eip": _address,
    "RouteTable": _route_table,
    "SecurityGroup": _security_group,
    "Cluster": _cluster,
    "FileSystem": _file_system,
    "Role": _role,
    "Bucket": _bucket,
}
