"""The rules every part of the stack file shares: no unknown key, no change after reading, no guessing of types."""

from __future__ import annotations

from ipaddress import AddressValueError, IPv4Address, IPv4Network
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints
from pydantic_core import PydanticCustomError

LABEL_PATTERN = r"^[a-z]([-a-z0-9]*[a-z0-9])?$"
"""A DNS label that starts with a letter: what a Kubernetes Service name allows, the narrowest of the names keys become."""

COMMIT_PATTERN = r"^[0-9a-f]{40}$"
UID_PATTERN = r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"
REPOSITORY_PATTERN = r"^[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+$"
PROJECT_PATTERN = r"^[a-z][-a-z0-9]{4,28}[a-z0-9]$"
OBJECT_PATTERN = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$"
DOMAIN_PATTERN = r"^([a-z0-9]([-a-z0-9]*[a-z0-9])?\.)+[a-z]([-a-z0-9]*[a-z0-9])?$"
IMAGE_PATTERN = r"^[a-z0-9]+([._-]+[a-z0-9]+)*(:[0-9]+)?(/[a-z0-9]+([._-]+[a-z0-9]+)*)*(:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(@sha256:[0-9a-f]{64})?$"
PRINTABLE_PATTERN = r"^[^\x00-\x1f\x7f]+$"
ACCOUNT_PATTERN = r"^[0-9]{12}$"
PRINCIPAL_PATTERN = r"^arn:aws:iam::[0-9]{12}:(role|user)/[A-Za-z0-9_+=,.@/-]+$"
ZONE_ID_PATTERN = r"^[a-z]{3,4}[0-9]+-az[0-9]+$"
SECRET_ARN_PATTERN = r"^arn:aws:secretsmanager:[a-z0-9-]+:[0-9]{12}:secret:ecr-pullthroughcache/[A-Za-z0-9/_+=.@-]+$"  # noqa: S105  the form of a name
RESERVATION_PATTERN = r"^[a-z][-a-z0-9]*[a-z0-9]$"
QUOTA_PATTERN = r"^L-[0-9A-F]{8}$"
GCP_ZONE_PATTERN = r"^[a-z]+-[a-z]+[0-9]+-[a-z]$"
GCP_QUOTA_PATTERN = r"^[A-Z0-9]+(-[A-Z0-9]+)*-per-project(-region)?(/[A-Z0-9_]+)?$"
CHARTS_PATTERN = r"^(https?|oci)://[A-Za-z0-9.:/_-]*[A-Za-z0-9]$"
FOLDER_PATTERN = r"^(/\.?[^/.\x00-\x1f\x7f][^/\x00-\x1f\x7f]*)+$"
"""An absolute path as a node writes it: Kubernetes refuses `..`, and two spellings of one folder would be two caches."""


FORMS = {
    LABEL_PATTERN: ("lower-case letters, digits and hyphens, a letter first and no hyphen last", "write it like this: chat-large"),
    COMMIT_PATTERN: (
        "a commit of 40 hexadecimal digits in lower case (a branch or a tag can move)",
        "copy the commit from the repository's history, or leave it out and run `python -m fleet lock`",
    ),
    UID_PATTERN: ("a UID", "copy it from kubectl get namespace kube-system -o jsonpath={.metadata.uid}"),
    REPOSITORY_PATTERN: ("a repository name of the form organisation/name", "write it as the hub shows it, for example Qwen/Qwen3-8B"),
    PROJECT_PATTERN: (
        "a project id of 6 to 30 lower-case letters, digits and hyphens, a letter first",
        "copy the id, not the name or the number, from gcloud projects list",
    ),
    OBJECT_PATTERN: (
        "the name of a Kubernetes object: lower-case letters, digits, hyphens and dots",
        "write the name of the object, never what it holds",
    ),
    DOMAIN_PATTERN: ("a domain name such as llm.example.com", "write it without a scheme, a path or capitals"),
    IMAGE_PATTERN: ("an image such as registry.example.com/vllm:v1, with a digest at best", "write registry/name:tag or registry/name@sha256:…"),
    PRINTABLE_PATTERN: ("one line of printable characters", "write it on one line"),
    ACCOUNT_PATTERN: ("an AWS account id of twelve digits", "quote it, so that zeros in front stay: '012345678901'"),
    PRINCIPAL_PATTERN: (
        "the ARN of an IAM role or user (a session of sts is none, its role is)",
        "write it like this: arn:aws:iam::111122223333:role/deployer",
    ),
    ZONE_ID_PATTERN: ("the id of an availability zone (names such as us-east-2a differ between accounts)", "write it like this: use2-az1"),
    SECRET_ARN_PATTERN: (
        "the ARN of a secret whose name begins with ecr-pullthroughcache/, as ECR demands",
        "copy it from aws secretsmanager list-secrets",
    ),
    RESERVATION_PATTERN: ("lower-case letters, digits and hyphens, a letter first", "copy it from the cloud's list of reservations"),
    QUOTA_PATTERN: ("a quota code of AWS such as L-DB2E81BA", "copy it from aws service-quotas list-service-quotas --service-code ec2"),
    GCP_ZONE_PATTERN: ("a zone of Google Cloud", "write it like this: us-central1-a"),
    GCP_QUOTA_PATTERN: (
        "the id of a quota of Compute Engine, with its GPU family behind a slash where it counts by family",
        "write it like this: NVIDIA-L4-GPUS-per-project-region, or GPUS-PER-GPU-FAMILY-per-project-region/NVIDIA_H100",
    ),
    CHARTS_PATTERN: (
        "the address of a chart repository",
        "write it like this: https://charts.example.com/mirror, or oci://registry.example.com/charts",
    ),
    FOLDER_PATTERN: ("an absolute path without `.`, `..`, empty parts or a slash at the end", "write it like this: /srv/models"),
}
"""What a pattern asks for, and what to do, in the words of an error message."""

