"""Limits of Google that its descriptions do not write down, judged on the inputs of one resource alone. Each rule says whose it is."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from tests.support.stand_in_cloud.cloud import Fault
from tests.support.stand_in_gcp import machine_rules, network_rules
from tests.support.stand_in_gcp.kinds import Kind
from tests.support.stand_in_provider_wire import UNKNOWN, at

RFC1035 = re.compile(r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?")
"""Names of compute, and of DNS's zones."""

GKE_NAME = re.compile(r"[a-z]([-a-z0-9]{0,38}[a-z0-9])?")
"""Of a cluster and of a node pool: at most 40 characters (documentation of GKE)."""

ACCOUNT_ID = re.compile(r"[a-z]([-a-z0-9]{4,28}[a-z0-9])")
"""The pattern that the documentation of serviceAccounts.create gives; 6 to 30 characters."""

BUCKET = re.compile(r"(?!goog)[a-z0-9][a-z0-9_.-]{1,61}[a-z0-9]")
"""Guidelines of Cloud Storage for names of buckets, without those that are domains."""

KEY_NAME = re.compile(r"[a-zA-Z0-9_-]{1,63}")
"""keyRingId and cryptoKeyId, by their descriptions."""

SECRET_ID = re.compile(r"[a-zA-Z0-9_-]{1,255}")
REPOSITORY_ID = re.compile(r"[a-z]([a-z0-9-]{0,61}[a-z0-9])?")

NAMES: dict[str, tuple[str, re.Pattern[str], str]] = {
    **dict.fromkeys(
        ("Network", "Subnetwork", "Router", "RouterNat", "Firewall", "ManagedZone"),
        ("name", RFC1035, "1 to 63 lower-case letters, digits and hyphens, a letter first"),
    ),
    **dict.fromkeys(("Cluster", "NodePool"), ("name", GKE_NAME, "1 to 40 lower-case letters, digits and hyphens, a letter first")),
    "Account": ("accountId", ACCOUNT_ID, "6 to 30 lower-case letters, digits and hyphens, a letter first"),
    "Bucket": ("name", BUCKET, "3 to 63 lower-case letters, digits, dots, hyphens and underscores, and no goog at the beginning"),
    **dict.fromkeys(("KeyRing", "CryptoKey"), ("name", KEY_NAME, "1 to 63 letters, digits, hyphens and underscores")),
    "Secret": ("secretId", SECRET_ID, "1 to 255 letters, digits, hyphens and underscores"),
    "Repository": ("repositoryId", REPOSITORY_ID, "1 to 63 lower-case letters, digits and hyphens, a letter first"),
}

LABEL_KEY, LABEL_VALUE = re.compile(r"[a-z][a-z0-9_-]{0,62}"), re.compile(r"[a-z0-9_-]{0,63}")
LABELS = 64
"""Of one resource (requirements for labels, Resource Manager)."""

MEMBER = re.compile(
    r"(allUsers|allAuthenticatedUsers|(user|serviceAccount|group):[^@\s]+@[^@\s]+|domain:\S+|serviceAccount:\S+\.svc\.id\.goog\[\S+/\S+\]"
    r"|principal(Set)?://iam\.googleapis\.com/\S+)"
)
POD = re.compile(
    r"principal://iam\.googleapis\.com/projects/(\d+)/locations/global/workloadIdentityPools/([a-z0-9-]+)\.svc\.id\.goog/subject/ns/([^/]+)/sa/([^/]+)"
)
"""A Kubernetes service account, as IAM writes it (documentation of Workload Identity Federation for GKE)."""

ROLE = re.compile(r"(roles/[a-zA-Z0-9_.]+|(projects|organizations)/[a-z0-9-]+/roles/[a-zA-Z0-9_.]+)")

SOFT_DELETE_SECONDS = (604_800, 7_776_000)
"""7 to 90 days, or 0 (documentation of soft delete, Cloud Storage)."""

