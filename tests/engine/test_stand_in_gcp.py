"""The stand-in for Google refuses what the SDK, Google's descriptions or Google itself would, and says how far that goes."""

from __future__ import annotations

from typing import Any

import pytest
from pulumi.runtime.proto import provider_pb2

from tests.support.stand_in_cloud import names
from tests.support.stand_in_cloud.changes import replacing
from tests.support.stand_in_cloud.report import lines, unmapped, unreachable
from tests.support.stand_in_gcp import StandInGcp, number_of
from tests.support.stand_in_gcp.catalogue import KINDS
from tests.support.stand_in_gcp.changes import unchanged
from tests.support.stand_in_gcp.cloud import Gcp
from tests.support.stand_in_gcp.projects import Projects
from tests.support.stand_in_gcp.samples import BY_TITLE, CONFIGURATION, MACHINES, RIGHT, inputs_of, machines, pod
from tests.support.stand_in_provider_wire import UNKNOWN

pytestmark = pytest.mark.engine


def _faults(title: str, inputs: dict[str, Any], **configuration: Any) -> list[tuple[str, str]]:
    return Gcp(Projects(), {}).faults(BY_TITLE[title], inputs, {**CONFIGURATION, **configuration})


@pytest.mark.parametrize("token", KINDS)
def test_every_input_of_every_type_is_judged_or_says_why_not(token: str) -> None:
    assert unmapped(KINDS[token]) == [], "an input that nobody judges would be believed"
    assert unreachable(KINDS[token]) == [], "and so would a member that Google demands and nobody fills in"


def test_the_report_names_every_input_and_ends_with_the_count() -> None:
    report, method = lines(KINDS), "container.v1.projects.locations.clusters.nodePools.create/nodePool"
    assert f"    autoscaling.totalMaxNodeCount -> {method}:autoscaling.totalMaxNodeCount" in report, "names that agree are matched by themselves"
    assert f"    nodeConfig.guestAccelerators.count -> {method}:config.accelerators.acceleratorCount" in report, "names that differ are in a table"
    assert "    clusterTelemetry -> refused: is beta: v1 of the API has no such member" in report, "with the reason"
    assert report[-1].endswith("0 not mapped"), "nothing is left"


@pytest.mark.parametrize("title", RIGHT)
def test_right_inputs_have_no_fault(title: str) -> None:
    assert _faults(title, inputs_of(title)) == [], "a stand-in that refuses what is right is of no use"


def test_there_is_a_right_example_of_every_type() -> None:
    assert set(RIGHT) == set(BY_TITLE), "a type without one could be refused always"


L4 = MACHINES["guestAccelerators"][0]
POOL_SIZES = {"totalMinNodeCount": 0, "totalMaxNodeCount": 4}
DELETE = {"type": "Delete"}
REPLICAS = [{"location": "us-central1", "customerManagedEncryption": {"kmsKeyName": "a"}}, {"location": "us-east4"}]

