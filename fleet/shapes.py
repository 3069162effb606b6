"""Which machine a pool gets in a cloud, and what could be asked for instead of one that is not sold. Nothing is substituted."""

from __future__ import annotations

from functools import cache

from fleet.catalog import ACCELERATORS, SHAPES, Shape, accelerator

MINIMUM_VCPUS = 8
"""Of a default shape: machines of 4 vCPU and 16 GiB load weights slowly or are killed for memory."""

NEARLY = 0.98
"""Memories this close count as equal: an L4 shows 21.96 GiB, an A10G 22.0."""


class NoShape(ValueError):
    """A cloud does not sell that GPU in that number or region; the text lists what it and the others sell instead."""


@cache
def shape(cloud: str, accelerator_name: str, gpus_per_node: int, region: str | None = None, machine: str | None = None) -> Shape:
    """The machine for a pool: the named one, else the cheapest of that GPU and count with at least eight virtual CPUs.

    Raises:
        NoShape: nothing fits; the text names what exists instead. Nothing is ever substituted.
    """
    gpu = accelerator(accelerator_name)
    exact = [found for found in gpu.shapes if found.cloud == cloud and found.gpus == gpus_per_node]
    named = exact if machine is None else [found for found in exact if found.machine == machine]
    sold = [found for found in named if found.sold_in(region)]
    if sold:
        return _cheapest([found for found in sold if found.vcpus >= MINIMUM_VCPUS or machine is not None] or sold)
    reason = _reason(named, cloud, region, machine)
    listed = "; ".join(found.label for found in alternatives(cloud, accelerator_name, gpus_per_node, region))
    raise NoShape(f"{reason}what exists instead: {listed}" if listed else f"{reason}nothing as large is sold there")


def alternatives(cloud: str, accelerator_name: str, gpus: int, region: str | None = None) -> list[Shape]:
    """What could be asked for instead: the same GPU and count in another cloud, the same GPU here, then others as large.

    Others have no less memory per GPU and in all (two per cent apart counts as equal), the cheapest machine of each.
    """
    gpu = accelerator(accelerator_name)
    sold = [found for found in SHAPES if found.vcpus >= MINIMUM_VCPUS and (found.cloud != cloud or found.sold_in(region))]
    elsewhere = [found for found in sold if found.accelerator == gpu.name and found.cloud != cloud]
    literal = [found for found in elsewhere if found.gpus == gpus] or elsewhere
    here = [found for found in sold if found.accelerator == gpu.name and found.cloud == cloud]
    counts = sorted({found.gpus for found in here}, key=lambda count: (abs(count - gpus), count))
    others: dict[str, list[Shape]] = {}
    for found in sold:
        memory_gib = ACCELERATORS[found.accelerator].total_gib
        as_large = memory_gib >= NEARLY * gpu.total_gib and memory_gib * found.gpus >= NEARLY * gpu.total_gib * gpus
        if found.cloud == cloud and found.accelerator != gpu.name and as_large:
            others.setdefault(found.accelerator, []).append(found)
    large = sorted((_cheapest(shapes) for shapes in others.values()), key=_price)
    same = [_cheapest([found for found in here if found.gpus == count]) for count in counts]
    return [*([_cheapest(literal)] if literal else []), *same[:3], *large[:4]]


def _cheapest(shapes: list[Shape]) -> Shape:
    return min(shapes, key=_price)


def _price(found: Shape) -> tuple[bool, float, str]:
    """A price nobody knows comes last."""
    return found.usd_per_hour is None, found.usd_per_hour or 0.0, found.machine


def _reason(named: list[Shape], cloud: str, region: str | None, machine: str | None) -> str:
    """Why not, where it is the region or the machine's name."""
    if named:
        regions = sorted({name for found in named for name in found.regions})
        where = f", only in {', '.join(regions)}" if regions else ""
        default = _cheapest([found for found in named if found.vcpus >= MINIMUM_VCPUS] or named)
        return f"{default.label} is not sold in {region}{where}; "
    others = [found for found in SHAPES if found.cloud == cloud and found.machine == machine]
    carried = " or ".join(f"{found.gpus} × {found.accelerator}" for found in others)
    if carried:
        return f"{machine} carries {carried}; "
    return f"{machine} is not in the catalogue; " if machine else ""
