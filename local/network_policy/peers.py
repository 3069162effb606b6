"""Which addresses and ports the rules of policies name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Network, collapse_addresses, ip_network
from typing import Any

from local.network_policy.model import Labels, Namespace, Pod, matches

LAST_PORT = 65535


@dataclass(frozen=True, kw_only=True)
class Network:
    """Pods by their addresses, and the labels of their namespaces: what selectors are asked of."""

    pods: Mapping[IPv4Address, Pod]
    namespace_labels: Mapping[str, Labels]

    @classmethod
    def of(cls, namespaces: Iterable[Namespace], pods: Iterable[Pod]) -> Network:
        """Pods with an address in namespaces that are known.

        An address belongs to the newest pod that says so: the one before it has given it back and is only not removed yet.
        """
        labels = {namespace.name: namespace.labels for namespace in namespaces}
        found: dict[IPv4Address, Pod] = {}
        for pod in sorted(pods, key=lambda each: (each.created, each.uid)):
            if pod.address and pod.namespace in labels:
                found[pod.address] = pod
        return cls(pods=dict(sorted(found.items())), namespace_labels=labels)

    def addresses(self, peers: Sequence[Mapping[str, Any]], policy_namespace: str) -> tuple[IPv4Network, ...]:
        """What a rule's non-empty `from` or `to` names: disjoint and in order. Blocks of IPv6 name nothing here."""
        found: list[IPv4Network] = []
        for peer in peers:
            block = peer.get("ipBlock")
            found += _without(block) if block else [IPv4Network(address) for address in self._selected(peer, policy_namespace)]
        return tuple(collapse_addresses(found))

    def _selected(self, peer: Mapping[str, Any], policy_namespace: str) -> Iterable[IPv4Address]:
        pods, namespaces = peer.get("podSelector"), peer.get("namespaceSelector")
        for address, pod in self.pods.items():
            inside = pod.namespace == policy_namespace if namespaces is None else matches(namespaces, self.namespace_labels[pod.namespace])
            if inside and matches(pods or {}, pod.labels):
                yield address

    def named(self, name: str, protocol: str) -> tuple[tuple[IPv4Address, int], ...]:
        """Where each pod that has a port of this name listens."""
        return tuple(
            (address, port.number) for address, pod in self.pods.items() for port in pod.named_ports if (port.name, port.protocol) == (name, protocol)
        )


@dataclass(frozen=True, kw_only=True)
class Ports:
    """What a rule's ports allow of one protocol: `ranges` are inclusive and disjoint; `names` are looked up on the pod that is called."""

    protocol: str
    every: bool
    ranges: tuple[tuple[int, int], ...]
    names: tuple[str, ...]


def ports_of(rule: Mapping[str, Any]) -> tuple[Ports, ...]:
    """A rule's ports by protocol; nothing where it has none, which means all of all protocols."""
    by_protocol: dict[str, list[Mapping[str, Any]]] = {}
    for port in rule.get("ports") or []:
        by_protocol.setdefault(port.get("protocol") or "TCP", []).append(port)
    found: list[Ports] = []
    for protocol, ports in sorted(by_protocol.items()):
        numbers = [(port["port"], port.get("endPort") or port["port"]) for port in ports if isinstance(port.get("port"), int)]
        names = {port["port"] for port in ports if isinstance(port.get("port"), str)}
        every = any(port.get("port") is None for port in ports)
        found.append(Ports(protocol=protocol, every=every, ranges=_merged(numbers), names=tuple(sorted(names))))
    return tuple(found)


def _without(block: Mapping[str, Any]) -> list[IPv4Network]:
    """A block less its exceptions."""
    whole = ip_network(block["cidr"], strict=False)
    if isinstance(whole, IPv6Network):
        return []
    left = [whole]
    for text in block.get("except") or []:
        hole = ip_network(text, strict=False)
        if isinstance(hole, IPv4Network):
            left = [part for each in left for part in _less(each, hole)]
    return left


def _less(network: IPv4Network, hole: IPv4Network) -> Iterable[IPv4Network]:
    if not network.overlaps(hole):
        return [network]
    return network.address_exclude(hole) if hole.subnet_of(network) else []


def _merged(ranges: Iterable[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    """Without overlaps, which nftables refuses within one set."""
    found: list[tuple[int, int]] = []
    for first, last in sorted(ranges):
        if found and first <= min(found[-1][1] + 1, LAST_PORT):
            found[-1] = (found[-1][0], max(found[-1][1], last))
        else:
            found.append((first, last))
    return tuple(found)
