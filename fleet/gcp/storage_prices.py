"""What each kind of cache takes and costs on Google Cloud, from dated list prices."""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil

from fleet.fleet_plan import CacheKind, CacheOffer, CachePlan, PoolPlan
from fleet.gcp import filestore
from fleet.gcp.disks import DiskType, takes
from fleet.gcp.inputs import RegionInputs
from fleet.gcp.storage_classes import (
    HYPERDISK_BASE_IOPS,
    HYPERDISK_BASE_MIB_PER_SECOND,
    all_zones,
    disk_type,
    hyperdisk_iops,
    ml_mib_per_second,
    pools_of,
    read_only_mib_per_second,
    volume_gib,
    volume_mib_per_second,
)
from fleet.startup import LOAD_GIB_PER_SECOND
from fleet.stored_weights import weights_gib

STORAGE_PRICES: Mapping[str, float | None] = {
    "gcs-gib-month": 0.02,
    "anywhere-cache-gib-month": 0.219,
    "pd-balanced-gib-month": 0.10,
    "hyperdisk-balanced-gib-month": None,
    "hyperdisk-balanced-iops-month": None,
    "hyperdisk-balanced-mib-per-second-month": None,
    "hyperdisk-ml-gib-month": None,
    "hyperdisk-ml-mib-per-second-month": None,
    "filestore-basic-hdd-gib-month": 0.16,
    "filestore-basic-hdd-small-month": 33.0,
    "filestore-zonal-gib-month": 0.25,
    "filestore-regional-gib-month": 0.45,
}
"""US dollars in us-central1, by the keys under which `prices` in a stack file replaces them. Cloud Storage: 0.000027397 a GiB and hour, its
cache in zones 0.0003, as Google's page had them on 2026-09-20. Filestore: Google's page as a public estimator verified it on 2026-06-15, by the
hour; a basic file system below 1 TiB costs 0.0452 an hour beside. Persistent Disk: an estimate of Google's own calculator of 2023-05-18, the
newest with a date that was found. Hyperdisk: no table with a date was found, so these are unresolved. IOPS above 3000 and MiB/s above 140 are
extra on Hyperdisk Balanced, every MiB/s is on Hyperdisk ML. Live: the Cloud Billing Catalog API, services.skus.list."""


def offers(inputs: RegionInputs) -> Mapping[str, tuple[CacheOffer, ...]]:
    """By cache of the region: what the same weights would take and cost in each kind of cache that its machines take, the chosen one first."""
    return {cache.name: _offers(inputs, cache, prices_of(inputs)) for cache in inputs.caches}


def prices_of(inputs: RegionInputs) -> Mapping[str, float | None]:
    """List prices, with the stack file's own over them."""
    return {**STORAGE_PRICES, **inputs.settings.prices}


def _offers(inputs: RegionInputs, cache: CachePlan, prices: Mapping[str, float | None]) -> tuple[CacheOffer, ...]:
    pools = _pools(inputs, cache)
    found = [_bucket(inputs, cache, pools, prices), _shared(inputs, cache, prices), _node_local(inputs, cache, pools, prices)]
    disk = disk_type(pools)
    if disk:
        found.append(_volume(cache, disk, prices))
    if all(takes(pool.machine, "hyperdisk-ml") for pool in pools):
        found.append(_hyperdisk_ml(inputs, cache, pools, prices))
    return tuple(sorted(found, key=lambda offer: offer.kind != cache.kind))


def _bucket(inputs: RegionInputs, cache: CachePlan, pools: tuple[PoolPlan, ...], prices: Mapping[str, float | None]) -> CacheOffer:
    gib = weights_gib(cache)
    return _offer("bucket", gib / LOAD_GIB_PER_SECOND["bucket"], _bucket_usd(inputs, gib, pools, prices))


def _node_local(inputs: RegionInputs, cache: CachePlan, pools: tuple[PoolPlan, ...], prices: Mapping[str, float | None]) -> CacheOffer:
    """Copies from the bucket onto disks that belong to the machine."""
    gib = weights_gib(cache)
    seconds = gib / LOAD_GIB_PER_SECOND["bucket"] + gib / LOAD_GIB_PER_SECOND["node_local"]
    return _offer("node_local", seconds, _bucket_usd(inputs, gib, pools, prices))


def _bucket_usd(inputs: RegionInputs, gib: float, pools: tuple[PoolPlan, ...], prices: Mapping[str, float | None]) -> float | None:
    cached = all_zones(inputs, pools) if inputs.cluster.anywhere_cache else ()
    return _sum((gib, prices["gcs-gib-month"]), (gib * len(cached), prices["anywhere-cache-gib-month"]))


def _volume(cache: CachePlan, disk: DiskType, prices: Mapping[str, float | None]) -> CacheOffer:
    size = volume_gib(cache, disk)
    speed = volume_mib_per_second(cache, disk, size)
    seconds = weights_gib(cache) * 1024 / speed
    if disk == "pd-balanced":
        return _offer("volume", seconds, _sum((size, prices["pd-balanced-gib-month"])))
    usd = _sum(
        (size, prices["hyperdisk-balanced-gib-month"]),
        (hyperdisk_iops(speed) - HYPERDISK_BASE_IOPS, prices["hyperdisk-balanced-iops-month"]),
        (speed - HYPERDISK_BASE_MIB_PER_SECOND, prices["hyperdisk-balanced-mib-per-second-month"]),
    )
    return _offer("volume", seconds, usd)


def _shared(inputs: RegionInputs, cache: CachePlan, prices: Mapping[str, float | None]) -> CacheOffer:
    """A file system for this cache alone, billed whole."""
    size = filestore.size_gib(inputs, cache)
    budget = LOAD_GIB_PER_SECOND["shared"] * 1024
    speed = min(budget, filestore.mib_per_second(inputs, size) or budget)
    return _offer("shared", weights_gib(cache) * 1024 / speed, filestore.monthly_usd(inputs, size, prices))


def _hyperdisk_ml(inputs: RegionInputs, cache: CachePlan, pools: tuple[PoolPlan, ...], prices: Mapping[str, float | None]) -> CacheOffer:
    """A copy in each zone, and the mirror's disk that they were made from."""
    chosen = cache.kind == "hyperdisk_ml"
    speed = read_only_mib_per_second(inputs) if chosen else ml_mib_per_second(cache)
    zones = len(all_zones(inputs, pools_of(inputs, "hyperdisk_ml") if chosen else pools))
    usd = _sum(
        (zones * cache.size_gib, prices["hyperdisk-ml-gib-month"]),
        (zones * speed, prices["hyperdisk-ml-mib-per-second-month"]),
        (cache.size_gib, prices["pd-balanced-gib-month"]),
    )
    return _offer("hyperdisk_ml", weights_gib(cache) * 1024 / speed, usd)


def _offer(kind: CacheKind, seconds: float, usd: float | None) -> CacheOffer:
    """Reading is free in all of them as long as it stays in the zone."""
    return CacheOffer(kind=kind, load_seconds=ceil(seconds), usd_per_month=None if usd is None else round(usd, 2), usd_per_load=0.0)


def _sum(*parts: tuple[float, float | None]) -> float | None:
    """Amounts times their prices; None where one is needed whose price is unknown."""
    total = 0.0
    for amount, price in parts:
        if amount and price is None:
            return None
        total += amount * (price or 0.0)
    return total


def _pools(inputs: RegionInputs, cache: CachePlan) -> tuple[PoolPlan, ...]:
    names = {model.pool for model in inputs.models if model.cache == cache.name}
    return tuple(pool for pool in inputs.pools if pool.name in names)
