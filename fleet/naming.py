"""Names that fit where they go: every cloud has its own limit, and what is cut off is replaced by a hash of the whole."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence

KUBERNETES_LABEL = 63
CRON_JOB = 52
"""A CronJob appends a hyphen and ten digits to the names of its Jobs."""
HELM_RELEASE = 53
AWS_ROLE = 64
AWS_ROLE_PREFIX = 38
"""The provider appends 26 characters to a prefix."""
EKS_CLUSTER = 100
GKE_NAME = 40
"""Of clusters and of node pools."""
GCP_SERVICE_ACCOUNT = 30
BUCKET = 63
PULUMI_SUFFIX = 8
"""Pulumi appends a hyphen and seven random characters to names it makes itself."""

HASH_LENGTH = 8

MANAGER = "vllm-fleet"
"""The program, as labels, annotations and field managers call it."""


def short_hash(*parts: str) -> str:
    """Eight hexadecimal digits that stand for the parts, their order and their borders."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:HASH_LENGTH]


def safe_name(*parts: str, limit: int = KUBERNETES_LABEL) -> str:
    """The parts joined by hyphens; cut and closed with a hash of the whole where longer than `limit`.

    Different joined names stay different; the first part must start with a letter for the result to be a DNS label.

    Raises:
        ValueError: the limit leaves no room for a letter and the hash.
    """
    if limit < HASH_LENGTH + 2:
        raise ValueError(f"a limit of {limit} leaves no room for a hash")
    name = "-".join(parts)
    if len(name) <= limit:
        return name
    return f"{name[: limit - HASH_LENGTH - 1].rstrip('-')}-{short_hash(*parts)}"


def ownership(tags: Mapping[str, str]) -> dict[str, str]:
    """The labels that say whose a cluster's objects are: this program's, and of which fleet and environment."""
    return {"app.kubernetes.io/managed-by": MANAGER, **{f"{MANAGER}/{key}": tags[key] for key in ("fleet", "environment")}}


def weights_name(repository: str, revision: str, place: str = "") -> str:
    """Name of the cache of one model revision: readable, and another one for every revision and every place that is named.

    A letter comes first because it becomes the name of Kubernetes objects; at most 47 characters leave room for prefixes.
    """
    plain = re.sub(r"[^a-z0-9]+", "-", repository.rsplit("/", 1)[-1].lower()).strip("-")
    readable = plain[:30].rstrip("-")
    return "-".join(part for part in ("weights", readable, short_hash(repository, revision, *([place] if place else []))) if part)


def weekly_schedule(*parts: str) -> str:
    """A minute of the week as a cron expression, another one for other parts: what many fleets do weekly must not start at once."""
    minutes = int(short_hash(*parts), 16) % (7 * 24 * 60)
    return f"{minutes % 60} {minutes // 60 % 24} * * {minutes // (24 * 60)}"


def cluster_identifier(environment: str, key: str, inputs: Sequence[str]) -> str:
    """Identity of a cluster for the Kubernetes provider: changes only with an input that makes it another cluster."""
    return f"{environment}-{key}-{short_hash(*inputs)}"
