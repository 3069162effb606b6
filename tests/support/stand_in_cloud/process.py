"""A provider that this process serves to the engine, and what a test does to it. No cloud, and no cluster, is known here."""

# ruff: noqa: N802  the protocol names its methods

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
from google.protobuf import empty_pb2
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc

from tests.support.stand_in_provider_interruptions import PATIENCE_SECONDS, Interruption, Interruptions

HANDLERS = 64


class StandInProcess(provider_pb2_grpc.ResourceProviderServicer):
    """Serves one package. One provider resource is told from another by its connection."""

    package: str
    """As the engine calls it."""
    version: str
    """Of the SDK that inputs are judged by; the stand-in says it is of that version."""

    def __init__(self) -> None:
        self.log: list[Any] = []
        """What was done, in the order in which it was finished."""
        self.previewed: list[str] = []
        """URNs of creates that were only previewed."""
        self.throttled = 0
        """How often it said that it is asked too often."""
        self._configurations: dict[str, dict[str, Any]] = {}
        self._interruptions = Interruptions()
        self._server: grpc.Server | None = None
        self.port = 0

    def start(self) -> str:
        """Serve on a free port; returns what PULUMI_DEBUG_PROVIDERS must hold for this package."""
        self._server = grpc.server(ThreadPoolExecutor(HANDLERS))
        provider_pb2_grpc.add_ResourceProviderServicer_to_server(self, self._server)
        self.port = self._server.add_insecure_port("127.0.0.1:0")
        self._server.start()
        return f"{self.package}:{self.port}"

    def die(self) -> None:
        """End at once: requests under way get no answer. What was made stays."""
        if self._server:
            self._server.stop(None).wait()
        self.heal()

    def fail(self, operation: str, nth: int = 1, message: str = "InternalFailure", *, matching: str = "") -> Interruption:
        """The n-th create, update or delete from now on (of those whose URN contains `matching`) fails and changes nothing."""
        return self._interruptions.add(Interruption(operation, nth, message, "fail", matching))

    def hold(self, operation: str, nth: int = 1, *, matching: str = "") -> Interruption:
        """It is done, but the engine gets no answer until it is released."""
        return self._interruptions.add(Interruption(operation, nth, None, "hold", matching))

    def heal(self) -> None:
        """No more interruptions; what is held goes on."""
        self._interruptions.heal()

    def forget(self) -> None:
        """Start the log anew; what was made stays."""
        self.log.clear()
        self.previewed.clear()

    def _met(self, operation: str, urn: str, context: grpc.ServicerContext) -> Interruption | None:
        """The interruption that this operation meets, after what happens before anything is done."""
        due = self._interruptions.due(operation, urn)
        if due and due.way == "throttle":
            self.throttled += due.times
        if due and due.message and due.way in ("fail", "throttle"):
            context.abort(grpc.StatusCode.UNKNOWN, due.message)
        return due

    def _after(self, due: Interruption | None, context: grpc.ServicerContext) -> None:
        """What happens once it is done."""
        if due and due.way == "hold":
            due.released.wait(PATIENCE_SECONDS)
        if due and due.way == "lose" and due.message:
            context.abort(grpc.StatusCode.UNAVAILABLE, due.message)

    def Handshake(self, request: Any, context: Any) -> Any:
        return provider_pb2.ProviderHandshakeResponse(accept_secrets=True)

    def Attach(self, request: Any, context: Any) -> Any:
        return empty_pb2.Empty()

    def Cancel(self, request: Any, context: Any) -> Any:
        return empty_pb2.Empty()

    def GetPluginInfo(self, request: Any, context: Any) -> Any:
        return plugin_pb2.PluginInfo(version=self.version)


def kind_token(urn: str) -> str:
    """Type of the resource that a URN names."""
    return urn.split("::")[2].rpartition("$")[2]
