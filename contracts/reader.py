"""Read the outputs of a stack: `pulumi stack output --json > outputs.json`, then `Fleet.load("outputs.json")`.

Standard library only, one file: copy it into a project that wants no dependency. Fields that a later minor version adds are
ignored; another major version is refused in words.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

MAJOR_VERSION = "1"


class OutputsError(ValueError):
    """These are not outputs that this reader can read; the text says which field is the reason."""


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """One model in one cluster."""

    model: str
    """The name to send as `model` in a request."""
    cluster: str
    region: str
    url: str
    """OpenAI-compatible base address, reachable from inside the cluster."""
    retiring: bool
    """The cluster is about to go: send nothing new there."""
    repository: str
    revision: str
    max_model_len: int
    """Tokens of prompt and answer together."""
    max_output_tokens: int
    """Tokens of the longest answer."""
    slo: str
    """interactive, standard or batch."""
    min_replicas: int
    max_replicas: int


@dataclass(frozen=True, kw_only=True)
class Fleet:
    """What a fleet offers to its clients."""

    name: str
    environment: str
    owner: str
    models: tuple[str, ...]
    endpoints: tuple[Endpoint, ...]
    client_namespace_labels: Mapping[str, str]
    """What a namespace must carry so that its pods may call the models."""
    engine_api_key_secret: str | None
    """Name of the Secret, beside the models, whose key `key` clients send as a bearer token; None: none is asked for."""
    accepted_risks: Mapping[str, str]
    """Risk to reason."""
    unresolved: tuple[str, ...]
    """What nobody has pinned yet, in words."""

    @staticmethod
    def load(path: str | Path) -> Fleet:
        """The fleet in a file.

        Raises:
            OutputsError: the file holds no outputs of a version that this reader knows.
            OSError: the file cannot be read.
        """
        try:
            return Fleet.of(json.loads(Path(path).read_text(encoding="utf-8")))
        except ValueError as error:
            raise error if isinstance(error, OutputsError) else OutputsError(f"{path} is not JSON: {error}") from None

    @staticmethod
    def of(outputs: object) -> Fleet:
        """The fleet in a parsed `pulumi stack output --json`.

        Raises:
            OutputsError: as `load`.
        """
        top = _Part(outputs, "outputs")
        version = top.text("schema_version")
        if version.partition(".")[0] != MAJOR_VERSION:
            raise OutputsError(f"outputs.schema_version is {version}, this reader knows {MAJOR_VERSION}.x: take the reader of that version")
        return Fleet(
            name=top.text("fleet"),
            environment=top.text("environment"),
            owner=top.text("owner"),
            models=tuple(top.texts("models")),
            endpoints=tuple(_endpoint(cluster, model) for cluster in top.parts("clusters") for model in cluster.parts("models")),
            client_namespace_labels=top.labels("client_namespace_labels"),
            engine_api_key_secret=top.text("engine_api_key_secret") if top.has("engine_api_key_secret") else None,
            accepted_risks={entry.text("risk"): entry.text("reason") for entry in top.parts("accepted_risks")},
            unresolved=tuple(top.texts("unresolved")),
        )

    def of_model(self, model: str) -> tuple[Endpoint, ...]:
        """Where a model runs; nothing for a model that this fleet has not."""
        return tuple(endpoint for endpoint in self.endpoints if endpoint.model == model)


def _endpoint(cluster: _Part, model: _Part) -> Endpoint:
    replicas = model.part("replicas")
    return Endpoint(
        model=model.text("name"),
        cluster=cluster.text("name"),
        region=cluster.text("region"),
        url=model.text("url"),
        retiring=cluster.text("state") == "retiring",
        repository=model.text("model"),
        revision=model.text("revision"),
        max_model_len=model.number("max_model_len"),
        max_output_tokens=model.number("max_output_tokens"),
        slo=model.text("slo"),
        min_replicas=replicas.number("min"),
        max_replicas=replicas.number("max"),
    )


class _Part:
    """A mapping of the outputs that knows where it stands."""

    def __init__(self, value: object, path: str) -> None:
        if not isinstance(value, Mapping):
            raise OutputsError(f"{path} is no mapping but {type(value).__name__}")
        self._value = cast("Mapping[str, Any]", value)
        self._path = path

    def has(self, key: str) -> bool:
        return self._value.get(key) is not None

    def text(self, key: str) -> str:
        return self._of_kind(key, str)

    def number(self, key: str) -> int:
        return self._of_kind(key, int)

    def part(self, key: str) -> _Part:
        return _Part(self._value.get(key), f"{self._path}.{key}")

    def parts(self, key: str) -> Iterator[_Part]:
        for index, item in enumerate(self._of_kind(key, list)):
            yield _Part(item, f"{self._path}.{key}[{index}]")

    def texts(self, key: str) -> list[str]:
        return [str(item) for item in self._of_kind(key, list)]

    def labels(self, key: str) -> dict[str, str]:
        return {str(name): str(value) for name, value in self._of_kind(key, dict).items()}

    def _of_kind(self, key: str, kind: type[Any]) -> Any:
        value = self._value.get(key)
        if not isinstance(value, kind) or isinstance(value, bool):
            raise OutputsError(f"{self._path}.{key} is {'missing' if value is None else f'no {kind.__name__}: {value!r}'}")
        return value
