"""What AWS says of a resource beside what it was asked for. Plausible, never real: no address here belongs to anyone."""

from __future__ import annotations

import base64
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from tests.support.stand_in_aws.account import Account, zone_names
from tests.support.stand_in_aws.kinds import ACCOUNT, Kind
from tests.support.stand_in_provider_sdk import known_outputs
from tests.support.stand_in_provider_wire import UNKNOWN

DEFAULT_VERSION = "1.35"
"""Stands for the version of Kubernetes that EKS would choose by itself; which it is, is not known here."""

CREATED = "2026-01-01T00:00:00Z"
NO_CERTIFICATE = base64.b64encode(b"no certificate: no API server is behind the stand-in").decode()

ControlPlanes = Mapping[str, tuple[str, str]]
"""Beginning of a cluster's name to the address and the certificate (base64) of a real API server."""

Rule = Callable[[dict[str, Any], str, Account, ControlPlanes], dict[str, Any]]


def made(kind: Kind, inputs: Mapping[str, Any], region: str, account: Account, planes: ControlPlanes) -> tuple[str, dict[str, Any]]:
    """Id and state of a new resource."""
    state = {name: value for name, value in inputs.items() if not name.startswith("__")}
    words = {
        **state,
        "region": region,
        "account": ACCOUNT,
        "hex": account.token(kind.title, 17),
        "uuid": str(uuid.UUID(account.token(kind.title, 32))),
        "six": account.token(kind.title, 6),
        "default_group": default_group(state.get("vpcId"), account),
    }
    arn = kind.arn.format(**words, id="{id}") if kind.arn else ""
    identity = kind.identity.format(**words, arn=arn)
    if arn:
        state["arn"] = arn.replace("{id}", identity)
    rule = RULES.get(kind.title)
    state |= rule({**state, "id": identity}, region, account, planes) if rule else {}
    return identity, state


def foreseen(kind: Kind, inputs: Mapping[str, Any], resource: Any) -> dict[str, Any]:
    """State of a resource that is only previewed: what AWS says is not known yet."""
    state: dict[str, Any] = dict.fromkeys(SAID_BY_MANY & known_outputs(resource), UNKNOWN)
    state |= {name: UNKNOWN for name in SAID_LATER.get(kind.title, ()) if name not in inputs}
    if kind.arn:
        state["arn"] = UNKNOWN
    if kind.prefix in inputs and kind.name:
        state[kind.name.property] = UNKNOWN
    given = {name: value for name, value in inputs.items() if not name.startswith("__")}
    if kind.title == "Cluster" and isinstance(given.get("vpcConfig"), Mapping):
        given["vpcConfig"] = {**given["vpcConfig"], "clusterSecurityGroupId": UNKNOWN, "vpcId": UNKNOWN}
    return {**state, **given}


def default_group(vpc_id: Any, account: Account) -> str:
    """The security group that AWS makes with every VPC."""
    found = account.find("Vpc", "id", vpc_id)
    return found["defaultSecurityGroupId"] if found else ""


SAID_BY_MANY = {"ownerId", "createdAt", "modifiedAt", "status", "state", "registryId"}

SAID_LATER: dict[str, tuple[str, ...]] = {
    "Vpc": ("defaultSecurityGroupId", "defaultRouteTableId", "mainRouteTableId", "defaultNetworkAclId", "dhcpOptionsId"),
    "Subnet": ("availabilityZone", "availabilityZoneId"),
    "Eip": ("allocationId", "publicIp"),
    "NatGateway": ("publicIp", "privateIp", "networkInterfaceId", "associationId"),
    "VpcEndpoint": ("networkInterfaceIds", "dnsEntries", "prefixListId", "cidrBlocks"),
    "SecurityGroupIngressRule": ("securityGroupRuleId",),
    "SecurityGroupEgressRule": ("securityGroupRuleId",),
    "LaunchTemplate": ("latestVersion", "defaultVersion"),
    "Cluster": ("endpoint", "certificateAuthority", "identities", "platformVersion", "version"),
    "NodeGroup": ("resources", "version", "releaseVersion"),
    "Addon": ("addonVersion",),
    "AccessEntry": ("accessEntryArn", "userName"),
    "PodIdentityAssociation": ("associationId", "associationArn", "externalId"),
    "Role": ("uniqueId", "createDate"),
    "Key": ("keyId",),
    "Alias": ("targetKeyArn",),
    "Bucket": ("bucketDomainName", "bucketRegionalDomainName", "bucketRegion", "hostedZoneId"),
    "FileSystem": ("dnsName", "availabilityZoneId", "numberOfMountTargets"),
    "MountTarget": (
        "dnsName",
        "mountTargetDnsName",
        "fileSystemArn",
        "networkInterfaceId",
        "availabilityZoneId",
        "availabilityZoneName",
        "ipAddress",
    ),
}
"""Outputs that are unknown at preview, by kind. Everything that a rule below says is here: a test compares them."""


