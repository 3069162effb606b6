"""What Google or its provider refuses to delete, and what goes beside what was asked for.

Modelled: whatever has the policy PREVENT; a protected cluster or secret; a network with subnetworks, routers, firewall rules, a cluster or
endpoint groups in it; a subnetwork with a cluster; a zone with records; a bucket that holds objects. A key ring never goes and a key is only
scheduled, so their names stay taken. A service stays on where its resource says so, and an agent always stays.

Not Google's own rules, but the stand-in's: a key that something is encrypted with, the role by which its user reads it, and an account
that machines run as are kept while they are used. Google would delete them, and what uses them could then no longer be read or run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from tests.support.stand_in_cloud.inventory import Key, values_at
from tests.support.stand_in_gcp.catalogue import KINDS
from tests.support.stand_in_gcp.projects import Projects, number_of

BY_TITLE = {kind.title: kind for kind in KINDS.values()}
IN_NETWORK = ("Subnetwork", "Router", "Firewall", "Cluster", "NetworkEndpointGroup")
ROLES = {"CryptoKey": ("CryptoKeyIAMMember", "cryptoKeyId"), "Bucket": ("BucketIAMMember", "bucket"), "Secret": ("SecretIamMember", "secretId")}
"""Kind to the kind of its roles, which go with it, and the input that names it."""

Rule = Callable[[Key, Mapping[str, Any], Projects], Iterator[str]]


def refusal(key: Key, projects: Projects) -> str | None:
    """What is said to deleting it, or None."""
    return next(_refusals(key, projects.objects[key], projects), None)


def _refusals(key: Key, state: Mapping[str, Any], projects: Projects) -> Iterator[str]:
    kind = BY_TITLE[key[1]]
    if state.get("deletionPolicy") == "PREVENT":
        called = kind.words if kind.words[:1].isupper() else f'"{_provider_id(key, state)}"'
        yield f'cannot destroy {called} without setting deletion_policy="DELETE" and running `terraform apply`'
    rule = RULES.get(key[1])
    if rule:
        yield from rule(key, state, projects)


def _provider_id(key: Key, state: Mapping[str, Any]) -> str:
    return key[2] if key[1] != "Bucket" else state["name"]


def delete(key: Key, projects: Projects) -> None:
    """Take it away with everything that goes beside it."""
    _, kind, identity = key
    state = projects.objects.pop(key)
    for implicit in [one for one, value in projects.implicit.items() if value.get("owner") == identity]:
        del projects.implicit[implicit]
    if kind in ("KeyRing", "CryptoKey"):
        projects.scheduled.add(key)
    if kind == "ServiceIdentity" or (kind == "Service" and state.get("disableOnDestroy") is False):
        projects.lasting[key] = state
    elif kind == "Service":
        projects.switched_off.add(state["service"])
    for part in [one for one, value in projects.objects.items() if _part_of(kind, identity, state, one[1], value)]:
        del projects.objects[part]
    if kind == "Bucket":
        projects.full_buckets.discard(state["name"])


def _part_of(kind: str, identity: str, state: Mapping[str, Any], part: str, value: Mapping[str, Any]) -> bool:
    if kind == "Cluster":
        return part == "NodePool" and value["cluster"] in (identity, state["name"])
    if kind == "Router":
        return part == "RouterNat" and value["router"] in (identity, state["name"], state["selfLink"])
    if kind == "ManagedZone":
        return part == "RecordSet" and value["managedZone"] == state["name"]
    if kind in ROLES:
        roles, names = ROLES[kind]
        return part == roles and value[names] in (identity, state.get("name"), state.get("secretId"))
    return False


def _network(key: Key, state: Mapping[str, Any], projects: Projects) -> Iterator[str]:
    called = (key[2], state["selfLink"], state["name"])
    for kind in IN_NETWORK:
        for other, value in projects.of_kind(kind):
            if value.get("network") in called:
                words = f"The network resource '{key[2]}' is already being used by '{other[2]}'"
                yield f"Error waiting for Deleting Network: {words}"


def _subnetwork(key: Key, state: Mapping[str, Any], projects: Projects) -> Iterator[str]:
    called = (key[2], state["selfLink"], state["name"])
    for other, value in projects.of_kind("Cluster"):
        if value.get("subnetwork") in called:
            yield f"googleapi: Error 400: The subnetwork resource '{key[2]}' is already being used by '{other[2]}', resourceInUseByAnotherResource"


def _cluster(_: Key, state: Mapping[str, Any], __: Projects) -> Iterator[str]:
    if state.get("deletionProtection"):
        yield "Cannot destroy cluster because deletion_protection is set to true. Set it to false to proceed with cluster deletion."


def _secret(_: Key, state: Mapping[str, Any], __: Projects) -> Iterator[str]:
    if state.get("deletionProtection"):
        yield "cannot destroy secret manager secret without setting deletion_protection=false and running `terraform apply`"


def _zone(key: Key, state: Mapping[str, Any], projects: Projects) -> Iterator[str]:
    if not state.get("forceDestroy") and any(one["managedZone"] == state["name"] for _, one in projects.of_kind("RecordSet")):
        words = f"The resource named '{state['name']}' cannot be deleted because it contains one or more 'resource records'."
        yield f"Error when reading or editing ManagedZone {key[2]}: googleapi: Error 400: {words}, containerNotEmpty"


def _bucket(_: Key, state: Mapping[str, Any], projects: Projects) -> Iterator[str]:
    cached = any(one["bucket"] == state["name"] for _, one in projects.of_kind("AnywhereCache"))
    if (state["name"] in projects.full_buckets or cached) and not state.get("forceDestroy"):
        yield f"Error trying to delete bucket {state['name']} without `force_destroy` set to true"


def _users_of(crypto_key: str, projects: Projects) -> Iterator[tuple[Key, Mapping[str, Any], str]]:
    """Everything that is encrypted with a key, and the agent by which."""
    for other, value in projects.objects.items():
        for path, agent in (BY_TITLE[other[1]].key_users or {}).items():
            if crypto_key in values_at(value, path):
                yield other, value, agent


def _key(key: Key, _: Mapping[str, Any], projects: Projects) -> Iterator[str]:
    if users := [f"{other[1]} {other[2]}" for other, _, _ in _users_of(key[2], projects)]:
        yield f"(rule of the stand-in, not of Google) key {key[2]} is still what {', '.join(users)} is encrypted with"


def _key_role(_: Key, state: Mapping[str, Any], projects: Projects) -> Iterator[str]:
    for other, value, agent in _users_of(state["cryptoKeyId"], projects):
        if state["member"] == f"serviceAccount:service-{number_of(value['project'])}@{agent}.iam.gserviceaccount.com":
            yield f"(rule of the stand-in, not of Google) {state['member']} still has to read {other[1]} {other[2]}"


def _account(_: Key, state: Mapping[str, Any], projects: Projects) -> Iterator[str]:
    for kind in ("NodePool", "Cluster"):
        for other, value in projects.of_kind(kind):
            if state["email"] in values_at(value, "nodeConfig.serviceAccount"):
                yield f"(rule of the stand-in, not of Google) {state['email']} is still what machines of {kind} {other[2]} run as"


RULES: dict[str, Rule] = {
    "Network": _network,
    "Subnetwork": _subnetwork,
    "Cluster": _cluster,
    "Secret": _secret,
    "ManagedZone": _zone,
    "Bucket": _bucket,
    "CryptoKey": _key,
    "CryptoKeyIAMMember": _key_role,
    "Account": _account,
}
