"""The simulated account makes, changes and deletes only what AWS would, in the order that AWS wants. Not one call of AWS is made."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.support.stand_in_aws.samples import Region, policy
from tests.support.stand_in_cloud.operations import Refused

pytestmark = pytest.mark.engine


def _refused(action: Callable[[], object]) -> str:
    with pytest.raises(Refused) as caught:
        action()
    return str(caught.value)


def test_what_is_named_has_to_exist() -> None:
    region = Region()
    assert "InvalidVpcID.NotFound" in _refused(lambda: region.make("Subnet")), "no subnet without its VPC"
    assert "No cluster found for name: fleet-prod-east" in _refused(lambda: region.make("Addon")), "no add-on without its cluster"
    assert "NoSuchEntity" in _refused(lambda: region.make("RolePolicy")), "no policy without its role"
    foreign = policy(principal={"AWS": "arn:aws:iam::111122223333:role/nobody"}, action="kms:Decrypt")
    assert "invalid principals" in _refused(lambda: region.make("Key", policy=foreign)), "a key's policy names only those who exist"
    region.account.principals.add("arn:aws:iam::111122223333:role/nobody")
    assert region.make("Key", policy=foreign), "also where somebody else made them"


def test_subnets_lie_in_their_network_beside_each_other_in_zones_that_exist() -> None:
    region = Region()
    vpc = region.make("Vpc")
    subnet = region.make("Subnet", vpcId=vpc)
    assert region.state("Subnet", subnet)["availabilityZone"] == "us-east-2c", "names of zones are not the ids in order"
    assert "InvalidSubnet.Conflict" in _refused(lambda: region.make("Subnet", vpcId=vpc, cidrBlock="10.0.8.0/24")), "inside the first one"
    assert "InvalidSubnet.Range" in _refused(lambda: region.make("Subnet", vpcId=vpc, cidrBlock="10.9.0.0/24")), "outside the network"
    wrong = {"vpcId": vpc, "cidrBlock": "10.0.64.0/20", "availabilityZoneId": "usw2-az1"}
    assert "use2-az1, use2-az2, use2-az3" in _refused(lambda: region.make("Subnet", **wrong)), "a zone of another region, with the right ones"


def test_a_cluster_wants_two_zones_and_a_role_that_is_ready() -> None:
    region = Region()
    subnets = region.network()
    one = {"vpcConfig": {"subnetIds": subnets[:1], "endpointPrivateAccess": True}, "encryptionConfig": None}
    ready = region.role("cluster", "eks.amazonaws.com")
    assert "two different AZs" in _refused(lambda: region.make("Cluster", roleArn=ready, **one)), "one zone is none"
    config = {"vpcConfig": {"subnetIds": subnets, "endpointPrivateAccess": True}, "encryptionConfig": None}
    wrong = region.role("other", "ec2.amazonaws.com")
    assert "trusted entity" in _refused(lambda: region.make("Cluster", roleArn=wrong, **config)), "EKS has to be trusted"
    bare = region.state("Role", region.make("Role", "bare"))["arn"]
    assert "Managed Policies" in _refused(lambda: region.make("Cluster", roleArn=bare, **config)), "a role before its policies is too early"


def test_nodes_come_after_the_network_add_on_and_before_add_ons_with_pods() -> None:
    region = Region()
    subnets = region.cluster()
    assert "cni plugin not initialized" in _refused(lambda: region.nodes(subnets)), "nodes would never be Ready"
    region.make("Addon")
    assert "DEGRADED" in _refused(lambda: region.make("Addon", addonName="coredns")), "its pods have nowhere to run"
    region = Region()
    subnets = region.cluster()
    region.make("Addon")
    region.nodes(subnets)
    assert region.make("Addon", addonName="coredns"), "in the right order all is well"


def test_deletions_wait_for_what_uses_a_thing() -> None:
    region = Region()
    subnets = region.cluster()
    region.make("Addon")
    group = region.nodes(subnets)
    role = next(key[2] for key, state in region.account.of_kind("Role") if state["name"].startswith("nodes"))
    vpc = region.state("Subnet", subnets[0])["vpcId"]
    assert "nodegroups attached" in _refused(lambda: region.delete("Cluster", "fleet-prod-east")), "machines first"
    assert "DependencyViolation: The subnet" in _refused(lambda: region.delete("Subnet", subnets[0])), "interfaces lie in it"
    assert "DependencyViolation: The vpc" in _refused(lambda: region.delete("Vpc", vpc)), "subnets lie in it"
    assert "DeleteConflict" in _refused(lambda: region.delete("Role", role)), "policies are attached to it"
    region.delete("NodeGroup", group)
    region.update("Cluster", "fleet-prod-east", deletionProtection=True)
    assert "deletion protection" in _refused(lambda: region.delete("Cluster", "fleet-prod-east")), "until it is taken off"
    region.update("Cluster", "fleet-prod-east", deletionProtection=False)
    region.delete("Cluster", "fleet-prod-east")
    assert not list(region.account.of_kind("Addon")), "add-ons go with their cluster"
    for subnet in subnets:
        region.delete("Subnet", subnet)
    region.delete("Vpc", vpc)


def test_the_control_plane_goes_up_one_version_at_a_time_and_nodes_follow() -> None:
    region = Region()
    subnets = region.cluster()
    region.make("Addon")
    group = region.nodes(subnets)
    assert "Unsupported Kubernetes minor version update" in _refused(lambda: region.update("Cluster", "fleet-prod-east", version="1.37")), "two steps"
    assert "should not be newer" in _refused(lambda: region.update("NodeGroup", group, version="1.36")), "nodes are never ahead"
    region.update("Cluster", "fleet-prod-east", version="1.36")
    assert region.update("NodeGroup", group, version="1.36")["version"] == "1.36", "in this order"


def test_a_deleted_secret_keeps_its_name_and_a_fixed_name_exists_once() -> None:
    region = Region()
    secret = region.make("Secret")
    assert "ResourceExistsException" in _refused(lambda: region.make("Secret")), "there is one"
    region.delete("Secret", secret)
    assert "already scheduled for deletion" in _refused(lambda: region.make("Secret")), "and there still is, for thirty days"
    region.make("LogGroup")
    assert "ResourceAlreadyExistsException" in _refused(lambda: region.make("LogGroup")), "a group of logs has a fixed name"


def test_a_group_of_logs_has_to_be_there_before_the_cluster_that_writes_into_it() -> None:
    region = Region()
    region.cluster()
    assert "ResourceAlreadyExistsException" in _refused(lambda: region.make("LogGroup")), "EKS made one, without retention and key"


def test_replication_wants_versions_on_both_sides() -> None:
    region = Region()
    role = region.role("replication", "s3.amazonaws.com")
    ours, theirs = region.make("Bucket", "ours"), region.make("Bucket", "theirs")
    rule = {"id": "all", "status": "Enabled", "priority": 0, "filter": {"prefix": "weights/"}, "deleteMarkerReplication": {"status": "Disabled"}}
    config = {"bucket": ours, "role": role, "rules": [{**rule, "destination": {"bucket": region.state("Bucket", theirs)["arn"]}}]}
    assert "Versioning must be 'Enabled'" in _refused(lambda: region.make("BucketReplicationConfig", **config)), "the source"
    region.make("BucketVersioning", bucket=ours)
    assert "Destination bucket must have versioning" in _refused(lambda: region.make("BucketReplicationConfig", **config)), "the destination"
    region.make("BucketVersioning", bucket=theirs)
    assert region.make("BucketReplicationConfig", **config), "both"