ROTATION_SECONDS = 86_400
DESTROY_SECONDS = (86_400, 10_368_000)
"""A rotation period is a day or more; a destroyed version waits 1 to 120 days (description of CryptoKey)."""

Rule = Callable[[Mapping[str, Any]], Iterator[Fault]]


def faults(kind: Kind, inputs: Mapping[str, Any]) -> list[Fault]:
    """(input, reason) for every limit that the inputs alone overstep."""
    found = [*_name(kind, inputs), *_labels(kind, inputs), *_policy(inputs)]
    rule = RULES.get(kind.title)
    found += list(rule(inputs) if rule else ())
    if "role" in inputs and "member" in inputs:
        found += list(_role(inputs))
    return found


def _name(kind: Kind, inputs: Mapping[str, Any]) -> Iterator[Fault]:
    if kind.title in NAMES:
        where, pattern, words = NAMES[kind.title]
        value = inputs.get(where)
        if isinstance(value, str) and value != UNKNOWN and not pattern.fullmatch(value):
            yield where, f"googleapi: Error 400: Invalid value for field '{where}': {value!r}: {words}"


def _labels(kind: Kind, inputs: Mapping[str, Any]) -> Iterator[Fault]:
    labels = inputs.get(kind.labels)
    if not isinstance(labels, Mapping):
        return
    if len(labels) > LABELS:
        yield kind.labels, f"{len(labels)} labels, and a resource has at most {LABELS}"
    for key, value in labels.items():
        if not LABEL_KEY.fullmatch(key) or (value != UNKNOWN and not LABEL_VALUE.fullmatch(value)):
            yield f"{kind.labels}.{key}", f"{value!r}: lower-case letters, digits, _ and -, at most 63; a letter first in a key"


def _policy(inputs: Mapping[str, Any]) -> Iterator[Fault]:
    said = inputs.get("deletionPolicy")
    if said == "ABANDON":
        yield "deletionPolicy", "the stand-in refuses it: nothing of a fleet is abandoned"
    elif said not in (None, UNKNOWN, "DELETE", "PREVENT"):
        yield "deletionPolicy", f"{said!r} is none of DELETE, PREVENT, ABANDON"


def _role(inputs: Mapping[str, Any]) -> Iterator[Fault]:
    role, member = inputs["role"], inputs["member"]
    if role != UNKNOWN and not ROLE.fullmatch(role):
        yield "role", f"googleapi: Error 400: Role {role} is not supported for this resource., badRequest"
    if member == UNKNOWN:
        return
    if not MEMBER.fullmatch(member):
        yield "member", f"invalid value for member (IAM members must have one of the values outlined in the documentation): {member!r}"
    elif member.startswith("principal://") and "/workloadIdentityPools/" in member and ".svc.id.goog" in member and not POD.fullmatch(member):
        yield "member", f"{member!r} is no Kubernetes service account: projects/NUMBER/…/POOL.svc.id.goog/subject/ns/NAMESPACE/sa/ACCOUNT"


def _seconds(inputs: Mapping[str, Any], name: str, least: int, most: float = float("inf")) -> Iterator[Fault]:
    value = inputs.get(name)
    if isinstance(value, str) and re.fullmatch(r"\d+(\.\d+)?s", value) and not least <= float(value[:-1]) <= most:
        yield name, f"googleapi: Error 400: {value} is not between {least} and {most} seconds"


def _key(inputs: Mapping[str, Any]) -> Iterator[Fault]:
    yield from _seconds(inputs, "rotationPeriod", ROTATION_SECONDS)
    yield from _seconds(inputs, "destroyScheduledDuration", *DESTROY_SECONDS)
    if inputs.get("rotationPeriod") and inputs.get("purpose", "ENCRYPT_DECRYPT") != "ENCRYPT_DECRYPT":
        yield "rotationPeriod", "googleapi: Error 400: only keys of purpose ENCRYPT_DECRYPT are rotated"


