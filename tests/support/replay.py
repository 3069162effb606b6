"""What a program asked an engine for, made a second time through boto3: another reader of the same specifications.

Calls are written down in tests/emulator/calls_*.py, one translation for each type. Whatever answers them (moto, in tests) gives
ids and ARNs of its own; they take the place of those that the recording made up. Things are made in an order that the recorded
dependencies allow, and of those orders in the one furthest from the program's own: what is missing among dependencies is then missed.
"""

from __future__ import annotations

import heapq
import itertools
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import Any

import boto3
from botocore.client import BaseClient
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.support.recorded_outputs import ACCOUNT, outputs
from tests.support.recording import Graph, Resource

Inputs = Mapping[str, Any]
Made = dict[str, Any]
"""What AWS says of a resource when it is made, in the SDK's names; `id` at least."""

ABSENT = ("NotFound", "NoSuch")
"""Parts of the codes by which AWS's services say that there is none."""

EXACT = frozenset({"tags", "labels", "taints", "policy", "assumeRolePolicy"})
"""Inputs beside which nothing else may be there."""

UNIQUE = {"tags": "key", "tagSpecifications": "resourceType", "blockDeviceMappings": "deviceName", "replicas": "region", "taints": "key"}
"""Lists whose order means nothing, and what tells their items apart."""


_numbers = itertools.count(1)


@dataclass(frozen=True)
class Region:
    """One region of the account."""

    name: str

    def client(self, service: str) -> Any:
        """Of boto3."""
        return _client(service, self.name)


@cache
def _client(service: str, region: str) -> BaseClient:
    """Made once in a process: making one takes longer than all that is asked of it."""
    return _session().client(service, region_name=region, config=Config(retries={"total_max_attempts": 1}))  # pyright: ignore[reportArgumentType, reportCallIssue]


@cache
def _session() -> boto3.Session:
    return boto3.Session(aws_access_key_id="nobody", aws_secret_access_key="nobody")


@dataclass(frozen=True, kw_only=True)
class Translation:
    """One type of resource as calls of AWS's API."""

    create: Callable[[Region, Inputs], Made]
    read: Callable[[Region, Made], Made]
    """The resource as its own inputs, from what AWS says when asked; where it is gone, a ClientError or KeyError."""
    delete: Callable[[Region, Made, Inputs], None] | None = None
    """None: it goes with what it belongs to."""
    name: str | None = None
    """The input that Pulumi fills in where it is missing."""
    prefix: str | None = None
    """The input that only begins a name."""
    tagged: bool = False
    """Whether the provider puts its default tags on it."""
    everywhere: bool = False
    """Whether it has no region."""
    lost: Mapping[str, str] = field(default_factory=dict[str, str])
    """Inputs, dotted, that cannot be read back, and why."""


class Missing(Exception):
    """A resource names another one that was not made before it."""


@dataclass(frozen=True)
class Difference:
    """One value that is not what was meant."""

    resource: str
    path: str
    meant: Any
    found: Any


