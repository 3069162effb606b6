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
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import grpc
from google.protobuf import empty_pb2
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc

from local.tools.recipes import PULUMI_KUBERNETES
from tests.support.stand_in_provider_interruptions import PATIENCE_SECONDS, Interruption, Interruptions
from tests.support.stand_in_provider_rules import faults, kind_of, replacing, undefined
from tests.support.stand_in_provider_wire import changed, difference, identity_of, message, plain

HANDLERS = 64


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


class StandInProvider(provider_pb2_grpc.ResourceProviderServicer):
    """All clusters of one test; a provider resource is told from another by its connection."""

    def __init__(self) -> None:
        self.objects: dict[tuple[str, ...], dict[str, Any]] = {}
        """(cluster, kind, id) to the object."""
        self.log: list[Change] = []
        self.previewed: list[str] = []
        """URNs of creates that were only previewed."""
        self.unreachable: Callable[[str], str | None] = lambda _: None
        """Cluster to what its API server, or the way to it, says instead of an answer."""
        self._configurations: dict[str, dict[str, Any]] = {}
        self._interruptions = Interruptions()
        self._lock = threading.Lock()
        self._server: grpc.Server | None = None
        self.port = 0

    def start(self) -> str:
        """Serve on a free port; returns what PULUMI_DEBUG_PROVIDERS must be."""
        self._server = grpc.server(ThreadPoolExecutor(HANDLERS))
        provider_pb2_grpc.add_ResourceProviderServicer_to_server(self, self._server)
        self.port = self._server.add_insecure_port("127.0.0.1:0")
        self._server.start()
        return f"kubernetes:{self.port}"

    def die(self) -> None:
        """End at once: requests under way get no answer. What was stored stays, as a cluster would."""
        if self._server:
            self._server.stop(None).wait()
        self.heal()

    def fail(self, operation: str, nth: int, message: str) -> Interruption:
        """The n-th create, update or delete from now on fails before it changes anything."""
        return self._interruptions.add(Interruption(operation, nth, message, "fail"))

    def hold(self, operation: str, nth: int) -> Interruption:
        """The n-th create, update or delete from now on is done, but the engine gets no answer until it is released."""
        return self._interruptions.add(Interruption(operation, nth))

    def heal(self) -> None:
        """No more interruptions; what is held goes on."""
        self._interruptions.heal()

    def forget(self) -> None:
        """Start the log anew; objects stay."""
        self.log.clear()
        self.previewed.clear()

    def _carry_out(self, operation: str, urn: str, key: tuple[str, ...], value: dict[str, Any] | None, context: grpc.ServicerContext) -> None:
        """Store or remove, log, and meet the interruption that is due."""
        self._reach(key[0], context)
        due = self._interruptions.due(operation, urn)
        if due and due.message:
            context.abort(grpc.StatusCode.UNKNOWN, due.message)
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
        if due:
            due.released.wait(PATIENCE_SECONDS)

    def _reach(self, cluster: str, context: grpc.ServicerContext) -> None:
        reason = self.unreachable(cluster)
        if reason:
            context.abort(grpc.StatusCode.UNKNOWN, f"configured Kubernetes cluster is unreachable: {reason}")

    def _key(self, kind_token: str, identity: str, context: grpc.ServicerContext) -> tuple[str, ...]:
        return (_cluster(self._configurations[context.peer()]), kind_token.rpartition(":")[2], identity)

    def Handshake(self, request: Any, context: Any) -> Any:
        return provider_pb2.ProviderHandshakeResponse(accept_secrets=True)

    def Attach(self, request: Any, context: Any) -> Any:
        return empty_pb2.Empty()

    def Cancel(self, request: Any, context: Any) -> Any:
        return empty_pb2.Empty()

    def GetPluginInfo(self, request: Any, context: Any) -> Any:
        return plugin_pb2.PluginInfo(version=PULUMI_KUBERNETES)

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
            provider_pb2.CheckFailure(property=where, reason=reason)
            for where, reason in faults(request.urn.split("::")[2].rpartition("$")[2], plain(request.news))
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