def _bucket(inputs: Mapping[str, Any]) -> Iterator[Fault]:
    seconds = at(inputs, "softDeletePolicy.retentionDurationSeconds")
    if isinstance(seconds, int) and seconds and not SOFT_DELETE_SECONDS[0] <= seconds <= SOFT_DELETE_SECONDS[1]:
        yield "softDeletePolicy.retentionDurationSeconds", f"googleapi: Error 400: {seconds} is neither 0 nor 7 to 90 days, invalid"
    if inputs.get("publicAccessPrevention") not in (None, UNKNOWN, "enforced", "inherited"):
        yield "publicAccessPrevention", f"{inputs['publicAccessPrevention']!r} is none of enforced, inherited"
    rules = inputs.get("lifecycleRules")
    for index, rule in enumerate(rules if isinstance(rules, list) else []):
        yield from _lifecycle(rule, f"lifecycleRules[{index}]")


def _lifecycle(rule: Any, where: str) -> Iterator[Fault]:
    action, condition = at(rule, "action.type"), at(rule, "condition")
    if action not in (UNKNOWN, "Delete", "SetStorageClass", "AbortIncompleteMultipartUpload"):
        yield f"{where}.action.type", f"{action!r} is none of Delete, SetStorageClass, AbortIncompleteMultipartUpload"
    if not isinstance(condition, Mapping):
        return
    given = {name for name, value in condition.items() if value not in (None, "", [])}
    if not given - {"sendAgeIfZero"}:
        yield f"{where}.condition", "googleapi: Error 400: a rule has a condition, invalid"
    if action == "AbortIncompleteMultipartUpload" and given - {"age", "matchesPrefixes", "matchesSuffixes", "sendAgeIfZero"}:
        yield f"{where}.condition", "googleapi: Error 400: an upload is aborted by its age, prefix or suffix alone, invalid"
    if condition.get("withState") not in (None, UNKNOWN, "LIVE", "ARCHIVED", "ANY", ""):
        yield f"{where}.condition.withState", f"{condition['withState']!r} is none of LIVE, ARCHIVED, ANY"


def _secret(inputs: Mapping[str, Any]) -> Iterator[Fault]:
    replication = inputs.get("replication")
    if isinstance(replication, Mapping) and len([one for one in ("auto", "userManaged") if one in replication]) != 1:
        yield "replication", "one of auto and user_managed"
    replicas = at(inputs, "replication.userManaged.replicas")
    if isinstance(replicas, list):
        places = [at(one, "location") for one in replicas]
        with_key = [at(one, "customerManagedEncryption.kmsKeyName") is not None for one in replicas]
        if len(set(places)) != len(places):
            yield "replication.userManaged.replicas", "googleapi: Error 400: the same location twice"
        if any(with_key) and not all(with_key):
            yield "replication.userManaged.replicas", "googleapi: Error 400: a key of one's own in every replica or in none"


def _repository(inputs: Mapping[str, Any]) -> Iterator[Fault]:
    remote = inputs.get("mode") == "REMOTE_REPOSITORY"
    if remote != bool(inputs.get("remoteRepositoryConfig")):
        yield "remoteRepositoryConfig", "is for a repository of mode REMOTE_REPOSITORY, which needs it"


def _service(inputs: Mapping[str, Any]) -> Iterator[Fault]:
    service = inputs.get("service")
    if isinstance(service, str) and service != UNKNOWN and not re.fullmatch(r"[a-z0-9-]+(\.[a-z0-9-]+)+", service):
        yield "service", f"{service!r}: a service is called like compute.googleapis.com"


RULES: dict[str, Rule] = {
    "Network": network_rules.network,
    "Subnetwork": network_rules.subnetwork,
    "RouterNat": network_rules.nat,
    "Firewall": network_rules.firewall,
    "ManagedZone": network_rules.zone,
    "RecordSet": network_rules.record,
    "CryptoKey": _key,
    "Bucket": _bucket,
    "Secret": _secret,
    "Repository": _repository,
    "Service": _service,
    "ServiceIdentity": _service,
    "Cluster": machine_rules.cluster,
    "NodePool": machine_rules.node_pool,
}
