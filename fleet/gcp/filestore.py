"""File systems that Filestore's driver makes, one for each cache of kind `shared`: sizes that Google sells, and whether they are enough."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_network
from math import ceil

from fleet.cache_plan import CachePlan
from fleet.gcp.inputs import RegionInputs
from fleet.gcp.network import network_plan
from fleet.problems import Problem


@dataclass(frozen=True, kw_only=True)
class Tier:
    """What Google sells under one name."""

    least_gib: int
    most_gib: int
    step_gib: int
    addresses: int
    """Addresses of its own that one file system takes."""
    mib_per_second: int | None
    """Reading, up to a TiB; None where no source has a figure."""
    faster_with_size: bool
    """Whether each further TiB is as fast again."""
    own_key: bool
    """Whether a source says that it can lie under the region's key; otherwise Google's own keys encrypt it."""
    price: str
    """Under which key its price per GiB and month stands."""


TIERS: Mapping[str, Tier] = {
    "basic_hdd": Tier(
        least_gib=100,
        most_gib=65_433,
        step_gib=1,
        addresses=8,
        mib_per_second=100,
        faster_with_size=False,
        own_key=False,
        price="filestore-basic-hdd-gib-month",
    ),
    "zonal": Tier(
        least_gib=1024,
        most_gib=9984,
        step_gib=256,
        addresses=64,
        mib_per_second=260,
        faster_with_size=True,
        own_key=True,
        price="filestore-zonal-gib-month",
    ),
    "regional": Tier(
        least_gib=100,
        most_gib=9984,
        step_gib=1,
        addresses=64,
        mib_per_second=None,
        faster_with_size=True,
        own_key=True,
        price="filestore-regional-gib-month",
    ),
}
"""Sizes and addresses: sources of the driver, kubernetes-sigs/gcp-filestore-csi-driver of 2026-06-24, and Google's pages on service tiers, whose
100 GiB of the basic tier are those of file systems that this driver makes. The larger ranges of the other two begin at 10 TiB and are left
out. Speed: those pages; of the basic tier, a copy of an older one, with 100 MB/s from 1 TiB to 10."""

SMALL_GIB = 1024
"""A basic file system below it costs a fixed amount a month beside its GiB."""


def size_gib(inputs: RegionInputs, cache: CachePlan) -> int:
    """GiB of the file system of a cache, all of which is billed: what the stack file says, else the least that is sold and holds it."""
    tier = tier_of(inputs)
    chosen = inputs.cluster.filestore.size_gib
    return chosen or max(tier.least_gib, ceil(cache.size_gib / tier.step_gib) * tier.step_gib)


def tier_of(inputs: RegionInputs) -> Tier:
    """What the stack file chose."""
    return TIERS[inputs.cluster.filestore.tier]


def mib_per_second(inputs: RegionInputs, size: int) -> float | None:
    """How fast a file system of this size is read; None where no source says."""
    tier = tier_of(inputs)
    if tier.mib_per_second is None:
        return None
    return tier.mib_per_second * (max(1.0, size / 1024) if tier.faster_with_size else 1.0)


def problems(inputs: RegionInputs, prices: Mapping[str, float | None]) -> list[Problem]:
    """Why a file system could not be had, or would not hold its weights."""
    shared = [cache for cache in inputs.caches if cache.kind == "shared"]
    if not shared:
        return []
    return [*_size_problems(inputs, max(cache.size_gib for cache in shared), prices), *_address_problems(inputs, len(shared))]


def monthly_usd(inputs: RegionInputs, size: int, prices: Mapping[str, float | None]) -> float | None:
    """US dollars a month for a file system of this size; None where its price is unknown."""
    tier = tier_of(inputs)
    price, extra = prices[tier.price], prices["filestore-basic-hdd-small-month"]
    if price is None:
        return None
    return size * price + ((extra or 0.0) if tier.price.startswith("filestore-basic") and size < SMALL_GIB else 0.0)


def _size_problems(inputs: RegionInputs, needed: int, prices: Mapping[str, float | None]) -> list[Problem]:
    tier, name, chosen = tier_of(inputs), inputs.cluster.filestore.tier, inputs.cluster.filestore.size_gib
    field = f"clusters.{inputs.cluster_name}.filestore.size_gib"
    least = max(tier.least_gib, ceil(needed / tier.step_gib) * tier.step_gib)
    if least > tier.most_gib:
        limit = f"the largest cache needs {needed} GiB, and tier {name} is sold up to {tier.most_gib} GiB"
        return [Problem(field=f"clusters.{inputs.cluster_name}.filestore.tier", value=name, limit=limit, remedy="use basic_hdd, or bucket caches")]
    if chosen is None or (chosen >= least and chosen <= tier.most_gib and chosen % tier.step_gib == 0):
        return []
    limit = f"tier {name} is sold from {tier.least_gib} to {tier.most_gib} GiB in steps of {tier.step_gib}, and the largest cache needs {needed} GiB"
    return [Problem(field=field, value=chosen, limit=limit, remedy=f"leave it out, or set {least} or more: {_monthly(inputs, least, prices)}")]


def _address_problems(inputs: RegionInputs, file_systems: int) -> list[Problem]:
    network = network_plan(inputs)
    if isinstance(network, list):
        return []
    possible = ip_network(network.file_system_cidr).num_addresses // tier_of(inputs).addresses
    if file_systems <= possible:
        return []
    models = [model.name for model in inputs.models if model.cache in {cache.name for cache in inputs.caches if cache.kind == "shared"}]
    limit = f"{file_systems} caches would each be a file system, and the region has addresses for {possible} of tier {inputs.cluster.filestore.tier}"
    remedy = f"use bucket for some of them, or set clusters.{inputs.cluster_name}.filestore.tier to basic_hdd, which takes fewer addresses"
    return [Problem(field=f"models.{models[-1]}.cache.kind", value="shared", limit=limit, remedy=remedy)]


def _monthly(inputs: RegionInputs, size: int, prices: Mapping[str, float | None]) -> str:
    cost = monthly_usd(inputs, size, prices)
    return "price unknown" if cost is None else f"{cost:.2f} US dollars a month for each cache"
