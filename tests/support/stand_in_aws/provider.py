"""The stand-in for the AWS provider: this process serves it and keeps a simulated account in memory."""

# ruff: noqa: N802  the protocol names its methods

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import grpc
from google.protobuf import empty_pb2
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc

from tests.support.stand_in_aws import changes, names, operations, outputs
from tests.support.stand_in_aws.account import Account, Key
from tests.support.stand_in_aws.catalogue import KINDS, resource_class
from tests.support.stand_in_aws.kinds import ACCOUNT, GLOBAL, Kind
from tests.support.stand_in_aws.rules import configuration_faults, faults
from tests.support.stand_in_provider_interruptions import PATIENCE_SECONDS, Interruption, Interruptions
from tests.support.stand_in_provider_sdk import known_outputs
from tests.support.stand_in_provider_wire import UNKNOWN, changed, difference, message, plain

HANDLERS = 64
VERSION = "7.51.1"
"""Of the SDK that inputs are judged by; the stand-in says it is of that version."""

THROTTLED = "ThrottlingException: Rate exceeded"


@dataclass(frozen=True)
class Change:
    """One resource that was created, updated or deleted, in the order in which that was finished."""

    operation: str
    region: str
    kind: str
    name: str
    """Its id."""
    urn: str

    def __str__(self) -> str:
        return f"{self.operation} {self.region}/{self.kind}/{self.name}"


