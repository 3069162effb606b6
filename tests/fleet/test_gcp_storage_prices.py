"""What caches cost on Google Cloud: every kind that the machines take shows its price, where one is known."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fleet import plan_text
from fleet.gcp.network import pool_zones
from fleet.gcp.storage import bucket
from fleet.gcp.storage_prices import STORAGE_PRICES, offers
from tests.support.gcp_regions import region

pytestmark = pytest.mark.pure

L4 = {"accelerator": "L4", "max_nodes": 4}
T4 = {"accelerator": "T4", "max_nodes": 4}
RTX = {"accelerator": "RTX-PRO-6000", "max_nodes": 4}


def test_every_kind_that_the_machine_takes_has_its_time_and_its_price() -> None:
    inputs = region({"l4": L4}, {"l4": ("bucket", 26)})
    found = {offer.kind: offer for offer in offers(inputs)["cache-l4"]}
    assert {kind: offer.usd_per_month for kind, offer in found.items()} == {
        "bucket": 0.4,
        "node_local": 0.4,
        "volume": 121.9,
        "shared": 100 * 0.16 + 33.0,
        "hyperdisk_ml": None,
    }, "GiB; of a disk, those that make it fast; of a file system, what is billed; and no price that nobody published"
    assert found["shared"].load_seconds == 205, "20 GiB at 100 MiB a second"
    assert found["hyperdisk_ml"].load_seconds < found["volume"].load_seconds + 2, "at least as fast"
    assert {offer.kind for offer in offers(region({"t4": T4}, {"t4": ("bucket", 26)}))["cache-t4"]} == {"bucket", "node_local", "volume", "shared"}
    assert {offer.kind for offer in offers(region({"rtx": RTX}, {"rtx": ("bucket", 26)}))["cache-rtx"]} == set(found) - {"volume"}


@pytest.mark.parametrize("kind", ["bucket", "volume", "shared", "node_local", "hyperdisk_ml"])
def test_the_chosen_kind_comes_first(kind: str) -> None:
    found = offers(region({"l4": L4}, {"l4": (kind, 26)}))["cache-l4"]
    assert found[0].kind == kind, "and the others after it"
    assert len({offer.kind for offer in found}) == len(found) == 5, "each once"


def test_prices_can_be_replaced_and_added() -> None:
    prices = {"gcs-gib-month": 1.0, "hyperdisk-ml-gib-month": 0.1, "hyperdisk-ml-mib-per-second-month": 0.2}
    inputs = region({"l4": L4}, {"l4": ("bucket", 26)}, prices=prices)
    found = {offer.kind: offer.usd_per_month for offer in offers(inputs)["cache-l4"]}
    zones = len(pool_zones(inputs, inputs.pools[0]))
    assert found["bucket"] == 20.0, "by the stack file's own"
    assert found["hyperdisk_ml"] == pytest.approx(zones * (26 * 0.1 + 482 * 0.2) + 26 * 0.1), "a copy in each zone, and the mirror's disk"


def test_a_cache_in_zones_is_in_the_price_of_the_bucket() -> None:
    inputs = region({"l4": L4}, {"l4": ("bucket", 26)}, anywhere_cache=True)
    zones = len(bucket(inputs).cached_zones)
    assert offers(inputs)["cache-l4"][0].usd_per_month == pytest.approx(20 * 0.02 + zones * 20 * 0.219, abs=0.01), "once for each zone"


def test_the_plan_says_where_a_price_is_unknown() -> None:
    from tests.support.stack_files import shipped_plan

    plan = shipped_plan("prod")
    cluster = next(found for found in plan.clusters if found.cloud == "aws")
    caches = tuple(replace(cache, offers=offers(region({"l4": L4}, {"l4": ("bucket", 26)}))["cache-l4"]) for cache in cluster.caches[:1])
    lines = [line.split() for line in plan_text.plan_text(replace(plan, clusters=(replace(cluster, caches=caches),))).splitlines()]
    (unknown,) = [line for line in lines if line[:2] == ["or", "hyperdisk_ml"]]
    assert unknown[-2:] == ["-", "0.00"], "a number would be a guess"
    assert STORAGE_PRICES["hyperdisk-ml-gib-month"] is None, "until somebody looks it up"
