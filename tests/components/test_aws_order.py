"""What of an AWS region exists before what, and so in which order it goes: as dependencies on the graph, not as the order of a run.

What holds in every cloud: test_cloud_order.py.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.support.aws_programs import FLEETS, Recorded, recorded
from tests.support.recording import Resource

pytestmark = pytest.mark.mocks

NODES, ADD_ON, CLUSTER = "aws:eks/nodeGroup:NodeGroup", "aws:eks/addon:Addon", "aws:eks/cluster:Cluster"
NETWORKING = ("vpc-cni", "kube-proxy", "eks-pod-identity-agent")
"""Without these a machine does not become Ready or its pods have no identity."""


@pytest.fixture(params=FLEETS)
def fleet(request: pytest.FixtureRequest) -> Recorded:
    return recorded(request.param)


def _add_ons(fleet: Recorded, cluster: str) -> dict[str, Resource]:
    return {each.inputs["addonName"]: each for each in fleet.made(ADD_ON, cluster=cluster)}


def _clusters(fleet: Recorded) -> Iterator[str]:
    return (cluster.name for cluster in fleet.clusters)


def test_whoever_administers_a_cluster_is_let_in_before_anything_is_written_into_it_and_out_after_all_of_it_is_gone(fleet: Recorded) -> None:
    for name in _clusters(fleet):
        access = list(fleet.made("aws:eks/accessEntry:AccessEntry", "aws:eks/accessPolicyAssociation:AccessPolicyAssociation", cluster=name))
        provider = fleet.the("pulumi:providers:kubernetes", name)
        assert not fleet.before(provider, *access), "an entry without its policy may not even read"
        inside = list(fleet.made("kubernetes:", cluster=name))
        assert inside, "there is something in the cluster"
        for each in inside:
            assert not fleet.before(each, provider, *access), f"{each.name} could not be deleted any more"


def test_machines_find_their_network_and_their_identity_and_other_add_ons_find_machines(fleet: Recorded) -> None:
    for name in _clusters(fleet):
        add_ons, groups = _add_ons(fleet, name), list(fleet.made(NODES, cluster=name))
        early = [add_ons[key] for key in NETWORKING]
        late = [each for key, each in add_ons.items() if key not in NETWORKING]
        assert {"coredns", "aws-ebs-csi-driver", "metrics-server"} <= set(add_ons), "what no cluster works without"
        for group in groups:
            assert not fleet.before(group, *early), f"machines of {group.name} would stay NotReady"
        for each in late:
            assert not fleet.before(each, *groups), f"{each.name} waits for pods that run nowhere, and EKS calls it DEGRADED"
        for each in early:
            assert not [group.name for group in groups if group.urn in fleet.needs[each.urn]], (
                f"{each.name} and the machines would wait for each other"
            )


def test_machines_have_their_way_out_and_their_role_from_the_first_second_to_the_last(fleet: Recorded) -> None:
    kinds = ("routeTableAssociation:RouteTableAssociation", "route:Route", "natGateway:NatGateway", "vpcEndpoint:VpcEndpoint")
    for name in _clusters(fleet):
        ways = [each for kind in kinds for each in fleet.made(f"aws:ec2/{kind}", cluster=name)]
        rights = [each for each in fleet.made("aws:iam/", cluster=name) if "-nodes-" in each.name]
        assert len(rights) > 1, "AWS asks for several policies"
        for group in fleet.made(NODES, cluster=name):
            assert not fleet.before(group, *ways, *rights), f"machines of {group.name} could not join, or not leave"


def test_the_control_plane_writes_into_a_log_that_is_there_with_rights_that_are_there(fleet: Recorded) -> None:
    for name in _clusters(fleet):
        cluster = fleet.the(CLUSTER, name)
        (log,) = [each for each in fleet.made("aws:cloudwatch/logGroup:LogGroup", cluster=name) if each.inputs["name"].startswith("/aws/eks/")]
        assert log.inputs["name"] == f"/aws/eks/{cluster.inputs['name']}/cluster", "the one that EKS would make itself, for ever and without our key"
        rights = [each for each in fleet.made("aws:iam/", cluster=name) if each.name in {f"{name}-cluster-role", f"{name}-cluster-policy"}]
        assert len(rights) == 2, "the control plane may do something"
        assert not fleet.before(cluster, log, *rights), "EKS needs them until its last network interface is gone"


def test_the_key_is_there_before_all_that_is_encrypted_with_it(fleet: Recorded) -> None:
    for name in _clusters(fleet):
        key = fleet.the("aws:kms/key:Key", name)
        (arn,) = {each.inputs["kmsKeyId"] for each in fleet.made("aws:cloudwatch/logGroup:LogGroup", cluster=name)}
        encrypted = [each for each in fleet.made("aws:", "kubernetes:", cluster=name) if arn in json.dumps(each.inputs)]
        kinds = {each.type for each in encrypted}
        assert {CLUSTER, "aws:ec2/launchTemplate:LaunchTemplate", "kubernetes:storage.k8s.io/v1:StorageClass"} <= kinds, (
            "Secrets and disks among them"
        )
        for each in encrypted:
            assert not fleet.before(each, key), f"{each.name} would be unreadable as soon as the key goes"


def test_pods_find_the_identity_of_their_service_account_when_they_start(fleet: Recorded) -> None:
    for planned in fleet.clusters:
        made = {each.inputs["roleArn"]: each for each in fleet.made("aws:eks/podIdentityAssociation:PodIdentityAssociation", cluster=planned.name)}
        by_account = {(each.inputs["namespace"], each.inputs["serviceAccount"]): each for each in made.values()}
        for add_on in planned.aws_plan.managed_add_ons:
            if add_on.identity:
                association = by_account["kube-system", str(add_on.service_account)]
                assert not fleet.before(_add_ons(fleet, planned.name)[add_on.name], association), f"pods of {add_on.name} would start as nobody"
        for each in fleet.made("kubernetes:", cluster=planned.name):
            assert not fleet.before(each, *made.values()), f"{each.name}: an identity is given to pods when they start, never later"


def test_an_identity_is_whole_before_it_is_given_to_anybody(fleet: Recorded) -> None:
    for association in fleet.made("aws:eks/podIdentityAssociation:PodIdentityAssociation"):
        stem = association.name.removesuffix("-association")
        rights = [each for each in fleet.made("aws:iam/rolePolicy:RolePolicy") if each.name == f"{stem}-policy"]
        assert rights, f"{stem} may do something"
        assert not fleet.before(association, *rights), f"{stem} would be refused what it is there for"


def test_weights_are_used_only_where_their_storage_is_whole(fleet: Recorded) -> None:
    for planned in fleet.clusters:
        guards = ("BucketVersioning", "BucketPolicy", "BucketServerSideEncryptionConfiguration", "BucketPublicAccessBlock")
        bucket = [each for each in fleet.made("aws:s3/", cluster=planned.name) if each.type.rpartition(":")[2] in guards]
        assert len(bucket) == len(guards), "each once"
        for each in fleet.made("kubernetes:core/v1:PersistentVolume", cluster=planned.name):
            assert not fleet.before(each, *bucket), f"{each.name}: weights would be written where they are not guarded yet"
        files = list(fleet.made("aws:efs/", cluster=planned.name))
        assert bool(files) == any(cache.kind == "shared" for cache in planned.caches), "a file system where a cache asks for one"
        for each in fleet.made("kubernetes:apps/v1:Deployment", cluster=planned.name):
            assert not fleet.before(each, *files), f"{each.name}: a mount without its target hangs, and so does the machine that should go"


def test_mirrored_images_are_pulled_through_a_rule_that_is_there(fleet: Recorded) -> None:
    for planned in fleet.clusters:
        rules = list(fleet.made("aws:ecr/pullThroughCacheRule:PullThroughCacheRule", cluster=planned.name))
        assert bool(rules) == bool(planned.aws_plan.image_mirror), "where the stack file asks for it"
        for each in fleet.made("kubernetes:apps/v1:Deployment", "kubernetes:batch/v1:Job", cluster=planned.name):
            assert not fleet.before(each, *rules), f"{each.name} would ask the registry for an image that it does not know"


def test_weights_are_copied_when_both_buckets_keep_versions(fleet: Recorded) -> None:
    for planned in fleet.clusters:
        for each in fleet.made("aws:s3/bucketReplicationConfig:BucketReplicationConfig", cluster=planned.name):
            ends = (planned.name, *planned.aws_plan.bucket.replicate_to)
            versions = [fleet.the("aws:s3/bucketVersioning:BucketVersioning", end) for end in ends]
            rights = fleet.the("aws:iam/rolePolicy:RolePolicy", planned.name, f"{planned.name}-replication-policy")
            assert not fleet.before(each, rights, *versions), "S3 refuses it without"
            inside = [urn for urn in fleet.needs[each.urn] if fleet.graph.resources[urn].type == NODES]
            assert not inside, "and needs no machine for it"
