"""The longest keys that the stack file allows, and the most confusing ones, become names that Kubernetes and the engine accept."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fleet.naming import PULUMI_SUFFIX
from fleet.presets import PRESETS
from tests.support.fleets import Settings, graph_of, production
from tests.support.kubernetes_rules import metadata_problems, schema_problems
from tests.support.recording import Graph

pytestmark = pytest.mark.mocks

LONGEST = "k" * 38 + "-1"
POD_SUFFIX = len("-0123456789-01234")
"""What a ReplicaSet and a pod add to the name of a Deployment."""


def _longest(folder: Path, cluster: str) -> Settings:
    settings = production()
    settings["name"] = "f" * 24
    settings["owner"] = settings["models"]["chat"]["team"] = LONGEST
    settings["clusters"] = {LONGEST: settings["clusters"][cluster]}
    settings["pools"] = {LONGEST: settings["pools"]["l4"]}
    config = folder / "config.json"
    config.write_text(json.dumps(dict(PRESETS["small"].config)), encoding="utf-8")
    weights = {"model": f"{'o' * 32}/{'Model_' * 10}", "revision": "f" * 40, "config": str(config)}
    settings["models"] = {LONGEST: {**settings["models"]["chat"], **weights, "pool": LONGEST}}
    return settings


@pytest.fixture(scope="module", params=["a", "b"], ids=["storage class", "folder"])
def graph(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Graph:
    folder = tmp_path_factory.mktemp("fleet")
    return graph_of(_longest(folder, request.param), folder)


def test_every_name_label_and_annotation_of_the_longest_keys_is_legal(graph: Graph) -> None:
    for each in graph.objects():
        assert list(metadata_problems(each.inputs)) == [], each.name
        assert schema_problems(each.inputs) == [], each.name


def test_names_leave_room_for_what_controllers_append(graph: Graph) -> None:
    for each in [*graph.objects("Deployment"), *graph.objects("Job")]:
        name = each.inputs["metadata"]["name"]
        assert len(name) + POD_SUFFIX <= 63 or each.inputs["kind"] == "Job", f"pods of {name} get host names of at most 63 characters"
        assert len(name) + len("-01234") <= 63, f"{name}: a Job's name becomes a label of its pods"


def test_the_names_of_audits_leave_room_for_the_minute_that_their_jobs_carry(graph: Graph) -> None:
    (audit,) = graph.objects("CronJob")
    assert len(audit.inputs["metadata"]["name"]) <= 52, "the API server refuses a longer one"


Limits = dict[str, tuple[str, int, int]]
"""Type to (input, characters that the cloud allows, characters that the provider appends)."""

IN_AWS: Limits = {
    "aws:iam/role:Role": ("namePrefix", 64, 26),
    "aws:eks/nodeGroup:NodeGroup": ("nodeGroupNamePrefix", 63, 26),
    "aws:eks/cluster:Cluster": ("name", 100, 0),
    "aws:kms/alias:Alias": ("name", 256, 0),
    "aws:cloudwatch/logGroup:LogGroup": ("name", 512, 0),
    "aws:secretsmanager/secret:Secret": ("name", 512, 0),
    "aws:ecr/repositoryCreationTemplate:RepositoryCreationTemplate": ("prefix", 30, 0),
}

IN_GOOGLE: Limits = {
    "gcp:container/cluster:Cluster": ("name", 40, 0),
    "gcp:container/nodePool:NodePool": ("name", 40, 0),
    "gcp:serviceaccount/account:Account": ("accountId", 30, 0),
    "gcp:secretmanager/secret:Secret": ("secretId", 255, 0),
    "gcp:artifactregistry/repository:Repository": ("repositoryId", 63, 0),
}

AUTONAMED = {
    "aws:s3/bucket:Bucket": 63,
    "aws:ec2/launchTemplate:LaunchTemplate": 128,
    "aws:iam/rolePolicy:RolePolicy": 128,
    **dict.fromkeys(
        (
            *("gcp:compute/network:Network", "gcp:compute/subnetwork:Subnetwork", "gcp:compute/firewall:Firewall"),
            *("gcp:compute/router:Router", "gcp:compute/routerNat:RouterNat", "gcp:dns/managedZone:ManagedZone"),
            *("gcp:kms/keyRing:KeyRing", "gcp:kms/cryptoKey:CryptoKey", "gcp:storage/bucket:Bucket"),
        ),
        63,
    ),
}
"""Characters that the cloud allows, for what the engine names after its resource with a hyphen and seven random characters. The engine cuts
nothing. Google's are those of its API references: names of Compute Engine after RFC 1035, of Cloud DNS and Cloud Storage; of Cloud KMS
`[a-zA-Z0-9_-]{1,63}` (CreateKeyRingRequest, 2025-10-02). Secret Manager allows 255 (CreateSecretRequest, 2025-12-18)."""

REGIONS = {
    "aws": {"region": "ap-southeast-2", "endpoint": {"public_cidrs": ["203.0.113.0/24"]}, "images": {"mirror": True}, "flow_logs": True},
    "gcp": {"region": "us-central1", "project": "p" * 30, "images": {"mirror": True}, "flow_logs": True, "compute_classes": True},
}


def _longest_in(cloud: str) -> Settings:
    settings = production()
    settings["name"], settings["environment"], settings["owner"] = "f" * 24, "staging", LONGEST
    settings["clusters"] = {LONGEST: {"cloud": cloud, **REGIONS[cloud]}}
    settings["pools"] = {LONGEST: {"accelerator": "L4", "max_nodes": 9, "capacity": ["spot", "on_demand"]}}
    model = {"tier": "small", "pool": LONGEST, "cache": {"kind": "volume"}, "replicas": {"min": 1}}
    settings["models"] = {LONGEST: model}
    return settings


@pytest.mark.parametrize(("cloud", "given"), [("aws", IN_AWS), ("gcp", IN_GOOGLE)], ids=["aws", "gcp"])
def test_the_longest_keys_become_names_that_the_cloud_accepts(cloud: str, given: Limits, tmp_path: Path) -> None:
    graph = graph_of(_longest_in(cloud), tmp_path)
    autonamed = {kind for kind in AUTONAMED if kind.startswith(f"{cloud}:")}
    assert {*given, *autonamed} <= {each.type for each in graph.resources.values()}, "each kind is there"
    for each in graph.resources.values():
        if each.type in given:
            field, limit, appended = given[each.type]
            assert len(each.inputs[field]) + appended <= limit, f"{each.name}: the cloud allows {limit} characters"
        if each.type in AUTONAMED:
            assert len(each.name) + PULUMI_SUFFIX <= AUTONAMED[each.type], f"{each.name}: the cloud allows {AUTONAMED[each.type]} characters"
    for each in graph.objects():
        assert list(metadata_problems(each.inputs)) == [], each.name


def test_keys_with_hyphens_never_meet_in_one_name(tmp_path: Path) -> None:
    settings = production()
    settings["clusters"] = {"a": settings["clusters"]["a"], "a-b": settings["clusters"]["b"]}
    settings["pools"] = {"l4": settings["pools"]["l4"]}
    model = {**settings["models"]["chat"], "replicas": {"min": 2}}
    settings["models"] = {"b-c": {**model, "placements": {"a": {}}}, "c": {**model, "placements": {"a-b": {}}}}
    graph = graph_of(settings, tmp_path)
    assert len(list(graph.objects("Deployment"))) == 2, "model b-c in cluster a and model c in cluster a-b are two resources to the engine"
