"""What each kind of cache takes and costs on AWS, from dated list prices."""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil

from fleet.aws.inputs import RegionInputs
from fleet.aws.launch import GP3_BASE_IOPS, GP3_BASE_MIB_PER_SECOND
from fleet.aws.storage import class_throughput, machines_limit, volume_iops, volume_throughput
from fleet.fleet_plan import CacheKind, CacheOffer, CachePlan
from fleet.startup import LOAD_GIB_PER_SECOND
from fleet.stored_weights import weights_gib

STORAGE_PRICES: Mapping[str, float] = {
    "s3-gb-month": 0.023,
    "gp3-gb-month": 0.08,
    "gp3-iops-month": 0.005,
    "gp3-mib-per-second-month": 0.04,
    "efs-gb-month": 0.30,
    "efs-read-gb": 0.03,
}
"""US dollars in us-east-1, by the keys under which `prices` in a stack file replaces them; AWS bills 2^30 bytes as a GB. IOPS above 3000 and
MiB/s above 125. S3 Standard, first 50 TB, and EFS Standard with elastic throughput: public price articles of June 2026. gp3: a public table
of the third quarter of 2023, the newest with a date that was found; an article of June 2026 still calls EFS about four times as dear.
Live: aws pricing get-products --region us-east-1 --service-code AmazonEC2 (AmazonS3, AmazonEFS)."""

KINDS: tuple[CacheKind, ...] = ("bucket", "volume", "shared", "node_local")


def offers(inputs: RegionInputs) -> Mapping[str, tuple[CacheOffer, ...]]:
    """By cache of the region: what the same weights would take and cost in each kind of cache, the chosen one first."""
    prices = {**STORAGE_PRICES, **inputs.settings.prices}
    return {cache.name: _offers(inputs, cache, prices) for cache in inputs.caches}


def cache_price(kind: str, gib: float, prices: Mapping[str, float] = STORAGE_PRICES, mib_per_second: int = GP3_BASE_MIB_PER_SECOND) -> float:
    """US dollars a month for what lies in a cache of this kind.

    Args:
        kind: bucket, volume, shared, or node_local, which copies from the bucket onto disks that belong to the machine.
        gib: what lies there; of a volume, its size.
        prices: US dollars by the keys of STORAGE_PRICES.
        mib_per_second: throughput of a volume.
    """
    if kind == "volume":
        extra_iops = volume_iops(mib_per_second) - GP3_BASE_IOPS
        extra_throughput = mib_per_second - GP3_BASE_MIB_PER_SECOND
        return gib * prices["gp3-gb-month"] + extra_iops * prices["gp3-iops-month"] + extra_throughput * prices["gp3-mib-per-second-month"]
    return gib * prices["efs-gb-month" if kind == "shared" else "s3-gb-month"]


def _offers(inputs: RegionInputs, cache: CachePlan, prices: Mapping[str, float]) -> tuple[CacheOffer, ...]:
    gib = weights_gib(cache)
    alone = volume_throughput(gib, cache.size_gib, machines_limit(inputs, frozenset([cache.name])))
    throughput = class_throughput(inputs) if cache.kind == "volume" else alone
    seconds: Mapping[CacheKind, float] = {
        "bucket": gib / LOAD_GIB_PER_SECOND["bucket"],
        "volume": gib * 1024 / throughput,
        "shared": gib / LOAD_GIB_PER_SECOND["shared"],
        "node_local": gib / LOAD_GIB_PER_SECOND["bucket"] + gib / LOAD_GIB_PER_SECOND["node_local"],
    }
    found = [
        CacheOffer(
            kind=kind,
            load_seconds=ceil(seconds[kind]),
            usd_per_month=round(cache_price(kind, cache.size_gib if kind == "volume" else gib, prices, throughput), 2),
            usd_per_load=round(gib * prices["efs-read-gb"], 2) if kind == "shared" else 0.0,
        )
        for kind in KINDS
    ]
    return tuple(sorted(found, key=lambda offer: offer.kind != cache.kind))
