"""The AWS regions of the shipped stack files and of others: exactly these resources, named by the keys of the stack file."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator

import pytest

from fleet.fleet_plan import ClusterPlan
from tests.support.aws_programs import FLEETS, Recorded, recorded

pytestmark = pytest.mark.mocks

BUCKET = {
    "aws:s3/bucket:Bucket": "bucket",
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls": "ownership",
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": "public-access",
    "aws:s3/bucketVersioning:BucketVersioning": "versioning",
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": "encryption",
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": "lifecycle",
    "aws:s3/bucketPolicy:BucketPolicy": "bucket-policy",
}

FOUND_BY_NAME = {
    "aws:cloudwatch/logGroup:LogGroup",
    "aws:eks/cluster:Cluster",
    "aws:kms/alias:Alias",
    "aws:secretsmanager/secret:Secret",
}
"""What people and AWS itself look for under a name that is known before. All else gets a random end, so that its successor can be made beside it."""

Named = Iterator[tuple[str, str]]
"""Type, and what comes after the cluster's key and a hyphen in the name."""


@pytest.fixture(params=FLEETS)
def fleet(request: pytest.FixtureRequest) -> Recorded:
    return recorded(request.param)


def _network(planned: ClusterPlan) -> Named:
    plan = planned.aws_plan.network
    yield "aws:ec2/vpc:Vpc", "network-vpc"
    yield "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup", "network-default-security-group"
    yield "aws:ec2/internetGateway:InternetGateway", "network-internet"
    yield "aws:ec2/routeTable:RouteTable", "network-public"
    yield "aws:ec2/route:Route", "network-public-route"
    yield "aws:ec2/securityGroup:SecurityGroup", "network-endpoints"
    yield "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule", "network-endpoints-https"
    for service in (*plan.gateway_endpoints, *plan.interface_endpoints):
        yield "aws:ec2/vpcEndpoint:VpcEndpoint", f"network-endpoint-{service}"
    for zone in plan.zones:
        yield "aws:ec2/routeTable:RouteTable", f"network-private-{zone.zone_id}-routes"
        yield "aws:ec2/route:Route", f"network-private-{zone.zone_id}-route"
        for kind in ("private", "public"):
            yield "aws:ec2/subnet:Subnet", f"network-{kind}-{zone.zone_id}"
            yield "aws:ec2/routeTableAssociation:RouteTableAssociation", f"network-{kind}-{zone.zone_id}-association"
        if zone.nat:
            yield "aws:ec2/eip:Eip", f"network-nat-{zone.zone_id}-address"
            yield "aws:ec2/natGateway:NatGateway", f"network-nat-{zone.zone_id}"
    if plan.flow_log_group:
        yield "aws:cloudwatch/logGroup:LogGroup", "network-flows"
        yield "aws:ec2/flowLog:FlowLog", "network-flow-log"


def _cluster(planned: ClusterPlan) -> Named:
    plan = planned.aws_plan
    yield "pulumi:providers:aws", "aws"
    yield "pulumi:providers:kubernetes", "kubernetes"
    yield "aws:kms/key:Key", "encryption-key"
    yield "aws:kms/alias:Alias", "encryption-alias"
    yield "aws:cloudwatch/logGroup:LogGroup", "control-plane-logs"
    yield "aws:eks/cluster:Cluster", "cluster"
    for arn in plan.control_plane.administrators:
        who = arn.partition(":iam::")[2]
        yield "aws:eks/accessEntry:AccessEntry", f"access-{who}"
        yield "aws:eks/accessPolicyAssociation:AccessPolicyAssociation", f"access-{who}-policy"
    for add_on in plan.managed_add_ons:
        yield "aws:eks/addon:Addon", add_on.name
    for group in plan.node_groups:
        yield "aws:ec2/launchTemplate:LaunchTemplate", f"{group.name}-template"
        yield "aws:eks/nodeGroup:NodeGroup", f"{group.name}-group"
        for key in group.autoscaling_tags:
            yield "aws:autoscaling/tag:Tag", f"{group.name}-tag-{key}"
    for role in plan.roles:
        yield "aws:iam/role:Role", f"{role.key}-role"
        if role.statements:
            yield "aws:iam/rolePolicy:RolePolicy", f"{role.key}-policy"
        for policy in role.managed_policies:
            yield "aws:iam/rolePolicyAttachment:RolePolicyAttachment", f"{role.key}-{policy.rpartition('/')[2]}"
        if role.service_account:
            yield "aws:eks/podIdentityAssociation:PodIdentityAssociation", f"{role.key}-association"


