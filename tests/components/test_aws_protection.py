"""What the engine refuses to delete, what it leaves to others, and what AWS is asked to guard: exactly that, in prod and while it is wanted."""

from __future__ import annotations

import pytest

from fleet.fleet_plan import ClusterPlan
from tests.support.aws_programs import DEPLOYER, FLEETS, Recorded, recorded

pytestmark = pytest.mark.mocks

CLUSTER, NODES, BUCKET = "aws:eks/cluster:Cluster", "aws:eks/nodeGroup:NodeGroup", "aws:s3/bucket:Bucket"
GUARDED = {"aws:ec2/vpc:Vpc", CLUSTER, "aws:kms/key:Key", BUCKET, "aws:efs/fileSystem:FileSystem"}
"""What cannot be made again as it was: addresses, the cluster's state, keys and data."""


@pytest.fixture(params=FLEETS)
def fleet(request: pytest.FixtureRequest) -> Recorded:
    return recorded(request.param)


def _prod(fleet: Recorded) -> bool:
    return fleet.plan.environment == "prod"


def _kept(fleet: Recorded, cluster: ClusterPlan) -> bool:
    return _prod(fleet) and cluster.state == "active"


def test_in_prod_exactly_what_cannot_be_made_again_is_protected_until_its_cluster_retires(fleet: Recorded) -> None:
    for planned in fleet.clusters:
        protected = {each.urn for each in fleet.graph.resources.values() if each.protect and fleet.graph.region(each) == planned.name}
        expected = {each.urn for each in fleet.made(*GUARDED, cluster=planned.name)} if _kept(fleet, planned) else set()
        assert protected == expected, "more would jam later changes, less would lose data"


def test_a_region_in_prod_has_one_of_each_that_is_protected() -> None:
    fleet = recorded("everything")
    for planned in fleet.clusters:
        found = sorted(each.type for each in fleet.made(*GUARDED, cluster=planned.name))
        wanted = GUARDED if planned.aws_plan.file_system else GUARDED - {"aws:efs/fileSystem:FileSystem"}
        assert found == sorted(wanted), "each once"
    assert any(planned.aws_plan.file_system for planned in fleet.clusters), "a file system among them"


def test_a_retiring_region_beside_an_active_one_alone_loses_its_guards() -> None:
    fleet = recorded("retiring")
    guards = {
        planned.name: (
            fleet.the(CLUSTER, planned.name).inputs["deletionProtection"],
            fleet.the(BUCKET, planned.name).inputs["forceDestroy"],
            any(each.protect for each in fleet.made("aws:", cluster=planned.name)),
        )
        for planned in fleet.clusters
    }
    assert guards == {"aws-use2": (True, False, True), "aws-usw2": (False, True, False)}, "the first of two steps, for one region"


def test_nothing_is_left_behind_when_it_is_deleted(fleet: Recorded) -> None:
    assert not [each.name for each in fleet.graph.resources.values() if each.retain_on_delete], "a destroy leaves an empty account"
    for each in fleet.made("aws:eks/addon:Addon"):
        assert each.inputs["preserve"] is False, f"{each.name} goes with its pods"


def test_only_what_others_own_is_ignored(fleet: Recorded) -> None:
    ignored = {
        CLUSTER: ("accessConfig.bootstrapClusterCreatorAdminPermissions",),  # said once, when the cluster is made
        NODES: ("scalingConfig.desiredSize",),  # the autoscaler's
    }
    for each in fleet.made("aws:", "pulumi:providers:"):
        assert each.ignore_changes == ignored.get(each.type, ()), f"{each.name}: what is ignored is never repaired"


def test_aws_refuses_to_delete_a_cluster_of_prod_until_it_retires_and_moves_its_zones_there_alone(fleet: Recorded) -> None:
    for planned in fleet.clusters:
        inputs = fleet.the(CLUSTER, planned.name).inputs
        assert inputs["deletionProtection"] is _kept(fleet, planned), "a second lock beside the engine's"
        assert inputs["zonalShiftConfig"]["enabled"] is _prod(fleet), "traffic leaves a zone that fails"


def test_data_outlive_a_mistake_longest_where_they_matter(fleet: Recorded) -> None:
    for planned in fleet.clusters:
        assert fleet.the(BUCKET, planned.name).inputs["forceDestroy"] is not _kept(fleet, planned), "a bucket with weights cannot be deleted"
        days = fleet.the("aws:kms/key:Key", planned.name).inputs["deletionWindowInDays"]
        assert days == (30 if _kept(fleet, planned) else 7), "until a key is really gone"


def test_a_public_endpoint_always_names_who_may_reach_it(fleet: Recorded) -> None:
    for planned in fleet.clusters:
        access = fleet.the(CLUSTER, planned.name).inputs["vpcConfig"]
        assert access["endpointPrivateAccess"] is True, "machines never go around through the internet"
        assert access["endpointPublicAccess"] is bool(planned.aws_plan.control_plane.public_cidrs), "closed where nobody is named"
        if access["endpointPublicAccess"]:
            assert access["publicAccessCidrs"] == list(planned.aws_plan.control_plane.public_cidrs), "without, AWS lets in the whole world"
            assert "0.0.0.0/0" not in access["publicAccessCidrs"], "nor is that what somebody wrote"


def test_a_private_cluster_has_no_public_address_at_all() -> None:
    access = recorded("private").the(CLUSTER, "only").inputs["vpcConfig"]
    assert access["endpointPublicAccess"] is False, "reached from inside the network alone"
    assert "publicAccessCidrs" not in access, "and nobody is let in from elsewhere"


def test_a_cluster_authenticates_by_its_api_alone_and_stays_in_standard_support(fleet: Recorded) -> None:
    for planned in fleet.clusters:
        inputs = fleet.the(CLUSTER, planned.name).inputs
        assert inputs["accessConfig"]["authenticationMode"] == "API", "no map inside the cluster says who may do what"
        creator, named = inputs["accessConfig"]["bootstrapClusterCreatorAdminPermissions"], planned.aws_plan.control_plane.administrators
        assert creator or named, "somebody must be able to get in"
        assert not (creator and DEPLOYER in named), "where a deployer is named, whoever happened to run it first is no administrator"
        assert inputs["bootstrapSelfManagedAddons"] is False, "add-ons that nobody would update"
        assert inputs["upgradePolicy"]["supportType"] == "STANDARD", "extended support costs six times as much"
        assert inputs["encryptionConfig"]["resources"] == ["secrets"], "Secrets are sealed with the region's key"
        assert set(inputs["enabledClusterLogTypes"]) == {"api", "audit", "authenticator", "controllerManager", "scheduler"}, "every log there is"