WRONG: list[tuple[str, dict[str, Any], str]] = [
    ("Network", {"autoCreateSubnetwork": False}, "autoCreateSubnetwork"),
    ("Network", {"routingMode": "LOCAL"}, "routingMode"),
    ("Network", {"name": "Weights"}, "name"),
    ("Network", {"deletionPolicy": "KEEP"}, "deletionPolicy"),
    ("Network", {"deletionPolicy": "ABANDON"}, "deletionPolicy"),
    ("Subnetwork", {"network": None}, "network"),
    ("Subnetwork", {"ipCidrRange": "10.64.0.1/20"}, "ipCidrRange"),
    ("Subnetwork", {"secondaryIpRanges": [{"rangeName": "pods", "ipCidrRange": "10.64.8.0/24"}]}, "secondaryIpRanges[0].ipCidrRange"),
    ("Subnetwork", {"purpose": "REGIONAL_MANAGED_PROXY"}, "role"),
    ("Subnetwork", {"purpose": "PROXIES"}, "purpose"),
    ("RouterNat", {"natIpAllocateOption": "AUTO"}, "natIpAllocateOption"),
    ("RouterNat", {"enableEndpointIndependentMapping": True}, "enableEndpointIndependentMapping"),
    ("RouterNat", {"minPortsPerVm": 100}, "minPortsPerVm"),
    ("Firewall", {"sourceRanges": []}, "sourceRanges"),
    ("Firewall", {"direction": "INBOUND"}, "direction"),
    ("ManagedZone", {"dnsName": "googleapis.com"}, "dnsName"),
    ("ManagedZone", {"privateVisibilityConfig": None}, "privateVisibilityConfig"),
    ("RecordSet", {"name": "private.googleapis.com"}, "name"),
    ("RecordSet", {"rrdatas": ["private"]}, "rrdatas[0]"),
    ("RecordSet", {"routingPolicy": {"geos": []}}, "routingPolicy"),
    ("Cluster", {"name": "x" * 41}, "name"),
    ("Cluster", {"name": "acme.us"}, "name"),
    ("Cluster", {"nodeLocations": ["us-east4-a"]}, "nodeLocations[0]"),
    ("Cluster", {"releaseChannel": {"channel": "FAST"}}, "releaseChannel.channel"),
    ("Cluster", {"datapathProvider": "DATAPLANE_V2"}, "datapathProvider"),
    ("Cluster", {"loggingConfig": {"enableComponents": ["SYSTEM"]}}, "loggingConfig.enableComponents[0]"),
    ("Cluster", {"databaseEncryption": {"state": "ENCRYPTED"}}, "databaseEncryption.keyName"),
    (
        "Cluster",
        {"controlPlaneEndpointsConfig": {"dnsEndpointConfig": {"allowTraffic": True}}},
        "controlPlaneEndpointsConfig.dnsEndpointConfig.allowTraffic",
    ),
    ("Cluster", {"clusterTelemetry": {"type": "ENABLED"}}, "clusterTelemetry"),
    ("Cluster", {"nodePools": [{"name": "a"}]}, "nodePools"),
    ("Cluster", {"initialNodeCount": None}, "initialNodeCount"),
    ("Cluster", {"removeDefaultNodePool": None}, "removeDefaultNodePool"),
    ("Cluster", {"resourceLabels": {"Team": "one"}}, "resourceLabels.Team"),
    ("NodePool", {"name": "L4"}, "name"),
    ("NodePool", {"autoscaling": {**POOL_SIZES, "maxNodeCount": 4}}, "autoscaling.maxNodeCount"),
    ("NodePool", {"autoscaling": {"totalMinNodeCount": 5, "totalMaxNodeCount": 4}}, "autoscaling.totalMaxNodeCount"),
    ("NodePool", {"autoscaling": {**POOL_SIZES, "locationPolicy": "CHEAPEST"}}, "autoscaling.locationPolicy"),
    ("NodePool", {"upgradeSettings": {"maxSurge": 0, "maxUnavailable": 0}}, "upgradeSettings.maxSurge"),
    ("NodePool", {"maxPodsPerNode": 4}, "maxPodsPerNode"),
    ("NodePool", machines(guestAccelerators=None), "nodeConfig.guestAccelerators"),
    ("NodePool", machines(guestAccelerators=[{**L4, "count": 2}]), "nodeConfig.guestAccelerators"),
    ("NodePool", machines(guestAccelerators=[{**L4, "type": "nvidia-tesla-t4"}]), "nodeConfig.guestAccelerators"),
    ("NodePool", machines(guestAccelerators=[{"type": "nvidia-l4", "count": 1}]), "nodeConfig.guestAccelerators[0].gpuDriverInstallationConfig"),
    ("NodePool", machines(taints=[{"key": "nvidia.com/gpu", "value": "present", "effect": "NO_SCHEDULE"}]), "nodeConfig.taints[0]"),
    ("NodePool", machines(taints=[{"key": "a", "value": "b", "effect": "NoSchedule"}]), "nodeConfig.taints[0].effect"),
    ("NodePool", machines(bootDisk={"diskType": "hyperdisk-balanced"}, machineType="n1-standard-4"), "nodeConfig.bootDisk.diskType"),
    ("NodePool", machines(workloadMetadataConfig={"mode": "GKE"}), "nodeConfig.workloadMetadataConfig.mode"),
    ("NodePool", machines(reservationAffinity={"consumeReservationType": "SPECIFIC_RESERVATION"}), "nodeConfig.reservationAffinity.values"),
    ("NodePool", machines(spot=True, flexStart=True), "nodeConfig.spot"),
    ("NodePool", machines(flexStart=True), "management.autoRepair"),
    ("NodePool", machines(maxRunDuration="7 days"), "nodeConfig.maxRunDuration"),
    ("KeyRing", {"name": "a.b"}, "name"),
    ("CryptoKey", {"rotationPeriod": "60s"}, "rotationPeriod"),
    ("CryptoKey", {"rotationPeriod": "90d"}, "rotationPeriod"),
    ("CryptoKey", {"purpose": "ENCRYPT"}, "purpose"),
    ("Bucket", {"name": "Weights"}, "name"),
    ("Bucket", {"softDeletePolicy": {"retentionDurationSeconds": 3600}}, "softDeletePolicy.retentionDurationSeconds"),
    ("Bucket", {"publicAccessPrevention": "on"}, "publicAccessPrevention"),
    ("Bucket", {"lifecycleRules": [{"action": DELETE, "condition": {}}]}, "lifecycleRules[0].condition"),
    ("Bucket", {"lifecycleRules": [{"action": DELETE, "condition": {"withState": "OLD"}}]}, "lifecycleRules[0].condition.withState"),
    ("Secret", {"secretId": "hub/token"}, "secretId"),
    ("Secret", {"replication": {"userManaged": {"replicas": REPLICAS}}}, "replication.userManaged.replicas"),
    ("Secret", {"versionDestroyTtl": "a week"}, "versionDestroyTtl"),
    ("Repository", {"mode": "STANDARD_REPOSITORY"}, "remoteRepositoryConfig"),
    ("Repository", {"format": "OCI"}, "format"),
    ("Repository", {"repositoryId": "Docker"}, "repositoryId"),
    ("Account", {"accountId": "nodes"}, "accountId"),
    ("Service", {"service": "compute"}, "service"),
    ("IAMMember", {"role": "container.nodeServiceAccount"}, "role"),
    ("IAMMember", {"member": "nodes@acme-test.iam.gserviceaccount.com"}, "member"),
    ("BucketIAMMember", {"member": pod("vllm", "server").removesuffix("/sa/server")}, "member"),
]