def _vpc(state: dict[str, Any], region: str, account: Account, _: ControlPlanes) -> dict[str, Any]:
    group, table = f"sg-{account.token('group', 17)}", f"rtb-{account.token('table', 17)}"
    account.implicit[region, "SecurityGroup", group] = {"vpcId": state["id"], "name": "default", "owner": state["id"]}
    account.implicit[region, "RouteTable", table] = {"vpcId": state["id"], "owner": state["id"]}
    said = {"defaultSecurityGroupId": group, "defaultRouteTableId": table, "mainRouteTableId": table}
    return {
        **said,
        "ownerId": ACCOUNT,
        "defaultNetworkAclId": f"acl-{account.token('acl', 17)}",
        "dhcpOptionsId": f"dopt-{account.token('dhcp', 17)}",
    }


def _subnet(state: dict[str, Any], region: str, _: Account, __: ControlPlanes) -> dict[str, Any]:
    names = zone_names(region)
    zone_id = state.get("availabilityZoneId") or next((one for one, name in names.items() if name == state.get("availabilityZone")), min(names))
    return {"availabilityZoneId": zone_id, "availabilityZone": names[zone_id], "ownerId": ACCOUNT}


def _address(state: dict[str, Any], _: str, account: Account, __: ControlPlanes) -> dict[str, Any]:
    return {"allocationId": state["id"], "publicIp": f"198.51.100.{int(account.token('address', 4), 16) % 254 + 1}"}


def _nat(state: dict[str, Any], region: str, account: Account, __: ControlPlanes) -> dict[str, Any]:
    address = account.find("Eip", "id", state.get("allocationId"), region) or {}
    said = {"publicIp": address.get("publicIp", ""), "privateIp": state.get("privateIp", "10.0.0.4")}
    return {**said, "networkInterfaceId": f"eni-{account.token('eni', 17)}", "associationId": f"eipassoc-{account.token('association', 17)}"}


def _endpoint(state: dict[str, Any], _: str, account: Account, __: ControlPlanes) -> dict[str, Any]:
    if state.get("vpcEndpointType") == "Gateway":
        return {
            "prefixListId": f"pl-{account.token('prefixes', 8)}",
            "cidrBlocks": ["192.0.2.0/24"],
            "networkInterfaceIds": [],
            "dnsEntries": [],
            "state": "available",
            "ownerId": ACCOUNT,
        }
    interfaces = [f"eni-{account.token('eni', 17)}" for _ in state.get("subnetIds", [])]
    entry = {"dnsName": f"{state['id']}.vpce.invalid", "hostedZoneId": "Z00000000000000000000"}
    return {"networkInterfaceIds": interfaces, "dnsEntries": [entry], "prefixListId": "", "cidrBlocks": [], "state": "available", "ownerId": ACCOUNT}


def _template(state: dict[str, Any], _: str, __: Account, ___: ControlPlanes) -> dict[str, Any]:
    return {"latestVersion": 1, "defaultVersion": state.get("defaultVersion", 1)}


def _cluster(state: dict[str, Any], region: str, account: Account, planes: ControlPlanes) -> dict[str, Any]:
    group, name = f"sg-{account.token('group', 17)}", state["name"]
    subnet = account.find("Subnet", "id", state["vpcConfig"]["subnetIds"][0], region) or {}
    account.implicit[region, "SecurityGroup", group] = {"vpcId": subnet.get("vpcId"), "name": f"eks-cluster-sg-{name}", "owner": name}
    if state.get("enabledClusterLogTypes") and not account.find("LogGroup", "name", f"/aws/eks/{name}/cluster", region):
        account.implicit[region, "LogGroup", f"/aws/eks/{name}/cluster"] = {"name": f"/aws/eks/{name}/cluster"}
    address, certificate = next((real for prefix, real in planes.items() if name.startswith(prefix)), ("", NO_CERTIFICATE))
    identity = account.token("oidc", 32).upper()
    return {
        "endpoint": address or f"https://{identity}.gr7.{region}.eks.amazonaws.invalid",
        "certificateAuthority": {"data": certificate},
        "identities": [{"oidcs": [{"issuer": f"https://oidc.eks.{region}.amazonaws.invalid/id/{identity}"}]}],
        "platformVersion": "eks.1",
        "version": state.get("version") or DEFAULT_VERSION,
        "status": "ACTIVE",
        "createdAt": CREATED,
        "vpcConfig": {**state["vpcConfig"], "clusterSecurityGroupId": group, "vpcId": subnet.get("vpcId", "")},
    }


def _node_group(state: dict[str, Any], region: str, account: Account, _: ControlPlanes) -> dict[str, Any]:
    cluster = account.find("Cluster", "name", state["clusterName"], region) or {}
    group = f"eks-{state['nodeGroupName']}-{uuid.UUID(account.token('group', 32))}"
    account.implicit[region, "AutoScalingGroup", group] = {"name": group, "owner": state["id"]}
    version = state.get("version") or cluster.get("version", DEFAULT_VERSION)
    machines = {"autoscalingGroups": [{"name": group}], "remoteAccessSecurityGroupId": ""}
    return {"resources": [machines], "version": version, "releaseVersion": f"{version}.0-00000000", "status": "ACTIVE"}


