"""Storage on AWS: weights stay where pools can read them, are read in time, and every kind shows its price."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet import plan_text
from fleet.add_ons import StorageClassSpec
from fleet.aws.inputs import RegionInputs
from fleet.aws.nodes import node_groups
from fleet.aws.storage import (
    bucket,
    class_throughput,
    file_system,
    problems,
    storage_classes,
    volume_iops,
    volume_throughput,
)
from fleet.aws.storage_prices import STORAGE_PRICES, cache_price, offers
from fleet.caches import SHARED_CLASS, VOLUME_CLASS
from fleet.references import Reference
from fleet.startup import LOAD_GIB_PER_SECOND
from fleet.stored_weights import LOAD_TARGET_SECONDS, weights_gib
from tests.support.aws_regions import region

pytestmark = pytest.mark.pure

L4 = {"accelerator": "L4", "max_nodes": 4}
H100 = {"accelerator": "H100", "max_nodes": 4}


def classes(inputs: RegionInputs) -> dict[str, StorageClassSpec]:
    return {found.name: found for found in storage_classes(inputs)}


def zones(found: StorageClassSpec) -> set[str]:
    return {zone.name.removeprefix("zone_name.") for zone in found.zones if isinstance(zone, Reference)}


def test_a_region_whose_weights_lie_in_the_bucket_has_the_default_class_only() -> None:
    found = classes(region({"l4": L4}, {"l4": ("bucket", 21)}))
    assert list(found) == ["gp3"], "no class that nothing uses"
    assert found["gp3"].default, "claims without a class get it"
    assert found["gp3"].parameters == {"type": "gp3", "encrypted": "true", "kmsKeyId": Reference("key_arn")}, "with the region's key"
    assert found["gp3"].zones == (), "other workloads go anywhere"


def test_disks_of_weights_stay_where_the_pool_and_the_mirror_run() -> None:
    inputs = region({"l4": L4}, {"l4": ("volume", 21)}, region="us-east-1")
    found = classes(inputs)[VOLUME_CLASS]
    system, *groups = node_groups(inputs)
    assert zones(found) == set(system.zone_ids) & {zone for group in groups for zone in group.zone_ids}, "the mirror runs on the system's machines"
    assert found.topology_key == "topology.kubernetes.io/zone", "known of nodes that do not exist yet"
    assert found.binding == "WaitForFirstConsumer", "the disk is made where its first pod goes"
    assert found.parameters["kmsKeyId"] == Reference("key_arn"), "encrypted with the region's key"


def test_disks_of_two_pools_lie_where_both_are() -> None:
    reserved = {**H100, "capacity": ("on_demand", "reservation"), "reservations": {"us": {"id": "cr-1", "zone": "use2-az2"}}}
    found = classes(region({"l4": L4, "h100": reserved}, {"l4": ("volume", 21), "h100": ("volume", 61)}))
    assert zones(found[VOLUME_CLASS]) == {"use2-az2"}, "where every rung of both pools has machines"


def test_disks_that_could_lie_nowhere_are_refused() -> None:
    held = {**H100, "capacity": ("reservation",)}
    pools = {
        "a": {**held, "reservations": {"us": {"id": "cr-1", "zone": "use2-az1"}}},
        "b": {**held, "reservations": {"us": {"id": "cr-2", "zone": "use2-az2"}}},
    }
    inputs = region(pools, {"a": ("volume", 21), "b": ("volume", 21)})
    (problem,) = problems(inputs)
    assert problem.field == "models.model-a.cache.kind", "where it can be changed"
    assert "use bucket" in problem.remedy, "which has no zone"
    assert "use2-az1" in problem.limit, "the zones of the system's machines are named"
    assert problems(region(pools, {"a": ("volume", 21)})) == [], "one of them alone has a zone"
    assert problems(region(pools, {"a": ("bucket", 21), "b": ("bucket", 21)})) == [], "the bucket always has"
    assert classes(inputs)[VOLUME_CLASS].zones, "and the class never means anywhere"


def test_the_shared_class_gives_the_engine_its_folder() -> None:
    inputs = region({"l4": L4}, {"l4": ("shared", 21)})
    found = classes(inputs)[SHARED_CLASS]
    assert file_system(inputs) is not None, "a file system is made for it"
    assert (found.provisioner, found.parameters["provisioningMode"]) == ("efs.csi.aws.com", "efs-ap"), "an entry point for each volume"
    assert found.parameters["fileSystemId"] == Reference("file_system_id"), "of the region"
    assert (found.parameters["uid"], found.parameters["gid"], found.parameters["directoryPerms"]) == ("2000", "0", "770"), "the image's user"
    assert file_system(region({"l4": L4}, {"l4": ("bucket", 21)})) is None, "nobody pays for one that is not used"


@pytest.mark.parametrize(("environment", "days"), [("prod", 30), ("staging", 7)])
def test_the_bucket_keeps_what_was_deleted_for_a_while(environment: str, days: int) -> None:
    found = bucket(region(environment=environment, replicate_weights_to=("eu",)))
    assert (found.prefix, found.old_versions_days, found.abandoned_upload_days) == ("weights/", days, 3), "longer in prod"
    assert found.replicate_to == ("eu",), "copies go where the stack file says"


@given(st.integers(min_value=2, max_value=2000), st.integers(min_value=125, max_value=2000))
def test_every_volume_has_a_speed_that_gp3_and_its_machine_allow(size_gib: int, most: int) -> None:
    throughput = volume_throughput((size_gib - 1) / 1.25, size_gib, most)
    assert 125 <= throughput <= min(2000, most), "between what is free and what is sold"
    assert 3000 <= volume_iops(throughput) <= max(3000, 500 * size_gib), "IOPS that a volume of this size may have"
    assert throughput <= volume_iops(throughput) / 4, "0.25 MiB/s for each of them"


@pytest.mark.parametrize(("weights", "throughput"), [(15.0, 482), (60.0, 1024), (140.0, 2000)])
def test_weights_are_read_in_a_minute_where_gp3_can(weights: float, throughput: int) -> None:
    found = volume_throughput(weights, 200)
    assert found == throughput, "a minute, or what start-up budgets count on, or gp3's end"
    assert found / 1024 >= LOAD_GIB_PER_SECOND["volume"], "a budget never counts on more than was bought"
    if found < 2000:
        assert weights * 1024 / found <= LOAD_TARGET_SECONDS, "in time"


def test_the_class_is_as_fast_as_its_largest_cache_needs_and_its_machines_take() -> None:
    large = {**H100, "accelerator": "H100"}
    assert class_throughput(region({"h100": large}, {"h100": ("volume", 76)})) == 1024, "60 GiB in a minute"
    assert class_throughput(region({"l4": L4}, {"l4": ("volume", 76)})) == 596, "g6.2xlarge moves 625 MB a second at most"
    parameters = classes(region({"h100": large}, {"h100": ("volume", 76)}))[VOLUME_CLASS].parameters
    assert (parameters["throughput"], parameters["iops"]) == ("1024", "4096"), "as the driver reads them"


def test_every_kind_has_its_price_and_its_time() -> None:
    inputs = region({"l4": L4}, {"l4": ("bucket", 26)})
    found = {offer.kind: offer for offer in offers(inputs)["cache-l4"]}
    assert weights_gib(inputs.caches[0]) == pytest.approx(20.0), "26 GiB with headroom"
    assert {kind: offer.usd_per_month for kind, offer in found.items()} == {
        "bucket": 0.46,
        "volume": round(26 * 0.08 + (482 - 125) * 0.04, 2),
        "shared": 6.0,
        "node_local": 0.46,
    }, "GiB and, of a volume, speed"
    assert {kind: offer.usd_per_load for kind, offer in found.items()} == {"bucket": 0.0, "volume": 0.0, "shared": 0.6, "node_local": 0.0}
    assert found["node_local"].load_seconds > found["bucket"].load_seconds, "a new pod copies first"
    assert found["shared"].load_seconds == 80, "20 GiB at a quarter GiB a second"


@pytest.mark.parametrize("kind", ["bucket", "volume", "shared", "node_local"])
def test_the_chosen_kind_comes_first(kind: str) -> None:
    found = offers(region({"l4": L4}, {"l4": (kind, 26)}))["cache-l4"]
    assert found[0].kind == kind, "and the others after it"
    assert len({offer.kind for offer in found}) == 4, "each once"


def test_prices_can_be_replaced() -> None:
    found = offers(region({"l4": L4}, {"l4": ("bucket", 26)}, prices={"s3-gb-month": 1.0}))["cache-l4"]
    assert found[0].usd_per_month == 20.0, "by the stack file's own"
    assert cache_price("volume", 100, STORAGE_PRICES, 1024) == pytest.approx(100 * 0.08 + 1096 * 0.005 + 899 * 0.04), "what gp3 includes is free"


def test_the_plan_shows_what_each_kind_costs() -> None:
    from dataclasses import replace

    from tests.support.stack_files import shipped_plan

    plan = shipped_plan("prod")
    cluster = next(found for found in plan.clusters if found.cloud == "aws")
    priced = offers(region({"l4": L4}, {"l4": ("bucket", 26)}))["cache-l4"]
    caches = tuple(replace(cache, offers=priced) for cache in cluster.caches[:1])
    text = plan_text.plan_text(replace(plan, clusters=(replace(cluster, caches=caches),)))
    lines = [line.split() for line in text.splitlines()]
    start = lines.index(["CACHE", "KIND", "GiB", "LOAD", "s", "USD/MONTH", "USD/LOAD"])
    assert lines[start + 1][:2] == [caches[0].name, "bucket"], "the chosen one by the cache's name"
    assert [line[:2] for line in lines[start + 2 : start + 5]] == [["or", "volume"], ["or", "shared"], ["or", "node_local"]], "and what else there is"
    assert lines[start + 1][-2:] == ["0.46", "0.00"], "with its price"
