"""What AWS refuses to make or change because of what else exists, or does not exist yet.

Modelled: everything that a resource names exists in its region; a fixed name exists once; a subnet lies in its VPC, in a zone of
the region and beside the others; NAT needs a way out; a control plane spans two zones that EKS takes, in one VPC; roles trust the
service that takes them on and may do something; policies name principals that exist; a key of logs lets the logs service use it;
replication wants versions on both sides; nodes need the network add-on, and add-ons that are Deployments need nodes; versions of
Kubernetes go up one by one, the nodes' never above the control plane's.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from tests.support.stand_in_aws import documents
from tests.support.stand_in_aws.account import Account, values_at, zone_names
from tests.support.stand_in_aws.kinds import ACCOUNT, Kind
from tests.support.stand_in_provider_wire import at

REFUSED_ZONES = {"use1-az3", "usw1-az2", "cac1-az3"}
"""Zones in which EKS puts no control plane (its documentation of subnets)."""

DEPLOYMENTS = {"coredns", "aws-ebs-csi-driver", "aws-efs-csi-driver", "metrics-server", "snapshot-controller"}
"""Add-ons with pods that need a node before the add-on is ACTIVE."""

SERVICE_LINKED = ":role/aws-service-role/"
"""Roles that AWS makes by itself: taken for existing, although a new account has them only after their first use."""

Rule = Callable[[Mapping[str, Any], str, Account], Iterator[str]]


def refusal(kind: Kind, inputs: Mapping[str, Any], region: str, account: Account, old: Mapping[str, Any] | None = None) -> str | None:
    """What AWS says to creating it (or to changing it from `old`), or None."""
    return next(_refusals(kind, inputs, region, account, old), None)


def _refusals(kind: Kind, inputs: Mapping[str, Any], region: str, account: Account, old: Mapping[str, Any] | None) -> Iterator[str]:
    yield from _missing(kind, inputs, region, account)
    for name in kind.documents:
        yield from _unknown_principals(inputs.get(name), account)
    rule = RULES.get(kind.title)
    if rule and old is None:
        yield from rule(inputs, region, account)
    change = CHANGES.get(kind.title)
    if change and old is not None:
        yield from change(old, inputs, region, account)


def _missing(kind: Kind, inputs: Mapping[str, Any], region: str, account: Account) -> Iterator[str]:
    for need in kind.needs:
        for value in values_at(inputs, need.path):
            if account.find(need.kind, need.by, value, None if need.anywhere or need.kind == "Role" else region) is None:
                if need.kind == "Key" and account.find("Key", "arn" if need.by == "id" else "id", value, region) is not None:
                    continue
                yield need.error.format(value)


def _unknown_principals(text: Any, account: Account) -> Iterator[str]:
    document = documents.parsed(text) if text else None
    for who in sorted(documents.principals(document or {}, "AWS")):
        own = who.startswith(f"arn:aws:iam::{ACCOUNT}:") and not who.endswith(":root") and SERVICE_LINKED not in who
        if own and who not in account.principals and account.find("Role", "arn", who) is None:
            said = f"MalformedPolicyDocumentException: Policy contains a statement with one or more invalid principals: {who}"
            yield f"{said} (a test adds it to `account.principals` where it is not the program's)"


def _subnet(inputs: Mapping[str, Any], region: str, account: Account) -> Iterator[str]:
    vpc = account.find("Vpc", "id", inputs["vpcId"], region)
    block = ipaddress.IPv4Network(inputs["cidrBlock"])
    if vpc and not block.subnet_of(ipaddress.IPv4Network(vpc["cidrBlock"])):
        yield f"InvalidSubnet.Range: The CIDR '{block}' is invalid."
    for _, other in account.of_kind("Subnet", region):
        if other["vpcId"] == inputs["vpcId"] and block.overlaps(ipaddress.IPv4Network(other["cidrBlock"])):
            yield f"InvalidSubnet.Conflict: The CIDR '{block}' conflicts with another subnet"
    zone, name = inputs.get("availabilityZoneId"), inputs.get("availabilityZone")
    if (zone and zone not in zone_names(region)) or (name and name not in zone_names(region).values()):
        known = ", ".join(sorted(zone_names(region)))
        said = f"InvalidParameterValue: Value ({zone or name}) for parameter availabilityZoneId is invalid."
        yield f"{said} Subnets can currently only be created in the following availability zones: {known}."


def _nat(inputs: Mapping[str, Any], region: str, account: Account) -> Iterator[str]:
    subnet = account.find("Subnet", "id", inputs.get("subnetId"), region)
    attached = subnet and account.find("InternetGateway", "vpcId", subnet["vpcId"], region)
    if subnet and not attached and inputs.get("connectivityType", "public") == "public":
        yield f"Gateway.NotAttached: Network {subnet['vpcId']} has no Internet gateway attached"


def _trusts(arn: Any, service: str, account: Account) -> bool:
    role = account.find("Role", "arn", arn)
    document = documents.parsed(role["assumeRolePolicy"]) if role else None
    return document is None or service in documents.principals(document, "Service")


def _may_do_something(arn: Any, account: Account) -> bool:
    role = account.find("Role", "arn", arn) or {}
    held = [*account.of_kind("RolePolicyAttachment"), *account.of_kind("RolePolicy")]
    return any(policy["role"] == role.get("name") for _, policy in held)


def _cluster(inputs: Mapping[str, Any], region: str, account: Account) -> Iterator[str]:
    if not _trusts(inputs["roleArn"], "eks.amazonaws.com", account):
        yield "InvalidParameterException: Role could not be assumed because the trusted entity is not correct"
    if not _may_do_something(inputs["roleArn"], account):
        yield "InvalidParameterException: The provided role doesn't have the Amazon EKS Managed Policies associated with it."
    subnets = [found for one in values_at(inputs, "vpcConfig.subnetIds") if (found := account.find("Subnet", "id", one, region))]
    zones = {subnet["availabilityZoneId"] for subnet in subnets}
    if len(zones) < 2:
        yield "InvalidParameterException: Subnets specified must be in at least two different AZs"
    if wrong := sorted(zones & REFUSED_ZONES):
        said = f"Cannot create cluster because {', '.join(wrong)} does not have sufficient capacity to support the cluster"
        yield f"UnsupportedAvailabilityZoneException: {said}"
    if len({subnet["vpcId"] for subnet in subnets}) > 1:
        yield "InvalidParameterException: Provided subnets belong to different VPCs"


def _node_group(inputs: Mapping[str, Any], region: str, account: Account) -> Iterator[str]:
    cluster = account.find("Cluster", "name", inputs["clusterName"], region) or {}
    if not _trusts(inputs["nodeRoleArn"], "ec2.amazonaws.com", account):
        said = "Following required service principals [ec2.amazonaws.com] were not found in the trust relationships of nodeRole"
        yield f"InvalidParameterException: {said}"
    if not _may_do_something(inputs["nodeRoleArn"], account):
        yield "NodeCreationFailure: Instances failed to join the kubernetes cluster: the node role has no policies"
    subnets = [found for one in values_at(inputs, "subnetIds") if (found := account.find("Subnet", "id", one, region))]
    if any(subnet["vpcId"] != at(cluster, "vpcConfig.vpcId") for subnet in subnets):
        yield "InvalidParameterException: Subnets are not in the VPC of the cluster"
    yield from _template_of(inputs, region, account)
    yield from _node_version(inputs, cluster)
    network = account.find("Addon", "id", f"{inputs['clusterName']}:vpc-cni", region)
    if at(inputs, "scalingConfig.desiredSize") and cluster.get("bootstrapSelfManagedAddons") is False and network is None:
        yield "NodeCreationFailure: Unhealthy nodes in the kubernetes cluster: cni plugin not initialized (there is no add-on vpc-cni)"


def _template_of(inputs: Mapping[str, Any], region: str, account: Account) -> Iterator[str]:
    template = account.find("LaunchTemplate", "id", at(inputs, "launchTemplate.id"), region)
    if template is None:
        return
    version = at(inputs, "launchTemplate.version")
    if version not in ("$Latest", "$Default") and not 1 <= int(version) <= template["latestVersion"]:
        yield f"InvalidLaunchTemplateId.VersionNotFound: Could not find the specified version {version} for the launch template"
    if template.get("instanceType") and inputs.get("instanceTypes"):
        yield "InvalidParameterException: Cannot specify instance types in launch template and API request"
    if template.get("imageId") and inputs.get("amiType", "CUSTOM") != "CUSTOM":
        yield "InvalidParameterException: Cannot specify an image in the launch template and amiType"
    block = at(template, "instanceMarketOptions.marketType") == "capacity-block"
    if block != (inputs.get("capacityType") == "CAPACITY_BLOCK"):
        yield "InvalidParameterException: capacityType CAPACITY_BLOCK and the market type capacity-block of the launch template go together"


def _node_version(inputs: Mapping[str, Any], cluster: Mapping[str, Any]) -> Iterator[str]:
    wanted, control = inputs.get("version"), cluster.get("version")
    if wanted and control and _minor(wanted) > _minor(control):
        yield f"InvalidParameterException: Nodegroup Kubernetes version {wanted} should not be newer than the cluster's {control}"


def _minor(version: str) -> int:
    return int(version.split(".")[1])


def _add_on(inputs: Mapping[str, Any], region: str, account: Account) -> Iterator[str]:
    groups = [group for _, group in account.of_kind("NodeGroup", region) if group["clusterName"] == inputs["clusterName"]]
    if inputs["addonName"] in DEPLOYMENTS and not any(at(group, "scalingConfig.desiredSize") for group in groups):
        yield f"unexpected state 'DEGRADED', wanted target 'ACTIVE': InsufficientNumberOfReplicas: {inputs['addonName']} has no node to run on"


def _pod_identity(inputs: Mapping[str, Any], _: str, account: Account) -> Iterator[str]:
    if not _trusts(inputs["roleArn"], "pods.eks.amazonaws.com", account):
        yield "InvalidParameterException: Trust policy of role provided is invalid: it has to trust pods.eks.amazonaws.com"


def _attachment(inputs: Mapping[str, Any], _: str, __: Account) -> Iterator[str]:
    if not str(inputs["policyArn"]).startswith("arn:aws:iam::aws:policy/"):
        yield f"NoSuchEntity: Policy {inputs['policyArn']} does not exist or is not attachable."


def _log_group(inputs: Mapping[str, Any], region: str, account: Account) -> Iterator[str]:
    key = account.find("Key", "arn", inputs.get("kmsKeyId"), region)
    document = documents.parsed(key.get("policy")) if key else None
    if document and not documents.principals(document, "Service") & {f"logs.{region}.amazonaws.com", "logs.amazonaws.com"}:
        said = "AccessDeniedException: The specified KMS key does not exist or is not allowed to be used"
        yield f"{said}: its policy does not name logs.{region}.amazonaws.com"


def _secret(inputs: Mapping[str, Any], region: str, account: Account) -> Iterator[str]:
    if (region, "Secret", inputs["name"]) in account.scheduled:
        yield "InvalidRequestException: You can't create this secret because a secret with this name is already scheduled for deletion."


def _replication(inputs: Mapping[str, Any], region: str, account: Account) -> Iterator[str]:
    def versioned(bucket: Any, where: str | None) -> bool:
        setting = account.find("BucketVersioning", "bucket", bucket, where) or {}
        return at(setting, "versioningConfiguration.status") == "Enabled"

    if not versioned(inputs["bucket"], region):
        yield "InvalidRequest: Versioning must be 'Enabled' on the bucket to apply a replication configuration"
    for arn in values_at(inputs, "rules.destination.bucket"):
        if not versioned(str(arn).rpartition(":")[2], None):
            yield "InvalidRequest: Destination bucket must have versioning enabled."


def _bucket_policy(inputs: Mapping[str, Any], _: str, __: Account) -> Iterator[str]:
    own = f"arn:aws:s3:::{inputs['bucket']}"
    for statement in documents.statements_of(documents.parsed(inputs["policy"]) or {}):
        for resource in documents.listed(statement.get("Resource")):
            if resource != own and not str(resource).startswith(f"{own}/"):
                yield f"MalformedPolicy: Policy has invalid resource: {resource}"


def _cluster_changed(old: Mapping[str, Any], new: Mapping[str, Any], _: str, __: Account) -> Iterator[str]:
    before, after = old.get("version"), new.get("version")
    if before and after and _minor(after) - _minor(before) not in (0, 1):
        yield f"InvalidParameterException: Unsupported Kubernetes minor version update from {before} to {after}"
    if at(old, "encryptionConfig.provider.keyArn") not in (None, at(new, "encryptionConfig.provider.keyArn")):
        yield "InvalidParameterException: encryption is on already, and its key cannot be changed"


def _node_group_changed(old: Mapping[str, Any], new: Mapping[str, Any], region: str, account: Account) -> Iterator[str]:
    cluster = account.find("Cluster", "name", new["clusterName"], region) or {}
    yield from _template_of(new, region, account)
    yield from _node_version(new, cluster)
    if new.get("version") and old.get("version") and _minor(new["version"]) < _minor(old["version"]):
        yield f"InvalidParameterException: Nodegroup version cannot go down from {old['version']} to {new['version']}"


RULES: dict[str, Rule] = {
    "Subnet": _subnet,
    "NatGateway": _nat,
    "Cluster": _cluster,
    "NodeGroup": _node_group,
    "Addon": _add_on,
    "PodIdentityAssociation": _pod_identity,
    "RolePolicyAttachment": _attachment,
    "LogGroup": _log_group,
    "Secret": _secret,
    "BucketReplicationConfig": _replication,
    "BucketPolicy": _bucket_policy,
}
CHANGES: dict[str, Callable[[Mapping[str, Any], Mapping[str, Any], str, Account], Iterator[str]]] = {
    "Cluster": _cluster_changed,
    "NodeGroup": _node_group_changed,
    "BucketPolicy": lambda _, new, region, account: _bucket_policy(new, region, account),
}
