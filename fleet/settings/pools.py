"""GPU node pools: what a machine carries and how many of them there may be."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from fleet.catalog import ACCELERATORS
from fleet.settings.base import Count, CountOrNone, GpusPerNode, Section

Capacity = Literal["on_demand", "spot", "reservation", "capacity_block", "flex_start"]


class Pool(Section):
    """A GPU node pool, realised in every cluster where a model is placed on it."""

    accelerator: Annotated[str, Field(json_schema_extra={"enum": list(ACCELERATORS)})]
    """The kind of GPU. It must be sold in this shape in every cluster that uses the pool; nothing is substituted."""
    gpus_per_node: GpusPerNode = 1
    """GPUs of each machine. Clouds sell only some numbers; a plan that asks for another one is refused with what there is."""
    min_nodes: CountOrNone = 0
    """Machines that stay even without work, in each cluster."""
    max_nodes: Count
    """Machines at most, in each cluster, over all capacity rungs together. A rollout needs room for one server more."""
    capacity: Annotated[tuple[Capacity, ...], Field(min_length=1)] = ("on_demand",)
    """How machines are bought, first choice first. `spot` shortens the drain of every model on the pool."""
    machine: Annotated[str, StringConstraints(min_length=1, max_length=63)] | None = None
    """A machine type of the cluster's cloud, where the default (the cheapest with at least 8 virtual CPUs) is not wanted."""
