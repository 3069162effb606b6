"""Outcomes that others published, and what the program says of them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from fleet.architecture import GIB, Architecture, from_config
from fleet.memory import SizeRequest, Terms, kv_bytes
from fleet.sizing import SizeResult, size

DATA = Path(__file__).parents[1] / "data"
OPTIONS = ("dtype", "kv_cache_dtype", "max_num_seqs", "max_num_batched_tokens")


@dataclass(frozen=True)
class Case:
    """One published outcome: a verdict, or one figure with the tolerance that it is worth."""

    fields: dict[str, Any]
    architecture: Architecture

    @property
    def name(self) -> str:
        return self.fields["id"]

    @property
    def request(self) -> SizeRequest:
        fields = self.fields
        return SizeRequest(
            architecture=self.architecture,
            accelerator=fields["accelerator"],
            gpus=fields["gpus"],
            tensor_parallel=fields["tensor_parallel"],
            quantization=None if self.architecture.checkpoint_quantization else fields.get("quantization"),
            max_model_len=fields["max_model_len"],
            gpu_memory_utilization=fields["gpu_memory_utilization"],
            **{key: fields[key] for key in OPTIONS if fields.get(key)},
        )

    @cached_property
    def result(self) -> SizeResult:
        return size(self.request)

    @property
    def figure(self) -> str | None:
        return None if isinstance(self.fields["expect"], str) else next(iter(self.fields["expect"]))

    @property
    def expected(self) -> float | str:
        return self.fields["expect"] if self.figure is None else self.fields["expect"][self.figure]

    @cached_property
    def found(self) -> float | str:
        if self.figure is None:
            return "fits" if self.result.fits else "does_not_fit"
        terms = Terms(request=self.request)
        return {
            "weights_gib": lambda: terms.weights / GIB,
            "files_gib": lambda: self.architecture.checkpoint_gib,
            "kv_gib": lambda: terms.pool / GIB,
            "kv_tokens": lambda: terms.pool / kv_bytes(self.request, self.request.context) * self.request.context,
            "max_model_len": lambda: self.result.largest_max_model_len,
        }[self.figure]()

    @property
    def residual(self) -> float | None:
        """Relative, None for a verdict."""
        return None if isinstance(self.found, str) or isinstance(self.expected, str) else self.found / self.expected - 1

    @property
    def met(self) -> bool:
        return self.found == self.expected if self.residual is None else abs(self.residual) <= self.fields["tolerance"]


@cache
def published() -> tuple[Case, ...]:
    """The 27 cases that the estimates were first set on."""
    return tuple(Case(fields=fields, architecture=from_config(fields["config"])) for fields in json.loads((DATA / "sizing-cases.json").read_text()))


@cache
def further() -> tuple[Case, ...]:
    """Cases gathered since: logs, catalogues, manifests and issues."""
    data = json.loads((DATA / "sizing-more-cases.json").read_text())
    shapes = {name: from_config(config) for name, config in data["configs"].items()}
    return tuple(Case(fields=fields, architecture=shapes[fields["config"]]) for fields in data["cases"])
