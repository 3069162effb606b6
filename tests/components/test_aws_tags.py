"""Whose it is and what it costs whom: tags on everything that AWS tags, also on what AWS and controllers make later on their own."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import pulumi_aws
import pytest

from fleet.fleet_plan import ClusterPlan
from tests.support.aws_programs import FLEETS, Recorded, recorded
from tests.support.recording import Resource

pytestmark = pytest.mark.mocks

UNTAGGABLE = {
    "aws:ec2/route:Route",
    "aws:ec2/routeTableAssociation:RouteTableAssociation",
    "aws:eks/accessPolicyAssociation:AccessPolicyAssociation",
    "aws:efs/fileSystemPolicy:FileSystemPolicy",
    "aws:efs/mountTarget:MountTarget",
    "aws:iam/rolePolicy:RolePolicy",
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
    "aws:kms/alias:Alias",
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration",
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls",
    "aws:s3/bucketPolicy:BucketPolicy",
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
    "aws:s3/bucketReplicationConfig:BucketReplicationConfig",
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
    "aws:s3/bucketVersioning:BucketVersioning",
}
"""Parts of something that has tags, without tags of their own."""

TAGGED_OTHERWISE = {
    "aws:autoscaling/tag:Tag",  # is a tag
    "aws:ecr/pullThroughCacheRule:PullThroughCacheRule",  # repositories get theirs from the template
    "aws:ecr/repositoryCreationTemplate:RepositoryCreationTemplate",
}


@pytest.fixture(params=FLEETS)
def fleet(request: pytest.FixtureRequest) -> Recorded:
    return recorded(request.param)


def _wanted(fleet: Recorded, planned: ClusterPlan) -> dict[str, str]:
    return {"fleet": fleet.plan.name, "environment": fleet.plan.environment, "owner": fleet.plan.owner, "cluster": planned.name}


@cache
def _reached(kind: str) -> bool:
    """Whether the SDK's class has what default tags become part of."""
    module, _, name = kind.removeprefix("aws:").partition(":")
    package: Any = getattr(pulumi_aws, module.split("/")[0])
    return hasattr(getattr(package, name), "tags_all")


def test_every_provider_tags_all_it_makes_with_fleet_environment_owner_and_cluster(fleet: Recorded) -> None:
    for planned in fleet.clusters:
        tags = json.loads(fleet.the("pulumi:providers:aws", planned.name).inputs["defaultTags"])["tags"]
        assert _wanted(fleet, planned).items() <= tags.items(), "what a bill is split by"
        assert tags["managed-by"] == "vllm-fleet", "and whom to ask before anybody deletes it by hand"


def test_default_tags_reach_every_kind_that_aws_tags(fleet: Recorded) -> None:
    kinds = {each.type for each in fleet.made("aws:")}
    missed = {kind for kind in kinds if not _reached(kind)}
    assert missed <= UNTAGGABLE | TAGGED_OTHERWISE, "a kind that is new here: can it be tagged, and how?"
    assert not {kind for kind in UNTAGGABLE if _reached(kind)}, "the table tells the truth"


def test_no_tag_of_a_resource_overrides_what_its_region_says(fleet: Recorded) -> None:
    for planned in fleet.clusters:
        for each in fleet.made("aws:", cluster=planned.name):
            own = each.inputs.get("tags", {})
            assert not set(own) & {*_wanted(fleet, planned), "managed-by"}, f"{each.name} would say something else than all around it"


def test_machines_their_disks_and_interfaces_carry_the_tags_that_ec2_would_not_give_them(fleet: Recorded) -> None:
    for planned in fleet.clusters:
        for each in fleet.made("aws:ec2/launchTemplate:LaunchTemplate", cluster=planned.name):
            tagged = {entry["resourceType"]: entry["tags"] for entry in each.inputs["tagSpecifications"]}
            assert set(tagged) == {"instance", "volume", "network-interface"}, f"{each.name}: all that a machine consists of"
            for kind, tags in tagged.items():
                assert _wanted(fleet, planned).items() <= tags.items(), f"{each.name}: {kind}"
                assert tags["Name"].startswith(planned.aws_plan.control_plane.name), f"{each.name}: found in the console by its cluster's name"


def test_what_add_ons_make_on_their_own_carries_the_tags_too(fleet: Recorded) -> None:
    for planned in fleet.clusters:
        values = {each.inputs["addonName"]: json.loads(each.inputs.get("configurationValues", "{}")) for each in _add_ons(fleet, planned)}
        disks = values["aws-ebs-csi-driver"]["controller"]["extraVolumeTags"]
        assert _wanted(fleet, planned).items() <= disks.items(), "disks of claims"
        interfaces = json.loads(values["vpc-cni"]["env"]["ADDITIONAL_ENI_TAGS"])
        assert _wanted(fleet, planned).items() <= interfaces.items(), "network interfaces of pods: what a destroy that was cut off leaves behind"


def test_repositories_that_appear_with_a_pull_carry_the_tags_too() -> None:
    fleet = recorded("everything")
    made = fleet.the("aws:ecr/repositoryCreationTemplate:RepositoryCreationTemplate", "one")
    assert _wanted(fleet, fleet.clusters[0]).items() <= made.inputs["resourceTags"].items(), "ECR makes them, not this program"
    assert made.inputs["customRoleArn"], "and tags only under a role of ours"


def test_cluster_autoscaler_finds_every_group_and_knows_its_machines_before_there_is_one(fleet: Recorded) -> None:
    for planned in fleet.clusters:
        for group in planned.aws_plan.node_groups:
            stem = f"{planned.name}-{group.name}"
            tags = [each.inputs for each in fleet.made("aws:autoscaling/tag:Tag", cluster=planned.name) if each.name.startswith(f"{stem}-tag-")]
            values = {each["tag"]["key"]: each["tag"]["value"] for each in tags}
            assert values[f"k8s.io/cluster-autoscaler/{planned.aws_plan.control_plane.name}"] == "owned", f"{stem}: this cluster's"
            assert values["k8s.io/cluster-autoscaler/enabled"] == "true", f"{stem}: to be grown"
            template = "k8s.io/cluster-autoscaler/node-template"
            assert {f"{template}/label/{key}" for key in group.labels} <= set(values), f"{stem}: pods ask for these labels"
            assert {f"{template}/taint/{taint.key}" for taint in group.taints} <= set(values), f"{stem}: and tolerate these taints"
            assert all(each["tag"]["propagateAtLaunch"] is False for each in tags), f"{stem}: machines have tags of their own"
            assert len({each["autoscalingGroupName"] for each in tags}) == 1, f"{stem}: all on its one group"


def test_subnets_say_which_load_balancers_may_lie_in_them(fleet: Recorded) -> None:
    for each in fleet.made("aws:ec2/subnet:Subnet"):
        role = {key for key in each.inputs["tags"] if key.startswith("kubernetes.io/role/")}
        public = "-public-" in each.name
        assert role == {"kubernetes.io/role/elb" if public else "kubernetes.io/role/internal-elb"}, each.name
        assert each.inputs["mapPublicIpOnLaunch"] is False, f"{each.name}: nothing gets a public address by accident"


def _add_ons(fleet: Recorded, planned: ClusterPlan) -> list[Resource]:
    return list(fleet.made("aws:eks/addon:Addon", cluster=planned.name))
