"""Where weights lie on each kind of cluster, and which kinds a cluster cannot serve."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from fleet import PlanError, caches, gcs_fuse, placement, plan, unserved
from fleet.caches import BUCKET_PREFIX, HYDRATION_CLASS, READ_ONLY_CLASS, SNAPSHOT_CLASS, cache_plan, problems, size_gib
from fleet.fleet_plan import CachePlan, DriverSource, FleetPlan, FolderSource, Hydration, PoolPlan
from fleet.gcp.storage_classes import snapshot_manifests, storage_classes
from fleet.lock import Lock
from fleet.problems import Problem
from fleet.references import Reference
from fleet.resolve import ResolvedModel, resolve
from fleet.server_inputs import ServerInputs
from fleet.stack_file import parse
from tests.support.gcp_regions import region
from tests.support.stack_files import PROJECT, changed, small

pytestmark = pytest.mark.pure


def _inputs(cluster: str, changes: dict[str, Any]) -> ServerInputs:
    settings = parse(changed(small(), changes))
    found = settings.clusters[cluster]
    pool = placement.pool_plan("l4", settings.pools["l4"], cluster, found, {})
    model = resolve("chat", settings.models["chat"], Lock.shipped(), PROJECT)
    assert isinstance(pool, PoolPlan), pool
    assert isinstance(model, ResolvedModel), model
    return ServerInputs(
        settings=settings,
        cluster_name=cluster,
        cluster=found,
        model=model,
        pool=pool,
        replicas=settings.models["chat"].replicas,
        field="models.chat.replicas",
        lock=Lock.shipped(),
    )


def _of_kind(kind: str | None, cluster: str = "us", changes: dict[str, Any] | None = None) -> CachePlan:
    chosen = {"models.chat.cache": {"kind": kind}} if kind else {}
    return cache_plan(_inputs(cluster, chosen | (changes or {})))


def _refused(changes: dict[str, Any]) -> list[Problem]:
    found = unserved.problems(parse(changed(small(), changes)))
    return [problem for problem in found if ".cache" in problem.field or ".re" in problem.field or ".rollout" in problem.field]


def test_the_default_on_aws_is_the_regions_bucket() -> None:
    found = _of_kind(None)
    assert found == _of_kind("bucket"), "what nobody has to choose"
    assert found.static, "described here, provisioned by nobody"
    source = found.static.source
    assert isinstance(source, DriverSource), "through a driver"
    assert source.attributes["bucketName"] == Reference("bucket_name"), "whose name nobody knows before it is made"
    assert f"prefix {BUCKET_PREFIX}" in source.serving_options, "the prefix that roles may touch"
    assert BUCKET_PREFIX.endswith("/"), "or Mountpoint refuses it"
    assert {"read-only"} == set(source.serving_options) - set(source.mirror_options), "servers write nothing"
    assert source.serving_handle != source.mirror_handle, "a node mounts each handle once"
    assert (found.storage_class, found.mirror_claim) == ("", f"mirror-{found.name}"), "two claims without a class"
    assert found.mirror_flags == ("--object-store",), "and a mirror that renames nothing"


def test_a_copy_on_the_nodes_disks_comes_from_the_bucket() -> None:
    found = _of_kind("node_local")
    assert found.static, "a bucket as well"
    assert isinstance(found.static.source, DriverSource), "mounted in the same way"
    assert (found.kind, found.node_copy_gib) == ("node_local", found.size_gib), "and room for a copy on each node"
    assert found.audit_name, "the bucket is audited"
    assert _of_kind("bucket").node_copy_gib is None, "others copy nothing"


@pytest.mark.parametrize(
    ("kind", "storage_class", "access"), [("shared", "fleet-shared", "ReadWriteMany"), ("volume", "fleet-volume", "ReadWriteOnce")]
)
def test_other_kinds_on_aws_are_claims_of_the_fleets_own_classes(kind: str, storage_class: str, access: str) -> None:
    found = _of_kind(kind)
    assert (found.storage_class, found.access_mode, found.static) == (storage_class, access, None), "a class makes the volume"
    assert found.mirror_claim == found.name, "the mirror writes where servers read"
    assert found.mirror_flags == (), "a file system can do everything"


def test_a_disk_is_mirrored_before_its_server_comes_and_never_audited() -> None:
    found, others = _of_kind("volume"), [_of_kind(kind) for kind in ("bucket", "shared", "node_local")]
    assert (found.audit_name, found.audit_schedule) == (None, None), "the node that serves has the disk"
    assert found.mirror_awaited_seconds, "the server that has the disk first would keep it from the mirror"
    assert found.mirror_awaited_seconds >= 1800, "a node, an image and 16 GB"
    assert all(each.audit_name and each.audit_schedule and each.mirror_awaited_seconds is None for each in others), "what many nodes mount is"


def test_other_clusters_keep_what_they_had() -> None:
    here, folder = _of_kind(None, "here"), _of_kind(None, "here", {"clusters.here": {"cloud": "existing", "context": "x", "cache_folder": "/srv"}})
    assert (here.kind, here.storage_class, here.access_mode, here.static) == ("shared", "shared", "ReadWriteMany", None), "its own class"
    assert folder.static, "or its folder"
    assert folder.static.source == FolderSource(path="/srv"), "as it was"
    assert here.mirror_flags == folder.mirror_flags == (), "with the hub's own client"


def test_the_default_on_google_is_the_regions_bucket_as_well() -> None:
    found = _of_kind(None, "eu")
    assert found == _of_kind("bucket", "eu"), "what nobody has to choose"
    assert found.static, "described here, provisioned by nobody"
    source = found.static.source
    assert isinstance(source, DriverSource), "through a driver"
    assert source.driver == gcs_fuse.DRIVER, "Google's own"
    handles = (source.serving_handle, source.mirror_handle)
    assert {handle.name for handle in handles if isinstance(handle, Reference)} == {"bucket_name"}, "which reads the bucket's name from the handle"
    assert handles[0] != handles[1], "a node mounts each handle once"
    for options in (source.serving_options, source.mirror_options):
        assert f"only-dir={BUCKET_PREFIX.rstrip('/')}" in options, "the folder that everything lies in; the driver adds the slash"
    assert ("ro" in source.serving_options, "ro" in source.mirror_options) == (True, False), "servers write nothing"
    assert source.pod_annotations["gke-gcsfuse/volumes"] == "true", "its process runs beside those that mount it"
    assert (found.storage_class, found.mirror_claim) == ("", f"mirror-{found.name}"), "two claims without a class"
    assert found.mirror_flags == ("--object-store",), "and a mirror that writes each file once"


def test_what_google_copies_to_the_nodes_disks_is_read_from_the_bucket_once() -> None:
    copied, read = _of_kind("node_local", "eu"), _of_kind("bucket", "eu")
    assert copied.static, "a bucket as well"
    assert read.static, "as the default"
    assert isinstance(copied.static.source, DriverSource), "mounted in the same way"
    assert isinstance(read.static.source, DriverSource), "likewise"
    assert set(read.static.source.serving_options) - set(copied.static.source.serving_options) == set(gcs_fuse.FILE_CACHE_OPTIONS), "nothing is kept"
    assert copied.node_copy_gib == copied.size_gib, "beside the copy itself"


@pytest.mark.parametrize(
    ("kind", "storage_class", "access"), [("shared", "fleet-shared", "ReadWriteMany"), ("volume", "fleet-volume", "ReadWriteOnce")]
)
def test_disks_and_file_systems_on_google_are_what_they_are_on_aws(kind: str, storage_class: str, access: str) -> None:
    found = _of_kind(kind, "eu")
    assert (found.storage_class, found.access_mode, found.static) == (storage_class, access, None), "a class makes the volume"
    assert found.mirror_claim == found.name, "the mirror writes where servers read"


def test_a_disk_for_many_is_written_once_and_then_copied() -> None:
    found = _of_kind("hyperdisk_ml", "eu")
    assert found.hydration == Hydration(snapshot=found.name, snapshot_class="fleet-snapshots", read_only_class="fleet-read-only"), (
        "names of its steps"
    )
    assert (found.storage_class, found.access_mode) == ("fleet-hydration", "ReadWriteOnce"), "of the disk that the mirror writes"
    assert found.mirror_claim == f"mirror-{found.name}" != found.name, "which is not what servers mount"
    assert found.mirror_awaited_seconds, "an update makes copies when the mirror is done"
    assert (found.audit_name, found.audit_schedule) == (None, None), "a copy cannot be healed"
    assert found.mirror_flags == (), "a file system can do everything"
    others = [_of_kind(kind, cluster) for cluster in ("us", "eu") for kind in ("bucket", "shared", "volume", "node_local")]
    assert not any(each.hydration for each in others), "no other kind is copied"


def test_classes_of_a_google_region_are_those_that_its_caches_ask_for() -> None:
    inputs = region(pools={"h100": {"accelerator": "H100", "gpus_per_node": 8, "max_nodes": 1}}, caches={"h100": ("hyperdisk_ml", 20)})
    made = {*(found.name for found in storage_classes(inputs)), *(found.name for found in snapshot_manifests(inputs))}
    assert made == {HYDRATION_CLASS, READ_ONLY_CLASS, SNAPSHOT_CLASS}, "or claims would wait for a class that is not there"


REFUSED: list[tuple[dict[str, Any], str, str, str]] = [
    ({"models.chat.cache.kind": "volume", "models.chat.replicas": {"min": 2}}, "models.chat.replicas.min", "one node", "set it to 1, or"),
    ({"models.chat.cache.kind": "volume", "models.chat.replicas": {"min": 1, "max": 3}}, "models.chat.replicas.max", "one server", "to bucket"),
    (
        {"models.chat.cache.kind": "volume", "models.chat.placements": {"us": {"replicas": {"min": 2}}}},
        "models.chat.placements.us.replicas.min",
        "cluster us",
        "to bucket",
    ),
    (
        {"models.chat.cache.kind": "volume", "models.chat.rollout": {"max_surge": 1, "max_unavailable": 0}},
        "models.chat.rollout",
        "must be gone",
        "leave it out",
    ),
    (
        {"environment": "prod", "models.chat.cache.kind": "volume", "models.chat.slo": "interactive"},
        "models.chat.cache.kind",
        "at least 2",
        "use bucket",
    ),
]


@pytest.mark.parametrize(("changes", "field", "limit", "remedy"), REFUSED, ids=[entry[1] for entry in REFUSED])
def test_a_disk_serves_one_server_and_never_two_at_once(changes: dict[str, Any], field: str, limit: str, remedy: str) -> None:
    (found,) = [problem for problem in _refused({"models.chat.placements": {"us": {}}} | changes) if problem.field == field]
    assert limit in found.limit, "what stands against it"
    assert remedy in found.remedy, "and the way out"


@pytest.mark.parametrize("cluster", ["us", "eu"])
@pytest.mark.parametrize("kind", ["bucket", "shared", "volume", "node_local"])
def test_every_kind_is_served_in_a_cloud(cluster: str, kind: str) -> None:
    assert _refused({"models.chat.cache.kind": kind, "models.chat.placements": {cluster: {}}}) == [], "one server, on its own"


def test_a_disk_that_many_servers_read_is_googles_alone() -> None:
    many = {"models.chat.cache.kind": "hyperdisk_ml", "models.chat.replicas": {"min": 3, "max": 6}}
    assert _refused(many | {"models.chat.placements": {"eu": {}}}) == [], "as many as there are machines"
    (found,) = _refused(many | {"models.chat.placements": {"us": {}, "eu": {}}})
    assert (found.field, found.value) == ("models.chat.cache.kind", "hyperdisk_ml"), "where it was asked for"
    assert "cluster us is on AWS" in found.limit, "and which cluster has none"
    assert "use bucket" in found.remedy, "with what every cloud has"


def test_a_disk_of_one_server_on_google_is_refused_with_the_disk_of_many() -> None:
    asked = {"models.chat.cache.kind": "volume", "models.chat.replicas": {"min": 2}, "models.chat.placements": {"eu": {}}}
    (found,) = _refused(asked)
    assert found.remedy == "set it to 1, or set models.chat.cache.kind to bucket or hyperdisk_ml", "which AWS does not have"


@pytest.mark.parametrize("kind", ["volume", "node_local", "hyperdisk_ml"])
def test_existing_clusters_say_what_they_do_not_serve(kind: str) -> None:
    (found,) = _refused({"models.chat.cache.kind": kind, "models.chat.placements": {"here": {}}})
    assert (found.field, found.limit) == ("models.chat.cache.kind", "is not served yet"), "by name"


def test_disks_must_hold_a_copy_for_every_server_of_the_node() -> None:
    fits = _inputs("us", {"models.chat.cache.kind": "node_local", "pools.l4": {"accelerator": "L4", "max_nodes": 1, "machine": "g6.2xlarge"}})
    assert problems(fits) == [], "450 GB for one copy of 21 GiB"
    (found,) = problems(replace(fits, pool=replace(fits.pool, gpus_per_node=16)))
    assert (found.field, found.value) == ("models.chat.cache.kind", "node_local"), "where it was asked for"
    assert "g6.2xlarge has 450 GB of disks of its own" in found.limit, "what there is"
    assert f"16 servers with a copy of {size_gib(fits)} GiB each" in found.limit, "and what it must hold: each server has its own"
    assert found.remedy == "use bucket", "no machine has 16 of these"


def test_the_remedy_names_machines_with_the_same_gpus_that_could_hold_the_copies() -> None:
    inputs = _inputs("us", {"models.chat.cache.kind": "node_local", "pools.l4": {"accelerator": "L4", "max_nodes": 1, "gpus_per_node": 8}})
    (found,) = problems(replace(inputs, pool=replace(inputs.pool, machine="g6.xlarge")))
    assert found.remedy.startswith("set pools.l4.machine to one that holds them: g6.48xlarge (aws, 8 × L4, "), "with its price"
    assert found.remedy.endswith("; or use bucket"), "or none at all"


def test_on_google_the_remedy_names_machines_with_disks_of_their_own() -> None:
    (found,) = problems(_inputs("eu", {"models.chat.cache.kind": "node_local"}))
    assert "has 0 GB of disks of its own" in found.limit, "no machine with an L4 has any"
    assert found.remedy.startswith("use bucket, or a pool of machines with other GPUs that hold them: "), "so the bucket comes first"
    assert "(gcp, 1 × " in found.remedy, "beside machines of the same cloud with as many GPUs"
    fits = _inputs("eu", {"models.chat.cache.kind": "node_local", "pools.l4": {"accelerator": "A100-80GB", "max_nodes": 1}})
    assert problems(fits) == [], "which hold a copy"


def test_only_copies_ask_for_disks() -> None:
    assert problems(_inputs("us", {"models.chat.cache.kind": "bucket"})) == [], "a bucket needs none"
    assert problems(_inputs("here", {})) == [], "nor does an existing cluster"


def _planned(changes: dict[str, Any]) -> FleetPlan:
    return plan(parse(changed(small(), {"models.chat.placements": {"us": {}}} | changes)), directory=PROJECT)


def test_another_kind_is_another_cache_and_the_default_keeps_its_name() -> None:
    names = {kind: _of_kind(kind).name for kind in (None, "bucket", "shared", "volume", "node_local")}
    assert names[None] == names["bucket"], "the default, chosen or not"
    assert len(set(names.values())) == 4, "a claim cannot change what it is: another kind is made beside the old one"
    assert _of_kind("shared", "here").name == names["bucket"], "and each cluster's default has the plain name"


def test_a_disk_belongs_to_one_model_and_is_handed_over() -> None:
    two = {
        "models.chat.cache": {"kind": "volume"},
        "models.twin": {"tier": "small", "pool": "l4", "cache": {"kind": "volume"}, "placements": {"us": {}}},
    }
    us = next(cluster for cluster in _planned(two).clusters if cluster.name == "us")
    assert len({model.cache for model in us.models}) == 2, "of the same revision, each its own"
    for model in us.models:
        assert (model.rollout.max_surge, model.rollout.max_unavailable) == (0, 1), "the old server goes first"
        assert any("a disk serves one server" in note for note in model.notes), "and the plan says what that costs"


def test_a_disk_needs_no_room_for_a_second_server() -> None:
    full = {"models.chat.cache": {"kind": "volume"}, "pools.l4.max_nodes": 1}
    (model,) = next(cluster for cluster in _planned(full).clusters if cluster.name == "us").models
    assert model.rollout.max_surge == 0, "there is never one"
    asked = _planned(full | {"models.chat.rollout": {"max_surge": 0, "max_unavailable": 1}})
    assert next(cluster for cluster in asked.clusters if cluster.name == "us").models[0].rollout == model.rollout, "written out, it is the same"


def test_a_plan_refuses_disks_that_are_too_small() -> None:
    small_disks = {"models.chat": {"tier": "small", "pool": "l4", "cache": {"kind": "node_local"}, "placements": {"us": {}}}}
    assert _planned(small_disks | {"pools.l4.machine": "g6.2xlarge"}).clusters, "450 GB do"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(caches, "NODE_IMAGES_GIB", 10_000)
        with pytest.raises(PlanError, match=r"models.chat.cache.kind: 'node_local' refused: g6.2xlarge has 450 GB"):
            _planned(small_disks | {"pools.l4.machine": "g6.2xlarge"})
