"""What regions of AWS and Google Cloud put into their clusters, given to real API servers by the real provider and the real Helm.

The clouds are stand-ins, machines, volume drivers and the logins of both clouds are simulated, every chart is a stand-in of its name, and of the
kinds that GKE brings a server knows what this program uses.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from fleet.placement import COMPUTE_CLASS_LABEL, GPU_RESOURCE
from tests.support.cloud_cluster import CloudClusters, in_cluster
from tests.support.cloud_objects import assert_gone, assert_inside_first, groups, objects, of, paths, pods, settled, uids, volume, zones
from tests.support.local_fleet import eventually
from tests.support.simulated_volume_drivers import GOOGLE_ZONE, ZONE
from tests.support.stand_in_aws import ACCOUNT
from tests.support.stand_in_gcp import number_of

pytestmark = pytest.mark.cluster

REGIONS = ("east", "central")
"""One of AWS, one of Google Cloud."""

ALL_LAYERS = {"ClusterSecretStore", "ExternalSecret", "Deployment", "Job", "PersistentVolume", "NetworkPolicy", "StorageClass"}
OF_GOOGLE = {"ComputeClass", "VolumeSnapshot", "VolumeSnapshotClass"}


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CloudClusters]:
    found = CloudClusters(tmp_path_factory.mktemp("clouds"))
    try:
        found.start()
        yield found
    finally:
        found.remove()


@pytest.fixture(scope="module")
def before(empty: CloudClusters) -> dict[str, set[str]]:
    """What each control plane makes for itself, once that is complete: some of it comes seconds after the server is ready."""
    return {
        region: eventually(lambda region=region: settled(empty.server(region)), f"an end of what {region} makes for itself") for region in REGIONS
    }


@pytest.fixture(scope="module")
def fleet(empty: CloudClusters, before: dict[str, set[str]]) -> CloudClusters:
    assert all(before.values()), "the control planes' own objects, by which leftovers are told"
    empty.up()
    return empty


@pytest.mark.parametrize("region", REGIONS)
def test_every_object_is_in_its_own_cluster_and_none_has_a_field_that_the_server_does_not_know(fleet: CloudClusters, region: str) -> None:
    server, made = fleet.server(region), objects(fleet, region)
    kinds = [one["kind"] for one in made]
    assert kinds.count("StorageClass") == len(in_cluster(fleet.cluster(region)).storage_classes), "the classes of the plan"
    assert ALL_LAYERS | (OF_GOOGLE if fleet.cluster(region).gcp else set()) <= set(kinds), f"all layers: {kinds}"
    places = paths(server, made)
    for place, one in places.items():
        answer = server.strictly(place, one)
        assert answer.status_code == 200, f"{place}: the server takes it whole: {answer.text}"
        assert server.get(place)["metadata"]["labels"]["vllm-fleet/cluster"] == region, f"{place} is there and says whose it is"
    place, odd = next((place, one) for place, one in places.items() if one["kind"] == "Deployment")
    answer = server.strictly(place, {**odd, "spec": {**odd["spec"], "replica": 1}})
    assert "replica" in answer.text, f"a misspelt field would be refused: {answer.text}"
    assert answer.is_error, "so the answers above mean something"


@pytest.mark.parametrize("region", REGIONS)
def test_the_scheduler_finds_the_machines_that_the_plan_describes(fleet: CloudClusters, region: str) -> None:
    server, plan, found = fleet.server(region), fleet.cluster(region), groups(fleet, region)
    for node in server.items("/api/v1/nodes"):
        group, taints = found[node["metadata"]["name"]], node["spec"].get("taints", [])
        assert group.labels.items() <= node["metadata"]["labels"].items(), "a machine has its group's labels"
        assert [(taint["key"], taint["value"], taint["effect"]) for taint in taints] == [(one.key, one.value, one.effect) for one in group.taints]
    for model in plan.models:
        servers = pods(server, model.name)
        assert len(servers) == model.replicas.min, f"{model.name}: {model.replicas.min} servers"
        nodes = [pod["spec"]["nodeName"] for pod in servers]
        assert {found[node].pool for node in nodes} == {model.pool}, f"{model.name} runs on machines of its pool"
        assert len(set(nodes)) == len(nodes), "one GPU a machine, so one server a machine"
        limits = [container["resources"]["limits"].get(GPU_RESOURCE) for pod in servers for container in pod["spec"]["containers"]]
        assert set(limits) == {"1"}, "and each has it for itself"


@pytest.mark.parametrize("region", REGIONS)
def test_agents_are_on_every_gpu_machine_and_everything_else_is_on_none(fleet: CloudClusters, region: str) -> None:
    server, plan, found = fleet.server(region), fleet.cluster(region), groups(fleet, region)
    with_gpu = sorted(node for node, group in found.items() if group.pool)
    for add_on in in_cluster(plan).add_ons:
        nodes = sorted(pod["spec"].get("nodeName", "nowhere") for pod in pods(server, add_on.name))
        if add_on.wait:
            assert {found[node].name for node in nodes} == {"system"}, f"{add_on.name}: controllers stay off machines that come and go"
        else:
            assert nodes == with_gpu, f"{add_on.name}: its affinity and tolerations name the labels and taints of every GPU machine"
    for cache in plan.caches:
        (pod,) = pods(server, cache.name)
        assert not found[pod["spec"]["nodeName"]].pool, "a mirror takes no GPU machine"


@pytest.mark.parametrize("region", REGIONS)
def test_helm_installs_every_release_under_its_own_name_and_waits_for_controllers(fleet: CloudClusters, region: str) -> None:
    server = fleet.server(region)
    for add_on in in_cluster(fleet.cluster(region)).add_ons:
        release = server.get(f"/api/v1/namespaces/{add_on.namespace}/secrets/sh.helm.release.v1.{add_on.name}.v1")
        assert release["metadata"]["labels"]["status"] == "deployed", f"{add_on.name} is installed, at the first try"
        if add_on.wait:
            status = server.get(f"/apis/apps/v1/namespaces/{add_on.namespace}/deployments/{add_on.name}")["status"]
            assert status["readyReplicas"] == 2, f"{add_on.name}: both replicas that the values ask for"


def test_pods_run_under_the_service_accounts_that_their_cloud_knows(fleet: CloudClusters) -> None:
    decided = fleet.cluster("east").aws_plan
    by_eks = {add_on.identity for add_on in decided.managed_add_ons}
    given = {(state["namespace"], state["serviceAccount"]) for key, state in fleet.aws.objects.items() if key[1] == "PodIdentityAssociation"}
    meant = {(role.namespace, role.service_account) for role in decided.roles if role.service_account and role.key not in by_eks}
    assert meant <= given, "EKS knows them"
    assert meant <= _accounts(fleet, "east"), "and pods have them"
    google = fleet.cluster("central").gcp_plan
    pool = f"projects/{number_of(google.project)}/locations/global/workloadIdentityPools/{google.project}.svc.id.goog"
    members = {state["member"] for state in fleet.gcp.objects.values() if "member" in state}
    subjects = {(one.namespace, one.service_account) for one in google.identities if one.service_account}
    assert {f"principal://iam.googleapis.com/{pool}/subject/ns/{namespace}/sa/{name}" for namespace, name in subjects} <= members, "roles name them"
    assert subjects <= _accounts(fleet, "central"), "and pods have them"


def _accounts(fleet: CloudClusters, region: str) -> set[tuple[Any, ...]]:
    return {(pod["metadata"]["namespace"], pod["spec"]["serviceAccountName"]) for pod in fleet.server(region).items("/api/v1/pods")}


@pytest.mark.parametrize("region", REGIONS)
def test_a_bucket_is_one_volume_for_readers_and_one_for_its_mirror(fleet: CloudClusters, region: str) -> None:
    server, plan = fleet.server(region), fleet.cluster(region)
    cache = next(cache for cache in plan.caches if cache.kind == "bucket")
    serving, mirror = volume(server, cache.name), volume(server, cache.mirror_claim)
    assert cache.static is not None, "a bucket needs no provisioner"
    assert serving["metadata"]["name"] == cache.static.serving_volume, "bound to the volume that is meant for it"
    assert serving["spec"]["accessModes"] == ["ReadOnlyMany"], "servers cannot write"
    assert {"ro", "read-only"} & set(serving["spec"]["mountOptions"]), "whatever their mount says"
    assert mirror["spec"]["accessModes"] == ["ReadWriteMany"], "the mirror can"
    assert not {"ro", "read-only"} & set(mirror["spec"]["mountOptions"]), "and its mount lets it"
    sources = [one["spec"]["csi"] for one in (serving, mirror)]
    if plan.gcp:
        (bucket,) = [state["name"] for key, state in fleet.gcp.objects.items() if key[1] == "Bucket"]
        assert [one["volumeHandle"] for one in sources] == [f"{bucket}:{one['metadata']['name']}" for one in (serving, mirror)], "what Google made"
    else:
        (bucket,) = [key[2] for key in fleet.aws.objects if key[1] == "Bucket"]
        assert {one["volumeAttributes"]["bucketName"] for one in sources} == {bucket}, "the bucket that AWS made"
        assert f"expected-bucket-owner {ACCOUNT}" in serving["spec"]["mountOptions"], "of the account that AWS says this is"
        assert {"allow-delete", "allow-overwrite"} <= set(mirror["spec"]["mountOptions"]), "in which the mirror mends what it finds broken"


def test_servers_in_google_cloud_have_room_for_what_their_driver_keeps(fleet: CloudClusters) -> None:
    server, plan = fleet.server("central"), fleet.cluster("central")
    cache = next(cache for cache in plan.caches if cache.kind == "bucket")
    assert cache.read_cache is not None, "a machine with memory to spare"
    for pod in pods(server, "chat"):
        (room,) = [one["emptyDir"] for one in pod["spec"]["volumes"] if one["name"] == cache.read_cache.volume]
        assert room == {"medium": "Memory", "sizeLimit": f"{cache.read_cache.size_gib}Gi"}, "under the name that the driver looks for"
        assert cache.read_cache.pod_annotations.items() <= pod["metadata"]["annotations"].items(), "reserved by the driver's own container"
    for pod in (*pods(server, "chat"), *pods(server, cache.name)):
        assert pod["metadata"]["annotations"]["gke-gcsfuse/volumes"] == "true", "without which GKE puts no driver beside it"


def test_a_disk_is_made_where_its_mirror_and_its_server_can_run(fleet: CloudClusters) -> None:
    server, plan = fleet.server("east"), fleet.cluster("east")
    cache = next(cache for cache in plan.caches if cache.kind == "volume")
    found = zones(volume(server, cache.name), ZONE)
    made = server.get(f"/apis/storage.k8s.io/v1/storageclasses/{cache.storage_class}")
    assert made["parameters"]["kmsKeyId"] in {state["arn"] for key, state in fleet.aws.objects.items() if key[1] == "Key"}
    (allowed,) = made["allowedTopologies"][0]["matchLabelExpressions"]
    assert found <= set(allowed["values"]), "in a zone of the class, by the account's own name for it"
    _assert_beside(fleet, "east", ZONE, found, "labels", cache.name)


def test_a_disk_that_many_read_is_written_once_and_copied_into_every_zone(fleet: CloudClusters) -> None:
    server, plan = fleet.server("central"), fleet.cluster("central")
    cache = next(cache for cache in plan.caches if cache.kind == "hyperdisk_ml")
    assert cache.hydration is not None, "servers read copies"
    written, copies = volume(server, cache.mirror_claim), volume(server, cache.name)
    picture = server.get(f"/apis/snapshot.storage.k8s.io/v1/namespaces/vllm/volumesnapshots/{cache.hydration.snapshot}")
    mirrored = server.get(f"/apis/batch/v1/namespaces/vllm/jobs/mirror-{cache.name}")["status"]["completionTime"]
    assert mirrored <= picture["metadata"]["creationTimestamp"], "the picture shows all that the mirror wrote"
    assert written["spec"]["accessModes"] == ["ReadWriteOnce"], "one writes"
    assert copies["spec"]["accessModes"] == ["ReadOnlyMany"], "many read"
    (region_key,) = [key[2] for key in fleet.gcp.objects if key[1] == "CryptoKey"]
    for name in (cache.storage_class, cache.hydration.read_only_class):
        made = server.get(f"/apis/storage.k8s.io/v1/storageclasses/{name}")
        assert made["parameters"]["disk-encryption-kms-key"] == region_key, f"{name}: under the region's key"
    assert zones(copies, GOOGLE_ZONE) == set(plan.gcp_plan.network.zones), "wherever its servers may be"
    _assert_beside(fleet, "central", GOOGLE_ZONE, zones(written, GOOGLE_ZONE), cache.name)
    _assert_beside(fleet, "central", GOOGLE_ZONE, zones(copies, GOOGLE_ZONE), "notes")


def _assert_beside(fleet: CloudClusters, region: str, key: str, found: set[str], *instances: str) -> None:
    server = fleet.server(region)
    for pod in (pod for instance in instances for pod in pods(server, instance)):
        node = server.get(f"/api/v1/nodes/{pod['spec']['nodeName']}")
        assert node["metadata"]["labels"][key] in found, f"{pod['metadata']['name']} runs beside its disk"


def test_a_compute_class_names_the_pools_that_google_made_first_choice_first(fleet: CloudClusters) -> None:
    server, made = fleet.server("central"), {state["name"]: state for key, state in fleet.gcp.objects.items() if key[1] == "NodePool"}
    spec = server.get("/apis/cloud.google.com/v1/computeclasses/vllm-ladder")["spec"]
    first, second = (made[name] for rule in spec["priorities"] for name in rule["nodepools"])
    assert (first["nodeConfig"]["spot"], second["nodeConfig"].get("spot", False)) == (True, False), "as the pool's capacity says"
    for pool in (first, second):
        assert pool["nodeConfig"]["labels"][COMPUTE_CLASS_LABEL] == "vllm-ladder", "machines say whose they are"
    for pod in pods(server, "notes"):
        assert "vllm-ladder" in str(pod["spec"]["affinity"]), "pods ask for the class"
        assert COMPUTE_CLASS_LABEL in {one["key"] for one in pod["spec"]["tolerations"]}, "and pass its taint"


@pytest.mark.parametrize("region", REGIONS)
def test_a_shared_file_system_and_the_default_class_are_there(fleet: CloudClusters, region: str) -> None:
    server, plan = fleet.server(region), fleet.cluster(region)
    cache = next(cache for cache in plan.caches if cache.kind == "shared")
    assert volume(server, cache.name)["spec"]["accessModes"] == ["ReadWriteMany"], "many servers, one mirror"
    classes = {one["metadata"]["name"]: one for one in server.items("/apis/storage.k8s.io/v1/storageclasses")}
    default = [name for name, one in classes.items() if one["metadata"].get("annotations", {}).get("storageclass.kubernetes.io/is-default-class")]
    parameters = classes[cache.storage_class]["parameters"]
    if plan.gcp:
        (network,) = [state["name"] for key, state in fleet.gcp.objects.items() if key[1] == "Network"]
        assert parameters["network"] == network, "reached from the region's machines"
        assert not default, "GKE brings its own, and a second one would be chosen by chance"
    else:
        (system,) = [key[2] for key in fleet.aws.objects if key[1] == "FileSystem"]
        assert parameters["fileSystemId"] == system, "of the region"
        assert default == ["gp3"], "one default, encrypted"


@pytest.mark.parametrize("region", REGIONS)
def test_pod_security_is_enforced_where_models_and_secrets_are(fleet: CloudClusters, region: str) -> None:
    pod = {"metadata": {"name": "intruder"}, "spec": {"hostNetwork": True, "containers": [{"name": "intruder", "image": "registry.test/any"}]}}
    for namespace, expected in (("vllm", 403), ("external-secrets", 403), ("gpu-system", 201)):
        answer = fleet.server(region).create(f"/api/v1/namespaces/{namespace}/pods", pod, dry_run=True)
        assert answer.status_code == expected, f"{namespace}: {answer.text}"


def test_the_provider_logs_in_by_commands_and_no_token_is_in_the_state(fleet: CloudClusters) -> None:
    aws = fleet.cluster("east")
    own = {f"{aws.region}/{aws.aws_plan.control_plane.name}", f"gke/{fleet.server('central').address.removeprefix('https://')}"}
    assert fleet.asked() == own, "each cluster by what its kubeconfig says"
    state = fleet.state_text()
    assert not [region for region in REGIONS if fleet.server(region).token in state], "tokens live for as long as a request"
    assert not [*fleet.aws.invoked, *fleet.gcp.invoked], "and nothing was looked up in a cloud while the graph was made"


def test_an_update_without_a_change_changes_nothing(fleet: CloudClusters) -> None:
    assert fleet.up() == {}, "neither clouds nor API servers nor Helm give back anything else than what was asked for"


def test_a_dead_api_server_stops_nothing_but_changes_inside_its_own_cluster(fleet: CloudClusters) -> None:
    fleet.kill_api_server("central")
    fleet.settings["models"]["labels"]["max_model_len"] = 4096
    fleet.settings["clusters"]["central"]["flow_logs"] = True
    assert fleet.up() == {"update": 2}, "one Deployment in east, and a subnet in central: Google Cloud is not dead"
    fleet.start_control_planes()


def test_either_half_goes_without_a_touch_to_the_other(fleet: CloudClusters, before: dict[str, set[str]]) -> None:
    """AWS goes in a preview alone: the region in Google Cloud would have to be made a second time."""
    whole, resources, stays = fleet.settings, fleet.resources(), uids(fleet, "east")
    fleet.settings = _without(whole, "east")
    foreseen = {operation: count for operation, count in fleet.stack().preview().items() if operation != "same"}
    assert foreseen == {"delete": sum(of(one, "east") for one in resources)}, "AWS would go, and nothing of Google Cloud would change"
    fleet.settings, beginning = _without(whole, "central"), len(fleet.said)
    assert set(fleet.up()) == {"delete"}, "the region in Google Cloud goes"
    assert not fleet.aws.log, "AWS is asked for nothing"
    assert uids(fleet, "east") == stays, "the same objects and the same pods"
    assert_inside_first(resources, fleet.said[beginning:], "central")
    assert_gone(fleet, "central", before["central"])
    assert not [*fleet.gcp.objects, *fleet.gcp.projects.implicit], "the project is empty, also of what Google made by itself"


def test_destroy_takes_everything_away_and_the_cluster_only_after_what_is_in_it(fleet: CloudClusters, before: dict[str, set[str]]) -> None:
    resources, beginning = fleet.resources(), len(fleet.said)
    fleet.stack().destroy(fleet.said.append)
    assert_inside_first(resources, fleet.said[beginning:], "east")
    for region in REGIONS:
        assert_gone(fleet, region, before[region])
    assert not [*fleet.aws.objects, *fleet.aws.account.implicit], "the account is empty, also of what AWS made by itself"


def _without(settings: dict[str, Any], cluster: str) -> dict[str, Any]:
    """Settings of a fleet that no longer has this cluster, nor the models that were only there."""
    models: dict[str, Any] = {}
    for name, model in settings["models"].items():
        left = {on: placement for on, placement in model["placements"].items() if on != cluster}
        models |= {name: {**model, "placements": left}} if left else {}
    return {**settings, "models": models, "clusters": {name: one for name, one in settings["clusters"].items() if name != cluster}}
