"""A fleet in clouds under the real engine and stand-in providers: accounts, projects and what is inside their clusters are simulated."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from pulumi import automation

from fleet.aws.plan import AwsPlan
from fleet.gcp.plan import GcpPlan
from tests.support.cloud_login import login
from tests.support.engine_stack import EngineStack
from tests.support.stack_files import shipped
from tests.support.stand_in_aws import ACCOUNT, StandInAws
from tests.support.stand_in_cloud.process import kind_token
from tests.support.stand_in_cloud.provider import StandInCloud
from tests.support.stand_in_gcp import StandInGcp
from tests.support.stand_in_provider import StandInProvider

DEPLOYER, PLATFORM = (f"arn:aws:iam::{ACCOUNT}:role/{name}" for name in ("deployer", "platform"))

GOOGLE_PROJECT = "acme-test"

CLUSTERS: Mapping[str, Mapping[str, Any]] = {
    **{
        name: {"cloud": "aws", "region": region, "account": ACCOUNT, "deployer": DEPLOYER, "endpoint": {"public_cidrs": ["203.0.113.0/24"]}}
        for name, region in (("east", "us-east-2"), ("west", "us-west-2"))
    },
    **{
        name: {"cloud": "gcp", "region": region, "project": GOOGLE_PROJECT} for name, region in (("central", "us-central1"), ("atlantic", "us-east4"))
    },
}
"""Clusters that a test may have: two in AWS, two in Google Cloud."""


def small(*clusters: str) -> dict[str, Any]:
    """Settings of a fleet in these clusters with two pools and two models, the second of each in the first cluster only."""
    return {
        "name": "small",
        "environment": "staging",
        "clusters": {name: dict(CLUSTERS[name]) for name in clusters},
        "pools": {"l4": {"accelerator": "L4", "max_nodes": 4}, "t4": {"accelerator": "T4", "max_nodes": 2}},
        "models": {
            "chat": {"tier": "small", "pool": "l4", "slo": "interactive", "replicas": {"min": 2}},
            "labels": {"tier": "mini-int4", "placements": {clusters[0]: {"pool": "t4"}}},
        },
    }


def shipped_in_the_account(stack: str) -> dict[str, Any]:
    """Settings of a shipped file, in the one AWS account that the stand-in has; projects of Google's may be any."""
    text = yaml.safe_dump(shipped(stack))
    for account in {str(cluster.get("account", ACCOUNT)) for cluster in shipped(stack)["clusters"].values()}:
        text = text.replace(account, ACCOUNT)
    return yaml.safe_load(text)


WITHOUT_CHECKPOINTS = {"PULUMI_EXPERIMENTAL": "true", "PULUMI_SKIP_CHECKPOINTS": "true"}
"""The engine then writes its state once, at the end of a run: several times as fast, and nothing for a test that kills it."""


