"""A stand-in for the Kubernetes provider: this process serves it, it keeps objects in memory, and it fails when told to.

It speaks `pulumirpc.ResourceProvider`; the engine attaches to it where PULUMI_DEBUG_PROVIDERS names its port. No cluster is
behind it: nothing is scheduled or admitted, a Deployment is Ready at once, and a chart is its values: nothing is rendered. Like
server-side apply, creating an object that exists adopts it, and deleting one that is gone succeeds.
"""

# ruff: noqa: N802  the protocol names its methods

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import grpc
from google.protobuf import empty_pb2
from pulumi.runtime.proto import provider_pb2

from local.tools.recipes import PULUMI_KUBERNETES
from tests.support.stand_in_cloud.process import StandInProcess, kind_token
from tests.support.stand_in_provider_rules import faults, kind_of, replacing, undefined
from tests.support.stand_in_provider_wire import changed, difference, identity_of, message, plain


@dataclass(frozen=True)
class Change:
    """One object that was created, adopted, updated or deleted, in the order in which that was finished."""

    operation: str
    cluster: str
    kind: str
    name: str
    urn: str

    def __str__(self) -> str:
        return f"{self.operation} {self.cluster}/{self.kind}/{self.name}"


class StandInProvider(StandInProcess):
    """All clusters of one test; a provider resource is told from another by its connection."""

    package = "kubernetes"
    version = PULUMI_KUBERNETES

    def __init__(self) -> None:
        super().__init__()
        self.objects: dict[tuple[str, ...], dict[str, Any]] = {}
        """(cluster, kind, id) to the object."""
        self.unreachable: Callable[[str], str | None] = lambda _: None
        """Cluster to what its API server, or the way to it, says instead of an answer."""
        self._lock = threading.Lock()

    def _carry_out(self, operation: str, urn: str, key: tuple[str, ...], value: dict[str, Any] | None, context: grpc.ServicerContext) -> None:
        """Store or remove, log, and meet the interruption that is due."""
        self._reach(key[0], context)
        due = self._met(operation, urn, context)
        with self._lock:
            cluster, kind, identity = key
            releases = {found[2].rpartition("/")[2] for found in self.objects if found[:2] == (cluster, "Release")}
            if operation == "create" and (reason := undefined(value or {}, releases)):
                context.abort(grpc.StatusCode.UNKNOWN, reason)
            done = "adopt" if operation == "create" and key in self.objects else operation
            if value is None:
                self.objects.pop(key, None)
            else:
                self.objects[key] = value
            self.log.append(Change(done, cluster, kind, identity.rpartition("/")[2], urn))
        self._after(due, context)

    def _reach(self, cluster: str, context: grpc.ServicerContext) -> None:
        reason = self.unreachable(cluster)
        if reason:
            context.abort(grpc.StatusCode.UNKNOWN, f"configured Kubernetes cluster is unreachable: {reason}")

    def _key(self, kind_token: str, identity: str, context: grpc.ServicerContext) -> tuple[str, ...]:
        return (_cluster(self._configurations[context.peer()]), kind_token.rpartition(":")[2], identity)

    def CheckConfig(self, request: Any, context: Any) -> Any:
        return provider_pb2.CheckResponse(inputs=request.news)

    def DiffConfig(self, request: Any, context: Any) -> Any:
        old, new = plain(request.olds), plain(request.news)
        return difference(changed(old, new), [name for name in changed(old, new) if name == "clusterIdentifier"], delete_first=False)

    def Configure(self, request: Any, context: Any) -> Any:
        self._configurations[context.peer()] = plain(request.args)
        return provider_pb2.ConfigureResponse(acceptSecrets=True, supportsPreview=True)

    def Check(self, request: Any, context: Any) -> Any:
        failures = [
            provider_pb2.CheckFailure(property=where, reason=reason) for where, reason in faults(kind_token(request.urn), plain(request.news))
        ]
        return provider_pb2.CheckResponse(inputs=request.news, failures=failures)

    def Diff(self, request: Any, context: Any) -> Any:
        old, new = plain(request.old_inputs), plain(request.news)
        return difference(changed(old, new), replacing(kind_of(new), old, new, self._configurations[context.peer()]))

    def Create(self, request: Any, context: Any) -> Any:
        if request.preview:
            self.previewed.append(request.urn)
            return provider_pb2.CreateResponse(properties=request.properties)
        value = plain(request.properties)
        identity = identity_of(value)
        self._carry_out("create", request.urn, self._key(f":{kind_of(value)}", identity, context), value, context)
        return provider_pb2.CreateResponse(id=identity, properties=request.properties)

    def Update(self, request: Any, context: Any) -> Any:
        if not request.preview:
            value = plain(request.news)
            self._carry_out("update", request.urn, self._key(f":{kind_of(value)}", request.id, context), value, context)
        return provider_pb2.UpdateResponse(properties=request.news)

    def Read(self, request: Any, context: Any) -> Any:
        key = self._key(request.urn.split("::")[2], request.id, context)
        self._reach(key[0], context)
        found = self.objects.get(key)
        if found is None:
            return provider_pb2.ReadResponse()
        live = message(found)
        return provider_pb2.ReadResponse(id=request.id, properties=live, inputs=live)

    def Delete(self, request: Any, context: Any) -> Any:
        self._carry_out("delete", request.urn, self._key(request.urn.split("::")[2], request.id, context), None, context)
        return empty_pb2.Empty()


def _cluster(configuration: Mapping[str, Any]) -> str:
    """Name of the context: given, or the current one of a kubeconfig that is given as text."""
    return configuration.get("context") or json.loads(configuration["kubeconfig"])["current-context"]
