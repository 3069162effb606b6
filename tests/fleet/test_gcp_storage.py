"""Storage on Google Cloud: weights stay where pools can read them, are read in time, and what a machine cannot take is refused."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet import gcs_fuse
from fleet.add_ons import StorageClassSpec
from fleet.caches import SHARED_CLASS, VOLUME_CLASS
from fleet.fleet_plan import CachePlan, DriverSource, StaticVolumes
from fleet.gcp.disks import takes
from fleet.gcp.inputs import RegionInputs
from fleet.gcp.network import network_plan, pool_zones, system_zones
from fleet.gcp.offerings import SYSTEM_MACHINE
from fleet.gcp.plan import NetworkPlan
from fleet.gcp.storage import bucket, key, placed, problems, snapshot_manifests, storage_classes, weights_egress
from fleet.gcp.storage_classes import (
    HYDRATION_CLASS,
    READ_ONLY_CLASS,
    SNAPSHOT_CLASS,
    hyperdisk_iops,
    ml_mib_per_second,
    volume_gib,
    volume_mib_per_second,
)
from fleet.references import Reference
from fleet.resources import Node
from fleet.startup import LOAD_GIB_PER_SECOND
from fleet.stored_weights import LOAD_TARGET_SECONDS, weights_gib
from tests.support.gcp_regions import region

pytestmark = pytest.mark.pure

L4 = {"accelerator": "L4", "max_nodes": 4}
T4 = {"accelerator": "T4", "max_nodes": 4}
H100 = {"accelerator": "H100", "gpus_per_node": 8, "max_nodes": 2}
RTX = {"accelerator": "RTX-PRO-6000", "max_nodes": 4}


def classes(inputs: RegionInputs) -> dict[str, StorageClassSpec]:
    return {found.name: found for found in storage_classes(inputs)}


def fused(inputs: RegionInputs, **model: Any) -> RegionInputs:
    """The region with caches whose bucket is mounted by Google's driver, as the planner makes them."""
    source = DriverSource(
        driver=gcs_fuse.DRIVER,
        serving_handle=gcs_fuse.handle("serving"),
        mirror_handle=gcs_fuse.handle("mirror"),
        attributes={},
        serving_options=(*gcs_fuse.READ_OPTIONS, *gcs_fuse.FILE_CACHE_OPTIONS),
        mirror_options=gcs_fuse.WRITE_OPTIONS,
        pod_annotations=gcs_fuse.POD_ANNOTATIONS,
    )
    static = StaticVolumes(serving_volume="serving", mirror_volume="mirror", source=source)
    return replace(
        inputs,
        caches=tuple(replace(cache, static=static) for cache in inputs.caches),
        models=tuple(replace(found, **model) for found in inputs.models),
    )


def options(cache: CachePlan) -> tuple[str | Reference, ...]:
    assert cache.static is not None, "the bucket is static"
    assert isinstance(cache.static.source, DriverSource), "and mounted by a driver"
    return cache.static.source.serving_options


def test_a_region_whose_weights_lie_in_the_bucket_has_no_class_of_its_own() -> None:
    assert storage_classes(region({"l4": L4}, {"l4": ("bucket", 21)})) == (), "GKE has a default class, and nothing else is used"


def test_disks_of_weights_stay_where_the_pool_and_the_mirror_run() -> None:
    inputs = region({"l4": L4}, {"l4": ("volume", 21)})
    found = classes(inputs)[VOLUME_CLASS]
    assert set(found.zones) == set(system_zones(inputs)) & set(pool_zones(inputs, inputs.pools[0])), "the mirror runs on the system's machines"
    assert found.topology_key == "topology.gke.io/zone", "the driver's own key"
    assert found.binding == "WaitForFirstConsumer", "the disk is made where its first pod goes"
    assert found.parameters["disk-encryption-kms-key"] == Reference("key_id"), "encrypted with the region's key"
    assert found.parameters["type"] == "pd-balanced", "which both machines take"
    assert not found.default, "GKE's own class is"


def test_disks_of_two_pools_lie_where_both_are() -> None:
    reserved = {**L4, "capacity": ("on_demand", "reservation"), "reservations": {"us": {"id": "held", "zone": "us-central1-b"}}}
    found = classes(region({"l4": L4, "held": reserved}, {"l4": ("volume", 21), "held": ("volume", 61)}))
    assert found[VOLUME_CLASS].zones == ("us-central1-b",), "where every rung of both pools has machines"


