"""A fleet in AWS under the real engine and two stand-in providers: the account and what is inside its clusters are simulated."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from pulumi import automation

from fleet.aws.plan import AwsPlan
from tests.support.engine_stack import EngineStack
from tests.support.stack_files import shipped
from tests.support.stand_in_aws import ACCOUNT, StandInAws
from tests.support.stand_in_provider import StandInProvider

CREDENTIALS = {"AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret-that-must-never-leave-the-environment"}
"""They are looked for, and never used."""

DEPLOYER, PLATFORM = (f"arn:aws:iam::{ACCOUNT}:role/{name}" for name in ("deployer", "platform"))

TWO_REGIONS: dict[str, Any] = {
    "name": "small",
    "environment": "staging",
    "clusters": {
        name: {"cloud": "aws", "region": region, "account": ACCOUNT, "deployer": DEPLOYER, "endpoint": {"public_cidrs": ["203.0.113.0/24"]}}
        for name, region in (("east", "us-east-2"), ("west", "us-west-2"))
    },
    "pools": {"l4": {"accelerator": "L4", "max_nodes": 4}, "t4": {"accelerator": "T4", "max_nodes": 2}},
    "models": {
        "chat": {"tier": "small", "pool": "l4", "slo": "interactive", "replicas": {"min": 2}},
        "labels": {"tier": "mini-int4", "placements": {"east": {"pool": "t4"}}},
    },
}
"""Two regions, two pools, two models: the second of each in one region only."""


def shipped_in_the_account(stack: str) -> dict[str, Any]:
    """Settings of a shipped file, in the one account that the stand-in has."""
    text = yaml.safe_dump(shipped(stack))
    for account in {str(cluster.get("account", ACCOUNT)) for cluster in shipped(stack)["clusters"].values()}:
        text = text.replace(account, ACCOUNT)
    return yaml.safe_load(text)


ONE_REGION: dict[str, Any] = {**TWO_REGIONS, "clusters": {"east": TWO_REGIONS["clusters"]["east"]}}

WITHOUT_CHECKPOINTS = {"PULUMI_EXPERIMENTAL": "true", "PULUMI_SKIP_CHECKPOINTS": "true"}
"""The engine then writes its state once, at the end of a run: several times as fast, and nothing for a test that kills it."""


class AwsFleet(EngineStack):
    """Change `settings`, then `up`. `aws` and `kubernetes` say what was done, `said` what a person read."""

    def __init__(self, folder: Path, settings: Mapping[str, Any] = TWO_REGIONS, *, checkpoints: bool = False) -> None:
        self.aws, self.kubernetes = StandInAws(), StandInProvider()
        self.aws.account.principals.add(PLATFORM)
        self.deployers: set[str] = set()
        """Who may run this program: whoever the settings ever named."""
        self.names: set[str] = set()
        """Of every cluster that the settings ever named."""
        self.dead: set[str] = set()
        """Names of EKS clusters whose API server does not answer."""
        self.kubernetes.unreachable = self._unreachable
        self._before = dict(os.environ)
        os.environ.update(CREDENTIALS | ({} if checkpoints else WITHOUT_CHECKPOINTS))
        os.environ["PATH"] = os.pathsep.join([str(_command(folder)), os.environ["PATH"]])
        super().__init__(folder, settings, self.aws, self.kubernetes)

    def write(self) -> None:
        super().write()
        clusters = self.settings["clusters"]
        self.names |= set(clusters)
        self.deployers |= {cluster["deployer"] for cluster in clusters.values() if "deployer" in cluster}
        self.aws.account.principals |= self.deployers

    def region(self, name: str) -> AwsPlan:
        """What the settings mean for one cluster."""
        return next(cluster.aws_plan for cluster in self.plan().clusters if cluster.name == name)

    def done(self) -> Counter[str]:
        """What was done since the log began, for example `create NodeGroup`."""
        return Counter(f"{change.operation} {change.kind}" for change in (*self.aws.log, *self.kubernetes.log))

    def touched(self) -> set[str]:
        """Clusters of the fleet that anything was done to."""
        return {self._cluster_of(change.urn.rpartition("::")[2]) for change in (*self.aws.log, *self.kubernetes.log)}

    def _cluster_of(self, resource: str) -> str:
        """Every name of a resource begins with its cluster's."""
        return max((name for name in self.names if resource.startswith((f"{name}-", f"{name}."))), key=len)

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

    def _unreachable(self, cluster: str) -> str | None:
        """Why an API server must not answer: the account has no such cluster, it is dead, or it does not let the deployer in."""
        made = next((state for key, state in self.aws.objects.items() if key[1:] == ("Cluster", cluster)), None)
        if made is None:
            return "no such host"
        if cluster in self.dead:
            return "i/o timeout"
        policies = (found for _, found in self.aws.account.of_kind("AccessPolicyAssociation") if found["clusterName"] == cluster)
        creator = made["accessConfig"]["bootstrapClusterCreatorAdminPermissions"]
        return None if creator or any(found["principalArn"] in self.deployers for found in policies) else "Unauthorized"

    def remove(self) -> None:
        super().remove()
        os.environ.clear()
        os.environ.update(self._before)


def _command(folder: Path) -> Path:
    """A folder with a command `aws` that no stand-in ever asks for a token."""
    command = folder / "bin" / "aws"
    command.parent.mkdir(parents=True)
    command.write_text("#!/bin/sh\nexit 1\n", encoding="utf-8")
    command.chmod(0o755)
    return command.parent
