"""May this connection be made? The specification of NetworkPolicy, asked pair by pair; shares no code with what renders rules.

Objects are dictionaries of the Kubernetes API with their `kind`: Namespace, Pod, NetworkPolicy. An end of a connection is an
address; it is a pod where a pod has it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from ipaddress import ip_address, ip_network
from typing import Any

Object = Mapping[str, Any]


def allowed(objects: Iterable[Object], source: str, destination: str, port: int, protocol: str = "TCP") -> bool:
    """Whether a new connection is let through: both ends' policies must agree, and nobody is kept from themselves."""
    world = _World(list(objects))
    if source == destination:
        return True
    return world.leaves(source, destination, port, protocol) and world.enters(source, destination, port, protocol)


class _World:
    def __init__(self, objects: list[Object]) -> None:
        self.namespaces = {each["metadata"]["name"]: each for each in objects if each["kind"] == "Namespace"}
        self.policies = [each for each in objects if each["kind"] == "NetworkPolicy"]
        self.pods = [each for each in objects if each["kind"] == "Pod" and _has_network(each)]

    def pod_at(self, address: str) -> Object | None:
        return next((pod for pod in self.pods if pod["status"]["podIP"] == address), None)

    def leaves(self, source: str, destination: str, port: int, protocol: str) -> bool:
        pod = self.pod_at(source)
        applying = [policy for policy in self.policies if pod and _isolates(policy, pod, "Egress")]
        rules = [(policy, rule) for policy in applying for rule in policy["spec"].get("egress") or ()]
        return not applying or any(self._permits(policy, rule, "to", destination, destination, port, protocol) for policy, rule in rules)

    def enters(self, source: str, destination: str, port: int, protocol: str) -> bool:
        pod = self.pod_at(destination)
        applying = [policy for policy in self.policies if pod and _isolates(policy, pod, "Ingress")]
        rules = [(policy, rule) for policy in applying for rule in policy["spec"].get("ingress") or ()]
        return not applying or any(self._permits(policy, rule, "from", source, destination, port, protocol) for policy, rule in rules)

    def _permits(self, policy: Object, rule: Object, peers: str, peer: str, destination: str, port: int, protocol: str) -> bool:
        who = not rule.get(peers) or any(self._is_peer(policy, each, peer) for each in rule[peers])
        what = not rule.get("ports") or any(self._is_port(each, destination, port, protocol) for each in rule["ports"])
        return who and what

    def _is_peer(self, policy: Object, peer: Object, address: str) -> bool:
        if "ipBlock" in peer:
            inside = ip_address(address) in ip_network(peer["ipBlock"]["cidr"])
            return inside and not any(ip_address(address) in ip_network(hole) for hole in peer["ipBlock"].get("except") or ())
        pod = self.pod_at(address)
        if pod is None:
            return False
        if "namespaceSelector" in peer:
            if not _selected(peer["namespaceSelector"], self.namespaces[pod["metadata"]["namespace"]]):
                return False
        elif pod["metadata"]["namespace"] != policy["metadata"]["namespace"]:
            return False
        return "podSelector" not in peer or _selected(peer["podSelector"], pod)

    def _is_port(self, wanted: Object, destination: str, port: int, protocol: str) -> bool:
        if wanted.get("protocol", "TCP") != protocol:
            return False
        number = wanted.get("port")
        if number is None:
            return True
        if isinstance(number, int):
            return number <= port <= wanted.get("endPort", number)
        pod = self.pod_at(destination)
        return pod is not None and (number, protocol, port) in _named_ports(pod)


def _has_network(pod: Object) -> bool:
    status = pod.get("status", {})
    return bool(status.get("podIP")) and status.get("phase") not in {"Succeeded", "Failed"} and not pod["spec"].get("hostNetwork", False)


def _isolates(policy: Object, pod: Object, direction: str) -> bool:
    spec = policy["spec"]
    directed = direction in spec["policyTypes"] if "policyTypes" in spec else direction == "Ingress" or bool(spec.get("egress"))
    return directed and policy["metadata"]["namespace"] == pod["metadata"]["namespace"] and _selected(spec["podSelector"], pod)


def _selected(selector: Object, thing: Object) -> bool:
    labels = thing["metadata"].get("labels", {})
    answers = [labels.get(key) == value for key, value in selector.get("matchLabels", {}).items()]
    for each in selector.get("matchExpressions", []):
        value = labels.get(each["key"])
        answers.append(
            {
                "Exists": value is not None,
                "DoesNotExist": value is None,
                "In": value is not None and value in each.get("values", []),
                "NotIn": value is None or value not in each.get("values", []),
            }[each["operator"]]
        )
    return all(answers)


def _named_ports(pod: Object) -> set[tuple[str, str, int]]:
    running = [*pod["spec"]["containers"], *(each for each in pod["spec"].get("initContainers", []) if each.get("restartPolicy") == "Always")]
    return {
        (port["name"], port.get("protocol", "TCP"), port["containerPort"]) for each in running for port in each.get("ports", []) if "name" in port
    }