class StandInAws(provider_pb2_grpc.ResourceProviderServicer):
    """All regions of one test; one provider resource is told from another by its connection.

    `account` holds what exists and may be changed by a test behind the program's back; `log` is what was done.
    """

    def __init__(self) -> None:
        self.account = Account()
        self.log: list[Change] = []
        self.previewed: list[str] = []
        """URNs of creates that were only previewed."""
        self.invoked: list[str] = []
        """Functions that were called, all in vain: look-ups make a plan depend on what happens to exist."""
        self.made: list[Change] = []
        """Every create since the beginning."""
        self.throttled = 0
        """How often the account said that it is asked too often."""
        self.control_planes: dict[str, tuple[str, str]] = {}
        """Beginning of a cluster's name to the address and the certificate (base64) of a real API server."""
        self._configurations: dict[str, dict[str, Any]] = {}
        self._interruptions = Interruptions()
        self._server: grpc.Server | None = None
        self.port = 0

    @property
    def objects(self) -> dict[Key, dict[str, Any]]:
        """(region, kind, id) to the state of every resource. IAM lies in the region `global`."""
        return self.account.objects

    def start(self) -> str:
        """Serve on a free port; returns what PULUMI_DEBUG_PROVIDERS must hold for `aws`."""
        self._server = grpc.server(ThreadPoolExecutor(HANDLERS))
        provider_pb2_grpc.add_ResourceProviderServicer_to_server(self, self._server)
        self.port = self._server.add_insecure_port("127.0.0.1:0")
        self._server.start()
        return f"aws:{self.port}"

    def die(self) -> None:
        """End at once: requests under way get no answer. What was made stays, as in an account."""
        if self._server:
            self._server.stop(None).wait()
        self.heal()

    def fail(self, operation: str, nth: int = 1, message: str = "InternalFailure", *, matching: str = "") -> Interruption:
        """The n-th create, update or delete from now on (of those whose URN contains `matching`) fails and changes nothing."""
        return self._interruptions.add(Interruption(operation, nth, message, "fail", matching))

    def hold(self, operation: str, nth: int = 1, *, matching: str = "") -> Interruption:
        """It is done, but the engine gets no answer until it is released."""
        return self._interruptions.add(Interruption(operation, nth, None, "hold", matching))

    def lose(self, operation: str, nth: int = 1, *, matching: str = "") -> Interruption:
        """It is done, but the engine is told that the connection broke, and never learns the id."""
        return self._interruptions.add(Interruption(operation, nth, "the connection broke before the answer", "lose", matching))

    def throttle(self, operation: str, nth: int = 1, *, times: int = 3, matching: str = "", gives_up: bool = False) -> Interruption:
        """The account says some times that it is asked too often. The provider tries again by itself, or gives up in the end."""
        return self._interruptions.add(Interruption(operation, nth, THROTTLED if gives_up else None, "throttle", matching, times))

    def heal(self) -> None:
        """No more interruptions; what is held goes on."""
        self._interruptions.heal()

    def forget(self) -> None:
        """Start the log anew; resources stay."""
        self.log.clear()
        self.previewed.clear()

    def duplicates(self) -> list[list[Change]]:
        """Resources of the same URN that were made more than once and that are all still there: orphans are among them."""
        alive: dict[str, list[Change]] = {}
        for change in self.made:
            if (change.region, change.kind, change.name) in self.objects:
                alive.setdefault(change.urn, []).append(change)
        return [group for group in alive.values() if len({one.name for one in group}) > 1]

    def Handshake(self, request: Any, context: Any) -> Any:
        return provider_pb2.ProviderHandshakeResponse(accept_secrets=True)

    def Attach(self, request: Any, context: Any) -> Any:
        return empty_pb2.Empty()

    def Cancel(self, request: Any, context: Any) -> Any:
        return empty_pb2.Empty()

    def GetPluginInfo(self, request: Any, context: Any) -> Any:
        return plugin_pb2.PluginInfo(version=VERSION)

    def CheckConfig(self, request: Any, context: Any) -> Any:
        found = configuration_faults(_configuration(request.news))
        return provider_pb2.CheckResponse(inputs=request.news, failures=_failures(found))

    def DiffConfig(self, request: Any, context: Any) -> Any:
        differing = changed(plain(request.olds), plain(request.news))
        return difference(differing, [name for name in differing if name == "region"], delete_first=False)

    def Configure(self, request: Any, context: Any) -> Any:
        self._configurations[context.peer()] = _configuration(request.args)
        return provider_pb2.ConfigureResponse(acceptSecrets=True, supportsPreview=True)

    def Invoke(self, request: Any, context: Any) -> Any:
        self.invoked.append(request.tok)
        context.abort(grpc.StatusCode.UNIMPLEMENTED, f"{request.tok}: nothing may be looked up while the graph is made")

    def Check(self, request: Any, context: Any) -> Any:
        token, name = _token(request.urn), request.urn.rpartition("::")[2]
        kind = KINDS.get(token)
        if kind is None:
            reason = f"the stand-in knows no type {token}: describe it in tests/support/stand_in_aws"
            return provider_pb2.CheckResponse(inputs=request.news, failures=_failures([("", reason)]))
        new = plain(request.news)
        inputs, unnamed = names.filled(kind, name, request.randomSeed, plain(request.olds), new)
        checked = type(request.news)()
        checked.CopyFrom(request.news)
        added = {one: value for one, value in inputs.items() if one not in new or one == names.DEFAULTS}
        checked.MergeFrom(message({one: value for one, value in added.items() if one != names.DEFAULTS}))
        checked.fields[names.DEFAULTS].CopyFrom(message({names.DEFAULTS: inputs[names.DEFAULTS]}).fields[names.DEFAULTS])
        return provider_pb2.CheckResponse(inputs=checked, failures=_failures([*unnamed, *faults(kind, inputs, self._tags(inputs, context))]))

    def Diff(self, request: Any, context: Any) -> Any:
        kind, old, new = KINDS[_token(request.urn)], plain(request.old_inputs), plain(request.news)
        different = [name for name in changed(old, new) if name != names.DEFAULTS]
        state = plain(request.olds)
        retagged = "tagsAll" in state and state["tagsAll"] != self._tags(new, context) and "tags" not in different
        replaced = changes.replacing(kind, old, new)
        return difference([*different, *(["tagsAll"] if retagged else [])], replaced, delete_first=kind.delete_first or names.fixed(kind, new))

    def Create(self, request: Any, context: Any) -> Any:
        kind, inputs = KINDS[_token(request.urn)], plain(request.properties)
        if request.preview:
            self.previewed.append(request.urn)
            state = outputs.foreseen(kind, inputs, resource_class(kind.token))
            return provider_pb2.CreateResponse(properties=message(self._tagged(kind, state, context=context)))
        due = self._met("create", request.urn, context)
        region = self._region(kind, inputs, context)
        with self._refusing(context), self.account.lock:
            tagged = partial(self._tagged, kind, context=context)
            identity, state = operations.create(kind, inputs, region, self.account, self.control_planes, tagged)
            self.log.append(Change("create", region, kind.title, identity, request.urn))
            self.made.append(self.log[-1])
        self._after(due, context)
        return provider_pb2.CreateResponse(id=identity, properties=message(state))

    def Update(self, request: Any, context: Any) -> Any:
        kind, new, old = KINDS[_token(request.urn)], plain(request.news), plain(request.olds)
        if request.preview:
            return provider_pb2.UpdateResponse(properties=message(self._tagged(kind, changes.updated(kind, old, new, preview=True), context=context)))
        due = self._met("update", request.urn, context)
        key = (self._region(kind, new, context), kind.title, request.id)
        with self._refusing(context), self.account.lock:
            state = operations.update(kind, key, new, self.account, partial(self._tagged, kind, context=context))
            self.log.append(Change("update", *key, request.urn))
        self._after(due, context)
        return provider_pb2.UpdateResponse(properties=message(state))

    def Read(self, request: Any, context: Any) -> Any:
        kind, given = KINDS[_token(request.urn)], plain(request.inputs)
        found = self.objects.get((self._region(kind, plain(request.properties), context), kind.title, request.id))
        if found is None:
            return provider_pb2.ReadResponse()
        inputs = {name: found.get(name, value) for name, value in given.items()}
        return provider_pb2.ReadResponse(id=request.id, properties=message(found), inputs=message(changes.as_given(given, inputs)))

    def Delete(self, request: Any, context: Any) -> Any:
        kind = KINDS[_token(request.urn)]
        due = self._met("delete", request.urn, context)
        key = (self._region(kind, plain(request.properties), context), kind.title, request.id)
        with self._refusing(context), self.account.lock:
            if operations.delete(key, self.account):
                self.log.append(Change("delete", *key, request.urn))
        self._after(due, context)
        return empty_pb2.Empty()

    @contextmanager
    def _refusing(self, context: grpc.ServicerContext) -> Iterator[None]:
        """What AWS refuses, in its words, as the error of the call."""
        try:
            yield
        except operations.Refused as refused:
            context.abort(grpc.StatusCode.UNKNOWN, str(refused))

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

    def _region(self, kind: Kind, inputs: Mapping[str, Any], context: grpc.ServicerContext) -> str:
        return GLOBAL if kind.everywhere else inputs.get("region") or self._configurations[context.peer()]["region"]

    def _tags(self, inputs: Mapping[str, Any], context: grpc.ServicerContext) -> Any:
        """All tags: the provider's, and over them the resource's own."""
        defaults = self._configurations[context.peer()].get("defaultTags") or {}
        own = inputs.get("tags") or {}
        return UNKNOWN if own == UNKNOWN else {**(defaults.get("tags") or {}), **own}

    def _tagged(self, kind: Kind, state: dict[str, Any], *, context: grpc.ServicerContext) -> dict[str, Any]:
        known = known_outputs(resource_class(kind.token))
        region = {"region": self._region(kind, state, context)} if "region" in known else {}
        return {**state, **region, **({"tagsAll": self._tags(state, context)} if "tagsAll" in known else {})}


def _token(urn: str) -> str:
    return urn.split("::")[2].rpartition("$")[2]


def _configuration(arguments: Any) -> dict[str, Any]:
    """Of a provider. Values that are no text arrive as JSON."""
    found = plain(arguments)
    return {name: json.loads(value) if isinstance(value, str) and value[:1] in ("[", "{") else value for name, value in found.items()}


def _failures(found: list[tuple[str, str]]) -> list[Any]:
    return [provider_pb2.CheckFailure(property=where, reason=reason) for where, reason in found]


__all__ = ["ACCOUNT", "Change", "StandInAws"]