class Replay:
    """The resources of one run that have a translation, made through boto3."""

    def __init__(self, graph: Graph, translations: Mapping[str, Translation]) -> None:
        self._graph, self._translations = graph, translations
        self._regions: dict[str, Region] = {}
        self.resources = {urn: each for urn, each in graph.resources.items() if each.type in translations}
        self.made: dict[str, Made] = {}
        self.meant: dict[str, dict[str, Any]] = {}
        """Inputs as they were sent: with real ids, names and default tags."""
        self._known: dict[str, str] = {}

    def create(self) -> None:
        """Make everything.

        Raises:
            Missing: a dependency is not recorded.
            ClientError: AWS refuses something.
        """
        for resource in self.order:
            inputs = self._complete(resource)
            made = self.translation(resource).create(self.region(resource), inputs)
            self.meant[resource.urn], self.made[resource.urn] = inputs, made
            self._known |= {recorded: str(made[name]) for name, recorded in _recorded(resource).items() if name in made}

    def destroy(self) -> None:
        """Take everything away, in the opposite order."""
        for resource in reversed(self.order):
            delete = self.translation(resource).delete
            if delete:
                delete(self.region(resource), self.made[resource.urn], self.meant[resource.urn])

    def read(self, urn: str, region: Region | None = None) -> Made | None:
        """A resource as AWS describes it now, in its own region or as another one sees it; None: it is not there."""
        resource = self.resources[urn]
        try:
            return self.translation(resource).read(region or self.region(resource), self.made[urn])
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code == "404" or any(word in code for word in ABSENT):
                return None
            raise
        except KeyError:
            return None

    def differences(self, urn: str) -> list[Difference]:
        """Everything that was meant and is not there, whether the table of lost inputs knows it or not."""
        found = self.read(urn)
        name = self.resources[urn].name
        if found is None:
            return [Difference(name, "", self.meant[urn], None)]
        return [Difference(name, *each) for each in _differences(self.meant[urn], found, "")]

    def translation(self, resource: Resource) -> Translation:
        """Of its type."""
        return self._translations[resource.type]

    def of_type(self, title: str) -> list[str]:
        """URNs of everything of a type, for example Subnet."""
        return [urn for urn, each in self.resources.items() if each.type.rpartition(":")[2] == title]

    @property
    def regions(self) -> Mapping[str, Region]:
        """By name, those in use."""
        return self._regions

    def region(self, resource: Resource) -> Region:
        """Where its provider works."""
        name = self._provider(resource)["region"]
        return self._regions.setdefault(name, Region(name))

    @cached_property
    def order(self) -> list[Resource]:
        """Whatever is ready and was asked for last comes first."""
        position = {urn: number for number, urn in enumerate(self.resources)}
        waiting = {urn: set(each.dependencies) & set(position) for urn, each in self.resources.items()}
        ready = [(-position[urn], urn) for urn, needs in waiting.items() if not needs]
        heapq.heapify(ready)
        found: list[Resource] = []
        while ready:
            _, urn = heapq.heappop(ready)
            found.append(self.resources[urn])
            for other, needs in waiting.items():
                if urn in needs:
                    needs.remove(urn)
                    if not needs:
                        heapq.heappush(ready, (-position[other], other))
        assert len(found) == len(position), "dependencies that go in a circle"
        return found

    def _provider(self, resource: Resource) -> dict[str, Any]:
        provider = self._graph.provider(resource)
        assert provider is not None, f"{resource.name} is left to an ambient provider"
        return provider.inputs

    def _complete(self, resource: Resource) -> dict[str, Any]:
        """As the provider sends it."""
        translation = self.translation(resource)
        inputs = {name: self._replaced(resource, value) for name, value in resource.inputs.items()}
        if translation.name and translation.name not in inputs:
            inputs[translation.name] = self._name(resource, inputs.get(translation.prefix or ""))
        if translation.tagged:
            defaults = _parsed(self._provider(resource).get("defaultTags") or {})
            inputs["tags"] = {**_parsed(defaults.get("tags") or {}), **inputs.get("tags", {})}
        return inputs

    def _name(self, resource: Resource, begun: str | None) -> str:
        """As long as the real one: the provider ends what was begun with 26 characters, Pulumi the resource's name with 7."""
        number = next(_numbers)
        return f"{begun}202601010000000000{number:08x}" if begun else f"{resource.name}-{number:07x}"

    @cached_property
    def _fakes(self) -> dict[str, str]:
        """What the recording made up, to the resource that it stands for; longest first."""
        found = {value: each.name for each in self._graph.resources.values() if each.type.startswith("aws:") for value in _recorded(each).values()}
        return {value: found[value] for value in sorted(found, key=len, reverse=True)}

    def _replaced(self, resource: Resource, value: Any) -> Any:
        if isinstance(value, Mapping):
            return {key: self._replaced(resource, inner) for key, inner in value.items()}
        if isinstance(value, list):
            return [self._replaced(resource, inner) for inner in value]
        if not isinstance(value, str):
            return value
        inside = [fake for fake in self._fakes if fake in value]
        return re.sub("|".join(map(re.escape, inside)), lambda match: self._real(resource, match.group()), value) if inside else value

    def _real(self, resource: Resource, fake: str) -> str:
        if fake not in self._known:
            raise Missing(f"{resource.name} names {fake} of {self._fakes[fake]}, and nothing says that this comes first")
        return self._known[fake]


def _recorded(resource: Resource) -> dict[str, str]:
    """Output to what the recording answered, without those that repeat an input."""
    said = {"id": f"{resource.name}-id", **outputs(resource.type, resource.name, resource.inputs)}
    given = {value for value in resource.inputs.values() if isinstance(value, str)}
    found = {name: value for name, value in said.items() if isinstance(value, str) and value not in given and value != resource.name}
    return {name: value for name, value in found.items() if value != ACCOUNT or resource.type.endswith(":Vpc")}


def _parsed(value: Any) -> Any:
    return json.loads(value) if isinstance(value, str) else value


def plain(value: Any) -> Any:
    """A value in the one form in which both sides are compared: documents as JSON, lists without order, numbers and truth as text."""
    if isinstance(value, str) and value[:1] == "{":
        return plain(json.loads(value))
    if isinstance(value, Mapping):
        return {key: plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return sorted((plain(inner) for inner in value), key=lambda inner: json.dumps(inner, sort_keys=True))
    return str(value).lower() if isinstance(value, bool) else str(value) if isinstance(value, int | float) else value


def _differences(meant: Any, found: Any, path: str) -> Iterator[tuple[str, Any, Any]]:
    last = path.rpartition(".")[2]
    if last in EXACT:
        if plain(meant) != plain(found):
            yield path, meant, found
    elif isinstance(meant, Mapping) and isinstance(found, Mapping):
        for key, inner in meant.items():
            yield from _differences(inner, found.get(key), f"{path}.{key}" if path else key)
    elif isinstance(meant, list) and isinstance(found, list) and len(meant) == len(found) and any(isinstance(item, Mapping) for item in meant):
        unique = UNIQUE.get(last)
        pairs = zip(*(sorted(each, key=lambda item: item[unique]) if unique else each for each in (meant, found)), strict=True)
        for one, other in pairs:
            yield from _differences(one, other, path)
    elif plain(meant) != plain(found):
        yield path, meant, found
