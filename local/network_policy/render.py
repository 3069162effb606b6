"""One nftables script from namespaces, pods and policies: the same text for the same objects, in whatever order they come."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network
from typing import Any, Literal

from local.network_policy.model import Namespace, Pod, Policy
from local.network_policy.peers import Network, Ports, ports_of

TABLE = "inet fleet_policy"
COMMENT_CHARACTERS = 120
"""nftables takes comments of at most 128 bytes: measured with 1.0.6."""

Direction = Literal["egress", "ingress"]
PEERS: Mapping[Direction, tuple[str, str]] = {"egress": ("to", "daddr"), "ingress": ("from", "saddr")}
"""Direction to the key of a rule's peers and the end of a packet that they are."""


def render(namespaces: Iterable[Namespace], pods: Iterable[Pod], policies: Iterable[Policy], pod_range: IPv4Network) -> str:
    """A script for `nft -f` that replaces the table `inet fleet_policy` at once, or not at all.

    A connection needs the leave of the caller's egress and the callee's ingress. What is not allowed is dropped, as network
    plugins do, so callers see time-outs. Replies, and connections that a later policy would forbid, go on: the API leaves
    that open. A pod always reaches itself, through a service too.

    An address of `pod_range` that no pod given here has is closed in both directions: a pod is never open because its
    policies are not known yet. A pod in a namespace that is not given is one that is not known.

    Raises:
        ValueError: a selector has an operator that the API does not have.
    """
    network = Network.of(namespaces, pods)
    ordered = sorted(policies, key=lambda policy: (policy.namespace, policy.name))
    sets = _Sets(network)
    egress, ingress = (_direction(network, ordered, direction, sets) for direction in ("egress", "ingress"))
    known = [str(address) for address in network.pods]
    lines = [
        f"table {TABLE}",
        f"delete table {TABLE}",
        f"table {TABLE} {{",
        *_set("known", "type ipv4_addr", known),
        *_set("itself", "type ipv4_addr . ipv4_addr", [f"{address} . {address}" for address in known]),
        *sets.lines(),
        *egress,
        *ingress,
        "\tchain forward {",
        "\t\ttype filter hook forward priority filter; policy accept;",
        "\t\tct state established,related accept",
        "\t\tip saddr . ip daddr @itself accept",
        f"\t\tip saddr {pod_range} ip saddr != @known counter drop",
        f"\t\tip daddr {pod_range} ip daddr != @known counter drop",
        "\t\tip saddr vmap @egress",
        "\t\tip daddr vmap @ingress",
        "\t}",
        "}",
    ]
    return "\n".join(lines) + "\n"


@dataclass
class _Sets:
    """Sets that rules refer to. Equal ones are shared, and numbered in the order in which rules, which are sorted, ask for them."""

    network: Network
    peers: dict[tuple[IPv4Network, ...], str] = field(default_factory=dict)
    named: dict[tuple[str, str], str] = field(default_factory=dict)

    def peers_name(self, addresses: tuple[IPv4Network, ...]) -> str:
        return self.peers.setdefault(addresses, f"peers_{len(self.peers)}")

    def named_name(self, name: str, protocol: str) -> str | None:
        if not self.network.named(name, protocol):
            return None
        return self.named.setdefault((name, protocol), f"port_{len(self.named)}")

    def lines(self) -> list[str]:
        found: list[str] = []
        for addresses, name in self.peers.items():
            found += _set(name, "type ipv4_addr; flags interval", [_text(each) for each in addresses])
        for (port, protocol), name in self.named.items():
            elements = [f"{address} . {number}" for address, number in self.network.named(port, protocol)]
            found += _set(name, "type ipv4_addr . inet_service", elements, f"{port} {protocol}")
        return found


def _direction(network: Network, policies: Sequence[Policy], direction: Direction, sets: _Sets) -> list[str]:
    """A chain for every combination of policies that pods are isolated by, and the map from pods to these chains."""
    isolated: dict[IPv4Address, tuple[Policy, ...]] = {}
    for address, pod in network.pods.items():
        by = tuple(policy for policy in policies if getattr(policy, direction) and policy.selects(pod))
        if by:
            isolated[address] = by
    # A policy's rules cannot be hashed; its name in its namespace stands for it.
    combinations = {tuple((policy.namespace, policy.name) for policy in by): by for by in isolated.values()}
    chains = {key: f"{direction}_{index}" for index, key in enumerate(sorted(combinations))}
    lines: list[str] = []
    for key, chain in chains.items():
        rules = [f"\t\t{rule}" for policy in combinations[key] for rule in _rules(network, policy, direction, sets)]
        lines += [f"\tchain {chain} {{", *rules, "\t\tcounter drop", "\t}"]
    elements = [f"{address} : jump {chains[tuple((policy.namespace, policy.name) for policy in by)]}" for address, by in isolated.items()]
    return [*lines, *_set(direction, "type ipv4_addr : verdict", elements, kind="map")]


def _rules(network: Network, policy: Policy, direction: Direction, sets: _Sets) -> Iterable[str]:
    """What a policy allows of its pods; `return` leads back to where the other direction is asked."""
    key, end = PEERS[direction]
    comment = f'comment "{policy.namespace}/{policy.name}'[: COMMENT_CHARACTERS - 1] + '"'
    for rule in policy.spec.get(direction) or []:
        peers = ""
        if rule.get(key):
            peers = f"ip {end} @{sets.peers_name(network.addresses(rule[key], policy.namespace))} "
        for ports in _ports(rule, sets):
            yield f"{peers}{ports}counter return {comment}"


def _ports(rule: Mapping[str, Any], sets: _Sets) -> Iterable[str]:
    if not rule.get("ports"):
        return [""]
    return [match for ports in ports_of(rule) for match in _matches(ports, sets)]


def _matches(ports: Ports, sets: _Sets) -> Iterable[str]:
    protocol = ports.protocol.lower()
    if ports.every:
        yield f"meta l4proto {protocol} "
        return
    if ports.ranges:
        ranges = ", ".join(str(first) if first == last else f"{first}-{last}" for first, last in ports.ranges)
        yield f"{protocol} dport {{ {ranges} }} "
    for name in ports.names:
        if found := sets.named_name(name, ports.protocol):
            yield f"ip daddr . {protocol} dport @{found} "


def _set(name: str, kind_of_elements: str, elements: Sequence[str], comment: str = "", kind: str = "set") -> list[str]:
    lines = [f"\t{kind} {name} {{", f"\t\t{kind_of_elements}"]
    if comment:
        lines.append(f'\t\tcomment "{comment}"')
    if elements:
        lines.append(f"\t\telements = {{ {', '.join(elements)} }}")
    return [*lines, "\t}"]


def _text(network: IPv4Network) -> str:
    return str(network.network_address) if network.prefixlen == network.max_prefixlen else str(network)
