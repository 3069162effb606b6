"""What may be offered instead of a request that does not fit: machines that are sold, and builds of the model that are known."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache

from fleet import presets
from fleet.architecture import Architecture, from_config
from fleet.catalog import Shape, accelerator
from fleet.lock import Lock
from fleet.shapes import MINIMUM_VCPUS

BUILD_SUFFIX = re.compile(r"[-.](fp8|awq|gptq|int4|w4a16|bf16)$", re.IGNORECASE)
"""Endings by which publishers mark a build of a model."""


def anywhere(_: Shape) -> bool:
    """Every machine of the catalogue."""
    return True


@dataclass(frozen=True, kw_only=True)
class Offers:
    """What the asker can have."""

    repository: str | None = None
    """Of the weights asked about; None where only their shape is known. A build of another model is never offered."""
    sold: Callable[[Shape], bool] | None = anywhere
    """Machines there are; None: nodes are somebody else's, and no machine is named."""
    lock: Lock = field(default_factory=Lock)

    def gpus(self, name: str, least: int) -> int | None:
        """GPUs of the smallest machine with at least so many, or None."""
        shapes = accelerator(name).shapes
        return min((shape.gpus for shape in shapes if shape.gpus >= least and (self.sold is None or self.sold(shape))), default=None)

    def machines(self, name: str, gpus: int) -> tuple[Shape, ...]:
        """The cheapest machine of each cloud with exactly so many, with eight virtual CPUs where there is one."""
        found = [shape for shape in accelerator(name).shapes if self.sold is not None and self.sold(shape) and shape.gpus == gpus]
        cheapest: dict[str, Shape] = {}
        for shape in sorted(found, key=lambda one: (one.vcpus < MINIMUM_VCPUS, price_order(one))):
            cheapest.setdefault(shape.cloud, shape)
        return tuple(cheapest.values())

    def builds(self, shape: Architecture) -> tuple[presets.Preset, ...]:
        """Other builds of the same weights: equal shape, and a repository name that begins like this one's."""
        if self.repository is None:
            return ()
        stem = BUILD_SUFFIX.sub("", self.repository.rpartition("/")[2].lower())
        named = (preset for preset in map(presets.known_model, presets.known_models()) if preset is not None)
        others = [preset for preset in named if preset.model != self.repository and preset.model.rpartition("/")[2].lower().startswith(stem)]
        return tuple(preset for preset in others if (known := known_shape(preset.model)) and _figures(known) == _figures(shape))

    def pin(self, repository: str) -> str:
        """What is known of its commit, in words."""
        revision = self.lock.revision(repository)
        return f"commit {revision[:8]} is locked" if revision else "its commit is unresolved: `python -m fleet lock` asks the hub"


def price_order(shape: Shape) -> tuple[bool, float]:
    """A price nobody knows comes last."""
    return shape.usd_per_hour is None, shape.usd_per_hour or 0.0


@cache
def known_shape(repository: str) -> Architecture | None:
    """Of a repository that a preset knows."""
    preset = presets.known_model(repository)
    return from_config(preset.config) if preset else None


def _figures(shape: Architecture) -> tuple[object, ...]:
    return shape.model_type, shape.parameters, len(shape.layers), shape.hidden_size, shape.vocabulary, shape.heads, shape.kv_heads
