"""Caches of a Google cluster as objects: a bucket whose driver runs in each pod, disks that are copied for many, and who may be asked for them."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import pulumi
import pytest

from components.kubernetes.model_cache import ModelCache
from components.kubernetes.model_server import ModelServer
from components.kubernetes.platform import Platform
from fleet import gcs_fuse
from fleet.add_ons import EgressSpec, InCluster, ManifestSpec
from fleet.fleet_plan import ClusterPlan, ReadCache
from fleet.planner import plan
from fleet.stack_file import parse
from tests.support.pod_security import violations
from tests.support.recording import Graph, Resource, run
from tests.support.stack_files import changed, small

pytestmark = pytest.mark.mocks

MADE = {"bucket_name": "acme-weights-1a2b", "project_number": "111122223333"}
READ_CACHE = ReadCache(volume=gcs_fuse.CACHE_VOLUME, medium="Memory", size_gib=21, pod_annotations={"gke-gcsfuse/memory-request": "22Gi"})
EGRESS = (
    EgressSpec(cidr="169.254.169.254/32", port=80, reason="tokens"),
    EgressSpec(cidr="199.36.153.8/30", port=443, reason="the bucket"),
)


@cache
def _planned(kind: str) -> ClusterPlan:
    changes = {
        "models.chat": {"tier": "small", "pool": "h100", "placements": {"eu": {}}, "cache": {"kind": kind}},
        "pools": {"h100": {"accelerator": "H100", "max_nodes": 2, "gpus_per_node": 8}},
    }
    return next(cluster for cluster in plan(parse(changed(small(), changes))).clusters if cluster.name == "eu")


def _graph(cluster: ClusterPlan) -> Graph:
    (model,), (stored,) = cluster.models, cluster.caches

    def program() -> None:
        first = ModelCache("eu.cache", cluster, stored, MADE)
        ModelServer("eu.chat", cluster, model, stored, MADE, pulumi.ResourceOptions(depends_on=[first]))

    return run(program, {})


@pytest.fixture(scope="module", params=["bucket", "node_local"])
def in_bucket(request: pytest.FixtureRequest) -> Graph:
    return _graph(_planned(request.param))


@pytest.fixture(scope="module")
def hydrated() -> Graph:
    return _graph(_planned("hyperdisk_ml"))


def _template(workload: Resource) -> dict[str, Any]:
    spec = workload.inputs["spec"]
    return spec.get("jobTemplate", workload.inputs)["spec"]["template"]


def _named(graph: Graph, kind: str, name: str) -> Resource:
    (found,) = [each for each in graph.objects(kind) if each.inputs["metadata"]["name"] == name]
    return found


def _only(graph: Graph, kind: str) -> Resource:
    (found,) = graph.objects(kind)
    return found


def test_a_bucket_is_mounted_by_its_driver_under_the_name_that_google_gave_it(in_bucket: Graph) -> None:
    volumes = list(in_bucket.objects("PersistentVolume"))
    assert len(volumes) == 2, "one to read and one to write"
    for volume in volumes:
        spec = volume.inputs["spec"]
        assert spec["csi"]["driver"] == "gcsfuse.csi.storage.gke.io", "Cloud Storage FUSE"
        assert spec["csi"]["volumeHandle"].split(":")[0] == MADE["bucket_name"], "up to the colon the driver takes it for the bucket"
        assert "only-dir=weights" in spec["mountOptions"], "the folder that everything lies in"
        assert (spec["storageClassName"], spec["persistentVolumeReclaimPolicy"]) == ("", "Retain"), "nothing provisions it, nothing empties it"
    assert len({volume.inputs["spec"]["csi"]["volumeHandle"] for volume in volumes}) == 2, "a node mounts each handle once"


def test_servers_can_only_read_the_bucket(in_bucket: Graph) -> None:
    options = {tuple(volume.inputs["spec"]["accessModes"]): volume.inputs["spec"]["mountOptions"] for volume in in_bucket.objects("PersistentVolume")}
    assert "ro" in options["ReadOnlyMany",], "the mount says so"
    assert "ro" not in options["ReadWriteMany",], "and the mirror's does not"
    server = _template(_only(in_bucket, "Deployment"))["spec"]
    (claim,) = [volume["persistentVolumeClaim"] for volume in server["volumes"] if "persistentVolumeClaim" in volume]
    assert claim["readOnly"] is True, "and the pod as well"


def test_every_pod_that_mounts_the_bucket_asks_for_the_drivers_container(in_bucket: Graph) -> None:
    for kind in ("Deployment", "Job", "CronJob"):
        annotations = _template(_only(in_bucket, kind))["metadata"]["annotations"]
        assert annotations["gke-gcsfuse/volumes"] == "true", "without it the mount would fail in words about a missing container"
        assert violations(_template(_only(in_bucket, kind))["spec"]) == [], "beside what is admitted under Pod Security `restricted`"
    flags = _template(_only(in_bucket, "Job"))["spec"]["containers"][0]["command"]
    assert flags[-1] == "--object-store", "it writes each file once, from start to end"


def test_what_a_driver_reads_is_kept_in_a_volume_of_the_servers_alone() -> None:
    cluster = _planned("bucket")
    kept = replace(cluster, caches=tuple(replace(stored, read_cache=READ_CACHE) for stored in cluster.caches))
    graph = _graph(kept)
    server = _template(_only(graph, "Deployment"))
    (volume,) = [volume for volume in server["spec"]["volumes"] if volume["name"] == gcs_fuse.CACHE_VOLUME]
    assert volume["emptyDir"] == {"medium": "Memory", "sizeLimit": "21Gi"}, "as the plan has it"
    assert server["metadata"]["annotations"]["gke-gcsfuse/memory-request"] == "22Gi", "and room for it is asked for, beside the driver's own"
    mounted = {mount["name"] for container in server["spec"]["containers"] for mount in container["volumeMounts"]}
    assert gcs_fuse.CACHE_VOLUME not in mounted, "the driver's container alone uses it"
    job = _template(_only(graph, "Job"))
    assert gcs_fuse.CACHE_VOLUME not in {volume["name"] for volume in job["spec"]["volumes"]}, "the mirror keeps nothing"
    assert job["metadata"]["annotations"] == dict(gcs_fuse.POD_ANNOTATIONS), "and asks for no room"


def test_on_disks_of_the_machine_what_is_kept_is_an_ordinary_folder() -> None:
    cluster = _planned("bucket")
    stored = replace(cluster.caches[0], read_cache=replace(READ_CACHE, medium=""))
    server = _template(_only(_graph(replace(cluster, caches=(stored,))), "Deployment"))
    (volume,) = [volume for volume in server["spec"]["volumes"] if volume["name"] == gcs_fuse.CACHE_VOLUME]
    assert volume["emptyDir"] == {"sizeLimit": "21Gi"}, "no medium is the machine's disk"


@pytest.mark.parametrize("kind", ["volume", "shared", "hyperdisk_ml"])
def test_pods_of_other_kinds_say_nothing_to_the_driver_of_buckets(kind: str) -> None:
    graph = _graph(_planned(kind))
    for workload in (*graph.objects("Deployment"), *graph.objects("Job"), *graph.objects("CronJob")):
        assert "annotations" not in _template(workload)["metadata"], "no container is put into them"


def test_a_disk_is_written_by_the_mirror_then_copied_then_read_by_all(hydrated: Graph) -> None:
    stored = _planned("hyperdisk_ml").caches[0]
    written, read = (_named(hydrated, "PersistentVolumeClaim", name).inputs["spec"] for name in (stored.mirror_claim, stored.name))
    assert (written["accessModes"], written["storageClassName"]) == (["ReadWriteOnce"], "fleet-hydration"), "one pod writes"
    assert "dataSource" not in written, "an empty disk"
    assert (read["accessModes"], read["storageClassName"]) == (["ReadOnlyMany"], "fleet-read-only"), "many read, and none writes"
    snapshot = _only(hydrated, "VolumeSnapshot")
    name = snapshot.inputs["metadata"]["name"]
    assert read["dataSource"] == {"apiGroup": "snapshot.storage.k8s.io", "kind": "VolumeSnapshot", "name": name}, "made of the snapshot"
    assert read["resources"] == written["resources"], "a copy is no smaller than what it is a copy of"
    wanted = {"volumeSnapshotClassName": "fleet-snapshots", "source": {"persistentVolumeClaimName": stored.mirror_claim}}
    assert snapshot.inputs["spec"] == wanted, "and that of the mirror's disk"
    server = _template(_only(hydrated, "Deployment"))["spec"]
    mounted = [volume["persistentVolumeClaim"] for volume in server["volumes"] if "persistentVolumeClaim" in volume]
    assert mounted == [{"claimName": stored.name, "readOnly": True}], "servers mount the copy of their zone"


def test_each_step_of_a_copied_disk_waits_for_the_one_before(hydrated: Graph) -> None:
    stored = _planned("hyperdisk_ml").caches[0]
    written, read = (_named(hydrated, "PersistentVolumeClaim", name) for name in (stored.mirror_claim, stored.name))
    job, snapshot, server = (_only(hydrated, kind) for kind in ("Job", "VolumeSnapshot", "Deployment"))
    assert written.urn in hydrated.needs(job), "the disk first"
    assert job.urn in hydrated.needs(snapshot), "a snapshot taken earlier would be of half a model"
    assert snapshot.urn in hydrated.needs(read), "what there is no snapshot of cannot be copied"
    assert read.urn in hydrated.needs(server) or read.parent in hydrated.needs(server), "and what is removed goes the other way round"
    assert "pulumi.com/skipAwait" not in job.inputs["metadata"].get("annotations", {}), "the engine waits until the mirror is done"
    assert snapshot.inputs["metadata"]["annotations"]["pulumi.com/waitFor"] == "jsonpath={.status.readyToUse}=true", "and until it can be copied"
    assert job.timeouts["create"] == snapshot.timeouts["create"] == f"{stored.mirror_awaited_seconds}s", "however long that takes"


def test_a_copied_disk_is_final_and_audited_by_nobody(hydrated: Graph) -> None:
    for each in (*hydrated.objects("PersistentVolumeClaim"), *hydrated.objects("VolumeSnapshot")):
        assert each.ignore_changes == ("spec",), "another class or size counts for caches made from then on"
    assert not list(hydrated.objects("CronJob")), "a copy that none may write cannot be healed"
    gate = _template(_only(hydrated, "Deployment"))["spec"]["initContainers"][0]
    assert "--audit-name" not in gate["command"], "nor does the gate name an audit that is not there"


def test_many_servers_may_read_a_copied_disk_and_be_replaced_one_after_the_other(hydrated: Graph) -> None:
    strategy = _only(hydrated, "Deployment").inputs["spec"]["strategy"]["rollingUpdate"]
    assert strategy == {"maxSurge": 1, "maxUnavailable": 0}, "the new one reads beside the old one"


def _platform(wanted: InCluster) -> Graph:
    return run(lambda: Platform("eu", _planned("bucket"), wanted, MADE) and None, {})


def test_pods_reach_what_the_driver_beside_them_needs_and_nothing_more() -> None:
    plain, opened = _platform(InCluster()), _platform(InCluster(weights_egress=EGRESS))
    wanted = [
        {"to": [{"ipBlock": {"cidr": "169.254.169.254/32"}}], "ports": [{"port": 80, "protocol": "TCP"}]},
        {"to": [{"ipBlock": {"cidr": "199.36.153.8/30"}}], "ports": [{"port": 443, "protocol": "TCP"}]},
    ]
    for name in ("model-server", "weights-mirror"):
        before, after = (_named(graph, "NetworkPolicy", name).inputs["spec"] for graph in (plain, opened))
        assert after == before | {"egress": [*before["egress"], *wanted]}, "what every cluster has, and these two places"
    deny = [_named(graph, "NetworkPolicy", "default-deny").inputs["spec"] for graph in (plain, opened)]
    assert deny[0] == deny[1], "whatever else runs there may not"


def test_an_object_without_a_spec_has_its_fields_beside_its_name() -> None:
    snapshots = ManifestSpec(
        name="fleet-snapshots",
        api_version="snapshot.storage.k8s.io/v1",
        kind="VolumeSnapshotClass",
        namespace=None,
        spec={},
        fields={"driver": "pd.csi.storage.gke.io", "deletionPolicy": "Delete"},
    )
    made = _only(_platform(InCluster(manifests=(snapshots,))), "VolumeSnapshotClass").inputs
    assert (made["driver"], made["deletionPolicy"]) == ("pd.csi.storage.gke.io", "Delete"), "as the kind wants it"
    assert "spec" not in made, "which has none"
    assert made["metadata"]["name"] == "fleet-snapshots", "under the name that snapshots ask for"
    assert made["apiVersion"] == "snapshot.storage.k8s.io/v1", "of its own group"