def _storage(planned: ClusterPlan) -> Named:
    plan = planned.aws_plan
    yield from ((kind, f"models-{ending}") for kind, ending in BUCKET.items())
    if plan.bucket.replicate_to:
        yield "aws:s3/bucketReplicationConfig:BucketReplicationConfig", "replication-replication"
    if plan.file_system:
        yield "aws:efs/fileSystem:FileSystem", "shared-files"
        yield "aws:efs/fileSystemPolicy:FileSystemPolicy", "shared-files-policy"
        yield "aws:ec2/securityGroup:SecurityGroup", "shared-files-access"
        yield "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule", "shared-files-nfs"
        for zone in plan.network.zones:
            yield "aws:efs/mountTarget:MountTarget", f"shared-files-{zone.zone_id}"
    for secret in plan.secrets:
        yield "aws:secretsmanager/secret:Secret", f"{secret.key}-secret"
    if plan.image_mirror:
        yield "aws:ecr/repositoryCreationTemplate:RepositoryCreationTemplate", "images-template"
        yield "aws:ecr/pullThroughCacheRule:PullThroughCacheRule", "images-rule"
        if not plan.image_mirror.credential_arn:
            yield "aws:secretsmanager/secret:Secret", "images-credential"


def _wanted(planned: ClusterPlan) -> dict[str, list[str]]:
    found: defaultdict[str, list[str]] = defaultdict(list)
    for kind, ending in (*_network(planned), *_cluster(planned), *_storage(planned)):
        found[kind].append(f"{planned.name}-{ending}")
    return {kind: sorted(names) for kind, names in found.items()}


def test_each_region_holds_exactly_what_its_plan_calls_for(fleet: Recorded) -> None:
    for planned in fleet.clusters:
        made: defaultdict[str, list[str]] = defaultdict(list)
        for each in fleet.made("aws:", "pulumi:providers:", cluster=planned.name):
            made[each.type].append(each.name)
        wanted = _wanted(planned)
        assert Counter({kind: len(names) for kind, names in made.items()}) == Counter({kind: len(names) for kind, names in wanted.items()}), (
            "how many"
        )
        assert {kind: sorted(names) for kind, names in made.items()} == wanted, "named by keys, never by a place in a list"


@pytest.mark.parametrize(("stack", "regions", "nat_gateways"), [("prod", 2, 6), ("staging", 1, 1)])
def test_the_shipped_fleets_are_believable(stack: str, regions: int, nat_gateways: int) -> None:
    fleet = recorded(stack)
    assert len(fleet.clusters) == regions, "regions of AWS"
    count = Counter(each.type for each in fleet.graph.resources.values())
    assert count["aws:eks/cluster:Cluster"] == count["aws:ec2/vpc:Vpc"] == count["aws:s3/bucket:Bucket"] == regions, "whole ones"
    assert count["aws:ec2/natGateway:NatGateway"] == nat_gateways, "one for each zone in prod, one elsewhere"
    for planned in fleet.clusters:
        groups = [group for group in planned.aws_plan.node_groups if group.pool]
        assert {group.pool for group in groups} == {pool.name for pool in planned.pools}, "machines for every model"


def test_a_name_is_fixed_only_where_somebody_looks_for_it(fleet: Recorded) -> None:
    named = [each for each in fleet.made("aws:") if "name" in each.inputs or ("bucket" in each.inputs and each.type == "aws:s3/bucket:Bucket")]
    assert {each.type for each in named} <= FOUND_BY_NAME, "a fixed name meets itself when its resource is replaced"
    for planned in fleet.clusters:
        for each in named:
            if fleet.graph.region(each) == planned.name and each.type != "aws:secretsmanager/secret:Secret":
                assert planned.aws_plan.control_plane.name in each.inputs["name"], f"{each.name}: a replaced cluster has others, so both can exist"
    taken = Counter((each.type, each.inputs["name"]) for each in named)
    assert max(taken.values()) == 1, "two regions in one account never meet"


def test_clusters_of_two_environments_of_one_fleet_never_meet_in_a_name() -> None:
    names = [each.inputs["name"] for stack in ("prod", "staging") for each in recorded(stack).made(*FOUND_BY_NAME)]
    assert len(set(names)) == len(names), "prod and staging may share an account"


def test_outputs_say_which_cluster_it_is_and_hold_no_way_in(fleet: Recorded) -> None:
    found = {cluster["name"]: cluster for cluster in fleet.graph.outputs["clusters"]}
    for planned in fleet.clusters:
        assert found[planned.name]["kubernetes_cluster"] == planned.aws_plan.control_plane.name, "for `aws eks update-kubeconfig`"
        assert found[planned.name]["region"] == planned.region, "likewise"
    assert "certificate-authority" not in str(fleet.graph.outputs), "no kubeconfig"
