"""A small fleet for each cloud: in prod with one cluster that stays and one that is on its way out, and in staging with one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest import mock

from fleet.fleet_plan import ClusterPlan, FleetPlan
from fleet.planner import plan
from fleet.stack_file import parse
from tests.support.fleets import UIDS, UNPINNED, Settings, graph_of
from tests.support.recording import Graph, Resource

STAYS, GOES = "one", "two"
"""Names of a sample's clusters: in prod the second retires."""

ROLES = ("network", "cluster", "key", "bucket", "machines")
"""What every region is made of, whatever its cloud calls the resource."""

BROKEN = (
    "copies of secrets in the region itself",
    "a rung that the cloud does not sell",
    "a zone that the region has not",
    "addresses that two clusters have",
    "machines that the region does not sell",
    "a quota that the pools could exceed",
)
"""What every cloud refuses before anything is made."""

SECRETS = {"HF_TOKEN": "hf_AbCdEfGhIjKlMnOpQrStUvWx", "VLLM_API_KEY": "sk-0123456789abcdef"}
"""In the environment of whoever runs a sample; no account has them."""


@dataclass(frozen=True, kw_only=True)
class Sample:
    """Clusters of one cloud, and what its own words are for what all clouds have."""

    clusters: Mapping[str, Mapping[str, Any]]
    """Settings of the two."""
    kinds: Mapping[str, str] = field(default_factory=dict[str, str])
    """Role of a resource to its type."""
    guards: Mapping[str, tuple[str, Any]] = field(default_factory=dict[str, "tuple[str, Any]"])
    """Role to the input by which the cloud itself refuses to delete it, and its value while it does."""
    broken: Mapping[str, tuple[Mapping[str, Any], str]] = field(default_factory=dict[str, "tuple[Mapping[str, Any], str]"])
    """What every cloud refuses to (changes by path, field of the problem)."""


_AWS = {"cloud": "aws", "region": "us-east-2", "endpoint": {"public_cidrs": ["203.0.113.0/24"]}, "flow_logs": True, "images": {"mirror": True}}
_GCP = {"cloud": "gcp", "region": "us-central1", "project": "acme-test", "flow_logs": True, "images": {"mirror": True}, "compute_classes": True}
_EXISTING = {
    "cloud": "existing",
    "context": STAYS,
    "cluster_uid": UIDS["a"],
    "region": "lab",
    "gpu_labels": "eks",
    "storage_classes": {"cache": "nfs"},
}

SAMPLES: Mapping[str, Sample] = {
    "aws": Sample(
        clusters={STAYS: _AWS, GOES: {**_AWS, "region": "us-west-2"}},
        kinds={
            "network": "aws:ec2/vpc:Vpc",
            "cluster": "aws:eks/cluster:Cluster",
            "key": "aws:kms/key:Key",
            "bucket": "aws:s3/bucket:Bucket",
            "machines": "aws:eks/nodeGroup:NodeGroup",
        },
        guards={"cluster": ("deletionProtection", True), "bucket": ("forceDestroy", False)},
        broken={
            BROKEN[0]: ({"clusters.one.secret_replicas": ["us-east-2"]}, "clusters.one.secret_replicas[0]"),
            BROKEN[1]: ({"pools.l4.capacity": ["flex_start"]}, "pools.l4.capacity"),
            BROKEN[2]: ({"clusters.one.zones": ["usw2-az1", "use2-az2"]}, "clusters.one.zones[0]"),
            BROKEN[3]: ({"clusters.one.network_cidr": "10.200.0.0/17", "clusters.two.network_cidr": "10.200.0.0/17"}, "clusters.two.network_cidr"),
            BROKEN[4]: ({"clusters.one.region": "ap-southeast-1", "pools.l4.accelerator": "L40S"}, "pools.l4.gpus_per_node"),
            BROKEN[5]: ({"clusters.one.quotas": {"L-DB2E81BA": 8}}, "clusters.one.quotas.L-DB2E81BA"),
        },
    ),
    "existing": Sample(clusters={STAYS: _EXISTING, GOES: {**_EXISTING, "context": GOES, "cluster_uid": UIDS["b"]}}),
    "gcp": Sample(
        clusters={STAYS: _GCP, GOES: {**_GCP, "region": "us-east4"}},
        kinds={
            "network": "gcp:compute/network:Network",
            "cluster": "gcp:container/cluster:Cluster",
            "key": "gcp:kms/cryptoKey:CryptoKey",
            "bucket": "gcp:storage/bucket:Bucket",
            "machines": "gcp:container/nodePool:NodePool",
        },
        guards={"cluster": ("deletionProtection", True), "bucket": ("forceDestroy", False), "network": ("deletionPolicy", "PREVENT")},
        broken={
            BROKEN[0]: ({"clusters.one.secret_replicas": ["us-central1"]}, "clusters.one.secret_replicas[0]"),
            BROKEN[1]: ({"pools.l4.capacity": ["capacity_block"]}, "pools.l4.capacity"),
            BROKEN[2]: ({"clusters.one.zones": ["us-east4-a", "us-central1-b"]}, "clusters.one.zones[0]"),
            BROKEN[3]: ({"clusters.one.network_cidr": "10.200.0.0/17", "clusters.two.network_cidr": "10.200.0.0/17"}, "clusters.two.network_cidr"),
            BROKEN[4]: ({"clusters.one.region": "asia-east1", "pools.l4.accelerator": "A100-80GB"}, "pools.l4.gpus_per_node"),
            BROKEN[5]: ({"clusters.one.quotas": {"NVIDIA_L4_GPUS": 1}}, "clusters.one.quotas.NVIDIA_L4_GPUS"),
        },
    ),
}
"""A new cloud adds a line here: from then on everything in cloud_contract_graph.py is asked of it."""


