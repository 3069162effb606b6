"""The recorded specifications of whole fleets, made in moto through boto3 and read back: an independent reader of the same words.

moto emulates AWS's API and is not AWS: no machine starts, no quota holds, no permission is asked for. What it cannot serve or
does not give back stands in tables (UNSERVED, and `lost` of each translation), and the tables are tested to be true.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

import pytest
from botocore.exceptions import ClientError
from moto.backends import get_backend

from fleet.aws.plan import AwsPlan
from fleet.aws.policy import document
from fleet.fleet_plan import ClusterPlan
from tests.emulator.account import TRANSLATIONS, UNSERVED, Fleet, emulated, known_values, made, program
from tests.emulator.described import group, machine, planned_group, planned_machine, planned_subnets, policy, resolved, rules, subnets, zones
from tests.emulator.inventory import inventory
from tests.support.recording import Graph
from tests.support.replay import Missing, Region, Replay, Translation

pytestmark = pytest.mark.emulator

Regions = list[tuple[Fleet, ClusterPlan, AwsPlan]]

FLEETS = ("prod", "staging", "everything", "booked")
REGIONS = (Region("us-east-2"), Region("us-west-2"))


@pytest.fixture(scope="module")
def empty() -> Iterator[dict[str, set[str]]]:
    """What an account has before anything is made in it."""
    with emulated():
        yield inventory(REGIONS)


@pytest.fixture(scope="module")
def account(empty: dict[str, set[str]]) -> dict[str, Fleet]:
    return made(*FLEETS)


@pytest.fixture(scope="module")
def regions(account: dict[str, Fleet]) -> Regions:
    return [(fleet, cluster, plan) for fleet in account.values() for cluster, plan in fleet.clusters]


def test_every_type_that_a_fleet_asks_for_is_replayed_or_known_not_to_be() -> None:
    asked = {each.type for name in FLEETS for each in program(name).graph.resources.values() if each.type.startswith("aws:")}
    assert asked == {*TRANSLATIONS, *UNSERVED}, "neither is a type left out in silence nor an entry kept that nothing needs"


@pytest.mark.parametrize("kind", UNSERVED)
def test_what_is_not_replayed_cannot_be(kind: str, account: dict[str, Fleet]) -> None:
    service, operation, _ = UNSERVED[kind]
    if operation:
        assert not hasattr(get_backend(service)["123456789012"]["us-east-2"], operation), f"moto has learned {operation}"
        return
    replay = account["staging"].replay
    (region,) = replay.regions.values()
    assert replay.of_type("NodeGroup"), "there are node groups"
    assert region.client("autoscaling").describe_auto_scaling_groups()["AutoScalingGroups"] == [], "and none of their Auto Scaling groups"


@pytest.mark.parametrize("name", FLEETS)
def test_what_was_made_is_what_was_meant(name: str, account: dict[str, Fleet]) -> None:
    replay = account[name].replay
    wrong = [
        difference
        for urn, resource in replay.resources.items()
        for difference in replay.differences(urn)
        if difference.path not in replay.translation(resource).lost
    ]
    assert wrong == [], "read back through Describe and Get, input by input"


def test_what_the_tables_call_lost_is_lost(account: dict[str, Fleet]) -> None:
    lost: Counter[tuple[str, str]] = Counter()
    for fleet in account.values():
        for urn, resource in fleet.replay.resources.items():
            lost.update((resource.type, difference.path) for difference in fleet.replay.differences(urn))
    declared = {(kind, path) for kind, translation in TRANSLATIONS.items() for path in translation.lost}
    assert declared == set(lost), "an entry that moto gives back by now would hide a fault"


@pytest.mark.parametrize("name", ["prod", "everything"])
def test_two_regions_do_not_see_each_others_things(name: str, account: dict[str, Fleet]) -> None:
    replay = account[name].replay
    assert len(replay.regions) == 2, "two regions are made"
    seen = [
        f"{resource.name} in {other}"
        for urn, resource in replay.resources.items()
        for other, region in replay.regions.items()
        if other != replay.region(resource).name and not replay.translation(resource).everywhere and replay.read(urn, region)
    ]
    assert seen == [], "each lies in the region of its own provider"


def test_fleets_and_environments_share_an_account(account: dict[str, Fleet]) -> None:
    regions = {name: region for fleet in account.values() for name, region in fleet.replay.regions.items()}
    clusters = [cluster for region in regions.values() for cluster in region.client("eks").list_clusters()["clusters"]]
    planned = [plan.control_plane.name for fleet in account.values() for _, plan in fleet.clusters]
    assert sorted(clusters) == sorted(planned), "no name is taken twice: moto refuses a second cluster, alias, secret, role or log group of one name"


def test_subnets_lie_and_lead_where_the_plan_says(regions: Regions) -> None:
    for fleet, cluster, plan in regions:
        ec2, vpc = fleet.client(cluster, "ec2"), fleet.of(cluster, "network-vpc")["id"]
        assert subnets(ec2, vpc) == planned_subnets(plan.network), f"{cluster.name}: zone, addresses and way out"
        eks = fleet.client(cluster, "eks").describe_cluster(name=plan.control_plane.name)["cluster"]
        planned = sorted(zone.zone_id for zone in plan.network.zones if zone.control_plane)
        assert zones(ec2, eks["resourcesVpcConfig"]["subnetIds"]) == planned, f"{cluster.name}: zones of the control plane"


def test_nothing_is_let_in_from_outside_the_network(regions: Regions) -> None:
    for fleet, cluster, plan in regions:
        ports = [443, 2049] if plan.file_system else [443]
        found = rules(fleet.client(cluster, "ec2"), fleet.of(cluster, "network-vpc")["id"])
        assert found == [("in", plan.network.cidr, port) for port in ports], f"{cluster.name}: endpoints and files alone, the default group nothing"


def test_node_groups_are_what_the_plan_says(regions: Regions) -> None:
    for fleet, cluster, plan in regions:
        ec2, eks, key = fleet.client(cluster, "ec2"), fleet.client(cluster, "eks"), fleet.of(cluster, "encryption-key")["arn"]
        names = eks.list_nodegroups(clusterName=plan.control_plane.name)["nodegroups"]
        found = {name[:-26]: eks.describe_nodegroup(clusterName=plan.control_plane.name, nodegroupName=name)["nodegroup"] for name in names}
        assert set(found) == {each.prefix for each in plan.node_groups}, f"{cluster.name}: one for each rung"
        for each in plan.node_groups:
            assert group(ec2, found[each.prefix]) == planned_group(each), f"{cluster.name} {each.name}"
            template = found[each.prefix]["launchTemplate"]
            versions = ec2.describe_launch_template_versions(LaunchTemplateId=template["id"], Versions=[template["version"]])
            data = versions["LaunchTemplateVersions"][0]["LaunchTemplateData"]
            assert machine(data) == planned_machine(each, key, plan.tags), f"{cluster.name} {each.name}: its machines"


def test_every_subnet_of_a_node_group_lies_where_its_machines_are_sold(regions: Regions) -> None:
    for fleet, cluster, plan in regions:
        pages = fleet.client(cluster, "ec2").get_paginator("describe_instance_type_offerings").paginate(LocationType="availability-zone-id")
        sold = {(each["InstanceType"], each["Location"]) for page in pages for each in page["InstanceTypeOfferings"]}
        asked = {(machine, zone) for each in plan.node_groups for machine in each.instance_types for zone in each.zone_ids}
        assert asked <= sold, f"{cluster.name}: by moto's snapshot of EC2's offerings"


def test_policies_say_what_the_plan_says_with_the_arns_that_aws_made(regions: Regions) -> None:
    for fleet, cluster, plan in regions:
        known, iam, s3 = known_values(fleet, cluster, plan), fleet.client(cluster, "iam"), fleet.client(cluster, "s3")
        for role in plan.roles:
            name = fleet.of(cluster, f"{role.key}-role")["name"]
            trust = iam.get_role(RoleName=name)["Role"]["AssumeRolePolicyDocument"]
            assert policy(trust) == resolved(document(*role.trust), known), f"{name}: who may take it on"
            own = [
                iam.get_role_policy(RoleName=name, PolicyName=each)["PolicyDocument"] for each in iam.list_role_policies(RoleName=name)["PolicyNames"]
            ]
            assert [policy(each) for each in own] == [resolved(document(*role.statements), known)] * bool(role.statements), f"{name}: what it may do"
            attached = iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]
            assert {each["PolicyArn"] for each in attached} == set(role.managed_policies), f"{name}: policies of AWS"
        key = fleet.client(cluster, "kms").get_key_policy(KeyId=known["key_arn"], PolicyName="default")["Policy"]
        assert policy(key) == resolved(document(*plan.key_statements), known), f"{cluster.name}: the key"
        bucket = s3.get_bucket_policy(Bucket=known["bucket_name"])["Policy"]
        assert policy(bucket) == resolved(document(*plan.bucket_statements), known), f"{cluster.name}: the bucket"
        if plan.file_system:
            files = fleet.client(cluster, "efs").describe_file_system_policy(FileSystemId=known["file_system_id"])["Policy"]
            assert policy(files) == resolved(document(*plan.file_system_statements), known), f"{cluster.name}: the file system"


def test_everything_at_rest_is_encrypted_with_the_key_of_its_own_region(regions: Regions) -> None:
    for fleet, cluster, plan in regions:
        key, bucket = fleet.of(cluster, "encryption-key")["arn"], fleet.of(cluster, "models-bucket")["bucket"]
        assert cluster.region in key, "no key reaches into another region"
        default = fleet.client(cluster, "s3").get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"][0]
        eks = fleet.client(cluster, "eks").describe_cluster(name=plan.control_plane.name)["cluster"]
        groups = fleet.client(cluster, "logs").describe_log_groups()["logGroups"]
        secrets = fleet.client(cluster, "secretsmanager")
        found = {
            default["ApplyServerSideEncryptionByDefault"]["KMSMasterKeyID"],
            *(each["provider"]["keyArn"] for each in eks["encryptionConfig"]),
            *(each["kmsKeyId"] for each in groups if plan.control_plane.name in each["logGroupName"]),
            *(secrets.describe_secret(SecretId=each.name)["KmsKeyId"] for each in plan.secrets),
        }
        assert found == {key}, cluster.name
        assert fleet.client(cluster, "s3").get_bucket_location(Bucket=bucket)["LocationConstraint"] == cluster.region, "weights lie beside machines"


def test_moto_judges_what_it_is_sent(account: dict[str, Fleet]) -> None:
    replay = account["staging"].replay
    (region,), (vpc,), (role, *_) = replay.regions.values(), replay.of_type("Vpc"), replay.of_type("Role")
    with pytest.raises(ClientError, match="InvalidSubnet"):
        region.client("ec2").create_subnet(VpcId=replay.made[vpc]["id"], AvailabilityZoneId="use2-az1", CidrBlock="192.0.2.0/24")
    with pytest.raises(ClientError, match="MalformedPolicyDocument"):
        region.client("iam").put_role_policy(
            RoleName=replay.made[role]["id"], PolicyName="wrong", PolicyDocument='{"Statement": [{"Effect": "Maybe"}]}'
        )


def test_a_dependency_that_is_not_recorded_is_missed() -> None:
    resources = dict(program("staging").graph.resources)
    (subnet,) = [each for each in resources.values() if each.name.endswith("network-private-use2-az1")]
    resources[subnet.urn] = replace(subnet, dependencies=frozenset())
    nothing = Translation(create=lambda _, __: {"id": "made"}, read=lambda _, __: {})
    with pytest.raises(Missing, match="private-use2-az1 names aws-use2-network-vpc-id"):
        Replay(Graph(resources=resources), {kind: nothing for kind in TRANSLATIONS if kind.endswith((":Vpc", ":Subnet"))}).create()


def test_fleets_that_are_taken_away_leave_nothing(empty: dict[str, set[str]], account: dict[str, Fleet]) -> None:
    """The last one: what the others look at is gone afterwards."""
    there = inventory(REGIONS)
    for fleet in account.values():
        fleet.replay.destroy()
    after = inventory(REGIONS)
    assert sum(map(len, there.values())) > sum(map(len, empty.values())) + 200, "the listing sees what was made"
    kept = {fleet.replay.made[urn]["interface"] for fleet in account.values() for urn in fleet.replay.of_type("NatGateway")}
    left = {kind: rest for kind, found in after.items() if (rest := found - empty[kind] - kept)}
    assert left == {}, "moto itself keeps the network interface of a deleted NAT gateway, and nothing else may stay"
    assert all(found <= after[kind] for kind, found in empty.items()), "what was there before is not touched"
    alive = [each.name for fleet in account.values() for urn, each in fleet.replay.resources.items() if fleet.replay.read(urn)]
    assert alive == [], "asked by its id as well"