@pytest.mark.parametrize(("title", "change", "where"), WRONG, ids=[f"{title} {where} {index}" for index, (title, _, where) in enumerate(WRONG)])
def test_a_wrong_input_is_refused_at_its_place(title: str, change: dict[str, Any], where: str) -> None:
    found = _faults(title, inputs_of(title, **change))
    assert where in [place for place, _ in found], f"the fault is found where it is: {found}"


def test_a_machine_that_gpus_are_attached_to_may_have_none() -> None:
    assert _faults("NodePool", inputs_of("NodePool", **machines(machineType="n1-standard-8", guestAccelerators=None))) == [], "an N1 is sold without"
    t4 = [{**L4, "type": "nvidia-tesla-t4", "count": 2}]
    assert _faults("NodePool", inputs_of("NodePool", **machines(machineType="n1-standard-8", guestAccelerators=t4))) == [], "and with two"


def test_what_is_not_known_yet_is_not_judged() -> None:
    change = {"cluster": UNKNOWN, **machines(serviceAccount=UNKNOWN, bootDiskKmsKey=UNKNOWN)}
    assert _faults("NodePool", inputs_of("NodePool", **change)) == [], "a preview comes before the emails and keys"
    assert _faults("IAMMember", inputs_of("IAMMember", member=UNKNOWN)) == [], "and before the project's number"


def test_labels_of_the_provider_are_judged_with_a_resource_s_own() -> None:
    found = _faults("Bucket", inputs_of("Bucket"), defaultLabels={"Owner": "Ada Lovelace"})
    assert [where for where, _ in found] == ["labels.Owner"], "Google gets both"


def test_a_type_it_does_not_know_is_refused_in_words() -> None:
    request = provider_pb2.CheckRequest(urn="urn:pulumi:test::a::gcp:pubsub/topic:Topic::topic")
    failure = StandInGcp().Check(request, None).failures[0]
    assert "the stand-in knows no type gcp:pubsub/topic:Topic" in failure.reason, "it would otherwise believe anything"


def test_a_provider_needs_a_project_and_a_region() -> None:
    cloud = Gcp(Projects(), {})
    assert cloud.configuration_faults(CONFIGURATION) == [], "both are there"
    assert [where for where, _ in cloud.configuration_faults({})] == ["project", "region"], "neither is ever guessed"