def _add_on(state: dict[str, Any], _: str, __: Account, ___: ControlPlanes) -> dict[str, Any]:
    return {"addonVersion": state.get("addonVersion") or "v0.0.0-eksbuild.0", "createdAt": CREATED, "modifiedAt": CREATED}


def _entry(state: dict[str, Any], region: str, account: Account, _: ControlPlanes) -> dict[str, Any]:
    cluster = state["clusterName"]
    arn = f"arn:aws:eks:{region}:{ACCOUNT}:access-entry/{cluster}/role/{ACCOUNT}/x/{account.token('entry', 32)}"
    return {"accessEntryArn": arn, "userName": state.get("userName", state["principalArn"]), "createdAt": CREATED, "modifiedAt": CREATED}


def _pod_identity(state: dict[str, Any], _: str, account: Account, __: ControlPlanes) -> dict[str, Any]:
    return {"associationId": state["id"], "associationArn": state["arn"], "externalId": account.token("external", 32)}


def _role(_: dict[str, Any], __: str, account: Account, ___: ControlPlanes) -> dict[str, Any]:
    return {"uniqueId": f"AROA{account.token('role', 17).upper()}", "createDate": CREATED}


def _alias(state: dict[str, Any], region: str, account: Account, _: ControlPlanes) -> dict[str, Any]:
    key = account.find("Key", "id", state["targetKeyId"], region) or account.find("Key", "arn", state["targetKeyId"], region) or {}
    return {"targetKeyArn": key.get("arn", "")}


def _bucket(state: dict[str, Any], region: str, _: Account, __: ControlPlanes) -> dict[str, Any]:
    name = state["id"]
    domains = {"bucketDomainName": f"{name}.s3.amazonaws.com", "bucketRegionalDomainName": f"{name}.s3.{region}.amazonaws.com"}
    return {**domains, "bucketRegion": region, "hostedZoneId": "Z00000000000000000000"}


def _file_system(state: dict[str, Any], region: str, _: Account, __: ControlPlanes) -> dict[str, Any]:
    return {"dnsName": f"{state['id']}.efs.{region}.amazonaws.com", "ownerId": ACCOUNT, "availabilityZoneId": "", "numberOfMountTargets": 0}


def _mount(state: dict[str, Any], region: str, account: Account, _: ControlPlanes) -> dict[str, Any]:
    subnet = account.find("Subnet", "id", state["subnetId"], region) or {}
    system, zone = state["fileSystemId"], subnet.get("availabilityZone", "")
    return {
        "dnsName": f"{system}.efs.{region}.amazonaws.com",
        "mountTargetDnsName": f"{zone}.{system}.efs.{region}.amazonaws.com",
        "fileSystemArn": (account.find("FileSystem", "id", system, region) or {}).get("arn", ""),
        "networkInterfaceId": f"eni-{account.token('eni', 17)}",
        "availabilityZoneId": subnet.get("availabilityZoneId", ""),
        "availabilityZoneName": zone,
        "ipAddress": state.get("ipAddress", "10.0.0.5"),
        "ownerId": ACCOUNT,
    }


def _owned(_: dict[str, Any], __: str, ___: Account, ____: ControlPlanes) -> dict[str, Any]:
    return {"ownerId": ACCOUNT}


def _registry(_: dict[str, Any], __: str, ___: Account, ____: ControlPlanes) -> dict[str, Any]:
    return {"registryId": ACCOUNT}


RULES: dict[str, Rule] = {
    "Vpc": _vpc,
    "Subnet": _subnet,
    "InternetGateway": _owned,
    "RouteTable": _owned,
    "SecurityGroup": _owned,
    "DefaultSecurityGroup": _owned,
    "Eip": _address,
    "NatGateway": _nat,
    "Route": lambda *_: {"state": "active", "origin": "CreateRoute"},
    "VpcEndpoint": _endpoint,
    "SecurityGroupIngressRule": lambda state, *_: {"securityGroupRuleId": state["id"]},
    "SecurityGroupEgressRule": lambda state, *_: {"securityGroupRuleId": state["id"]},
    "LaunchTemplate": _template,
    "Cluster": _cluster,
    "NodeGroup": _node_group,
    "Addon": _add_on,
    "AccessEntry": _entry,
    "PodIdentityAssociation": _pod_identity,
    "Role": _role,
    "Key": lambda state, *_: {"keyId": state["id"]},
    "Alias": _alias,
    "Bucket": _bucket,
    "FileSystem": _file_system,
    "MountTarget": _mount,
    "PullThroughCacheRule": _registry,
    "RepositoryCreationTemplate": _registry,
}
