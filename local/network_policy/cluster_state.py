"""What the API server said last about namespaces, pods and policies, and what the network plugin said before it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import replace
from ipaddress import IPv4Address, IPv4Network
from typing import Any

from local.network_policy.model import Namespace, Pod, Policy
from local.network_policy.render import render

READERS = {"Namespace": Namespace.read, "Pod": Pod.read, "NetworkPolicy": Policy.read}


class ClusterState:
    """Objects by kind and UID, reduced to what rules depend on: a status that changes nothing sets no `changed`."""

    def __init__(self) -> None:
        self.changed = asyncio.Event()
        self._found: dict[str, dict[str, Namespace | Pod | Policy]] = {}
        self._announced: dict[str, IPv4Address] = {}

    @property
    def complete(self) -> bool:
        """Whether every kind was listed: rules from pods without their policies would be open."""
        return set(self._found) == set(READERS)

    def list(self, kind: str, objects: Iterable[Mapping[str, Any]]) -> None:
        """Everything there is of a kind."""
        read = ((each["metadata"]["uid"], READERS[kind](each)) for each in objects)
        found = {uid: each for uid, each in read if each}
        if self._found.get(kind) != found:
            self._found[kind] = found
            self._settle(found.values())
            self.changed.set()

    def event(self, kind: str, operation: str, found: Mapping[str, Any]) -> None:
        """One event of a watch: ADDED, MODIFIED or DELETED."""
        uid, objects = found["metadata"]["uid"], self._found[kind]
        read = None if operation == "DELETED" else READERS[kind](found)
        if objects.get(uid) == read:
            return
        if read:
            objects[uid] = read
            self._settle([read])
        else:
            del objects[uid]
            self._announced.pop(uid, None)
        self.changed.set()

    def announce(self, uid: str, address: IPv4Address) -> None:
        """A pod's address as its network plugin gave it: up to a second before the pod's status says so, and newer where they differ."""
        self._announced[uid] = address
        self.changed.set()

    def covered(self) -> frozenset[tuple[str, IPv4Address]]:
        """Pods that the rules know, by UID, with the address by which they do."""
        return frozenset((pod.uid, pod.address) for pod in self._pods() if pod.address)

    def rules(self, pod_range: IPv4Network) -> str:
        """The rule set for what is known now."""
        namespaces = [each for each in self._of("Namespace") if isinstance(each, Namespace)]
        policies = [each for each in self._of("NetworkPolicy") if isinstance(each, Policy)]
        return render(namespaces, self._pods(), policies, pod_range)

    def summary(self) -> str:
        """How much is known, for a line in a log."""
        return f"{len(self.covered())} pods with an address, {len(self._of('NetworkPolicy'))} policies"

    def _settle(self, objects: Iterable[Namespace | Pod | Policy]) -> None:
        """Forget announcements that the pods' status has caught up with: from then on the status is the newer of the two."""
        for each in objects:
            if isinstance(each, Pod) and each.address and self._announced.get(each.uid) == each.address:
                del self._announced[each.uid]

    def _of(self, kind: str) -> list[Namespace | Pod | Policy]:
        return list(self._found.get(kind, {}).values())

    def _pods(self) -> list[Pod]:
        pods = [each for each in self._of("Pod") if isinstance(each, Pod)]
        return [replace(pod, address=self._announced[pod.uid]) if pod.uid in self._announced else pod for pod in pods]