def test_names_follow_the_rules_of_their_type() -> None:
    assert inputs_of("Network", "East-Network")["name"].startswith("east-network-"), "compute has lower-case names"
    assert len(inputs_of("Network", "east")["name"]) == len("east-") + 7, "the resource's name, a hyphen and seven characters"
    assert inputs_of("Account", accountId=None)["accountId"].startswith("sample-"), "a service account's id is made like a name"
    assert "name" not in inputs_of("CryptoKeyIAMMember"), "a role has no name"
    _, found = names.filled(BY_TITLE["Account"], "a-service-account-of-machines", b"", {}, {})
    assert "longer than maximum length 30" in found[0][1], "the bridge refuses a long name instead of shortening it"


REPLACED: list[tuple[str, dict[str, Any], list[str]]] = [
    ("Network", {"autoCreateSubnetworks": True}, ["autoCreateSubnetworks"]),
    ("Network", {"routingMode": "GLOBAL"}, []),
    ("Subnetwork", {"secondaryIpRanges": None, "privateIpGoogleAccess": False}, []),
    ("RouterNat", {"minPortsPerVm": 128}, []),
    ("Cluster", {"name": "other"}, ["name"]),
    ("Cluster", {"datapathProvider": "LEGACY_DATAPATH"}, ["datapathProvider"]),
    ("Cluster", {"releaseChannel": {"channel": "STABLE"}, "nodeLocations": ["us-central1-c"], "deletionProtection": True}, []),
    (
        "Cluster",
        {"ipAllocationPolicy": {"clusterSecondaryRangeName": "other"}},
        [f"ipAllocationPolicy.{one}SecondaryRangeName" for one in ("cluster", "services")],
    ),
    ("NodePool", {"autoscaling": {"totalMinNodeCount": 0, "totalMaxNodeCount": 8}, "nodeLocations": ["us-central1-c"]}, []),
    ("NodePool", machines(machineType="g2-standard-12", bootDisk={"sizeGb": 300}, labels={}, taints=[], resourceLabels={}), []),
    (
        "NodePool",
        machines(guestAccelerators=[{**L4, "gpuDriverInstallationConfig": {"gpuDriverVersion": "DEFAULT"}}]),
        ["nodeConfig.guestAccelerators"],
    ),
    ("NodePool", machines(spot=True), ["nodeConfig.spot"]),
    ("NodePool", {"initialNodeCount": 1}, ["initialNodeCount"]),
    ("CryptoKey", {"rotationPeriod": "86400s"}, []),
    ("CryptoKey", {"destroyScheduledDuration": "86400s"}, ["destroyScheduledDuration"]),
    ("Bucket", {"location": "us-east4"}, ["location"]),
    ("Bucket", {"softDeletePolicy": {"retentionDurationSeconds": 0}}, []),
    ("Secret", {"replication": {"userManaged": {"replicas": [{"location": "us-central1"}]}}}, []),
    ("Secret", {"replication": {"userManaged": {"replicas": [{"location": "us-east4"}]}}}, ["replication.userManaged.replicas.location"]),
    ("Repository", {"kmsKeyName": None}, ["kmsKeyName"]),
    ("IAMMember", {"role": "roles/viewer"}, ["role"]),
]


@pytest.mark.parametrize(("title", "change", "expected"), REPLACED, ids=[f"{title} {','.join(change)}" for title, change, _ in REPLACED])
def test_only_what_cannot_be_changed_is_replaced(title: str, change: dict[str, Any], expected: list[str]) -> None:
    assert replacing(BY_TITLE[title], inputs_of(title), inputs_of(title, **change)) == expected, "as the real provider answers it"


def test_labels_that_gke_writes_on_machines_are_no_difference_and_all_others_are() -> None:
    kind, new = BY_TITLE["NodePool"], inputs_of("NodePool")
    labelled = {"team": "one", "goog-gke-accelerator-type": "nvidia-l4"}
    assert unchanged(kind, inputs_of("NodePool", **machines(resourceLabels=labelled)), new) == {"nodeConfig"}, "the provider leaves GKE its own"
    strange = {"team": "one", "cost-centre": "seven"}
    assert unchanged(kind, inputs_of("NodePool", **machines(resourceLabels=strange)), new) == set(), "what somebody else wrote is taken away"


def test_a_project_has_always_the_same_number() -> None:
    assert number_of("acme-test") == number_of("acme-test"), "two regions of one project agree"
    assert number_of("acme-test") != number_of("acme-prod"), "and two projects do not"
    assert number_of("acme-test").isdigit(), "as Google numbers them"
