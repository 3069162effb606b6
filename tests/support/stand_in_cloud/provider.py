"""The stand-in for a cloud's provider: this process serves it and keeps a simulated cloud in memory."""

# ruff: noqa: N802  the protocol names its methods

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import grpc
from google.protobuf import empty_pb2
from pulumi.runtime.proto import provider_pb2

from tests.support.stand_in_cloud import changes, names, operations
from tests.support.stand_in_cloud.cloud import Cloud, Fault
from tests.support.stand_in_cloud.inventory import Inventory, Key
from tests.support.stand_in_cloud.process import StandInProcess, kind_token
from tests.support.stand_in_provider_interruptions import Interruption
from tests.support.stand_in_provider_wire import changed, difference, message, plain


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


C = TypeVar("C", bound=Cloud[Any])


class StandInCloud(StandInProcess, Generic[C]):
    """All regions of one test. `log` is what was done."""

    def __init__(self, cloud: C) -> None:
        super().__init__()
        self.package, self.version, self.cloud = cloud.package, cloud.version, cloud
        self.invoked: list[str] = []
        """Functions that were called, all in vain: look-ups make a plan depend on what happens to exist."""
        self.made: list[Change] = []
        """Every create since the beginning."""

    @property
    def inventory(self) -> Inventory:
        """What exists; a test may change it behind the program's back."""
        return self.cloud.inventory

    @property
    def objects(self) -> dict[Key, dict[str, Any]]:
        """(region, kind, id) to the state of every resource. What has no region lies in `global`."""
        return self.inventory.objects

    def lose(self, operation: str, nth: int = 1, *, matching: str = "") -> Interruption:
        """It is done, but the engine is told that the connection broke, and never learns the id."""
        return self._interruptions.add(Interruption(operation, nth, "the connection broke before the answer", "lose", matching))

    def throttle(self, operation: str, nth: int = 1, *, times: int = 3, matching: str = "", gives_up: bool = False) -> Interruption:
        """The cloud says some times that it is asked too often. The provider tries again by itself, or gives up in the end."""
        return self._interruptions.add(Interruption(operation, nth, self.cloud.throttled if gives_up else None, "throttle", matching, times))

    def duplicates(self) -> list[list[Change]]:
        """Resources of the same URN that were made more than once and that are all still there: orphans are among them."""
        alive: dict[str, list[Change]] = {}
        for change in self.made:
            if (change.region, change.kind, change.name) in self.objects:
                alive.setdefault(change.urn, []).append(change)
        return [group for group in alive.values() if len({one.name for one in group}) > 1]

    def CheckConfig(self, request: Any, context: Any) -> Any:
        found = self.cloud.configuration_faults(_configuration(request.news))
        return provider_pb2.CheckResponse(inputs=request.news, failures=_failures(found))

    def DiffConfig(self, request: Any, context: Any) -> Any:
        differing = changed(plain(request.olds), plain(request.news))
        return difference(differing, [name for name in differing if name in self.cloud.replaces_provider], delete_first=False)

    def Configure(self, request: Any, context: Any) -> Any:
        self._configurations[context.peer()] = _configuration(request.args)
        return provider_pb2.ConfigureResponse(acceptSecrets=True, supportsPreview=True)

    def Invoke(self, request: Any, context: Any) -> Any:
        self.invoked.append(request.tok)
        context.abort(grpc.StatusCode.UNIMPLEMENTED, f"{request.tok}: nothing may be looked up while the graph is made")

    def Check(self, request: Any, context: Any) -> Any:
        token, name = kind_token(request.urn), request.urn.rpartition("::")[2]
        kind = self.cloud.kinds.get(token)
        if kind is None:
            reason = f"the stand-in knows no type {token}: describe it in tests/support/stand_in_{self.package}"
            return provider_pb2.CheckResponse(inputs=request.news, failures=_failures([("", reason)]))
        new = plain(request.news)
        inputs, unnamed = names.filled(kind, name, request.randomSeed, plain(request.olds), new)
        checked = type(request.news)()
        checked.CopyFrom(request.news)
        added = {one: value for one, value in inputs.items() if one not in new or one == names.DEFAULTS}
        checked.MergeFrom(message({one: value for one, value in added.items() if one != names.DEFAULTS}))
        checked.fields[names.DEFAULTS].CopyFrom(message({names.DEFAULTS: inputs[names.DEFAULTS]}).fields[names.DEFAULTS])
        found = [*unnamed, *self.cloud.faults(kind, inputs, self._configurations[context.peer()])]
        return provider_pb2.CheckResponse(inputs=checked, failures=_failures(found))

    def Diff(self, request: Any, context: Any) -> Any:
        kind, old, new = self.cloud.kinds[kind_token(request.urn)], plain(request.old_inputs), plain(request.news)
        same = self.cloud.unchanged(kind, old, new)
        different = [name for name in changed(old, new) if name != names.DEFAULTS and name not in same]
        state, output = plain(request.olds), self.cloud.labels_output
        own = any(name in different for name in self.cloud.labels_inputs)
        relabelled = output in state and state[output] != self.cloud.labels(new, self._configurations[context.peer()]) and not own
        replaced = self.cloud.replacing(kind, old, new)
        return difference([*different, *([output] if relabelled else [])], replaced, delete_first=kind.delete_first or names.fixed(kind, new))

    def Create(self, request: Any, context: Any) -> Any:
        kind, inputs = self.cloud.kinds[kind_token(request.urn)], plain(request.properties)
        configuration = self._configurations[context.peer()]
        if request.preview:
            self.previewed.append(request.urn)
            state = self.cloud.foreseen(kind, inputs, configuration)
            return provider_pb2.CreateResponse(properties=message(self.cloud.marked(kind, state, configuration)))
        due = self._met("create", request.urn, context)
        with self._refusing(context), self.inventory.lock:
            key, state = operations.create(self.cloud, kind, inputs, configuration)
            self.log.append(Change("create", *key, request.urn))
            self.made.append(self.log[-1])
        self._after(due, context)
        return provider_pb2.CreateResponse(id=key[2], properties=message(state))

    def Update(self, request: Any, context: Any) -> Any:
        kind, new, old = self.cloud.kinds[kind_token(request.urn)], plain(request.news), plain(request.olds)
        configuration = self._configurations[context.peer()]
        if request.preview:
            state = self.cloud.updated(kind, old, new, preview=True)
            return provider_pb2.UpdateResponse(properties=message(self.cloud.marked(kind, state, configuration)))
        due = self._met("update", request.urn, context)
        with self._refusing(context), self.inventory.lock:
            key, state = operations.update(self.cloud, kind, request.id, new, configuration)
            self.log.append(Change("update", *key, request.urn))
        self._after(due, context)
        return provider_pb2.UpdateResponse(properties=message(state))

    def Read(self, request: Any, context: Any) -> Any:
        kind, given = self.cloud.kinds[kind_token(request.urn)], plain(request.inputs)
        key = (self._place(kind, request, context), kind.title, request.id)
        found = self.inventory.stored(key)
        if found is None:
            return provider_pb2.ReadResponse()
        inputs = {name: found.get(name, value) for name, value in given.items()}
        return provider_pb2.ReadResponse(id=request.id, properties=message(found), inputs=message(changes.as_given(kind, given, inputs)))

    def Delete(self, request: Any, context: Any) -> Any:
        kind = self.cloud.kinds[kind_token(request.urn)]
        due = self._met("delete", request.urn, context)
        key = (self._place(kind, request, context), kind.title, request.id)
        with self._refusing(context), self.inventory.lock:
            if operations.delete(self.cloud, key):
                self.log.append(Change("delete", *key, request.urn))
        self._after(due, context)
        return empty_pb2.Empty()

    @contextmanager
    def _refusing(self, context: grpc.ServicerContext) -> Iterator[None]:
        """What the cloud refuses, in its words, as the error of the call."""
        try:
            yield
        except operations.Refused as refused:
            context.abort(grpc.StatusCode.UNKNOWN, str(refused))

    def _place(self, kind: Any, request: Any, context: grpc.ServicerContext) -> str:
        return self.cloud.place(kind, plain(request.properties), self._configurations[context.peer()])


def _configuration(arguments: Any) -> dict[str, Any]:
    """Of a provider. Values that are no text arrive as JSON."""
    found = plain(arguments)
    return {name: json.loads(value) if isinstance(value, str) and value[:1] in ("[", "{") else value for name, value in found.items()}


def _failures(found: list[Fault]) -> list[Any]:
    return [provider_pb2.CheckFailure(property=where, reason=reason) for where, reason in found]
