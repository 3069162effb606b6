"""Limits of AWS that no service model writes down, judged on the inputs of one resource alone. Each rule says whose it is."""

from __future__ import annotations

import base64
import binascii
import ipaddress
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from tests.support.stand_in_aws import documents
from tests.support.stand_in_aws.kinds import Kind
from tests.support.stand_in_provider_wire import UNKNOWN, at

Fault = tuple[str, str]

CIDRS = ("cidrBlock", "destinationCidrBlock", "cidrIpv4")
LABELS, TAINTS, TAGS = 50, 50, 50
"""Of a node group, of a node group, of any resource (quotas of EKS and EC2)."""

USER_DATA_BYTES = 16_384
"""Before base64 (EC2)."""

RETENTION_DAYS = {1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653}
"""What PutRetentionPolicy takes, by its documentation."""

BUCKET = re.compile(r"(?!xn--)(?!.*\.\.)[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
"""Rules of S3 for names of buckets."""

LABEL_NAME = re.compile(r"([A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?)")
RESERVED_LABEL = re.compile(r"(^|\.)(kubernetes\.io|k8s\.io|eks\.amazonaws\.com)/")
PRIVATE = tuple(ipaddress.IPv4Network(block) for block in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"))
"""RFC 1918."""

UNITS = {"iops": (3_000, 80_000), "throughput": (125, 2_000), "volumeSize": (1, 65_536)}
"""Of a gp3 volume: the widest range that EC2 has had."""


def faults(kind: Kind, inputs: Mapping[str, Any]) -> list[Fault]:
    """(input, reason) for every limit that the inputs alone overstep."""
    found = [*_documents(kind, inputs), *_cidrs(inputs), *_tags(inputs)]
    rule = RULES.get(kind.title)
    return found + list(rule(inputs) if rule else ())


def _part(inputs: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Inputs inside an input; none where it is missing or not known yet."""
    found = inputs.get(name)
    return found if isinstance(found, Mapping) else {}


def _items(inputs: Mapping[str, Any], name: str) -> list[Any]:
    """Likewise, of a list."""
    found = inputs.get(name)
    return found if isinstance(found, list) else []


def _documents(kind: Kind, inputs: Mapping[str, Any]) -> Iterator[Fault]:
    for name, stands_on in kind.documents.items():
        if name in inputs:
            yield from ((name, fault) for fault in documents.faults(inputs[name], stands_on))


def _cidrs(inputs: Mapping[str, Any]) -> Iterator[Fault]:
    for name in CIDRS:
        value = inputs.get(name)
        if value not in (None, UNKNOWN) and _network(value) is None:
            yield name, f"InvalidParameterValue: {value!r} is not a valid CIDR block of IPv4"


def _network(value: Any) -> ipaddress.IPv4Network | None:
    try:
        return ipaddress.IPv4Network(value)
    except ValueError:
        return None


def _private(network: ipaddress.IPv4Network) -> bool:
    return any(network.subnet_of(block) for block in PRIVATE)


def _tags(inputs: Mapping[str, Any]) -> Iterator[Fault]:
    tags = inputs.get("tags")
    if not isinstance(tags, Mapping):
        return
    if len(tags) > TAGS:
        yield "tags", f"{len(tags)} tags, and a resource has at most {TAGS}"
    for key, value in tags.items():
        if key.lower().startswith("aws:") or not 1 <= len(key) <= 128:
            yield f"tags.{key}", "InvalidParameterValue: a key of a tag has 1 to 128 characters and does not begin with aws:"
        if value != UNKNOWN and len(value) > 256:
            yield f"tags.{key}", "InvalidParameterValue: a value of a tag has at most 256 characters"


def _vpc(inputs: Mapping[str, Any]) -> Iterator[Fault]:
    network = _network(inputs.get("cidrBlock"))
    if network and not 16 <= network.prefixlen <= 28:
        yield "cidrBlock", f"InvalidVpc.Range: the CIDR '{network}' is invalid: a network is between /16 and /28"


def _subnet(inputs: Mapping[str, Any]) -> Iterator[Fault]:
    network = _network(inputs.get("cidrBlock"))
    if network and not 16 <= network.prefixlen <= 28:
        yield "cidrBlock", f"InvalidSubnet.Range: the CIDR '{network}' is invalid: a subnet is between /16 and /28"
    if "availabilityZone" in inputs and "availabilityZoneId" in inputs:
        yield "availabilityZoneId", "conflicts with availabilityZone"


def _launch_template(inputs: Mapping[str, Any]) -> Iterator[Fault]:
    name, data = inputs.get("name"), inputs.get("userData")
    if isinstance(name, str) and name != UNKNOWN and not re.fullmatch(r"[a-zA-Z0-9()./_-]{3,128}", name):
        yield "name", "InvalidLaunchTemplateName.MalformedException: 3 to 128 letters, digits and ( ) . / _ -"
    if isinstance(data, str) and data != UNKNOWN:
        yield from _user_data(data)
    hops = at(inputs, "metadataOptions.httpPutResponseHopLimit")
    if isinstance(hops, int) and not 1 <= hops <= 64:
        yield "metadataOptions.httpPutResponseHopLimit", f"{hops} is not between 1 and 64"
    if "vpcSecurityGroupIds" in inputs and any(one.get("securityGroups") for one in _items(inputs, "networkInterfaces")):
        yield "vpcSecurityGroupIds", "conflicts with networkInterfaces.securityGroups"
    for index, mapping in enumerate(_items(inputs, "blockDeviceMappings")):
        yield from _disk(_part(mapping, "ebs"), f"blockDeviceMappings[{index}].ebs")


def _user_data(data: str) -> Iterator[Fault]:
    try:
        raw = base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError):
        yield "userData", "InvalidUserData.Malformed: Invalid BASE64 encoding of user data"
        return
    if len(raw) > USER_DATA_BYTES:
        yield "userData", f"InvalidUserData: {len(raw)} bytes, and user data has at most {USER_DATA_BYTES}"


def _disk(disk: Mapping[str, Any], path: str) -> Iterator[Fault]:
    if disk.get("volumeType") != "gp3":
        return
    for name, (least, most) in UNITS.items():
        if isinstance(disk.get(name), int) and not least <= disk[name] <= most:
            yield f"{path}.{name}", f"{disk[name]} is not between {least} and {most} for gp3"
    if "kmsKeyId" in disk and disk.get("encrypted") != "true":
        yield f"{path}.kmsKeyId", "a key without encrypted: EC2 takes it for nothing"


def _node_group(inputs: Mapping[str, Any]) -> Iterator[Fault]:
    sizes = _part(inputs, "scalingConfig")
    least, wanted, most = sizes.get("minSize"), sizes.get("desiredSize"), sizes.get("maxSize")
    if isinstance(least, int) and isinstance(wanted, int) and isinstance(most, int) and not least <= wanted <= most:
        yield "scalingConfig.desiredSize", f"InvalidParameterException: {wanted} is not between minSize {least} and maxSize {most}"
    update = _part(inputs, "updateConfig")
    if {"maxUnavailable", "maxUnavailablePercentage"} <= set(update):
        yield "updateConfig.maxUnavailablePercentage", "conflicts with maxUnavailable"
    if isinstance(update.get("maxUnavailable"), int) and update["maxUnavailable"] > 100:
        yield "updateConfig.maxUnavailable", "InvalidParameterException: at most 100 nodes can be updated at once"
    if "launchTemplate" in inputs:
        yield from ((name, "InvalidParameterException: conflicts with launchTemplate") for name in ("diskSize", "remoteAccess") if name in inputs)
        if {"id", "name"} <= set(_part(inputs, "launchTemplate")):
            yield "launchTemplate.name", "conflicts with launchTemplate.id"
    name = inputs.get("nodeGroupName", inputs.get("nodeGroupNamePrefix"))
    longest = 63 if "nodeGroupName" in inputs else 63 - 26
    # The name is part of the Auto Scaling group's and of a label's value, hence the alphabet (documented, not in the model).
    if isinstance(name, str) and name != UNKNOWN and (len(name) > longest or not re.fullmatch(r"[0-9A-Za-z][A-Za-z0-9_-]*", name)):
        yield (
            "nodeGroupName" if "nodeGroupName" in inputs else "nodeGroupNamePrefix",
            (f"InvalidParameterException: {name!r}: at most {longest} letters, digits, - and _, a letter or digit first"),
        )
    yield from _labels_and_taints(inputs)
    if inputs.get("capacityType") == "CAPACITY_BLOCK" and "launchTemplate" not in inputs:
        yield "capacityType", "InvalidParameterException: CAPACITY_BLOCK needs a launch template that names the reservation"


def _labels_and_taints(inputs: Mapping[str, Any]) -> Iterator[Fault]:
    labels, taints = _part(inputs, "labels"), _items(inputs, "taints")
    if len(labels) > LABELS:
        yield "labels", f"InvalidParameterException: {len(labels)} labels, and a node group has at most {LABELS}"
    for key, value in labels.items():
        if not LABEL_NAME.fullmatch(key.rpartition("/")[2]) or (value not in ("", UNKNOWN) and not LABEL_NAME.fullmatch(value)):
            yield f"labels.{key}", f"InvalidParameterException: {value!r}: not a label of Kubernetes"
        if RESERVED_LABEL.search(key) and not key.startswith("node.kubernetes.io/"):
            yield f"labels.{key}", "InvalidParameterException: Label cannot contain reserved prefixes [kubernetes.io/, k8s.io/, eks.amazonaws.com/]"
    if len(taints) > TAINTS:
        yield "taints", f"InvalidParameterException: {len(taints)} taints, and a node group has at most {TAINTS}"


def _cluster(inputs: Mapping[str, Any]) -> Iterator[Fault]:
    service = at(inputs, "kubernetesNetworkConfig.serviceIpv4Cidr")
    if service not in (None, UNKNOWN):
        network = _network(service)
        if network is None or not 12 <= network.prefixlen <= 24 or not _private(network):
            yield "kubernetesNetworkConfig.serviceIpv4Cidr", f"InvalidParameterException: {service!r} is not a private block between /12 and /24"
    config = _part(inputs, "vpcConfig")
    if config.get("endpointPublicAccess") is False and not config.get("endpointPrivateAccess"):
        yield "vpcConfig.endpointPrivateAccess", "InvalidParameterException: Private and public endpoint access cannot be false"
    for index, cidr in enumerate(_items(config, "publicAccessCidrs")):
        network = _network(cidr)
        if cidr != UNKNOWN and (network is None or _private(network)):
            yield f"vpcConfig.publicAccessCidrs[{index}]", f"InvalidParameterException: {cidr!r} is not a public block of IPv4"
    for index, resource in enumerate(_items(_part(inputs, "encryptionConfig"), "resources")):
        if resource not in ("secrets", UNKNOWN):
            yield f"encryptionConfig.resources[{index}]", "InvalidParameterException: only secrets can be encrypted"


def _key(inputs: Mapping[str, Any]) -> Iterator[Fault]:
    window, rotation = inputs.get("deletionWindowInDays"), inputs.get("rotationPeriodInDays")
    if isinstance(window, int) and not 7 <= window <= 30:
        yield "deletionWindowInDays", f"ValidationException: {window} is not between 7 and 30"
    if isinstance(rotation, int) and not inputs.get("enableKeyRotation"):
        yield "rotationPeriodInDays", "needs enableKeyRotation"


def _alias(inputs: Mapping[str, Any]) -> Iterator[Fault]:
    name = inputs.get("name")
    if isinstance(name, str) and name != UNKNOWN and (not name.startswith("alias/") or name.startswith("alias/aws/")):
        yield "name", f"ValidationException: {name!r} must begin with alias/ and not with alias/aws/"


def _bucket(inputs: Mapping[str, Any]) -> Iterator[Fault]:
    for name, longest in (("bucket", 63), ("bucketPrefix", 37)):
        value = inputs.get(name)
        if not isinstance(value, str) or value == UNKNOWN:
            continue
        if len(value) > longest or not BUCKET.fullmatch(value if name == "bucket" else f"{value}0a"):
            yield name, f"InvalidBucketName: {value!r}: 3 to {longest} lower-case letters, digits, dots and hyphens"


def _secret(inputs: Mapping[str, Any]) -> Iterator[Fault]:
    name, days = inputs.get("name"), inputs.get("recoveryWindowInDays")
    if isinstance(name, str) and name != UNKNOWN and not re.fullmatch(r"[A-Za-z0-9/_+=.@-]+", name):
        yield "name", f"ValidationException: {name!r}: letters, digits and / _ + = . @ -"
    if isinstance(days, int) and days != 0 and not 7 <= days <= 30:
        yield "recoveryWindowInDays", f"InvalidParameterException: {days} is neither 0 nor between 7 and 30"


def _log_group(inputs: Mapping[str, Any]) -> Iterator[Fault]:
    days = inputs.get("retentionInDays")
    if isinstance(days, int) and days not in RETENTION_DAYS | {0}:
        yield "retentionInDays", f"InvalidParameterException: {days} is none of {', '.join(map(str, sorted(RETENTION_DAYS)))}"


def _endpoint(inputs: Mapping[str, Any]) -> Iterator[Fault]:
    gateway = inputs.get("vpcEndpointType") == "Gateway"
    wrong = ("subnetIds", "securityGroupIds", "privateDnsEnabled") if gateway else ("routeTableIds",)
    yield from ((name, f"InvalidParameter: not for an endpoint of type {inputs.get('vpcEndpointType')}") for name in wrong if inputs.get(name))


def _rule(inputs: Mapping[str, Any]) -> Iterator[Fault]:
    sources = [name for name in ("cidrIpv4", "cidrIpv6", "prefixListId", "referencedSecurityGroupId") if name in inputs]
    if len(sources) != 1:
        yield "cidrIpv4", f"exactly one of cidrIpv4, cidrIpv6, prefixListId, referencedSecurityGroupId, not {sources}"
    ports = [name for name in ("fromPort", "toPort") if name in inputs]
    if inputs.get("ipProtocol") == "-1" and ports:
        yield ports[0], "InvalidParameterValue: all protocols have no ports"
    if inputs.get("ipProtocol") in ("tcp", "udp") and len(ports) != 2:
        yield "fromPort", f"{inputs['ipProtocol']} needs fromPort and toPort"


def _flow_log(inputs: Mapping[str, Any]) -> Iterator[Fault]:
    if inputs.get("maxAggregationInterval") not in (None, 60, 600, UNKNOWN):
        yield "maxAggregationInterval", "InvalidParameter: 60 or 600 seconds"


def _access_scope(inputs: Mapping[str, Any]) -> Iterator[Fault]:
    scope = _part(inputs, "accessScope")
    if scope and (scope.get("type") == "namespace") != bool(scope.get("namespaces")):
        yield "accessScope.namespaces", "InvalidParameterException: given for a scope of type namespace, and only there"


RULES: dict[str, Callable[[Mapping[str, Any]], Iterator[Fault]]] = {
    "Vpc": _vpc,
    "Subnet": _subnet,
    "LaunchTemplate": _launch_template,
    "NodeGroup": _node_group,
    "Cluster": _cluster,
    "Key": _key,
    "Alias": _alias,
    "Bucket": _bucket,
    "Secret": _secret,
    "LogGroup": _log_group,
    "VpcEndpoint": _endpoint,
    "SecurityGroupIngressRule": _rule,
    "SecurityGroupEgressRule": _rule,
    "FlowLog": _flow_log,
    "AccessPolicyAssociation": _access_scope,
}