LARGEST_COUNT = 1000
"""Nodes of a pool and servers of a model in one cluster: a GKE node pool ends there, and a typing mistake begins."""

LARGEST_TOKENS = 10_000_000
"""Above every context that a published model has."""

LARGEST_GPUS_PER_NODE = 16

UNROUTED = tuple(IPv4Network(text) for text in ("10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16"))
"""Private and link-local ranges: a list of public addresses that names one lets nobody in."""

NETWORK_PREFIX_LENGTH = 17
PRIVATE = tuple(IPv4Network(text) for text in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"))

Key = Annotated[str, StringConstraints(pattern=LABEL_PATTERN, max_length=40)]
"""A human name in the stack file: of a cluster, a pool or a model. 40 characters leave room for prefixes and hashes."""

GitCommit = Annotated[str, StringConstraints(pattern=COMMIT_PATTERN)]
"""A commit of a model repository: 40 hexadecimal digits, never a branch or a tag, which move."""

ObjectName = Annotated[str, StringConstraints(pattern=OBJECT_PATTERN, max_length=253)]
Printable = Annotated[str, StringConstraints(pattern=PRINTABLE_PATTERN, max_length=500)]
Image = Annotated[str, StringConstraints(pattern=IMAGE_PATTERN, max_length=500)]
Folder = Annotated[str, StringConstraints(pattern=FOLDER_PATTERN, max_length=500)]

Count = Annotated[int, Field(ge=1, le=LARGEST_COUNT)]
CountOrNone = Annotated[int, Field(ge=0, le=LARGEST_COUNT)]
AccountId = Annotated[str, StringConstraints(pattern=ACCOUNT_PATTERN)]
PrincipalArn = Annotated[str, StringConstraints(pattern=PRINCIPAL_PATTERN, max_length=2048)]
ZoneId = Annotated[str, StringConstraints(pattern=ZONE_ID_PATTERN, max_length=20)]
SecretArn = Annotated[str, StringConstraints(pattern=SECRET_ARN_PATTERN, max_length=2048)]
QuotaCode = Annotated[str, StringConstraints(pattern=QUOTA_PATTERN)]
GcpZone = Annotated[str, StringConstraints(pattern=GCP_ZONE_PATTERN, max_length=40)]
GcpQuota = Annotated[str, StringConstraints(pattern=GCP_QUOTA_PATTERN, max_length=100)]
ChartRepository = Annotated[str, StringConstraints(pattern=CHARTS_PATTERN, max_length=500)]

GpusPerNode = Annotated[int, Field(ge=1, le=LARGEST_GPUS_PER_NODE)]
Tokens = Annotated[int, Field(ge=1, le=LARGEST_TOKENS)]


def refusal(limit: str, remedy: str) -> PydanticCustomError:
    """What a validator raises: both halves of an error message in our own words."""
    return PydanticCustomError("refused", "{limit}", {"limit": limit, "remedy": remedy})


def address_range(text: str) -> str:
    """An IPv4 range whose address is the first of the range.

    Raises:
        PydanticCustomError: it is none, with the range that was probably meant.
    """
    address, slash, length = text.partition("/")
    try:
        host = IPv4Address(address)
    except AddressValueError:
        raise refusal("is no IPv4 address range such as 203.0.113.0/24", "write four numbers of 0 to 255, a slash and 0 to 32") from None
    if not slash:
        raise refusal("is an address, not a range", f"write {text}/32 for this address alone")
    if not (length.isascii() and length.isdigit()) or int(length) > 32:
        raise refusal("has no prefix length of 0 to 32 behind the slash", f"write {address}/32 for this address alone")
    network = IPv4Network((host, int(length)), strict=False)
    if network.network_address != host:
        raise refusal(f"lies inside the range {network}", f"write {network} for the range, or {address}/32 for this address alone")
    return text


def public_range(text: str) -> str:
    """An address range that is seen on the internet.

    Raises:
        PydanticCustomError: it is none, or nobody has it there.
    """
    network = IPv4Network(address_range(text))
    if any(network.subnet_of(private) for private in UNROUTED):
        raise refusal("is a range that nobody has on the internet", "write the public addresses that the runner is seen with")
    return text


Cidr = Annotated[str, Field(examples=["203.0.113.0/24"]), AfterValidator(public_range)]


def network_range(text: str) -> str:
    """An address range that a cluster's network may have: a /17 of private addresses.

    Raises:
        PydanticCustomError: it is none, has another size, or is routed on the internet.
    """
    network = IPv4Network(address_range(text))
    if network.prefixlen != NETWORK_PREFIX_LENGTH:
        limit = f"is a /{network.prefixlen}, and the network of a cluster is a /{NETWORK_PREFIX_LENGTH}"
        raise refusal(limit, f"write a range such as 10.64.0.0/{NETWORK_PREFIX_LENGTH}")
    if not any(network.subnet_of(private) for private in PRIVATE):
        raise refusal("is no private range", "take one from 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16")
    return text


NetworkCidr = Annotated[str, Field(examples=["10.64.0.0/17"]), AfterValidator(network_range)]


class Section(BaseModel):
    """A mapping in the stack file. Unknown keys are refused, values are frozen, numbers in quotes are not numbers."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False, use_attribute_docstrings=True)
