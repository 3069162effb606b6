"""GPU node pools: what a machine carries and how many of them there may be."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from fleet.catalog import ACCELERATORS
from fleet.settings.base import RESERVATION_PATTERN, Count, CountOrNone, GpusPerNode, Key, Section

Capacity = Literal["on_demand", "spot", "reservation", "capacity_block", "flex_start"]


class Reservation(Section):
    """Machines that are paid for already, in one cluster."""

    id: Annotated[str, StringConstraints(pattern=RESERVATION_PATTERN, max_length=100)]
    """AWS: id of the capacity reservation or capacity block (cr-…). Google Cloud: name of the reservation."""
    zone: Annotated[str, StringConstraints(pattern=RESERVATION_PATTERN, max_length=40)]
    """Where it is: a zone id on AWS (use2-az1), a zone on Google Cloud."""


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
    reservations: dict[Key, Reservation] = {}  # noqa: RUF012  pydantic copies it
    """Cluster name to the reservation that the rungs `reservation` and `capacity_block` use there. A capacity block needs one; without,
    `reservation` uses any open reservation of the account."""
    machine: Annotated[str, StringConstraints(min_length=1, max_length=63)] | None = None
    """A machine type of the cluster's cloud, where the default (the cheapest with at least 8 virtual CPUs) is not wanted."""
