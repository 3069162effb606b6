"""Namespaces, pods and policies for probing: made by hand, generated, and read from what this project registers."""

from __future__ import annotations

import json
import random
import sys
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

from local.network_policy.model import Namespace, Pod, Policy
from local.network_policy.render import render

Object = dict[str, Any]

POD_RANGE = "10.244.0.0/16"
PODS = tuple(f"10.244.0.{last}" for last in range(2, 8))
OUTSIDE = ("192.0.2.10", "198.51.100.20")
"""Addresses for documentation, which nobody has: two machines that are no pods."""
PORTS: Mapping[str, tuple[int, ...]] = {"TCP": (8000, 8080, 9000), "UDP": (53, 8000)}

BLOCKS: Mapping[str, tuple[str, ...]] = {
    "0.0.0.0/0": ("192.0.2.0/24", "10.244.0.4/30", "169.254.0.0/16"),
    POD_RANGE: ("10.244.0.2/32", "10.244.0.4/31"),
    "10.244.0.0/29": ("10.244.0.5/32",),
    "192.0.2.0/24": ("192.0.2.10/32", "192.0.2.128/25"),
    "198.51.100.20/32": (),
    "fd00::/8": ("fd00::/16",),
}


def script(objects: Iterable[Object], pod_range: str = POD_RANGE) -> str:
    """The rule set of these objects."""
    found = list(objects)
    pods = [pod for each in found if each["kind"] == "Pod" and (pod := Pod.read(each))]
    namespaces = [Namespace.read(each) for each in found if each["kind"] == "Namespace"]
    policies = [Policy.read(each) for each in found if each["kind"] == "NetworkPolicy"]
    return render(namespaces, pods, policies, IPv4Network(pod_range))


def namespace(name: str, **labels: str) -> Object:
    return {"kind": "Namespace", "metadata": {"name": name, "labels": {"kubernetes.io/metadata.name": name, **labels}}}


def pod(name: str, address: str, labels: Mapping[str, str], where: str = "here", ports: Sequence[Object] = (), **spec: Any) -> Object:
    containers = [{"name": "main", "ports": list(ports)}] if ports else [{"name": "main"}]
    metadata = {"name": name, "namespace": where, "labels": dict(labels), "uid": f"{where}/{name}"}
    return {"kind": "Pod", "metadata": metadata, "spec": {"containers": containers, **spec}, "status": {"phase": "Running", "podIP": address}}


def policy(name: str, spec: Object, where: str = "here") -> Object:
    return {"kind": "NetworkPolicy", "metadata": {"name": name, "namespace": where}, "spec": spec}


class Generator:
    """Clusters drawn evenly over what the API offers: hypothesis, asked for a few dozen, draws nearly empty ones."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)  # noqa: S311  the same examples everywhere, not secrets

    def cluster(self) -> list[Object]:
        """A pod at each address of `PODS`, in two namespaces, and two to five policies, each of which the API would accept."""
        names = ("here", "there")
        found = [namespace(name, **self._labels()) for name in names]
        found += [pod(f"pod-{index}", address, self._labels(), self._one(names), self._named_ports()) for index, address in enumerate(PODS)]
        return [*found, *(policy(f"policy-{index}", self._spec(), self._one(names)) for index in range(self._random.randint(2, 5)))]

    def _one(self, choices: Sequence[Any]) -> Any:
        return self._random.choice(choices)

    def _some(self, make: Callable[[], Any], least: int, most: int) -> list[Any]:
        return [make() for _ in range(self._random.randint(least, most))]

    def _maybe(self, chance: float) -> bool:
        return self._random.random() < chance

    def _labels(self) -> dict[str, str]:
        return {key: self._one(("web", "store")) for key in ("app", "tier") if self._maybe(0.7)}

    def _named_ports(self) -> list[Object]:
        api = {"name": "api", "containerPort": self._one((8000, 8080))}
        query = {"name": "query", "containerPort": 53, "protocol": "UDP"}
        return self._one(([], [api], [api, query], [api, {"name": "api", "containerPort": 8000, "protocol": "UDP"}]))

    def _requirement(self) -> Object:
        found = {"key": self._one(("app", "tier")), "operator": self._one(("In", "NotIn", "Exists", "DoesNotExist"))}
        return {**found, "values": self._one((["web"], ["store"], ["web", "store"]))} if found["operator"] in {"In", "NotIn"} else found

    def _selector(self) -> Object:
        return self._one(
            (
                {},
                {"matchLabels": {self._one(("app", "tier")): self._one(("web", "store"))}},
                {"matchExpressions": [self._requirement()]},
                {"matchLabels": {"app": self._one(("web", "store"))}, "matchExpressions": [self._requirement()]},
            )
        )

    def _port(self) -> Object:
        found: Object = {"protocol": self._one(("TCP", "UDP", "SCTP"))} if self._maybe(0.3) else {}
        kind = self._random.random()
        if kind < 0.15:
            return found or {"protocol": "UDP"}
        if kind < 0.35:
            first, last = self._one(((8000, 8500), (8050, 9100), (53, 8000)))
            return {**found, "port": first, "endPort": last}
        return {**found, "port": self._one((53, 8000, 8080, "api", "api", "query"))}

    def _peer(self) -> Object:
        kind = self._random.random()
        if kind < 0.3:
            return {"podSelector": self._selector()}
        if kind < 0.6:
            return {"namespaceSelector": self._selector(), **({"podSelector": self._selector()} if self._maybe(0.5) else {})}
        cidr = self._one(sorted(BLOCKS))
        holes = [hole for hole in BLOCKS[cidr] if self._maybe(0.5)]
        return {"ipBlock": {"cidr": cidr, **({"except": holes} if holes else {})}}

    def _rule(self, peers: str) -> Object:
        found = {peers: self._some(self._peer, 1, 2)} if self._maybe(0.8) else {}
        return {**found, "ports": self._some(self._port, 1, 3)} if self._maybe(0.6) else found

    def _spec(self) -> Object:
        found: Object = {"podSelector": self._selector()}
        if self._maybe(0.7):
            found["policyTypes"] = self._one((["Ingress"], ["Egress"], ["Ingress", "Egress"]))
        for direction, peers in (("ingress", "from"), ("egress", "to")):
            if self._maybe(0.8):
                found[direction] = self._some(lambda peers=peers: self._rule(peers), 0, 2)
        return found


def registered(folder: Path) -> list[Object]:
    """Objects of one cluster as the program registers them under mocks: Namespace, NetworkPolicy, Deployment, Job."""
    from tests.support.fleets import graph_of, production

    graph = graph_of(production(), folder)
    kinds = ("Namespace", "NetworkPolicy", "Deployment", "Job")
    return [each.inputs for kind in kinds for each in graph.objects(kind) if graph.region(each) == "a"]


if __name__ == "__main__":
    # A process of its own: Pulumi's mocks are global and would stay in the process that probes.
    with tempfile.TemporaryDirectory() as made:
        json.dump(registered(Path(made)), sys.stdout)