def test_disks_that_could_lie_nowhere_are_refused() -> None:
    held = {**L4, "capacity": ("reservation",)}
    pools = {
        "a": {**held, "reservations": {"us": {"id": "one", "zone": "us-central1-a"}}},
        "b": {**held, "reservations": {"us": {"id": "two", "zone": "us-central1-b"}}},
    }
    inputs = region(pools, {"a": ("volume", 21), "b": ("volume", 21)})
    (problem,) = problems(inputs)
    assert problem.field == "models.model-a.cache.kind", "where it can be changed"
    assert "use bucket" in problem.remedy, "which has no zone"
    assert problems(region(pools, {"a": ("volume", 21)})) == [], "one of them alone has a zone"
    assert classes(inputs)[VOLUME_CLASS].zones, "and the class never means anywhere"


def test_a_disk_that_the_mirror_can_write_and_the_server_cannot_read_is_refused() -> None:
    inputs = region({"rtx": RTX, "l4": L4}, {"rtx": ("volume", 61), "l4": ("volume", 21)})
    (problem,) = problems(inputs)
    assert (problem.field, problem.value) == ("models.model-rtx.cache.kind", "volume"), "of the pool that it is about"
    assert re.search(rf"{SYSTEM_MACHINE}.*g4-standard-48", problem.limit), "both machines are named"
    assert re.search("bucket.*hyperdisk_ml", problem.remedy), "both ways out work there"
    assert problems(region({"rtx": RTX}, {"rtx": ("hyperdisk_ml", 61)})) == [], "one of them"


def test_hyperdisk_ml_is_refused_where_the_machine_takes_none() -> None:
    (problem,) = problems(region({"t4": T4, "l4": L4}, {"t4": ("hyperdisk_ml", 21), "l4": ("hyperdisk_ml", 21)}))
    assert problem.field == "models.model-t4.cache.kind", "N1 takes no Hyperdisk, G2 does"
    assert "n1-standard" in problem.limit, "the machine is named"


def test_weights_are_written_on_one_disk_and_read_from_copies_in_every_zone() -> None:
    inputs = region({"l4": L4, "rtx": RTX}, {"l4": ("hyperdisk_ml", 76), "rtx": ("hyperdisk_ml", 21)})
    found = classes(inputs)
    written, read = found[HYDRATION_CLASS], found[READ_ONLY_CLASS]
    assert takes(SYSTEM_MACHINE, written.parameters["type"]), "the mirror runs there"  # pyright: ignore[reportArgumentType]
    assert read.parameters["type"] == "hyperdisk-ml", "what many machines read"
    assert read.parameters["enable-multi-zone-provisioning"] == "true", "a copy in each zone behind one claim"
    assert set(read.zones) == {zone for pool in inputs.pools for zone in pool_zones(inputs, pool)}, "wherever a server may start"
    assert read.parameters["provisioned-throughput-on-create"] == "1024Mi", "60 GiB in a minute, with the driver's unit"
    (pictures,) = snapshot_manifests(inputs)
    assert (pictures.name, pictures.spec) == (SNAPSHOT_CLASS, {}), "a class of snapshots has no spec"
    assert pictures.fields["driver"] == read.provisioner == written.provisioner, "one driver takes pictures and makes copies"
    assert pictures.fields["parameters"]["storage-locations"] == "us-central1", "weights stay in their region"  # pyright: ignore[reportArgumentType, reportCallIssue, reportIndexIssue, reportOptionalSubscript]
    assert snapshot_manifests(region({"l4": L4}, {"l4": ("bucket", 21)})) == (), "not where nothing is copied"


def test_a_file_system_is_made_in_the_regions_network() -> None:
    inputs = region({"l4": L4}, {"l4": ("shared", 21)}, filestore={"tier": "zonal"})
    network = network_plan(inputs)
    assert isinstance(network, NetworkPlan), "the region has one"
    found = classes(inputs)[SHARED_CLASS]
    assert found.provisioner == "filestore.csi.storage.gke.io", "one file system for each volume"
    assert found.parameters["network"] == Reference("network_name"), "not the project's default one"
    assert found.parameters["reserved-ipv4-cidr"] == network.file_system_cidr, "with addresses that the plan set aside"
    assert found.parameters["instance-encryption-kms-key"] == Reference("key_id"), "under the region's key"
    basic = classes(region({"l4": L4}, {"l4": ("shared", 21)}))[SHARED_CLASS]
    assert "instance-encryption-kms-key" not in basic.parameters, "of the basic tier nothing says that it takes one"


