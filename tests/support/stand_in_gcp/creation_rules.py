"""What Google refuses to make or change because of what else exists, or does not exist yet.

Modelled: everything that a resource names exists; a service that is off has nothing; ranges of a network do not overlap, a cluster's
secondary ranges are its subnetwork's; a key lies where its user does, and the agent that works with it has been given it; whoever gets a
role exists; machines run as an account that exists; a record lies in its zone; names of key rings and keys are taken for good.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from tests.support.stand_in_cloud.inventory import values_at
from tests.support.stand_in_gcp.kinds import Kind
from tests.support.stand_in_gcp.network_rules import network_of
from tests.support.stand_in_gcp.own_rules import POD
from tests.support.stand_in_gcp.projects import Projects, number_of
from tests.support.stand_in_provider_wire import UNKNOWN, at

KEY_ROLE = "roles/cloudkms.cryptoKeyEncrypterDecrypter"

Rule = Callable[[Mapping[str, Any], str, Projects], Iterator[str]]


def refusal(kind: Kind, inputs: Mapping[str, Any], place: str, projects: Projects, old: Mapping[str, Any] | None = None) -> str | None:
    """What Google says to creating it (or to changing it from `old`), or None. `inputs` name their project."""
    return next(_refusals(kind, inputs, place, projects, old), None)


def _refusals(kind: Kind, inputs: Mapping[str, Any], place: str, projects: Projects, old: Mapping[str, Any] | None) -> Iterator[str]:
    yield from _off(kind, inputs, projects)
    for need in kind.needs:
        for value in values_at(inputs, need.path):
            if projects.find(need.kind, need.by, value, None if need.anywhere else place) is None:
                yield need.error.format(value)
    for path, agent in (kind.key_users or {}).items():
        for key in values_at(inputs, path):
            yield from _key(key, agent, place, inputs, projects)
    if "member" in inputs and old is None:
        yield from _member(inputs["member"], inputs["project"], projects)
    rule = RULES.get(kind.title)
    if rule and old is None:
        yield from rule(inputs, place, projects)


def _off(kind: Kind, inputs: Mapping[str, Any], projects: Projects) -> Iterator[str]:
    service = f"{kind.calls[0].service.partition('.')[0]}.googleapis.com"
    if service in projects.switched_off:
        project = inputs["project"]
        yield f"googleapi: Error 403: {service} has not been used in project {project} before or it is disabled., accessNotConfigured"


def _key(key: str, agent: str, place: str, inputs: Mapping[str, Any], projects: Projects) -> Iterator[str]:
    if projects.find("CryptoKey", "id", key) is None:
        yield f"googleapi: Error 404: CryptoKey {key} not found."
        return
    if key.split("/")[3] != place and place != "global":
        yield f"googleapi: Error 400: the key {key} is not in the location {place}, badRequest"
    member = f"serviceAccount:service-{number_of(inputs['project'])}@{agent}.iam.gserviceaccount.com"
    given = [found for _, found in projects.of_kind("CryptoKeyIAMMember") if found["cryptoKeyId"] == key and found["role"] == KEY_ROLE]
    if not any(found["member"] == member for found in given):
        words = f"Permission 'cloudkms.cryptoKeyVersions.useToEncrypt' denied on resource '{key}' (or it may not exist)"
        yield f"googleapi: Error 403: {words}: {member.removeprefix('serviceAccount:')} has no role on it, forbidden"


def _member(member: str, project: str, projects: Projects) -> Iterator[str]:
    if pod := POD.fullmatch(member):
        number, pool = pod[1], pod[2]
        known = projects.identity_pools or any(at(found, "workloadIdentityConfig.workloadPool") for _, found in projects.of_kind("Cluster"))
        if number != number_of(pool) or not known:
            words = "Please check that you specified a valid resource name as returned in the `name` attribute in the configuration API."
            yield f"googleapi: Error 400: Identity Pool does not exist ({pool}.svc.id.goog). {words}, badRequest"
    if not member.startswith("serviceAccount:") or member.endswith("]"):
        return
    email = member.removeprefix("serviceAccount:")
    if not _exists(email, projects):
        yield f"googleapi: Error 400: Service account {email} does not exist., badRequest"


def _exists(email: str, projects: Projects) -> bool:
    account, _, domain = email.partition("@")
    if account.startswith("service-"):
        made = {found["email"] for _, found in projects.of_kind("ServiceIdentity")}
        return email in made or domain.removesuffix(".iam.gserviceaccount.com") in projects.agents
    return email in projects.accounts or projects.find("Account", "email", email) is not None


def _subnetwork(inputs: Mapping[str, Any], place: str, projects: Projects) -> Iterator[str]:
    taken = [block for _, other in projects.of_kind("Subnetwork") if _same(other["network"], inputs["network"], projects) for block in blocks(other)]
    for block in blocks(inputs):
        for other in taken:
            if block.overlaps(other):
                words = f"Invalid IPCidrRange: {block} conflicts with existing subnetwork in region '{place}'."
                yield f"Error waiting to create Subnetwork: Error waiting for Creating Subnetwork: {words}"
    if inputs.get("role") == "ACTIVE":
        for _, other in projects.of_kind("Subnetwork", place):
            if other.get("role") == "ACTIVE" and _same(other["network"], inputs["network"], projects):
                yield f"googleapi: Error 400: network {inputs['network']} has an active subnetwork for proxies in {place} already, invalid"


def blocks(subnetwork: Mapping[str, Any]) -> list[ipaddress.IPv4Network]:
    """Everything that a subnetwork has."""
    said = [subnetwork.get("ipCidrRange"), *values_at(subnetwork, "secondaryIpRanges.ipCidrRange")]
    return [block for one in said if (block := network_of(one)) is not None]


def _same(one: Any, other: Any, projects: Projects) -> bool:
    first, second = (projects.find("Network", ("id", "selfLink", "name"), value) for value in (one, other))
    return first is not None and first is second


def _cluster(inputs: Mapping[str, Any], place: str, projects: Projects) -> Iterator[str]:
    subnetwork = projects.find("Subnetwork", ("id", "selfLink", "name"), inputs.get("subnetwork"), place)
    if subnetwork is None:
        yield "googleapi: Error 400: a cluster has a subnetwork of its own region., badRequest"
        return
    if not _same(subnetwork["network"], inputs.get("network"), projects):
        yield f"googleapi: Error 400: Subnetwork {inputs['subnetwork']} is not in network {inputs.get('network')}., badRequest"
    there = set(values_at(subnetwork, "secondaryIpRanges.rangeName"))
    for name in ("clusterSecondaryRangeName", "servicesSecondaryRangeName"):
        wanted = at(inputs, f"ipAllocationPolicy.{name}")
        if wanted is not None and wanted not in there:
            yield f'googleapi: Error 400: secondary range "{wanted}" does not exist in subnetwork "{subnetwork["name"]}"., badRequest'
    pool = at(inputs, "workloadIdentityConfig.workloadPool")
    if pool not in (None, f"{inputs['project']}.svc.id.goog"):
        yield f"googleapi: Error 400: workload pool {pool} is not the project's, {inputs['project']}.svc.id.goog., badRequest"
    yield from _machines(inputs.get("nodeConfig"), projects)


def _node_pool(inputs: Mapping[str, Any], _: str, projects: Projects) -> Iterator[str]:
    yield from _machines(inputs.get("nodeConfig"), projects)


def _machines(machines: Any, projects: Projects) -> Iterator[str]:
    account = at(machines, "serviceAccount")
    if account not in (None, "default", UNKNOWN) and not _exists(account, projects):
        yield f'googleapi: Error 400: Service account "{account}" does not exist., badRequest'


def _record(inputs: Mapping[str, Any], _: str, projects: Projects) -> Iterator[str]:
    zone = projects.find("ManagedZone", "name", inputs["managedZone"])
    if zone and not f".{inputs['name']}".endswith(f".{zone['dnsName']}"):
        yield f"googleapi: Error 400: Invalid value for 'entity.change.additions[0].name': '{inputs['name']}' is not in {zone['dnsName']}, invalid"


def _secret(inputs: Mapping[str, Any], _: str, __: Projects) -> Iterator[str]:
    for replica in values_at(inputs, "replication.userManaged.replicas"):
        key = at(replica, "customerManagedEncryption.kmsKeyName")
        if key and key.split("/")[3] != replica["location"]:
            yield f"googleapi: Error 400: the key {key} is not in the replica's location {replica['location']}"


def taken_for_good(kind: Kind, identity: str, place: str, projects: Projects) -> bool:
    """Whether the name was used before: key rings and keys never go, and their names with them."""
    return (place, kind.title, identity) in projects.scheduled


RULES: dict[str, Rule] = {
    "Subnetwork": _subnetwork,
    "Cluster": _cluster,
    "NodePool": _node_pool,
    "RecordSet": _record,
    "Secret": _secret,
}
