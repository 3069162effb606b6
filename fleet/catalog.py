"""GPUs and the machines that carry them, per cloud: what a plan may ask for, and what it costs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from fleet import catalog_rows as rows
from fleet.aws import offerings as aws_offerings
from fleet.gcp import offerings as gcp_offerings
from fleet.problems import InputError, Problem


class UnknownAccelerator(ValueError):
    """No such GPU in the catalogue; the text lists those there are."""


@dataclass(frozen=True, kw_only=True)
class Shape:
    """A machine type of a cloud with its GPUs, in US dollars per hour."""

    cloud: str
    machine: str
    accelerator: str
    gpus: int
    vcpus: int
    memory_gib: float
    local_nvme_gb: int
    usd_per_hour: float | None
    """List price on demand; None where no public table has one."""
    spot_usd_per_hour: float | None
    price_date: str
    price_source: str
    price_region: str
    """Where the list price is known from: other regions may differ."""
    regions: frozenset[str]
    """Where it is known to be sold."""
    missing_regions: frozenset[str]
    """Where it is known not to be sold."""
    on_demand: bool
    """Whether one can simply be started; otherwise it is spot, flex-start, reservation or capacity block."""
    capacity_blocks: bool
    """Whether AWS sells it as a Capacity Block."""

    def sold_in(self, region: str | None) -> bool:
        """Whether nothing known speaks against this region."""
        if region is None or region in self.regions:
            return True
        return region not in self.missing_regions

    @property
    def label(self) -> str:
        """One alternative in an error message."""
        price = "price unknown" if self.usd_per_hour is None else f"{self.usd_per_hour:.2f} US dollars per hour"
        return f"{self.machine} ({self.cloud}, {self.gpus} × {self.accelerator}, {price}{'' if self.on_demand else ', not on demand'})"


@dataclass(frozen=True, kw_only=True)
class Accelerator:
    """One kind of GPU. Figures are per GPU."""

    name: str
    total_gib: float
    """What the driver shows to PyTorch: the number that memory utilisation applies to, below the marketing one."""
    memory_bandwidth_gb_per_second: int
    tflops_16bit: int
    compute_capability: tuple[int, int]
    nvlink_gb_per_second: int | None
    """None: tensor parallelism goes over PCIe."""
    gke_accelerator: str | None
    product_labels: tuple[str, ...]
    """Values of the node label nvidia.com/gpu.product as GPU feature discovery writes them."""
    aws_quota_code: str | None
    """Of machines on demand and of those behind a capacity reservation."""
    aws_spot_quota_code: str | None
    """None where no source says which quota spot machines count against."""
    gcp_quota: str | None
    """Of machines on demand and of reservations; a family of GPUs stands behind a slash."""
    gcp_spot_quota: str | None
    """Of spot and flex-start machines."""

    @property
    def bfloat16(self) -> bool:
        """Whether 16-bit brain floats exist (compute capability 8.0)."""
        return self.compute_capability >= (8, 0)

    @property
    def fp8_compute(self) -> bool:
        """Whether fp8 saves time and not only memory (compute capability 8.9)."""
        return self.compute_capability >= (8, 9)

    @property
    def fp8_kv_cache(self) -> bool:
        """Whether an attention backend of vLLM 0.33 takes an fp8 KV cache: FlashInfer from 8.0, nothing on Turing."""
        return self.compute_capability >= (8, 0)

    @cached_property
    def shapes(self) -> tuple[Shape, ...]:
        """Every machine with this GPU."""
        return tuple(found for found in SHAPES if found.accelerator == self.name)


def accelerator(name: str) -> Accelerator:
    """The GPU of this name.

    Raises:
        UnknownAccelerator: with every name there is.
        InputError: its row lacks a figure that sizing needs.
    """
    try:
        found = ACCELERATORS[name]
    except KeyError:
        raise UnknownAccelerator(f"one of: {', '.join(ACCELERATORS)}") from None
    if not (found.total_gib and found.memory_bandwidth_gb_per_second and found.tflops_16bit and found.compute_capability):
        lacking = ", ".join(field for field in NEEDED if not getattr(found, field))
        raise InputError([Problem(field=name, value=None, limit=f"its row lacks {lacking}", remedy="fill it in, in fleet/catalog_rows.py")])
    return found


NEEDED = ("total_gib", "memory_bandwidth_gb_per_second", "tflops_16bit", "compute_capability")
"""Figures of a row that sizing and start-up budgets cannot do without."""


ACCELERATORS: Mapping[str, Accelerator] = {
    name: Accelerator(
        name=name,
        total_gib=total_gib,
        memory_bandwidth_gb_per_second=bandwidth,
        tflops_16bit=tflops,
        compute_capability=capability,
        nvlink_gb_per_second=nvlink,
        gke_accelerator=gke_accelerator,
        product_labels=labels,
        aws_quota_code=aws_quota,
        aws_spot_quota_code=rows.AWS_SPOT_QUOTAS.get(name),
        gcp_quota=gcp_quota,
        gcp_spot_quota=rows.GCP_SPOT_QUOTAS.get(name),
    )
    for name, total_gib, bandwidth, tflops, capability, nvlink, gke_accelerator, labels, aws_quota, gcp_quota in rows.ACCELERATOR_ROWS
}

_AWS = tuple(
    Shape(
        cloud="aws",
        machine=machine,
        accelerator=gpu,
        gpus=gpus,
        vcpus=vcpus,
        memory_gib=memory_gib,
        local_nvme_gb=nvme_gb,
        usd_per_hour=price,
        spot_usd_per_hour=None,
        price_date=rows.AWS_PRICE_DATE,
        price_source=rows.AWS_PRICE_SOURCE,
        price_region=rows.AWS_PRICE_REGION,
        regions=aws_offerings.regions_offering(machine),
        missing_regions=aws_offerings.regions_without(machine),
        on_demand=True,
        capacity_blocks=machine.partition(".")[0] in rows.AWS_CAPACITY_BLOCKS,
    )
    for machine, gpu, gpus, vcpus, memory_gib, nvme_gb, price in rows.AWS_ROWS
)

_GCP = tuple(
    Shape(
        cloud="gcp",
        machine=machine,
        accelerator=gpu,
        gpus=gpus,
        vcpus=vcpus,
        memory_gib=memory_gib,
        local_nvme_gb=ssd_gb,
        usd_per_hour=price,
        spot_usd_per_hour=spot,
        price_date=rows.GCP_PRICE_DATE,
        price_source=rows.GCP_PRICE_SOURCE,
        price_region=rows.GCP_PRICE_REGION,
        regions=gcp_offerings.regions_offering(machine),
        missing_regions=gcp_offerings.regions_without(machine),
        on_demand=on_demand,
        capacity_blocks=False,
    )
    for machine, gpu, gpus, vcpus, memory_gib, ssd_gb, price, spot, on_demand in rows.GCP_ROWS
)

SHAPES: tuple[Shape, ...] = _AWS + _GCP