@pytest.mark.parametrize(
    ("filestore", "cache_gib", "size"),
    [({}, 21, 100), ({}, 300, 300), ({"tier": "zonal"}, 21, 1024), ({"tier": "zonal"}, 1100, 1280), ({"tier": "regional"}, 21, 100)],
)
def test_a_file_system_has_the_least_size_that_is_sold_and_holds_the_weights(filestore: Mapping[str, str], cache_gib: int, size: int) -> None:
    (cache,) = placed(region({"l4": L4}, {"l4": ("shared", cache_gib)}, filestore=filestore))
    assert cache.size_gib == size, "the claim says what is billed"


@pytest.mark.parametrize(
    ("tier", "size", "cache_gib", "words"),
    [
        ("basic_hdd", 50, 21, "from 100"),
        ("zonal", 512, 21, "from 1024"),
        ("zonal", 1100, 21, "steps of 256"),
        ("basic_hdd", 200, 300, "needs 300 GiB"),
    ],
)
def test_a_file_system_of_a_size_that_is_not_sold_or_not_enough_is_refused(tier: str, size: int, cache_gib: int, words: str) -> None:
    (problem,) = problems(region({"l4": L4}, {"l4": ("shared", cache_gib)}, filestore={"tier": tier, "size_gib": size}))
    assert (problem.field, problem.value) == ("clusters.us.filestore.size_gib", size), "where it can be changed"
    assert words in problem.limit, "what is sold, and what is needed"
    assert "US dollars a month" in problem.remedy, "what the least costs"


def test_a_size_of_nothing_is_no_problem_where_nothing_is_shared() -> None:
    assert problems(region({"l4": L4}, {"l4": ("bucket", 21)}, filestore={"tier": "zonal", "size_gib": 1})) == [], "no file system is made"


def test_more_file_systems_than_there_are_addresses_for_are_refused() -> None:
    pools = {f"l4-{number}": L4 for number in range(5)}
    caches = dict.fromkeys(pools, ("shared", 21))
    (problem,) = problems(region(pools, caches, filestore={"tier": "zonal"}))
    assert problem.field == "models.model-l4-4.cache.kind", "the one too many"
    assert "basic_hdd" in problem.remedy, "which takes an eighth of the addresses"
    assert problems(region(pools, caches)) == [], "indeed"


@pytest.mark.parametrize(("environment", "days", "week"), [("prod", 30, 604_800), ("staging", 7, 0)])
def test_the_bucket_keeps_what_was_deleted_for_a_while(environment: str, days: int, week: int) -> None:
    found = bucket(region(environment=environment))
    assert (found.prefix, found.old_versions_days, found.abandoned_upload_days) == ("weights/", days, 3), "longer in prod, as on AWS"
    assert found.soft_delete_seconds == week, "and nobody pays twice for a test"
    assert key(region(environment=environment)).destroy_scheduled_seconds >= 86_400, "a day to notice a mistake at the least"


def test_a_cache_in_zones_is_where_machines_are_and_only_on_request() -> None:
    inputs = region({"l4": L4}, anywhere_cache=True)
    assert set(bucket(inputs).cached_zones) == set(pool_zones(inputs, inputs.pools[0])), "readers elsewhere would not find it"
    assert bucket(region({"l4": L4})).cached_zones == (), "it has a price per GB"


def test_servers_keep_what_they_read_on_disks_of_the_machine_itself() -> None:
    (cache,) = placed(fused(region({"h100": H100}, {"h100": ("bucket", 61)})))
    assert cache.read_cache is not None, "they have room"
    assert cache.read_cache.medium == "", "an emptyDir lies on them"
    assert cache.read_cache.volume == "gke-gcsfuse-cache", "the name that the driver looks for"
    assert cache.read_cache.pod_annotations == {"gke-gcsfuse/ephemeral-storage-request": "62Gi"}, "the scheduler knows of it"
    assert set(gcs_fuse.FILE_CACHE_OPTIONS) <= set(options(cache)), "whole files, in parallel"


