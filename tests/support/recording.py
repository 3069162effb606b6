"""The program under Pulumi's mocks, with a monitor that records what an engine would be asked to do."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import runpy
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from types import FrameType
from typing import Any
from unittest import mock

import pulumi
from google.protobuf.json_format import MessageToDict
from google.protobuf.struct_pb2 import Struct
from pulumi.runtime import mocks, set_all_config
from pulumi.runtime.proto import resource_pb2
from pulumi.runtime.settings import get_root_resource, set_root_resource
from pulumi.runtime.stack import Stack, run_in_stack

from fleet.settings import CONFIG_KEY
from tests.support.recorded_outputs import outputs

PROJECT = Path(__file__).resolve().parents[2]
SECRET_MARK = ("4dabf18193072939515e22adb298388d", "1b47061264138c4ac30d75fd1eb44270")
"""Key and value by which a secret is told from other values on the wire."""


@dataclass(frozen=True, kw_only=True)
class Resource:
    """One registration, as the engine received it."""

    urn: str
    type: str
    name: str
    custom: bool
    inputs: dict[str, Any]
    secrets: tuple[str, ...]
    """Paths of inputs that are marked secret."""
    parent: str
    provider: str
    protect: bool
    retain_on_delete: bool
    dependencies: frozenset[str]
    aliases: tuple[str, ...]
    ignore_changes: tuple[str, ...]
    timeouts: dict[str, str]
    delete_before_replace: bool | None
    """None: as the provider thinks best."""

    @property
    def is_object(self) -> bool:
        """Whether it is an object in a cluster; a release of a chart stands for many."""
        return self.type.startswith("kubernetes:") and not self.type.startswith("kubernetes:helm.sh/")

    @property
    def namespaced_name(self) -> tuple[str, str]:
        metadata = self.inputs["metadata"]
        return metadata.get("namespace", ""), metadata["name"]


@dataclass
class Graph:
    """Everything one run registered, exported and said."""

    resources: dict[str, Resource] = field(default_factory=dict)
    outputs: dict[str, Any] = field(default_factory=dict)
    said: list[tuple[str, str]] = field(default_factory=list)
    """(level, message)"""
    invokes: list[str] = field(default_factory=list)
    inside_apply: list[str] = field(default_factory=list)
    """Resources that were constructed inside a callback of `apply`."""

    def objects(self, kind: str | None = None) -> Iterator[Resource]:
        """Objects in clusters, of one kind or of all."""
        return (each for each in self.resources.values() if each.is_object and kind in {None, each.inputs["kind"]})

    def named(self, kind: str, name: str, region: str | None = None) -> Resource:
        """The one object of this kind and name."""
        found = [each for each in self.objects(kind) if each.inputs["metadata"]["name"] == name and region in {None, self.region(each)}]
        assert len(found) == 1, f"{len(found)} objects {kind} {name}"
        return found[0]

    def ancestors(self, resource: Resource) -> list[Resource]:
        """The components around a resource, innermost first."""
        found: list[Resource] = []
        while parent := self.resources.get(resource.parent):
            found.append(resource := parent)
        return found

    def region(self, resource: Resource) -> str:
        """The cluster a resource belongs to."""
        return next(each.name for each in [resource, *self.ancestors(resource)] if each.type == "fleet:stacks:Region")

    def inside(self, urn: str) -> set[str]:
        """URNs of a component and everything in it, or of a resource alone."""
        return {each.urn for each in self.resources.values() if urn in {each.urn, *(parent.urn for parent in self.ancestors(each))}}

    def needs(self, resource: Resource) -> set[str]:
        """Everything that exists before this resource is made, and goes only after it: what it and its components depend on, and its provider."""
        seen: set[str] = set()
        queue = [each.urn for each in [resource, *self.ancestors(resource)]]
        while queue:
            current = self.resources[queue.pop()]
            for urn in {*current.dependencies, *self._provider_of(current)} - seen:
                seen.add(urn)
                queue += [urn, *(parent.urn for parent in self.ancestors(self.resources[urn]))]
        return seen

    @cached_property
    def needed(self) -> dict[str, set[str]]:
        """URN to everything that is made before it and goes after it, when the run is over."""
        return {urn: self.needs(each) for urn, each in self.resources.items()}

    def provider(self, resource: Resource) -> Resource | None:
        """The explicit provider that makes this resource; None for components, providers, and what is left to an ambient one."""
        return next((self.resources[urn] for urn in self._provider_of(resource)), None)

    def _provider_of(self, resource: Resource) -> list[str]:
        """Its URN; a reference to a provider is that and an id."""
        urn = resource.provider.rpartition("::")[0]
        return [urn] if urn in self.resources else []


class RecordingMonitor(mocks.MockMonitor):
    """Answers every registration with its own inputs and an id, and refuses a URN that comes twice, as the engine does."""

    def __init__(self, graph: Graph) -> None:
        super().__init__(_NoMocks())
        self._graph = graph
        self._lock = threading.Lock()

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802  the call's name on the wire
        urn = self.make_urn(request.parent, request.type, request.name)
        if request.type == "pulumi:pulumi:Stack":
            return resource_pb2.RegisterResourceResponse(urn=urn)
        wire = MessageToDict(request.object)
        secrets: list[str] = []
        inputs = _plain(wire, "", secrets)
        made = Resource(
            urn=urn,
            type=request.type,
            name=request.name,
            custom=request.custom,
            inputs=inputs,
            secrets=(*secrets, *request.additionalSecretOutputs),
            parent=request.parent,
            provider=request.provider,
            protect=request.protect,
            retain_on_delete=request.retainOnDelete,
            dependencies=frozenset(request.dependencies),
            aliases=tuple(str(alias) for alias in [*request.aliases, *request.aliasURNs]),
            ignore_changes=tuple(request.ignoreChanges),
            timeouts={key: value for key, value in MessageToDict(request.customTimeouts).items() if value},
            delete_before_replace=request.deleteBeforeReplace if request.deleteBeforeReplaceDefined else None,
        )
        with self._lock:
            assert urn not in self._graph.resources, f"two resources have the URN {urn}"
            self._graph.resources[urn] = made
        known = Struct()
        known.CopyFrom(request.object)
        known.update(outputs(request.type, request.name, inputs))
        return resource_pb2.RegisterResourceResponse(urn=urn, id=f"{request.name}-id" if request.custom else "", object=known)

    def Invoke(self, request: Any) -> Any:  # noqa: N802  likewise
        self._graph.invokes.append(request.tok)
        return super().Invoke(request)


class _NoMocks(mocks.Mocks):
    def call(self, args: mocks.MockCallArgs) -> tuple[dict, list[tuple[str, str]] | None]:
        raise AssertionError(f"nothing may be looked up while a plan becomes resources: {args.token}")

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str | None, dict]:
        raise AssertionError(f"reading {args.typ} {args.name} is not what this program does")


class _Said(logging.Handler):
    def __init__(self, graph: Graph) -> None:
        super().__init__()
        self._graph = graph

    def emit(self, record: logging.LogRecord) -> None:
        self._graph.said.append((record.levelname.lower(), record.getMessage()))


def run_program(settings: Mapping[str, Any] | str, stack: str = "test", graph: Graph | None = None) -> Graph:
    """Run the real `__main__.py` with these settings, or with this text as its configuration; raises what the program raises."""
    text = settings if isinstance(settings, str) else json.dumps(settings)
    return run(lambda: runpy.run_path(str(PROJECT / "__main__.py"), run_name="__main__"), {CONFIG_KEY: text}, stack, graph)


def run(program: Callable[[], Any], config: Mapping[str, str], stack: str = "test", graph: Graph | None = None) -> Graph:
    """Run a program until everything it asked for is registered. A graph of the caller's shows what a failed run had registered."""
    graph = Graph() if graph is None else graph
    logger = logging.Logger("program", logging.INFO)  # noqa: LOG001  of this run alone
    logger.addHandler(_Said(graph))
    loop, directory = asyncio.new_event_loop(), Path.cwd()
    asyncio.set_event_loop(loop)
    os.chdir(PROJECT)
    try:
        set_all_config(dict(config))
        mocks.set_mocks(_NoMocks(), project="vllm-fleet", stack=stack, logger=logger, monitor=RecordingMonitor(graph))
        set_root_resource(None)  # pyright: ignore[reportArgumentType]  # the program's own stack, which begins and ends as under an engine
        with _watched_constructors(graph):
            graph.outputs = loop.run_until_complete(_run_whole(program))
    finally:
        os.chdir(directory)
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()
        asyncio.set_event_loop(None)
    return graph


