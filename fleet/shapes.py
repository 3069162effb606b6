"""Which machine a pool gets in a cloud, and what could be asked for instead of one that is not sold. Nothing is substituted."""

from __future__ import annotations

from functools import cache
from string import digits

from fleet.catalog import ACCELERATORS, SHAPES, Shape, accelerator

MINIMUM_VCPUS = 8
"""Of a default shape: machines of 4 vCPU and 16 GiB load weights slowly or are killed for memory."""

NEARLY = 0.98
"""Memories this close count as equal: an L4 shows 21.96 GiB, an A10G 22.0."""


NEAREST_REGIONS = 3
"""How many of the regions that sell a machine are named."""


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
    others = alternatives(cloud, accelerator_name, gpus_per_node, region)
    raise NoShape(f"{reason}what exists instead: {listing(others)}" if others else f"{reason}nothing as large is sold in {region or 'that cloud'}")


def alternatives(cloud: str, accelerator_name: str, gpus: int, region: str | None = None, *, on_demand: bool = False) -> list[Shape]:
    """What could be asked for instead: the same GPU and count in another cloud, the same GPU here, then others as large.

    Others have no less memory per GPU and in all (two per cent apart counts as equal), the cheapest machine of each.
    With `on_demand`, only what simply can be started.
    """
    gpu = accelerator(accelerator_name)
    large_enough = [found for found in SHAPES if found.vcpus >= MINIMUM_VCPUS and (found.on_demand or not on_demand)]
    sold = [found for found in large_enough if found.cloud != cloud or found.sold_in(region)]
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


def listing(shapes: list[Shape]) -> str:
    """Machines as an error message names them, and whose prices those are."""
    where = " and ".join(sorted({f"{found.price_region} ({found.cloud})" for found in shapes if found.usd_per_hour is not None}))
    return "; ".join([*(found.label for found in shapes), *([f"list prices are those of {where}"] if where else [])])


def startable(asked: Shape, region: str) -> list[Shape]:
    """What could be asked for instead of a machine that is not sold on demand: what simply can be started, as `alternatives` has it."""
    return alternatives(asked.cloud, asked.accelerator, asked.gpus, region, on_demand=True)


def _elsewhere(found: Shape, region: str) -> str:
    """The nearest regions that sell the machine, by name: no distance is known here, and names of regions begin with where they are."""

    def distance(other: str) -> tuple[bool, bool, str]:
        continents, directions = [each.partition("-")[0] for each in (other, region)], [each.rstrip(digits) for each in (other, region)]
        return continents[0] != continents[1], directions[0] != directions[1], other

    regions = sorted(found.regions, key=distance)
    if not regions:
        return ""
    more = f" and {len(regions) - NEAREST_REGIONS} more" if len(regions) > NEAREST_REGIONS else ""
    return f", but in {', '.join(regions[:NEAREST_REGIONS])}{more}"


def _cheapest(shapes: list[Shape]) -> Shape:
    return min(shapes, key=_price)


def _price(found: Shape) -> tuple[bool, float, str]:
    """A price nobody knows comes last."""
    return found.usd_per_hour is None, found.usd_per_hour or 0.0, found.machine


def _reason(named: list[Shape], cloud: str, region: str | None, machine: str | None) -> str:
    """Why not, where it is the region or the machine's name."""
    if named:
        default = _cheapest([found for found in named if found.vcpus >= MINIMUM_VCPUS] or named)
        return f"{default.label} is not sold in {region}{_elsewhere(default, region or '')}; "
    others = [found for found in SHAPES if found.cloud == cloud and found.machine == machine]
    carried = " or ".join(f"{found.gpus} × {found.accelerator}" for found in others)
    if carried:
        return f"{machine} carries {carried}; "
    elsewhere = next((found.cloud for found in SHAPES if found.machine == machine), None)
    if elsewhere:
        return f"{machine} is a machine of {elsewhere}; "
    return f"{machine} is not in the catalogue; " if machine else ""