def test_servers_keep_what_they_read_in_memory_where_it_has_room_for_all_of_them() -> None:
    machine = {**L4, "machine": "g2-standard-32"}
    inputs = fused(region({"l4": machine}, {"l4": ("bucket", 21)}))
    (cache,) = placed(inputs)
    (pool,), (model,) = inputs.pools, inputs.models
    assert cache.read_cache is not None, "there is room"
    assert cache.read_cache.medium == "Memory", "the machine has no disks of its own"
    room = Node(gpus=pool.gpus_per_node, vcpus=pool.node_vcpus, memory_gib=pool.node_memory_gib).memory_gib_for(pool.gpus_per_node)
    assert (room or 0) >= model.resources.memory_request_gib + cache.read_cache.size_gib, "server and copy fit together"
    assert cache.read_cache.pod_annotations == {"gke-gcsfuse/memory-request": "22Gi"}, "the driver's container asks for it"


def test_servers_stream_where_nothing_has_room() -> None:
    (cache,) = placed(fused(region({"l4": {**L4, "machine": "g2-standard-4"}}, {"l4": ("bucket", 21)})))
    assert cache.read_cache is None, "16 GiB hold no copy beside a server"
    assert not set(gcs_fuse.FILE_CACHE_OPTIONS) & set(options(cache)), "the driver would keep files on the boot disk"
    assert set(gcs_fuse.READ_OPTIONS) <= set(options(cache)), "everything else stays"


def test_two_servers_of_a_machine_need_room_for_two_copies() -> None:
    inputs = region({"l4": {**L4, "gpus_per_node": 2}}, {"l4": ("bucket", 41)})
    (model,) = inputs.models
    small = replace(model.resources, memory_request_gib=8)
    (two,) = placed(fused(inputs, resources=small, tensor_parallel=1))
    (one,) = placed(fused(inputs, resources=small, tensor_parallel=2))
    assert (two.read_cache, one.read_cache is None) == (None, False), "96 GiB hold one of 41 and not two"


def test_a_copy_on_the_nodes_disks_is_read_once_and_not_kept_twice() -> None:
    (cache,) = placed(fused(region({"h100": H100}, {"h100": ("node_local", 61)})))
    assert cache.read_cache is None, "each server copies and never reads again"


def test_pods_reach_the_bucket_and_their_tokens_and_nothing_else() -> None:
    inputs = region({"l4": L4}, {"l4": ("bucket", 21)})
    network = network_plan(inputs)
    assert isinstance(network, NetworkPlan), "the region has one"
    found = {(spec.cidr, spec.port) for spec in weights_egress(inputs)}
    assert found == {("169.254.169.254/32", 80), ("169.254.169.252/32", 988), (network.google_api_cidr, 443)}, "metadata server and Google's APIs"
    assert weights_egress(region({"l4": L4}, {"l4": ("volume", 21)})) == (), "disks are the node's business"


@given(st.integers(min_value=2, max_value=4000))
def test_a_persistent_disk_is_as_large_as_start_up_budgets_need(size: int) -> None:
    (cache,) = region({"l4": L4}, {"l4": ("volume", size)}).caches
    grown = volume_gib(cache, "pd-balanced")
    assert grown >= size, "it holds the weights"
    assert volume_mib_per_second(cache, "pd-balanced", grown) >= int(LOAD_GIB_PER_SECOND["volume"] * 1024), "a budget never counts on more"
    assert volume_gib(cache, "hyperdisk-balanced") == size, "a Hyperdisk's speed is bought by itself"


@given(st.integers(min_value=2, max_value=4000))
def test_every_hyperdisk_has_a_speed_that_is_sold(size: int) -> None:
    (cache,) = region({"l4": L4}, {"l4": ("hyperdisk_ml", size)}).caches
    throughput = ml_mib_per_second(cache)
    assert throughput >= max(400, 0.12 * size), "the least that is sold"
    assert weights_gib(cache) * 1024 / throughput <= LOAD_TARGET_SECONDS, "in time"
    speed = volume_mib_per_second(cache, "hyperdisk-balanced", size)
    assert 140 <= speed <= min(2400, hyperdisk_iops(speed) / 4), "a quarter MiB/s for each of its IOPS"