async def _run_whole(program: Callable[[], Any]) -> dict[str, Any]:
    """What the stack of the program exports. Which stack is the root is known only inside the task that runs it."""
    await run_in_stack(program)
    root = get_root_resource()
    return dict(root.outputs) if isinstance(root, Stack) else {}


def _watched_constructors(graph: Graph) -> Any:
    original = pulumi.Resource.__init__

    def watched(self: pulumi.Resource, t: str, name: str, *arguments: Any, **options: Any) -> None:
        if _in_apply(sys._getframe()):
            graph.inside_apply.append(f"{t} {name}")
        original(self, t, name, *arguments, **options)

    return mock.patch.object(pulumi.Resource, "__init__", watched)


def _in_apply(frame: FrameType | None) -> bool:
    """Whether a function of Pulumi's output module is among the callers: only callbacks of Outputs are called from there."""
    while frame:
        if frame.f_code.co_filename == pulumi.output.__file__:
            return True
        frame = frame.f_back
    return False


def _plain(value: Any, path: str, secrets: list[str]) -> Any:
    if isinstance(value, dict):
        if value.get(SECRET_MARK[0]) == SECRET_MARK[1]:
            secrets.append(path)
            return _plain(value.get("value"), path, secrets)
        return {key: _plain(child, f"{path}.{key}".lstrip("."), secrets) for key, child in value.items()}
    if isinstance(value, list):
        return [_plain(child, f"{path}[{index}]", secrets) for index, child in enumerate(value)]
    return int(value) if isinstance(value, float) and value.is_integer() else value
