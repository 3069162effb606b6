"""The stand-in for AWS under the real engine: two regions from nothing to nothing, and what happens when an answer is lost."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path

import pulumi
import pytest
from pulumi import automation
from pulumi_aws import Provider, ProviderDefaultTagsArgs, autoscaling, cloudwatch, ec2, eks, get_caller_identity, iam

from tests.support.stand_in_aws import ACCOUNT, StandInAws, outputs
from tests.support.stand_in_aws.samples import BY_TITLE, trust
from tests.support.stand_in_cloud.catalogue import inputs_class, resource_class
from tests.support.stand_in_cloud.stack import InlineStack
from tests.support.stand_in_provider_sdk import known_inputs
from tests.support.stand_in_provider_wire import UNKNOWN

pytestmark = pytest.mark.engine

ZONES = {"us-east-2": "use2", "us-west-2": "usw2"}
RESOURCES = 15
"""Of one region, without its provider."""


class Program:
    """Two regions, each with a cluster and one node group. The attributes are what a test changes."""

    def __init__(self) -> None:
        self.user_data = "first"
        self.protected = False
        self.team = "one"

    def __call__(self) -> None:
        for region in ZONES:
            self._region(region)

    def _region(self, region: str) -> None:
        tags = ProviderDefaultTagsArgs(tags={"team": self.team})
        aws = pulumi.ResourceOptions(provider=Provider(region, region=region, allowed_account_ids=[ACCOUNT], default_tags=tags))
        vpc = ec2.Vpc(f"{region}-vpc", cidr_block="10.0.0.0/16", opts=aws)
        subnets = [
            ec2.Subnet(f"{region}-{zone}", vpc_id=vpc.id, cidr_block=f"10.0.{zone}.0/24", availability_zone_id=f"{ZONES[region]}-az{zone}", opts=aws)
            for zone in (1, 2)
        ]
        control, worker = (self._role(f"{region}-{name}", service, aws) for name, service in (("control", "eks"), ("worker", "ec2")))
        cluster = eks.Cluster(
            f"{region}-cluster",
            name=f"fleet-{region}",
            role_arn=control.role.apply(lambda name: f"arn:aws:iam::{ACCOUNT}:role/{name}"),
            vpc_config=eks.ClusterVpcConfigArgs(subnet_ids=[subnet.id for subnet in subnets], endpoint_private_access=True),
            bootstrap_self_managed_addons=False,
            deletion_protection=self.protected,
            opts=aws,
        )
        network = eks.Addon(f"{region}-network", cluster_name=cluster.name, addon_name="vpc-cni", opts=aws)
        self._nodes(region, cluster, worker, subnets, pulumi.ResourceOptions.merge(aws, pulumi.ResourceOptions(depends_on=[network])))
        pulumi.export(f"{region}-zone", subnets[0].availability_zone)
        pulumi.export(f"{region}-endpoint", cluster.endpoint)
        pulumi.export(f"{region}-tags", vpc.tags_all)

    def _role(self, name: str, service: str, aws: pulumi.ResourceOptions) -> iam.RolePolicyAttachment:
        role = iam.Role(name, assume_role_policy=trust(f"{service}.amazonaws.com"), opts=aws)
        return iam.RolePolicyAttachment(name, role=role.name, policy_arn="arn:aws:iam::aws:policy/AmazonEKSClusterPolicy", opts=aws)

    def _nodes(
        self, region: str, cluster: eks.Cluster, worker: iam.RolePolicyAttachment, subnets: list[ec2.Subnet], aws: pulumi.ResourceOptions
    ) -> None:
        template = ec2.LaunchTemplate(f"{region}-template", user_data=base64.b64encode(self.user_data.encode()).decode(), opts=aws)
        group = eks.NodeGroup(
            f"{region}-nodes",
            cluster_name=cluster.name,
            node_group_name_prefix="gpu-",
            node_role_arn=worker.role.apply(lambda name: f"arn:aws:iam::{ACCOUNT}:role/{name}"),
            subnet_ids=[subnet.id for subnet in subnets],
            launch_template=eks.NodeGroupLaunchTemplateArgs(id=template.id, version=template.latest_version.apply(str)),
            scaling_config=eks.NodeGroupScalingConfigArgs(min_size=0, max_size=4, desired_size=1),
            opts=pulumi.ResourceOptions.merge(aws, pulumi.ResourceOptions(ignore_changes=["scalingConfig.desiredSize"])),
        )
        autoscaling.Tag(
            f"{region}-tag",
            autoscaling_group_name=group.resources[0].autoscaling_groups[0].name,
            tag=autoscaling.TagTagArgs(key="k8s.io/cluster-autoscaler/node-template/label/pool", value="gpu", propagate_at_launch=False),
            opts=aws,
        )
        eks.Addon(
            f"{region}-names",
            cluster_name=cluster.name,
            addon_name="coredns",
            opts=pulumi.ResourceOptions.merge(aws, pulumi.ResourceOptions(depends_on=[group])),
        )
        for number in (1, 2):
            cloudwatch.LogGroup(f"{region}-log-{number}", retention_in_days=30, opts=aws)


@pytest.fixture
def provider() -> Iterator[StandInAws]:
    found = StandInAws()
    yield found
    found.die()


def test_two_regions_live_from_nothing_to_nothing(tmp_path: Path, provider: StandInAws) -> None:
    program = Program()
    provider.control_planes["fleet-us-east"] = ("https://127.0.0.1:6443", "Y2VydGlmaWNhdGU=")
    stack = InlineStack(tmp_path / "stack", provider, program)

    text = stack.preview()
    assert len(provider.previewed) == 2 * RESOURCES, f"everything is new: {provider.previewed}"
    assert not provider.objects, "a preview makes nothing"
    assert 'availabilityZoneId: "use2-az1"' in text, "what the program says is known"
    assert "us-east-2-zone    : [unknown]" in text, "what AWS will say is not"

    said = stack.up()
    assert said["us-east-2-zone"] == "us-east-2c", "the account has names of its own for zones"
    assert said["us-east-2-endpoint"] == "https://127.0.0.1:6443", "a cluster may be a real API server"
    assert said["us-east-2-tags"] == {"team": "one"}, "the provider's tags are on everything"
    assert {key[0] for key in provider.objects if key[1] == "Vpc"} == set(ZONES), "each provider makes things in its region"
    _what_aws_says_is_unknown_at_preview(provider)

    stack.up()
    assert set(stack.summary) == {"same"}, f"made once, nothing is left to do: {stack.summary}"
    assert set(stack.refresh()) == {"same"}, "what is read back is what was made"

    group = next(state for key, state in provider.objects.items() if key[:2] == ("us-east-2", "NodeGroup"))
    group["scalingConfig"]["desiredSize"] = 3
    assert stack.refresh()["update"] == 1, "the autoscaler's number is read"
    program.user_data, program.protected = "second", True
    stack.up()
    order = [change.kind for change in provider.log if change.region == "us-east-2"]
    assert sorted(order) == ["Cluster", "LaunchTemplate", "NodeGroup"], f"nothing else is touched: {order}"
    assert order[-1] == "NodeGroup", "machines follow their template and their cluster"
    group = next(state for key, state in provider.objects.items() if key[:2] == ("us-east-2", "NodeGroup"))
    assert group["launchTemplate"]["version"] == "2", "by the number that rose"
    assert group["scalingConfig"]["desiredSize"] == 3, "and stay as many as they were"

    with pytest.raises(automation.CommandError, match="deletion protection enabled"):
        stack.destroy()
    program.protected, program.team = False, "two"
    stack.up()
    assert provider.objects["us-west-2", "Cluster", "fleet-us-west-2"]["tagsAll"] == {"team": "two"}, "new tags of the provider reach what exists"
    stack.destroy()
    assert not provider.objects, "deleted in an order that AWS takes"
    assert not provider.account.implicit, "with what AWS made beside it"
    assert not provider.invoked, "nothing was looked up"


def _what_aws_says_is_unknown_at_preview(provider: StandInAws) -> None:
    for (_, title, _), state in provider.objects.items():
        kind = BY_TITLE[title]
        foreseen = outputs.foreseen(kind, {}, resource_class(kind.token))
        said = set(state) - set(known_inputs(inputs_class(kind.token))) - {"tagsAll", "region"}
        assert {name for name in said if foreseen.get(name) != UNKNOWN} == set(), f"{title}: else a preview would know more than AWS has said"


def _logs_and_role() -> None:
    aws = pulumi.ResourceOptions(provider=Provider("east", region="us-east-2"))
    role = iam.Role("role", assume_role_policy=trust("ec2.amazonaws.com"), opts=aws)
    cloudwatch.LogGroup("log", name="/fleet/log", tags={"role": role.name}, opts=aws)


def _looks_up() -> None:
    aws = Provider("east", region="us-east-2")
    get_caller_identity(opts=pulumi.InvokeOptions(provider=aws))


def _in_another_account() -> None:
    aws = Provider("east", region="us-east-2", allowed_account_ids=["444455556666"])
    iam.Role("role", assume_role_policy=trust("ec2.amazonaws.com"), opts=pulumi.ResourceOptions(provider=aws))


def test_a_lost_answer_leaves_something_behind_that_the_next_run_meets(tmp_path: Path, provider: StandInAws) -> None:
    stack = InlineStack(tmp_path / "stack", provider, _logs_and_role)
    provider.throttle("create", matching="Role")
    lost = provider.lose("create", matching="LogGroup")
    assert "the connection broke before the answer" in stack.refused(), "the engine is told so"
    assert lost.urn.endswith("::log"), "and the test knows which it was"
    assert provider.throttled == 3, "the provider tries again by itself"
    assert stack.pending() == [], "and the engine takes the error for the truth: it does not call the operation unfinished"
    assert [key[1] for key in provider.objects] == ["Role", "LogGroup"], "it was made all the same"
    assert "ResourceAlreadyExistsException" in stack.refused(), "a fixed name is taken"
    assert not provider.duplicates(), "so nothing is there twice"

    del provider.objects["us-east-2", "LogGroup", "/fleet/log"]
    provider.fail("create", message="LimitExceededException: Account limit has been reached.", matching="LogGroup")
    assert "LimitExceededException" in stack.refused(), "AWS's words reach a person"
    assert not [key for key in provider.objects if key[1] == "LogGroup"], "what failed made nothing"
    stack.up()
    assert stack.summary == {"same": 3, "create": 1}, f"the next run goes on: {stack.summary}"


def test_a_made_name_hides_what_a_lost_answer_left_behind(tmp_path: Path, provider: StandInAws) -> None:
    stack = InlineStack(tmp_path / "stack", provider, _logs_and_role)
    provider.lose("create", matching="Role")
    stack.refused()
    provider.throttle("create", times=10, matching="LogGroup", gives_up=True)
    assert "ThrottlingException: Rate exceeded" in stack.refused(), "a provider does not try for ever"
    stack.up()
    (group,) = provider.duplicates()
    assert [change.kind for change in group] == ["Role", "Role"], "AWS sees no conflict, and one of them is nobody's"


def test_what_must_not_happen_fails(tmp_path: Path, provider: StandInAws) -> None:
    stack = InlineStack(tmp_path / "stack", provider, _looks_up)
    assert "nothing may be looked up while the graph is made" in stack.refused(), "a plan must not depend on what happens to exist"
    assert provider.invoked == ["aws:index/getCallerIdentity:getCallerIdentity"], "and the test knows what was asked for"
    stack.program = _in_another_account
    assert f"AWS account ID not allowed: {ACCOUNT}" in stack.refused(), "the wrong account is refused before the first resource"
    assert not provider.objects, "nothing was made"
