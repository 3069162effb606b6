"""Caches of an AWS cluster as objects: a bucket through its driver, a disk of one node, and copies on nodes' own disks."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import pulumi
import pytest

from components.kubernetes.containers import ENGINE_GROUP, ENGINE_USER
from components.kubernetes.model_cache import ModelCache
from components.kubernetes.model_server import ModelServer
from fleet.fleet_plan import ClusterPlan
from fleet.planner import plan
from fleet.references import Reference
from fleet.stack_file import parse
from tests.support.kubernetes_rules import quantity
from tests.support.pod_security import violations
from tests.support.recording import Graph, Resource, run
from tests.support.stack_files import changed, small

pytestmark = pytest.mark.mocks

MADE = {"bucket_name": "acme-weights-1a2b", "account": "111122223333", "registry": "111122223333.dkr.ecr.us-east-2.amazonaws.com"}


@cache
def _planned(kind: str) -> ClusterPlan:
    where = {"placements": {"us": {}}, "cache": {"kind": kind}}
    pools = {"nvme": {"accelerator": "L4", "max_nodes": 4, "machine": "g6.4xlarge"}}
    settings = changed(small(), {f"models.chat.{key}": value for key, value in where.items()} | {"pools": pools, "models.chat.pool": "nvme"})
    return next(cluster for cluster in plan(parse(settings)).clusters if cluster.name == "us")


def _graph(cluster: ClusterPlan) -> Graph:
    (model,), (stored,) = cluster.models, cluster.caches

    def program() -> None:
        first = ModelCache("us.cache", cluster, stored, MADE)
        ModelServer("us.chat", cluster, model, stored, MADE, pulumi.ResourceOptions(depends_on=[first]))

    return run(program, {})


@pytest.fixture(scope="module", params=["bucket", "node_local"])
def in_bucket(request: pytest.FixtureRequest) -> Graph:
    return _graph(_planned(request.param))


@pytest.fixture(scope="module")
def on_disk() -> Graph:
    return _graph(_planned("volume"))


def _pod(workload: Resource) -> dict[str, Any]:
    spec = workload.inputs["spec"]
    return spec.get("jobTemplate", workload.inputs)["spec"]["template"]["spec"]


def _claim(graph: Graph, name: str) -> dict[str, Any]:
    (found,) = [each.inputs for each in graph.objects("PersistentVolumeClaim") if each.inputs["metadata"]["name"] == name]
    return found


def _only(graph: Graph, kind: str) -> Resource:
    (found,) = graph.objects(kind)
    return found


def test_a_bucket_is_mounted_by_its_driver_with_the_role_of_each_pods_own_account(in_bucket: Graph) -> None:
    volumes = list(in_bucket.objects("PersistentVolume"))
    assert len(volumes) == 2, "one to read and one to write"
    for volume in volumes:
        spec = volume.inputs["spec"]
        assert spec["csi"]["driver"] == "s3.csi.aws.com", "Mountpoint"
        wanted = {"bucketName": "acme-weights-1a2b", "authenticationSource": "pod"}
        assert spec["csi"]["volumeAttributes"] == wanted, "the bucket that was made, and not the driver's role"
        assert (spec["storageClassName"], spec["persistentVolumeReclaimPolicy"]) == ("", "Retain"), "nothing provisions it, nothing empties it"
        claim = _claim(in_bucket, spec["claimRef"]["name"])
        assert claim["spec"]["volumeName"] == volume.inputs["metadata"]["name"], "the claim takes no other"
        assert spec["accessModes"] == claim["spec"]["accessModes"], "or they would never be bound"
        assert "hostPath" not in spec, "a folder of the node has no part in it"
    handles = {volume.inputs["spec"]["csi"]["volumeHandle"] for volume in volumes}
    assert len(handles) == 2, "a node mounts each handle once, and the second pod would wait for ever"


def test_servers_can_only_read_the_bucket_and_the_mirror_can_replace_and_delete(in_bucket: Graph) -> None:
    options = {tuple(volume.inputs["spec"]["accessModes"]): volume.inputs["spec"]["mountOptions"] for volume in in_bucket.objects("PersistentVolume")}
    serving, mirror = options["ReadOnlyMany",], options["ReadWriteMany",]
    common = [option for option in serving if option in mirror]
    ids = [f"uid={ENGINE_USER}", f"gid={ENGINE_GROUP}", "allow-other"]
    assert common == ["region us-east-2", "prefix weights/", *ids, "expected-bucket-owner 111122223333"], "the place, and files of the engine's user"
    assert [option for option in serving if option not in common] == ["read-only"], "written by none"
    assert [option for option in mirror if option not in common] == ["allow-delete", "allow-overwrite"], "what damage needs to be healed"
    assert not [option for option in serving if option.startswith(("metadata-ttl", "cache"))], "a gate that remembers `not there` would not open"
    server = _pod(_only(in_bucket, "Deployment"))
    (claim,) = [volume["persistentVolumeClaim"] for volume in server["volumes"] if "persistentVolumeClaim" in volume]
    assert claim["readOnly"] is True, "and the pod says so as well"
    assert _claim(in_bucket, claim["claimName"])["spec"]["accessModes"] == ["ReadOnlyMany"], "the serving claim"


def test_each_of_them_has_the_service_account_of_its_own_role(in_bucket: Graph) -> None:
    accounts = {kind: _pod(_only(in_bucket, kind))["serviceAccountName"] for kind in ("Deployment", "Job", "CronJob")}
    assert accounts == {"Deployment": "model-server", "Job": "weights-mirror", "CronJob": "weights-mirror"}, "whose credentials the driver uses"


def test_mirror_and_audit_write_as_an_object_store_wants_it(in_bucket: Graph) -> None:
    for kind, flags in (("Job", ["--object-store"]), ("CronJob", ["--object-store", "--audit"])):
        (container,) = _pod(_only(in_bucket, kind))["containers"]
        assert container["command"][-len(flags) :] == flags, "a bucket renames nothing"


def test_a_copy_is_made_behind_the_gate_and_the_engine_reads_it_alone() -> None:
    cluster = _planned("node_local")
    pod = _pod(_only(_graph(cluster), "Deployment"))
    gate, copy = pod["initContainers"]
    (engine,) = pod["containers"]
    assert "--wait" in gate["command"], "complete first"
    assert copy["command"][-2:] == ["--copy-to", "/copy"], "then copied"
    mounts = {mount["mountPath"]: mount for mount in copy["volumeMounts"]}
    assert (mounts["/models"]["name"], mounts["/models"]["readOnly"], mounts["/copy"]["name"]) == ("weights", True, "copy"), "from the bucket"
    weights = [mount for mount in engine["volumeMounts"] if mount["name"] in {"weights", "copy"}]
    assert weights == [{"name": "copy", "mountPath": "/models", "readOnly": True}], "at the same path, and the bucket is not mounted"
    (volume,) = [volume for volume in pod["volumes"] if volume["name"] == "copy"]
    assert volume["emptyDir"] == {"sizeLimit": f"{cluster.caches[0].node_copy_gib}Gi"}, "the plan's limit, on the node's disks and not in its memory"
    assert quantity(volume["emptyDir"]["sizeLimit"]) > 16e9, "Qwen3-8B in bfloat16 is 16.4 GB"
    assert violations(pod) == [], "admitted under Pod Security `restricted`"
    limits = copy["resources"]["limits"]
    assert quantity(limits["memory"]) >= 8 * 2 * 16 * 2**20, "a piece of 16 MiB for each of eight files, twice"


def test_without_a_copy_there_is_one_init_container() -> None:
    pod = _pod(_only(_graph(_planned("bucket")), "Deployment"))
    assert [container["name"] for container in pod["initContainers"]] == ["weights"], "the gate"
    assert "copy" not in {volume["name"] for volume in pod["volumes"]}, "and no disk"


def test_a_shared_file_system_is_a_claim_of_its_class() -> None:
    graph = _graph(_planned("shared"))
    spec = _only(graph, "PersistentVolumeClaim").inputs["spec"]
    assert (spec["accessModes"], spec["storageClassName"]) == (["ReadWriteMany"], "fleet-shared"), "as in an existing cluster"
    assert not list(graph.objects("PersistentVolume")), "its class makes the volume"
    assert "--object-store" not in str(_only(graph, "Job").inputs), "a file system can do everything"


def test_a_disk_is_mirrored_before_its_one_server_is_made(on_disk: Graph) -> None:
    spec = _only(on_disk, "PersistentVolumeClaim").inputs["spec"]
    assert (spec["accessModes"], spec["storageClassName"]) == (["ReadWriteOnce"], "fleet-volume"), "one node at a time"
    job, server = _only(on_disk, "Job"), _only(on_disk, "Deployment")
    assert "pulumi.com/skipAwait" not in job.inputs["metadata"].get("annotations", {}), "a waiting server would hold the disk that the mirror needs"
    assert job.timeouts["create"] == f"{_planned('volume').caches[0].mirror_awaited_seconds}s", "however long the weights take"
    assert job.urn in on_disk.needs(server) or job.parent in on_disk.needs(server), "one after the other"


def test_a_disk_that_a_server_holds_is_not_audited(on_disk: Graph) -> None:
    assert not list(on_disk.objects("CronJob")), "its pod could not mount it on another node, and would hang there every week"
    (gate,) = _pod(_only(on_disk, "Deployment"))["initContainers"]
    assert "--audit-name" not in gate["command"], "nor does the gate name a CronJob that is not there"


def test_images_come_from_the_regions_own_registry_where_it_keeps_them() -> None:
    cluster = _planned("node_local")
    image = cluster.models[0].image
    graph = _graph(replace(cluster, pulled_from={image: Reference("registry", suffix="/mirror/vllm:v1")}))
    images = {container["image"] for kind in ("Deployment", "Job") for container in _containers(_pod(_only(graph, kind)))}
    assert images == {f"{MADE['registry']}/mirror/vllm:v1"}, "servers, gate, copy and mirror: the same image"


def _containers(pod: dict[str, Any]) -> list[dict[str, Any]]:
    return [*pod.get("initContainers", []), *pod["containers"]]
