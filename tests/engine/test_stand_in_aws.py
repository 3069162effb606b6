"""The stand-in for AWS refuses what the SDK, AWS's models or AWS itself would, and says how far that goes."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pulumi.runtime.proto import provider_pb2

from tests.support.stand_in_aws import StandInAws
from tests.support.stand_in_aws.catalogue import KINDS
from tests.support.stand_in_aws.changes import replacing, updated
from tests.support.stand_in_aws.rules import configuration_faults, faults
from tests.support.stand_in_aws.samples import BY_TITLE, RIGHT, inputs_of, policy, trust
from tests.support.stand_in_cloud import names
from tests.support.stand_in_cloud.report import lines, unmapped, unreachable
from tests.support.stand_in_provider_wire import UNKNOWN, message

pytestmark = pytest.mark.engine


@pytest.mark.parametrize("token", KINDS)
def test_every_input_of_every_type_is_judged_or_says_why_not(token: str) -> None:
    assert unmapped(KINDS[token]) == [], "an input that nobody judges would be believed"
    assert unreachable(KINDS[token]) == [], "and so would a member that AWS demands and nobody fills in"


def test_the_report_names_every_input_and_ends_with_the_count() -> None:
    report = lines(KINDS)
    assert "    scalingConfig.maxSize -> eks.CreateNodegroup:scalingConfig.maxSize" in report, "names that agree are matched by themselves"
    assert "    nodeRoleArn -> eks.CreateNodegroup:nodeRole" in report, "names that differ are in a table"
    assert "    routes -> refused: routes are resources of their own: both ways together undo each other" in report, "with the reason"
    assert report[-1].endswith("0 not mapped"), "nothing is left"


@pytest.mark.parametrize("title", RIGHT)
def test_right_inputs_have_no_fault(title: str) -> None:
    assert faults(BY_TITLE[title], inputs_of(title)) == [], "a stand-in that refuses what is right is of no use"


LONG = "x" * 9000
SIZES = {"minSize": 0, "desiredSize": 1, "maxSize": 4}
WRONG: list[tuple[str, dict[str, Any], str]] = [
    ("Vpc", {"cidrBlok": "10.0.0.0/16"}, "cidrBlok"),
    ("Vpc", {"cidrBlock": "10.0.0.0/12"}, "cidrBlock"),
    ("Vpc", {"enableDnsHostnames": "yes"}, "enableDnsHostnames"),
    ("Vpc", {"instanceTenancy": "shared"}, "instanceTenancy"),
    ("Vpc", {"tags": {"aws:name": "a"}}, "tags.aws:name"),
    ("Subnet", {"vpcId": None}, "vpcId"),
    ("Subnet", {"cidrBlock": "10.0.0.1/20"}, "cidrBlock"),
    ("RouteTable", {"vpcId": "vpc-0", "routes": [{"cidrBlock": "0.0.0.0/0"}]}, "routes"),
    ("VpcEndpoint", {"vpcEndpointType": "Interfce"}, "vpcEndpointType"),
    ("VpcEndpoint", {"subnetIds": ["subnet-0"]}, "subnetIds"),
    ("SecurityGroupIngressRule", {"cidrIpv4": None}, "cidrIpv4"),
    ("FlowLog", {"maxAggregationInterval": 300}, "maxAggregationInterval"),
    ("LaunchTemplate", {"userData": "not base64!"}, "userData"),
    ("LaunchTemplate", {"metadataOptions": {"httpTokens": "demanded"}}, "metadataOptions.httpTokens"),
    ("LaunchTemplate", {"blockDeviceMappings": [{"ebs": {"volumeType": "gp3", "iops": 100}}]}, "blockDeviceMappings[0].ebs.iops"),
    ("LaunchTemplate", {"blockDeviceMappings": [{"ebs": {"volumeKind": "gp3"}}]}, "blockDeviceMappings[0].ebs.volumeKind"),
    ("Cluster", {"name": "fleet.prod"}, "name"),
    ("Cluster", {"name": "x" * 101}, "name"),
    ("Cluster", {"enabledClusterLogTypes": ["api", "scheduling"]}, "enabledClusterLogTypes[1]"),
    ("Cluster", {"upgradePolicy": {"supportType": "Standard"}}, "upgradePolicy.supportType"),
    ("Cluster", {"kubernetesNetworkConfig": {"serviceIpv4Cidr": "172.20.0.0/8"}}, "kubernetesNetworkConfig.serviceIpv4Cidr"),
    ("Cluster", {"vpcConfig": {"subnetIds": ["a"], "endpointPublicAccess": False}}, "vpcConfig.endpointPrivateAccess"),
    ("Cluster", {"computeConfig": {"enabled": True}}, "computeConfig"),
    ("NodeGroup", {"nodeGroupNamePrefix": "gpu.a10g-"}, "nodeGroupNamePrefix"),
    ("NodeGroup", {"nodeGroupNamePrefix": "x" * 38}, "nodeGroupNamePrefix"),
    ("NodeGroup", {"capacityType": "SPOTTY"}, "capacityType"),
    ("NodeGroup", {"scalingConfig": {**SIZES, "desiredSize": 5}}, "scalingConfig.desiredSize"),
    ("NodeGroup", {"scalingConfig": {"minSize": 0, "desiredSize": 0, "maxSize": 0}}, "scalingConfig.maxSize"),
    ("NodeGroup", {"scalingConfig": {"minSize": 0, "desiredSize": 0}}, "scalingConfig.maxSize"),
    ("NodeGroup", {"taints": [{"key": "a", "effect": "NoSchedule"}]}, "taints[0].effect"),
    ("NodeGroup", {"updateConfig": {"maxUnavailable": 0}}, "updateConfig.maxUnavailable"),
    ("NodeGroup", {"labels": {"kubernetes.io/role": "gpu"}}, "labels.kubernetes.io/role"),
    ("NodeGroup", {"labels": {f"a{index}": "b" for index in range(51)}}, "labels"),
    ("NodeGroup", {"diskSize": 100}, "diskSize"),
    ("Addon", {"resolveConflictsOnCreate": "FORCE"}, "resolveConflictsOnCreate"),
    ("AccessPolicyAssociation", {"accessScope": {"type": "namespace"}}, "accessScope.namespaces"),
    ("Role", {"assumeRolePolicy": policy(resource="*")}, "assumeRolePolicy"),
    ("Role", {"managedPolicyArns": ["arn:aws:iam::aws:policy/A"]}, "managedPolicyArns"),
    ("Role", {"maxSessionDuration": 60}, "maxSessionDuration"),
    ("RolePolicy", {"policy": "{"}, "policy"),
    ("RolePolicy", {"policy": policy(Condition={"StringEqual": {"a": "b"}})}, "policy"),
    ("RolePolicy", {"policy": policy(action="GetObject")}, "policy"),
    ("RolePolicy", {"policy": policy(resource=f"arn:aws:s3:::{LONG}{LONG}")}, "policy"),
    ("Key", {"deletionWindowInDays": 5}, "deletionWindowInDays"),
    ("Alias", {"name": "fleet"}, "name"),
    ("LogGroup", {"retentionInDays": 31}, "retentionInDays"),
    ("Bucket", {"bucket": "Weights"}, "bucket"),
    ("Bucket", {"versioning": {"enabled": True}}, "versioning"),
    ("BucketVersioning", {"versioningConfiguration": {"status": "On"}}, "versioningConfiguration.status"),
    ("FileSystem", {"throughputMode": "fast"}, "throughputMode"),
    ("MountTarget", {"securityGroups": ["group"]}, "securityGroups[0]"),
    ("Secret", {"recoveryWindowInDays": 3}, "recoveryWindowInDays"),
    ("PullThroughCacheRule", {"ecrRepositoryPrefix": "Docker"}, "ecrRepositoryPrefix"),
    ("RepositoryCreationTemplate", {"appliedFors": ["PULL"]}, "appliedFors[0]"),
]


@pytest.mark.parametrize(("title", "change", "where"), WRONG, ids=[f"{title} {where}" for title, _, where in WRONG])
def test_a_wrong_input_is_refused_at_its_place(title: str, change: dict[str, Any], where: str) -> None:
    found = faults(BY_TITLE[title], inputs_of(title, **change))
    assert where in [place for place, _ in found], f"the fault is found where it is: {found}"


def test_what_is_not_known_yet_is_not_judged() -> None:
    change = {"clusterName": UNKNOWN, "subnetIds": UNKNOWN, "launchTemplate": {"id": UNKNOWN, "version": UNKNOWN}, "scalingConfig": UNKNOWN}
    assert faults(BY_TITLE["NodeGroup"], inputs_of("NodeGroup", **change)) == [], "a preview comes before the ids"
    assert faults(BY_TITLE["RolePolicy"], inputs_of("RolePolicy", policy=UNKNOWN)) == [], "and before the ARNs in documents"


def test_a_type_it_does_not_know_is_refused_in_words() -> None:
    request = provider_pb2.CheckRequest(urn="urn:pulumi:test::a::aws:sqs/queue:Queue::queue")
    failure = StandInAws().Check(request, None).failures[0]
    assert "the stand-in knows no type aws:sqs/queue:Queue" in failure.reason, "it would otherwise believe anything"


def test_a_provider_needs_a_region_and_the_right_account() -> None:
    assert configuration_faults({"region": "us-east-2", "allowedAccountIds": ["111122223333"]}) == [], "this account"
    assert [where for where, _ in configuration_faults({})] == ["region"], "a region is never guessed"
    found = configuration_faults({"region": "us-east-2", "allowedAccountIds": ["444455556666"]})
    assert found == [("allowedAccountIds", "AWS account ID not allowed: 111122223333")], "the words of the real provider"


def test_a_provider_in_another_region_is_another_provider() -> None:
    def replaced(**new: str) -> list[str]:
        request = provider_pb2.DiffRequest(olds=message({"region": "us-east-2"}), news=message({"region": "us-east-2", **new}))
        return list(StandInAws().DiffConfig(request, None).replaces)

    assert replaced(region="us-west-2") == ["region"], "and everything that it made is made again there"
    assert replaced(defaultTags="{}") == [], "tags change in place"


def test_a_name_is_made_once_and_stays() -> None:
    kind = BY_TITLE["Role"]
    first, found = names.filled(kind, "server", b"one", {}, {"assumeRolePolicy": trust("a")})
    assert not found, "it is short enough"
    assert first["name"].startswith("server-"), "the resource's name and a hyphen"
    assert len(first["name"]) == len("server-") + 7, "and seven characters"
    again, _ = names.filled(kind, "server", b"two", first, {"assumeRolePolicy": trust("b")})
    assert again["name"] == first["name"], "another seed does not rename what exists"
    other, _ = names.filled(kind, "server", b"two", {}, {"assumeRolePolicy": trust("b")})
    assert other["name"] != first["name"], "but it names what is new"
    given, _ = names.filled(kind, "server", b"two", first | {"name": "given", "__defaults": []}, {"assumeRolePolicy": trust("b")})
    assert given["name"] != "given", "a name that somebody gave and took away is not kept"


def test_names_follow_the_rules_of_their_type() -> None:
    assert inputs_of("Alias", "fleet-key")["name"].startswith("alias/fleet-key-"), "aliases have a beginning of their own"
    assert inputs_of("Bucket", "Weights")["bucket"].startswith("weights-"), "buckets have lower-case names"
    assert "nodeGroupName" not in inputs_of("NodeGroup"), "a name that is begun is ended when the resource is made"
    _, found = names.filled(BY_TITLE["Role"], "r" * 57, b"", {}, {})
    assert "longer than maximum length 64" in found[0][1], "the bridge refuses a long name instead of shortening it"


REPLACED: list[tuple[str, dict[str, Any], list[str]]] = [
    ("Vpc", {"cidrBlock": "10.1.0.0/16"}, ["cidrBlock"]),
    ("Vpc", {"enableDnsHostnames": False}, []),
    ("Subnet", {"availabilityZoneId": "use2-az2"}, ["availabilityZoneId"]),
    ("Subnet", {"tags": {"Name": "a"}}, []),
    ("VpcEndpoint", {"routeTableIds": ["rtb-1"]}, []),
    ("Cluster", {"name": "other"}, ["name"]),
    ("Cluster", {"version": "1.36"}, []),
    ("Cluster", {"deletionProtection": True}, []),
    ("Cluster", {"bootstrapSelfManagedAddons": True}, ["bootstrapSelfManagedAddons"]),
    ("Cluster", {"kubernetesNetworkConfig": {"serviceIpv4Cidr": "172.30.0.0/16"}}, ["kubernetesNetworkConfig.serviceIpv4Cidr"]),
    ("Cluster", {"accessConfig": {"authenticationMode": "API_AND_CONFIG_MAP", "bootstrapClusterCreatorAdminPermissions": False}}, []),
    ("Cluster", {"encryptionConfig": None}, ["encryptionConfig"]),
    ("NodeGroup", {"scalingConfig": {**SIZES, "maxSize": 8}}, []),
    ("NodeGroup", {"labels": {"a": "b"}, "taints": None, "version": "1.36", "updateConfig": {"maxUnavailable": 2}}, []),
    ("NodeGroup", {"launchTemplate": {"id": RIGHT["NodeGroup"]["launchTemplate"]["id"], "version": "2"}}, []),
    ("NodeGroup", {"launchTemplate": {"id": "lt-1", "version": "1"}}, ["launchTemplate.id"]),
    ("NodeGroup", {"instanceTypes": ["g5.4xlarge"], "capacityType": "SPOT"}, ["instanceTypes", "capacityType"]),
    ("LaunchTemplate", {"userData": "YQ=="}, []),
    ("Addon", {"addonVersion": "v1"}, []),
    ("Role", {"assumeRolePolicy": trust("ec2.amazonaws.com")}, []),
    ("Bucket", {"bucket": "other"}, ["bucket"]),
    ("LogGroup", {"retentionInDays": 30}, []),
    ("LogGroup", {"name": "/other"}, ["name"]),
    ("FileSystem", {"encrypted": False}, ["encrypted"]),
    ("Secret", {"name": "other"}, ["name"]),
]


@pytest.mark.parametrize(("title", "change", "expected"), REPLACED, ids=[f"{title} {','.join(change)}" for title, change, _ in REPLACED])
def test_only_what_cannot_be_changed_is_replaced(title: str, change: dict[str, Any], expected: list[str]) -> None:
    assert replacing(BY_TITLE[title], inputs_of(title), inputs_of(title, **change)) == expected, "as the real provider answers it"


def test_a_name_that_somebody_gave_is_deleted_before_it_is_replaced() -> None:
    assert names.fixed(BY_TITLE["Cluster"], inputs_of("Cluster")), "the bridge does not ask whether the name changes as well"
    assert not names.fixed(BY_TITLE["Role"], inputs_of("Role")), "two roles with made names can live side by side"
    assert not names.fixed(BY_TITLE["NodeGroup"], inputs_of("NodeGroup")), "and so can two node groups whose names were begun alike"


def test_a_launch_template_gets_a_version_whenever_its_machines_change() -> None:
    kind = BY_TITLE["LaunchTemplate"]
    old = inputs_of("LaunchTemplate", updateDefaultVersion=True) | {"latestVersion": 1, "defaultVersion": 1}
    new = updated(kind, old, {**old, "userData": "YQ=="}, preview=False)
    assert (new["latestVersion"], new["defaultVersion"]) == (2, 2), "node groups follow the number"
    assert updated(kind, old, {**old, "userData": "YQ=="}, preview=True)["latestVersion"] == UNKNOWN, "which a preview does not know"
    assert updated(kind, old, {**old, "tags": {"a": "b"}}, preview=False)["latestVersion"] == 1, "its own tags make none"


def test_documents_may_be_given_as_values() -> None:
    document = json.loads(policy())
    assert faults(BY_TITLE["RolePolicy"], inputs_of("RolePolicy", policy=document)) == [], "the SDK takes both"
