"""Machines that may stand in for a pool's own on spot: the more types a group may take, the less often it gets none."""

from __future__ import annotations

from fleet.aws.inputs import RegionInputs
from fleet.aws.network import pool_zones
from fleet.catalog import SHAPES, Shape
from fleet.fleet_plan import PoolPlan

SPOT_PRICE_FACTOR = 2.5
"""A larger machine of the same GPU is taken on spot while its list price is at most this many times the pool's: spot discounts pay for it."""

SPOT_ZONES = 2
LARGEST_SPOT_LIST = 20
"""Instance types of one node group (EKS API)."""


def spot_machines(inputs: RegionInputs, pool: PoolPlan) -> tuple[Shape, ...]:
    """The pool's machine first, then larger ones with the same GPUs, cheapest first, as long as two zones sell them all."""
    own = shape(pool.machine)
    prices = inputs.settings.prices
    limit_usd = (pool.usd_per_hour or 0.0) * SPOT_PRICE_FACTOR
    larger = [
        (price, found)
        for found in SHAPES
        if (found.cloud, found.accelerator, found.gpus) == ("aws", own.accelerator, own.gpus)
        and found.machine != own.machine
        and found.vcpus >= own.vcpus
        and found.memory_gib >= own.memory_gib
        and found.sold_in(inputs.region)
        and (price := prices.get(found.machine, found.usd_per_hour)) is not None
        and price <= limit_usd
    ]
    chosen = (own,)
    wanted = min(SPOT_ZONES, len(pool_zones(inputs, pool, (own.machine,))))
    for _, found in sorted(larger, key=lambda entry: (entry[0], entry[1].machine)):
        if len(chosen) < LARGEST_SPOT_LIST and len(pool_zones(inputs, pool, names((*chosen, found)))) >= wanted:
            chosen = (*chosen, found)
    return chosen


def shape(machine: str) -> Shape:
    """The machine of the catalogue on AWS.

    Raises:
        StopIteration: there is none; a pool's plan never names one.
    """
    return next(found for found in SHAPES if (found.cloud, found.machine) == ("aws", machine))


def names(machines: tuple[Shape, ...]) -> tuple[str, ...]:
    """Their types, as EC2 calls them."""
    return tuple(machine.machine for machine in machines)