class CloudFleet(EngineStack):
    """Change `settings`, then `up`. `aws`, `gcp` and `kubernetes` say what was done, `said` what a person read."""

    def __init__(self, folder: Path, settings: Mapping[str, Any], *, checkpoints: bool = False) -> None:
        self.aws, self.gcp, self.kubernetes = StandInAws(), StandInGcp(), StandInProvider()
        self.clouds = (self.aws, self.gcp)
        self.aws.account.principals.add(PLATFORM)
        self.deployers: set[str] = set()
        """Who may run this program in AWS: whoever the settings ever named."""
        self.names: set[str] = set()
        """Of every cluster that the settings ever named."""
        self.dead: set[str] = set()
        """Names, in their clouds, of clusters whose API server does not answer."""
        self.kubernetes.unreachable = self._unreachable
        self._before = dict(os.environ)
        os.environ.update(login(folder) | ({} if checkpoints else WITHOUT_CHECKPOINTS))
        super().__init__(folder, settings, *self.clouds, self.kubernetes)

    def write(self) -> None:
        super().write()
        clusters = self.settings["clusters"]
        self.names |= set(clusters)
        self.deployers |= {cluster["deployer"] for cluster in clusters.values() if "deployer" in cluster}
        self.aws.account.principals |= self.deployers

    def aws_region(self, name: str) -> AwsPlan:
        """What the settings mean for one cluster in AWS."""
        return next(cluster.aws_plan for cluster in self.plan().clusters if cluster.name == name)

    def gcp_region(self, name: str) -> GcpPlan:
        """What the settings mean for one cluster in Google Cloud."""
        return next(cluster.gcp_plan for cluster in self.plan().clusters if cluster.name == name)

    def name_in_cloud(self, name: str) -> str:
        """What the cloud calls a cluster."""
        found = next(cluster for cluster in self.plan().clusters if cluster.name == name)
        return (found.aws or found.gcp_plan).control_plane.name

    def changes(self) -> list[Any]:
        """Everything that was done since the log began, cloud by cloud, and in the clusters last."""
        return [change for provider in (*self.clouds, self.kubernetes) for change in provider.log]

    def done(self, cluster: str = "") -> Counter[str]:
        """What was done since the log began, to one cluster or all, for example `create NodePool`."""
        found = (change for change in self.changes() if cluster in ("", self.cluster_of(change.urn)))
        return Counter(f"{change.operation} {change.kind}" for change in found)

    def touched(self) -> set[str]:
        """Clusters of the fleet that anything was done to."""
        return {self.cluster_of(change.urn) for change in self.changes()}

    def cluster_of(self, urn: str) -> str:
        """Every name of a resource begins with its cluster's."""
        resource = urn.rpartition("::")[2]
        return max((name for name in self.names if resource.startswith((f"{name}-", f"{name}."))), key=len)

    def objects(self) -> Iterator[tuple[str, str, str]]:
        """Region, kind and id of everything in the clouds."""
        for cloud in self.clouds:
            yield from cloud.objects

    def orphans(self) -> list[Any]:
        """What was made more than once and is there more than once."""
        return [group for cloud in self.clouds for group in cloud.duplicates()]

    def take_over(self, made: Mapping[str, str]) -> None:
        """What a person does with creations that a killed engine left unfinished: lift its lock, write the id of each into the state, refresh."""
        stack = self.stack()._stack
        stack.cancel()
        exported = stack.export_stack()
        content = dict(exported.deployment or {})
        under_way = [operation["resource"] for operation in content.pop("pending_operations", None) or []]
        content["resources"] += [{**resource, "id": made[resource["urn"]]} for resource in under_way if resource["urn"] in made]
        stack.import_stack(automation.Deployment(version=exported.version, deployment=content))
        stack.refresh(color="never")

    def kill_at(self, cloud: StandInCloud, nth: int, matching: str = "") -> dict[str, str]:
        """An update whose engine is killed when the cloud has made the n-th thing and nobody was told; what the state does not know, URN to id."""
        held = cloud.hold("create", nth, matching=matching)
        run = self.start("up")
        held.await_reached(run)
        self.kill_engine()
        self.failing(run)
        under_way = {operation["resource"]["urn"] for operation in self.pending() if operation["type"] == "creating"}
        assert held.urn in under_way, "the state knows that it was under way"
        self.settle()
        known = {resource["urn"] for resource in self.state()}
        made = {change.urn: change.name for change in cloud.log if change.operation == "create" and change.urn not in known}
        assert set(made) <= under_way, "nothing was made that the state has not heard of"
        return made

    def assert_whole(self, cloud: StandInCloud) -> None:
        """Everything of the plan is there, and the state knows it."""
        assert self.up() == {}, "state and cloud agree"
        assert not self.pending(), "nothing is under way"
        urns = [resource["urn"] for resource in self.state()]
        assert len(urns) == len(set(urns)), "every resource is in the state once"
        alive = {change.urn for change in cloud.made if (change.region, change.kind, change.name) in cloud.objects}
        assert alive == {urn for urn in urns if kind_token(urn).startswith(f"{cloud.package}:")}, "and in the cloud"

    def destroy_killed_at(self, cloud: StandInCloud, nth: int) -> None:
        """A destroy whose engine is killed when the cloud has deleted the n-th thing, and another one that goes on."""
        held = cloud.hold("delete", nth)
        run = self.start("destroy")
        held.await_reached(run)
        self.kill_engine()
        self.failing(run)
        self.settle()
        assert cloud.objects, "it stopped in the middle"
        self.stack().destroy(self.said.append)
        assert not cloud.objects, "nothing is left"
        assert not self.kubernetes.objects, "nor inside the cluster"

    def _unreachable(self, cluster: str) -> str | None:
        """Why an API server must not answer: its cloud has no such cluster, it is dead, or it does not let the deployer in."""
        if cluster in self.dead:
            return "i/o timeout"
        if any(state["name"] == cluster for _, state in self.gcp.inventory.of_kind("Cluster")):
            return None
        made = next((state for key, state in self.aws.objects.items() if key[1:] == ("Cluster", cluster)), None)
        if made is None:
            return "no such host"
        policies = (found for _, found in self.aws.account.of_kind("AccessPolicyAssociation") if found["clusterName"] == cluster)
        creator = made["accessConfig"]["bootstrapClusterCreatorAdminPermissions"]
        return None if creator or any(found["principalArn"] in self.deployers for found in policies) else "Unauthorized"

    def remove(self) -> None:
        super().remove()
        os.environ.clear()
        os.environ.update(self._before)
