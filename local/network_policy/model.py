"""What a rule set depends on, read from objects of the Kubernetes API as plain dictionaries."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address
from typing import Any

ENDED = ("Succeeded", "Failed")

Labels = Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Namespace:
    """A namespace's labels, among them `kubernetes.io/metadata.name`, which the API server sets."""

    name: str
    labels: Labels

    @classmethod
    def read(cls, found: Mapping[str, Any]) -> Namespace:
        """Read a v1 Namespace."""
        return cls(name=found["metadata"]["name"], labels=found["metadata"].get("labels") or {})


@dataclass(frozen=True, kw_only=True)
class NamedPort:
    """A container's port that policies may call by name; the protocol is TCP, UDP or SCTP."""

    name: str
    protocol: str
    number: int


@dataclass(frozen=True, kw_only=True)
class Pod:
    """A pod of the pod network. `address` is None until its sandbox has one; `created` is RFC 3339, as the API writes it."""

    namespace: str
    name: str
    uid: str
    created: str
    labels: Labels
    address: IPv4Address | None
    named_ports: tuple[NamedPort, ...]

    @classmethod
    def read(cls, found: Mapping[str, Any]) -> Pod | None:
        """Read a v1 Pod; None for one on the host's network, which no policy selects, or one that has ended and gave its address back."""
        metadata, spec, status = found["metadata"], found.get("spec") or {}, found.get("status") or {}
        if spec.get("hostNetwork") or status.get("phase") in ENDED:
            return None
        # An init container that is restarted is a sidecar and serves as long as the others.
        sidecars = [each for each in spec.get("initContainers") or [] if each.get("restartPolicy") == "Always"]
        ports = [port for container in [*(spec.get("containers") or []), *sidecars] for port in container.get("ports") or []]
        named = {
            NamedPort(name=port["name"], protocol=port.get("protocol") or "TCP", number=port["containerPort"]) for port in ports if port.get("name")
        }
        address = status.get("podIP")
        return cls(
            namespace=metadata["namespace"],
            name=metadata["name"],
            uid=metadata.get("uid") or "",
            created=str(metadata.get("creationTimestamp") or ""),
            labels=metadata.get("labels") or {},
            address=IPv4Address(address) if address else None,
            named_ports=tuple(sorted(named, key=lambda port: (port.name, port.protocol, port.number))),
        )


@dataclass(frozen=True, kw_only=True)
class Policy:
    """A NetworkPolicy with its defaults filled in; `spec` is the rest of it as the API writes it."""

    namespace: str
    name: str
    ingress: bool
    egress: bool
    spec: Mapping[str, Any]

    @classmethod
    def read(cls, found: Mapping[str, Any]) -> Policy:
        """Read a networking.k8s.io/v1 NetworkPolicy. Without policyTypes it isolates ingress, and egress where it has such rules."""
        metadata, spec = found["metadata"], found.get("spec") or {}
        types = spec.get("policyTypes") or ["Ingress", *(["Egress"] if spec.get("egress") else [])]
        return cls(namespace=metadata["namespace"], name=metadata["name"], ingress="Ingress" in types, egress="Egress" in types, spec=spec)

    def selects(self, pod: Pod) -> bool:
        """Whether it isolates this pod."""
        return pod.namespace == self.namespace and matches(self.spec.get("podSelector") or {}, pod.labels)


def matches(selector: Mapping[str, Any], labels: Labels) -> bool:
    """Whether a label selector accepts these labels; an empty one accepts all.

    Raises:
        ValueError: an operator that networking.k8s.io/v1 does not have.
    """
    if any(labels.get(key) != value for key, value in (selector.get("matchLabels") or {}).items()):
        return False
    return all(_holds(requirement, labels) for requirement in selector.get("matchExpressions") or [])


def _holds(requirement: Mapping[str, Any], labels: Labels) -> bool:
    key, operator, values = requirement["key"], requirement["operator"], requirement.get("values") or []
    match operator:
        case "In":
            return key in labels and labels[key] in values
        case "NotIn":
            return key not in labels or labels[key] not in values
        case "Exists":
            return key in labels
        case "DoesNotExist":
            return key not in labels
        case _:
            raise ValueError(f"matchExpressions: operator {operator!r} of key {key!r} is none of In, NotIn, Exists, DoesNotExist; correct the policy")
