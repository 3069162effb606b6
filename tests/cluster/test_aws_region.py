"""What an AWS region puts into its cluster, given to real API servers by the real provider and the real Helm.

AWS is a stand-in, machines and volume drivers are simulated, and every chart is a stand-in of its name.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from fleet.aws.plan import NodeGroupPlan
from fleet.placement import GPU_RESOURCE
from tests.support.api_server import ApiServer
from tests.support.aws_cluster import AwsClusters, machines
from tests.support.local_fleet import eventually
from tests.support.simulated_volume_drivers import ZONE
from tests.support.stand_in_aws import ACCOUNT

pytestmark = pytest.mark.cluster

REGIONS = ("east", "west")
ADMINISTRATOR = f"arn:aws:iam::{ACCOUNT}:role/platform"

PATIENCE_SECONDS, SETTLING_SECONDS = 90.0, 2.0

RELEASE = "kubernetes:helm.sh/v3:Release"


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AwsClusters]:
    found = AwsClusters(tmp_path_factory.mktemp("aws"))
    try:
        found.start()
        yield found
    finally:
        found.remove()


@pytest.fixture(scope="module")
def before(empty: AwsClusters) -> dict[str, set[str]]:
    """What each control plane makes for itself, once that is complete: some of it comes seconds after the server is ready."""
    return {
        region: eventually(lambda region=region: _settled(empty.server(region)), f"an end of what {region} makes for itself") for region in REGIONS
    }


@pytest.fixture(scope="module")
def fleet(empty: AwsClusters, before: dict[str, set[str]]) -> AwsClusters:
    assert all(before.values()), "the control planes' own objects, by which leftovers are told"
    empty.up()
    return empty


def _objects(fleet: AwsClusters, region: str) -> list[dict[str, Any]]:
    """Everything that the program itself put into a cluster, as the state has it."""
    return [
        {key: value for key, value in resource["inputs"].items() if not key.startswith("__")}
        for resource in fleet.resources()
        if resource["type"].startswith("kubernetes:") and resource["type"] != RELEASE and _of(resource, region)
    ]


def _of(resource: dict[str, Any], region: str) -> bool:
    return str(resource["urn"].rpartition("::")[2]).startswith((f"{region}-", f"{region}."))


def _path(server: ApiServer, made: dict[str, Any]) -> str:
    kind = next(one for one in server.kinds() if (one.group_version, one.kind) == (made["apiVersion"], made["kind"]))
    return kind.path(made["metadata"].get("namespace"), made["metadata"]["name"])


def _pods(server: ApiServer, instance: str) -> list[dict[str, Any]]:
    found = [pod for pod in server.items("/api/v1/pods") if pod["metadata"].get("labels", {}).get("app.kubernetes.io/instance") == instance]
    return [pod for pod in found if "deletionTimestamp" not in pod["metadata"]]


def _groups(fleet: AwsClusters, region: str) -> dict[str, NodeGroupPlan]:
    """Node to the node group that it is a machine of."""
    return {name: group for name, (group, _) in machines(fleet.cluster(region)).items()}


def _volume(server: ApiServer, claim: str) -> dict[str, Any]:
    bound = server.get(f"/api/v1/namespaces/vllm/persistentvolumeclaims/{claim}")
    assert bound["status"]["phase"] == "Bound", f"{claim} has its volume"
    return server.get(f"/api/v1/persistentvolumes/{bound['spec']['volumeName']}")


@pytest.mark.parametrize("region", REGIONS)
def test_every_object_is_in_its_own_cluster_and_none_has_a_field_that_the_server_does_not_know(fleet: AwsClusters, region: str) -> None:
    server, made = fleet.server(region), _objects(fleet, region)
    wanted = fleet.cluster(region).aws_plan.in_cluster
    kinds = [one["kind"] for one in made]
    assert kinds.count("StorageClass") == len(wanted.storage_classes), "the classes of the plan"
    assert {"ClusterSecretStore", "ExternalSecret", "Deployment", "Job", "PersistentVolume", "NetworkPolicy"} <= set(kinds), f"all layers: {kinds}"
    for one in made:
        path = _path(server, one)
        answer = server.strictly(path, one)
        assert answer.status_code == 200, f"{path}: the server takes it whole: {answer.text}"
        assert server.get(path)["metadata"]["labels"]["vllm-fleet/cluster"] == region, f"{path} is there and says whose it is"
    odd = next(one for one in made if one["kind"] == "Deployment")
    answer = server.strictly(_path(server, odd), {**odd, "spec": {**odd["spec"], "replica": 1}})
    assert "replica" in answer.text, f"a misspelt field would be refused: {answer.text}"
    assert answer.is_error, "so the answers above mean something"


@pytest.mark.parametrize("region", REGIONS)
def test_the_scheduler_finds_the_machines_that_the_node_groups_describe(fleet: AwsClusters, region: str) -> None:
    server, plan, groups = fleet.server(region), fleet.cluster(region), _groups(fleet, region)
    for node in server.items("/api/v1/nodes"):
        group, taints = groups[node["metadata"]["name"]], node["spec"].get("taints", [])
        assert group.labels.items() <= node["metadata"]["labels"].items(), "a machine has its group's labels"
        assert [(taint["key"], taint["value"], taint["effect"]) for taint in taints] == [(one.key, one.value, one.effect) for one in group.taints]
    for model in plan.models:
        pods = _pods(server, model.name)
        assert len(pods) == model.replicas.min, f"{model.name}: {model.replicas.min} servers"
        nodes = [pod["spec"]["nodeName"] for pod in pods]
        assert {groups[node].pool for node in nodes} == {model.pool}, f"{model.name} runs on machines of its pool"
        assert len(set(nodes)) == len(nodes), "one GPU a machine, so one server a machine"
        limits = [container["resources"]["limits"].get(GPU_RESOURCE) for pod in pods for container in pod["spec"]["containers"]]
        assert set(limits) == {"1"}, "and each has it for itself"


@pytest.mark.parametrize("region", REGIONS)
def test_agents_are_on_every_gpu_machine_and_everything_else_is_on_none(fleet: AwsClusters, region: str) -> None:
    server, plan, groups = fleet.server(region), fleet.cluster(region), _groups(fleet, region)
    with_gpu = sorted(node for node, group in groups.items() if group.pool)
    for add_on in plan.aws_plan.in_cluster.add_ons:
        pods = _pods(server, add_on.name)
        nodes = sorted(pod["spec"].get("nodeName", "nowhere") for pod in pods)
        if add_on.wait:
            assert {groups[node].name for node in nodes} == {"system"}, f"{add_on.name}: controllers stay off machines that come and go"
        else:
            assert nodes == with_gpu, f"{add_on.name}: its affinity and tolerations name the labels and taints of every GPU machine"
    for cache in plan.caches:
        (pod,) = _pods(server, cache.name)
        assert not groups[pod["spec"]["nodeName"]].pool, "a mirror takes no GPU machine"


def test_helm_installs_every_release_under_its_own_name_and_waits_for_controllers(fleet: AwsClusters) -> None:
    for region in REGIONS:
        server = fleet.server(region)
        for add_on in fleet.cluster(region).aws_plan.in_cluster.add_ons:
            release = server.get(f"/api/v1/namespaces/{add_on.namespace}/secrets/sh.helm.release.v1.{add_on.name}.v1")
            assert release["metadata"]["labels"]["status"] == "deployed", f"{add_on.name} in {region} is installed, at the first try"
            if add_on.wait:
                status = server.get(f"/apis/apps/v1/namespaces/{add_on.namespace}/deployments/{add_on.name}")["status"]
                assert status["readyReplicas"] == 2, f"{add_on.name} in {region}: both replicas that the values ask for"


def test_pods_run_under_the_service_accounts_that_aws_gives_identities_to(fleet: AwsClusters) -> None:
    for region in REGIONS:
        server, plan = fleet.server(region), fleet.cluster(region)
        by_eks = {add_on.identity for add_on in plan.aws_plan.managed_add_ons}
        running = {(pod["metadata"]["namespace"], pod["spec"]["serviceAccountName"]) for pod in server.items("/api/v1/pods")}
        given = {
            (state["namespace"], state["serviceAccount"])
            for key, state in fleet.aws.objects.items()
            if key[:2] == (plan.region, "PodIdentityAssociation")
        }
        for role in plan.aws_plan.roles:
            if role.service_account and role.key not in by_eks:
                assert (role.namespace, role.service_account) in given, f"{role.key}: EKS knows it"
                assert (role.namespace, role.service_account) in running, f"{role.key}: and pods have it"


def test_a_bucket_is_one_volume_for_readers_and_one_for_its_mirror(fleet: AwsClusters) -> None:
    buckets: set[str] = set()
    for region in REGIONS:
        server, plan = fleet.server(region), fleet.cluster(region)
        cache = next(cache for cache in plan.caches if cache.kind == "bucket")
        serving, mirror = _volume(server, cache.name), _volume(server, cache.mirror_claim)
        assert cache.static is not None, "a bucket needs no provisioner"
        assert serving["metadata"]["name"] == cache.static.serving_volume, "bound to the volume that is meant for it"
        assert serving["spec"]["accessModes"] == ["ReadOnlyMany"], "servers cannot write"
        assert "read-only" in serving["spec"]["mountOptions"], "whatever their mount says"
        assert mirror["spec"]["accessModes"] == ["ReadWriteMany"], "the mirror can"
        assert {"allow-delete", "allow-overwrite"} <= set(mirror["spec"]["mountOptions"]), "and mends what it finds broken"
        assert "read-only" not in mirror["spec"]["mountOptions"], "so its mount lets it"
        assert f"expected-bucket-owner {ACCOUNT}" in serving["spec"]["mountOptions"], "the account that AWS says this is"
        found = {volume["spec"]["csi"]["volumeAttributes"]["bucketName"] for volume in (serving, mirror)}
        assert found <= {key[2] for key in fleet.aws.objects if key[:2] == (plan.region, "Bucket")}, "the bucket that AWS made in this region"
        buckets |= found
    assert len(buckets) == 2, "each region has its own"


def test_a_disk_is_made_where_its_mirror_and_its_server_can_run(fleet: AwsClusters) -> None:
    server, plan = fleet.server("east"), fleet.cluster("east")
    cache = next(cache for cache in plan.caches if cache.kind == "volume")
    (term,) = _volume(server, cache.name)["spec"]["nodeAffinity"]["required"]["nodeSelectorTerms"]
    zones = set(term["matchExpressions"][0]["values"])
    made = server.get(f"/apis/storage.k8s.io/v1/storageclasses/{cache.storage_class}")
    assert made["parameters"]["kmsKeyId"] in {state["arn"] for key, state in fleet.aws.objects.items() if key[:2] == ("us-east-2", "Key")}
    (allowed,) = made["allowedTopologies"][0]["matchLabelExpressions"]
    assert zones <= set(allowed["values"]), "in a zone of the class, by the account's own name for it"
    for pod in (*_pods(server, "labels"), *_pods(server, cache.name)):
        node = server.get(f"/api/v1/nodes/{pod['spec']['nodeName']}")
        assert node["metadata"]["labels"][ZONE] in zones, f"{pod['metadata']['name']} runs beside its disk"


def test_a_shared_file_system_and_the_default_class_are_there(fleet: AwsClusters) -> None:
    server = fleet.server("east")
    cache = next(cache for cache in fleet.cluster("east").caches if cache.kind == "shared")
    assert _volume(server, cache.name)["spec"]["accessModes"] == ["ReadWriteMany"], "many servers, one mirror"
    classes = {one["metadata"]["name"]: one for one in server.items("/apis/storage.k8s.io/v1/storageclasses")}
    (system,) = [key[2] for key in fleet.aws.objects if key[:2] == ("us-east-2", "FileSystem")]
    assert classes[cache.storage_class]["parameters"]["fileSystemId"] == system, "of the region"
    default = [name for name, one in classes.items() if one["metadata"].get("annotations", {}).get("storageclass.kubernetes.io/is-default-class")]
    assert default == ["gp3"], "one default, encrypted"


def test_pod_security_is_enforced_where_models_and_secrets_are(fleet: AwsClusters) -> None:
    pod = {"metadata": {"name": "intruder"}, "spec": {"hostNetwork": True, "containers": [{"name": "intruder", "image": "registry.test/any"}]}}
    server = fleet.server("west")
    for namespace, expected in (("vllm", 403), ("external-secrets", 403), ("gpu-system", 201)):
        answer = server.create(f"/api/v1/namespaces/{namespace}/pods", pod, dry_run=True)
        assert answer.status_code == expected, f"{namespace}: {answer.text}"


def test_the_provider_logs_in_by_a_command_and_no_token_is_in_the_state(fleet: AwsClusters) -> None:
    clusters = [fleet.cluster(region) for region in REGIONS]
    assert fleet.asked() == {f"{one.region}/{one.aws_plan.control_plane.name}" for one in clusters}, "each cluster by its own region and name"
    state = fleet.state_text()
    assert not [region for region in REGIONS if fleet.server(region).token in state], "tokens live for as long as a request"
    assert not fleet.aws.invoked, "and nothing was looked up in AWS while the graph was made"


def test_an_update_without_a_change_changes_nothing(fleet: AwsClusters) -> None:
    assert fleet.up() == {}, "neither AWS nor the API servers nor Helm give back anything else than what was asked for"


def test_a_dead_api_server_stops_nothing_but_changes_inside_its_own_cluster(fleet: AwsClusters) -> None:
    fleet.kill_api_server("west")
    fleet.settings["models"]["drafts"]["max_model_len"] = 4096
    fleet.settings["clusters"]["west"]["admins"] = [ADMINISTRATOR]
    assert fleet.up() == {"update": 1, "create": 2}, "one Deployment in east, and an access entry with its policy in west: AWS is not dead"
    fleet.start_control_planes()


def test_destroy_takes_everything_away_and_the_cluster_only_after_what_is_in_it(fleet: AwsClusters, before: dict[str, set[str]]) -> None:
    resources = fleet.resources()
    beginning = len(fleet.said)
    fleet.stack().destroy(fleet.said.append)
    order = [tuple(line.split()[1:]) for line in fleet.said[beginning:] if line.split()[:1] == ["deleted"]]
    for region in REGIONS:
        inside = [order.index(_title(one)) for one in resources if one["type"].startswith("kubernetes:") and _of(one, region)]
        needed = [order.index(_title(one)) for one in resources if one["type"].startswith("aws:eks/") and _of(one, region)]
        assert max(inside) < min(needed), f"{region}: objects go while cluster, machines, identities and access are there"
        left = eventually_empty(lambda region=region: fleet.server(region).everything() - before[region] - _kept(fleet, region))
        assert not left, f"{region} still has {sorted(left)}"
        assert _kept(fleet, region) <= fleet.server(region).everything(), "definitions are kept on purpose"
    assert not fleet.aws.objects, "the account is empty"
    assert not fleet.aws.account.implicit, "with what AWS made by itself"


def eventually_empty(leftovers: Callable[[], set[str]]) -> set[str]:
    """What is still there when there was time for it to go."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while (left := leftovers()) and time.monotonic() < deadline:
        time.sleep(0.2)
    return left


def _settled(server: ApiServer) -> set[str]:
    """Everything there is, once every namespace has what controllers put into it and nothing more has come for a while."""
    found = server.everything()
    names = {name.partition(" /")[2] for name in found if name.startswith("namespaces ")}
    whole = all({f"serviceaccounts {name}/default", f"configmaps {name}/kube-root-ca.crt"} <= found for name in names)
    time.sleep(SETTLING_SECONDS)
    return found if whole and server.everything() == found else set()


def _title(resource: dict[str, Any]) -> tuple[str, str]:
    """As progress names it."""
    return resource["type"].rpartition(":")[2], resource["urn"].rpartition("::")[2]


def _kept(fleet: AwsClusters, region: str) -> set[str]:
    """Definitions outlive the release that brought them: with one would go every object of its kind."""
    found: set[str] = set()
    for manifest in fleet.cluster(region).aws_plan.in_cluster.manifests:
        group, _, version = manifest.api_version.partition("/")
        found |= {f"customresourcedefinitions /{manifest.kind.lower()}s.{group}", f"apiservices /{version}.{group}"}
    return found
