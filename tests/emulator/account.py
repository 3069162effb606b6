"""One emulated account (moto) in which whole fleets are made through boto3."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any

from moto import mock_aws

from fleet.aws.plan import AwsPlan
from fleet.fleet_plan import ClusterPlan
from tests.emulator import calls_cluster, calls_identity, calls_network, calls_storage
from tests.support.aws_programs import recorded
from tests.support.fleets import UNPINNED
from tests.support.recorded_fleet import Recorded, record
from tests.support.replay import Made, Replay, Translation

TRANSLATIONS: Mapping[str, Translation] = {
    **calls_network.TRANSLATIONS,
    **calls_identity.TRANSLATIONS,
    **calls_cluster.TRANSLATIONS,
    **calls_storage.TRANSLATIONS,
}

NOT_THERE = "moto does not have this call"

UNSERVED = {
    "aws:eks/addon:Addon": ("eks", "create_addon", NOT_THERE),
    "aws:eks/accessEntry:AccessEntry": ("eks", "create_access_entry", NOT_THERE),
    "aws:eks/accessPolicyAssociation:AccessPolicyAssociation": ("eks", "associate_access_policy", NOT_THERE),
    "aws:eks/podIdentityAssociation:PodIdentityAssociation": ("eks", "create_pod_identity_association", NOT_THERE),
    "aws:ecr/repositoryCreationTemplate:RepositoryCreationTemplate": ("ecr", "create_repository_creation_template", NOT_THERE),
    "aws:ecr/pullThroughCacheRule:PullThroughCacheRule": ("ecr", "create_pull_through_cache_rule", NOT_THERE),
    "aws:autoscaling/tag:Tag": ("autoscaling", None, "moto's node groups name Auto Scaling groups that it does not make"),
}
"""Types that are not replayed: service, call and why."""

BOOKED: dict[str, Any] = {
    "name": "booked",
    "environment": "dev",
    "clusters": {
        "only": {
            "cloud": "aws",
            "region": "us-east-2",
            "endpoint": {"public_cidrs": ["203.0.113.0/24"]},
            "node_image": "bottlerocket",
            "zones": ["use2-az1", "use2-az2"],
            "kubernetes_version": "1.36",
        }
    },
    "pools": {
        "h100": {
            "accelerator": "H100",
            "gpus_per_node": 8,
            "max_nodes": 2,
            "capacity": ["capacity_block"],
            "reservations": {"only": {"id": "cr-0123456789abcdef0", "zone": "use2-az2"}},
        },
        "l4": {"accelerator": "L4", "max_nodes": 4, "capacity": ["spot", "reservation", "on_demand"]},
    },
    "models": {
        "chat": {"tier": "small", "pool": "h100", "cache": {"kind": "node_local"}},
        "writer": {"tier": "small", "pool": "l4", "cache": {"kind": "shared"}},
    },
    "accepted_risks": [UNPINNED],
}
"""A capacity block, the longest ladder, Bottlerocket and chosen zones: what no other fleet of these tests has."""


@dataclass(frozen=True)
class Fleet:
    """What was planned, what the program asked for, and what became of it."""

    recorded: Recorded
    replay: Replay

    def of(self, cluster: ClusterPlan, suffix: str) -> Made:
        """Outputs of the resource that is called the cluster's name and this."""
        urns = [urn for urn, each in self.replay.resources.items() if each.name == f"{cluster.name}-{suffix}"]
        assert len(urns) == 1, f"{len(urns)} resources {cluster.name}-{suffix}"
        return self.replay.made[urns[0]]

    def client(self, cluster: ClusterPlan, service: str) -> Any:
        """Of the cluster's region."""
        return self.replay.regions[cluster.region].client(service)

    @property
    def clusters(self) -> Iterator[tuple[ClusterPlan, AwsPlan]]:
        """Those in AWS."""
        return ((cluster, cluster.aws_plan) for cluster in self.recorded.clusters)


@cache
def program(name: str) -> Recorded:
    """A fleet of the mocks' tests, or the one that is only here."""
    if name != "booked":
        return recorded(name)
    return record(BOOKED, "test", "aws")


def known_values(fleet: Fleet, cluster: ClusterPlan, plan: AwsPlan) -> dict[str, str]:
    """What references of the region's documents stand for, from what AWS made."""
    vpc, key, bucket = (fleet.of(cluster, suffix) for suffix in ("network-vpc", "encryption-key", "models-bucket"))
    found = {
        "account": vpc["ownerId"],
        "vpc_id": vpc["id"],
        "key_arn": key["arn"],
        "bucket_arn": bucket["arn"],
        "bucket_name": bucket["bucket"],
        "cluster_arn": fleet.of(cluster, "cluster")["arn"],
        **{f"secret_arn.{secret.key}": fleet.of(cluster, f"{secret.key}-secret")["arn"] for secret in plan.secrets},
        **{f"role_arn.{role.key}": fleet.of(cluster, f"{role.key}-role")["arn"] for role in plan.roles},
    }
    if plan.file_system:
        files = fleet.of(cluster, "shared-files")
        found |= {"file_system_id": files["id"], "file_system_arn": files["arn"]}
    for other, _ in fleet.clusters:
        found[f"bucket_arn.{other.name}"] = fleet.of(other, "models-bucket")["arn"]
        found[f"key_arn.{other.name}"] = fleet.of(other, "encryption-key")["arn"]
    return found


@contextmanager
def emulated() -> Iterator[None]:
    """An account with the policies that AWS itself keeps, and the number that the recording gave it."""
    with mock_aws(config={"iam": {"load_aws_managed_policies": True}}):
        yield


def made(*names: str) -> dict[str, Fleet]:
    """Fleets by name, all in the one account."""
    found = {name: Fleet(program(name), Replay(program(name).graph, TRANSLATIONS)) for name in names}
    for fleet in found.values():
        fleet.replay.create()
    return found