@dataclass(frozen=True)
class Recorded:
    """A sample in one environment: what was planned, and what the program registered of it."""

    sample: Sample
    plan: FleetPlan
    graph: Graph

    def guarded(self, cluster: ClusterPlan) -> bool:
        """Whether it must not go by mistake."""
        return self.plan.environment == "prod" and cluster.state == "active"

    def home(self, resource: Resource) -> str | None:
        """The cluster that a resource belongs to; None: it stands outside of every region."""
        around = (resource, *self.graph.ancestors(resource))
        return next((each.name for each in around if each.type == "fleet:stacks:Region"), None)

    def made(self, cluster: ClusterPlan) -> Iterator[Resource]:
        """What the cloud is asked to make of a cluster: neither objects inside it nor providers."""
        for each in self.graph.resources.values():
            ours = each.custom and not each.type.startswith(("kubernetes:", "pulumi:"))
            if ours and self.home(each) == cluster.name:
                yield each

    def objects(self, cluster: ClusterPlan) -> Iterator[Resource]:
        """Objects and releases of charts inside a cluster."""
        for each in self.graph.resources.values():
            if each.type.startswith("kubernetes:") and self.home(each) == cluster.name:
                yield each


def settings(sample: Sample, environment: str) -> Settings:
    """A fleet that has one of everything that clouds make things for: a bucket, a disk, spot machines, secrets."""
    clusters = deepcopy({name: dict(values) for name, values in sample.clusters.items()})
    if environment == "prod":
        clusters[GOES]["state"] = "retiring"
    chat = {"tier": "small", "pool": "l4", "replicas": {"min": 2, "max": 3}}
    bought = {"capacity": ["on_demand", "spot"]} if sample.kinds else {}
    on_disk = {"cache": {"kind": "volume"}} if sample.kinds else {}
    return {
        "name": "acme",
        "environment": environment,
        "owner": "ml-platform",
        "secrets": {"hub_token": "hub", "engine_api_key": "engine"},
        "clusters": clusters,
        "pools": {"l4": {"accelerator": "L4", "max_nodes": 8, **bought}},
        "models": {"chat": chat, "labels": {"tier": "small", "pool": "l4", "slo": "batch", **on_disk, "placements": {STAYS: {}}}},
        "accepted_risks": [UNPINNED],
    }


@cache
def recorded(cloud: str, environment: str) -> Recorded:
    """Run once for all checks; raises whatever the planner or the program raises."""
    sample = SAMPLES[cloud]
    written = settings(sample, environment)
    if environment != "prod":
        del written["clusters"][GOES]
    with TemporaryDirectory() as folder, mock.patch.dict("os.environ", SECRETS):
        graph = graph_of(written, Path(folder), environment)
    return Recorded(sample, plan(parse(written), stack=environment), graph)
