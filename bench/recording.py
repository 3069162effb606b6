"""What a preview registered, for a bare program to register again: read from the update plan that the engine saves.

The plan tells what events do not: which output of which resource each input comes from.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from graphlib import TopologicalSorter
from itertools import chain
from pathlib import Path
from typing import Any

from pulumi.runtime.rpc import UNKNOWN

STACK_TYPE, PROVIDER_PREFIX = "pulumi:pulumi:Stack", "pulumi:providers:"
ENGINE_OWN = frozenset({"__defaults", "__internal", "apiVersion", "kind"})
"""Inputs that the engine, a provider or the class of the resource adds by itself."""

PROVIDER_JSON = frozenset(
    {
        "addPulumiAttributionLabel",
        "allowedAccountIds",
        "defaultLabels",
        "defaultTags",
        "enableConfigMapMutable",
        "enableSecretMutable",
        "enableServerSideApply",
    }
)
"""Inputs of a provider that travel as JSON."""

FROM = "the output of"
"""Key that stands in a recorded input for an output of other resources."""


@dataclass(frozen=True, kw_only=True)
class Recording:
    """Resources in an order in which each comes after those it takes outputs from, and how many components were around them."""

    resources: tuple[Mapping[str, Any], ...]
    components: int

    @property
    def count(self) -> int:
        """Of everything, the stack itself included."""
        return len(self.resources) + self.components + 1


def recording(plan_file: Path) -> Recording:
    """The recording in a saved plan. Only the flow of data is kept: orders given besides it would have to be written by hand too."""
    goals: dict[str, Mapping[str, Any]] = {
        urn: planned["goal"] for urn, planned in json.loads(plan_file.read_text(encoding="utf-8"))["resourcePlans"].items()
    }
    custom = {urn: _entry(urn, goal) for urn, goal in goals.items() if goal["custom"] and goal["type"] != STACK_TYPE}
    components = sum(1 for goal in goals.values() if not goal["custom"] and goal["type"] != STACK_TYPE)
    order = TopologicalSorter({urn: {*_sources(entry["inputs"]), *filter(None, [entry["provider"]])} for urn, entry in custom.items()})
    return Recording(resources=tuple(custom[urn] for urn in order.static_order()), components=components)


def config_maps(count: int, providers: Sequence[str]) -> list[dict[str, Any]]:
    """Small objects, spread over the clusters of these providers."""
    return [
        {
            "urn": f"map-{index}",
            "type": "kubernetes:core/v1:ConfigMap",
            "name": f"map-{index}",
            "provider": providers[index % len(providers)],
            "inputs": {"metadata": {"name": f"map-{index}", "namespace": "default"}, "data": {"index": str(index)}},
        }
        for index in range(count)
    ]


def _entry(urn: str, goal: Mapping[str, Any]) -> dict[str, Any]:
    sources = goal.get("propertyDependencies") or {}
    inputs = {name: value for name, value in goal["inputDiff"].get("adds", {}).items() if name not in ENGINE_OWN}
    if goal["type"].startswith(PROVIDER_PREFIX):
        inputs.pop("version", None)
        inputs = {name: json.loads(value) if name in PROVIDER_JSON else value for name, value in inputs.items()}
    return {
        "urn": urn,
        "type": goal["type"],
        "name": goal["name"],
        "provider": (goal.get("provider") or "").rpartition("::")[0],
        "inputs": {name: _linked(value, sources.get(name) or []) for name, value in inputs.items()},
    }


def _linked(value: Any, sources: Sequence[str]) -> Any:
    """Outputs in the place of what a preview does not know, and of text that it only foresees."""
    if isinstance(value, str) and sources:
        return {FROM: list(sources)}
    return _where_unknown(value, sources)


def _where_unknown(value: Any, sources: Sequence[str]) -> Any:
    if value == UNKNOWN:
        return {FROM: list(sources)}
    if isinstance(value, Mapping):
        return {name: _where_unknown(inner, sources) for name, inner in value.items()}
    return [_where_unknown(inner, sources) for inner in value] if isinstance(value, list) else value


def _sources(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        yield from value[FROM] if FROM in value else chain.from_iterable(map(_sources, value.values()))
    elif isinstance(value, list):
        yield from chain.from_iterable(map(_sources, value))
