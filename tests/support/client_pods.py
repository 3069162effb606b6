"""Pods of the client image in any namespace and with any labels: connections tried from where the policies see the caller."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lightkube import codecs
from lightkube.core.client import Client
from lightkube.core.exceptions import ApiError
from lightkube.models.meta_v1 import ObjectMeta
from lightkube.resources.core_v1 import Namespace, Pod

from local import answers
from tests.support.local_fleet import eventually

GONE = 404


@dataclass(frozen=True)
class Attempt:
    """What one container of a client's pod printed."""

    told: Mapping[str, Any]

    @property
    def succeeded(self) -> bool:
        return bool(self.told.get("connected", self.told.get("ok")))

    @property
    def error(self) -> str:
        """Why not, as the client's own network library says it: with the address that a name was resolved to."""
        return str(self.told["error"])


class ClientPods:
    """Clients of one test module, in namespaces of its own; nothing is left after `remove`."""

    def __init__(self, client: Client) -> None:
        self._client, self._suffix = client, secrets.token_hex(2)
        self._where: dict[str, str] = {}
        self._namespaces: list[str] = []

    def namespace(self, name: str, labels: Mapping[str, str] | None = None) -> str:
        """Make a namespace; its name has a suffix, because one of an earlier run may not be gone yet."""
        found = f"{name}-{self._suffix}"
        self._client.create(Namespace(metadata=ObjectMeta(name=found, labels=dict(labels or {}))))
        self._namespaces.append(found)
        return found

    def start(self, name: str, namespace: str, commands: Mapping[str, Sequence[str]], labels: Mapping[str, str] | None = None) -> None:
        """Create a pod with a container for each command."""
        document = answers.caller(name, commands, namespace=namespace)
        document["metadata"]["labels"] |= labels or {}
        self._client.create(codecs.from_dict(document))
        self._where[name] = namespace

    def address(self, name: str) -> str:
        """A pod's address, once all its containers run."""

        def running() -> str | None:
            pod = self._pod(name)
            statuses = pod.status.containerStatuses if pod.status else None
            assert pod.spec, "a pod has a spec"
            whole = len(statuses or []) == len(pod.spec.containers) and all(status.started for status in statuses or [])
            return pod.status.podIP if whole and pod.status else None

        return str(eventually(running, f"the start of pod {name}"))

    def attempts(self, name: str) -> dict[str, Attempt]:
        """What each container of a pod found out, once all have ended."""
        pod = eventually(lambda: self._ended(name), f"the end of pod {name}")
        return {container.name: self._attempt(name, container.name) for container in pod.spec.containers}

    def remove(self) -> None:
        """Delete the pods at once and the namespaces in the background."""
        for name, namespace in self._where.items():
            self._client.delete(Pod, name, namespace=namespace, grace_period=0)
        for namespace in self._namespaces:
            self._client.delete(Namespace, namespace)
        for name in self._where:
            eventually(lambda name=name: self._gone(name), f"the removal of pod {name}")

    def _pod(self, name: str) -> Pod:
        return self._client.get(Pod, name, namespace=self._where[name])

    def _ended(self, name: str) -> Pod | None:
        pod = self._pod(name)
        return pod if pod.status and pod.status.phase in {"Succeeded", "Failed"} else None

    def _attempt(self, name: str, container: str) -> Attempt:
        printed = "".join(self._client.log(name, namespace=self._where[name], container=container)).strip()
        return Attempt(json.loads(printed.splitlines()[-1]))

    def _gone(self, name: str) -> bool:
        try:
            self._pod(name)
        except ApiError as error:
            return error.status.code == GONE
        return False


def connect(address: str, timeout_seconds: float) -> list[str]:
    """The command that tries a connection."""
    return ["connect", f"--address={address}", f"--timeout-seconds={timeout_seconds}"]


def listen(*ports: int) -> dict[str, list[str]]:
    """Commands that answer on these ports."""
    return {f"port-{port}": ["listen", f"--port={port}"] for port in ports}
