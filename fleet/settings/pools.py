"""GPU node pools: what a machine carries and how many of them there may be."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from fleet.settings.base import NonNegativeInt, PositiveInt, Section

Capacity = Literal["on_demand", "spot", "reservation", "capacity_block", "flex_start"]


class Pool(Section):
    """A GPU node pool, realised in every cluster where a model is placed on it."""

    accelerator: str = Field(description="T4, L4, A10G, A100-40GB, A100-80GB, L40S, H100, H200, RTX-PRO-6000 or B200")
    gpus_per_node: PositiveInt = 1
    min_nodes: NonNegativeInt = 0
    max_nodes: PositiveInt = Field(description="upper bound per cluster, over all capacity rungs together")
    capacity: Annotated[tuple[Capacity, ...], Field(min_length=1)] = ("on_demand",)
    machine: str | None = Field(default=None, description="a machine type of the cluster's cloud, to override the default shape")
