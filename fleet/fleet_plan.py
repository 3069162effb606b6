"""The resolved plan: everything decided, nothing created. Components read these values and do no arithmetic."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from fleet.aws.plan import AwsPlan
from fleet.cache_plan import CacheKind, CacheOffer, CachePlan, DriverSource, FolderSource, Hydration, ReadCache, StaticVolumes
from fleet.gcp.plan import GcpPlan
from fleet.references import PublishedAs, Reference
from fleet.taints import Taint
from fleet.terms import Term

__all__ = [
    "SCHEMA_VERSION",
    "CacheKind",
    "CacheOffer",
    "CachePlan",
    "ClusterPlan",
    "CostPerHour",
    "Drain",
    "DriverSource",
    "FleetPlan",
    "FolderSource",
    "Hydration",
    "Memory",
    "ModelPlan",
    "NodeRequirement",
    "PoolPlan",
    "ReadCache",
    "ReplicaBounds",
    "Resources",
    "RolloutPlan",
    "Startup",
    "StartupStep",
    "StaticVolumes",
    "Taint",
]

SCHEMA_VERSION = "1.4"
"""Version of `contracts/plan.schema.json`. A field is added in a minor, renamed or removed in a major."""


@dataclass(frozen=True, kw_only=True)
class NodeRequirement:
    """One node label and the values a pod accepts for it (operator In of a required node affinity)."""

    key: str
    values: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class PoolPlan:
    """A GPU node pool in one cluster."""

    name: str
    accelerator: str
    machine: str
    gpus_per_node: int
    min_nodes: int
    max_nodes: int
    capacity: tuple[str, ...]
    usd_per_hour: float | None
    """Price of one node; None when the catalogue has none. An existing cluster's nodes are somebody else's: 0."""
    node_vcpus: int | None
    node_memory_gib: float | None
    """Size of the machine; None where an existing cluster's labels do not say which machine it is."""
    node_labels: Mapping[str, str]
    node_taints: tuple[Taint, ...]


@dataclass(frozen=True, kw_only=True)
class Memory:
    """GPU memory of one GPU, in GiB. usable = weights + KV cache + overhead where the model fits."""

    usable_gib: float
    weights_gib: float
    kv_gib: float
    overhead_gib: float
    terms: tuple[Term, ...]
    """Every line of the breakdown with formula, inputs and source: usable first, the KV cache last, usable = all others together."""


@dataclass(frozen=True, kw_only=True)
class StartupStep:
    """One step of the expected start."""

    name: str
    seconds: int
    formula: str
    inputs: Mapping[str, float | int]


@dataclass(frozen=True, kw_only=True)
class Startup:
    """How long a model server takes to become Ready, and every limit that follows from it (seconds)."""

    image_pull_seconds: int
    weights_seconds: int
    engine_seconds: int
    """Process, compile and graph capture."""
    total_seconds: int
    """Expected: pull + weights + engine."""
    probe_period_seconds: int
    probe_failure_threshold: int
    """period × (threshold − 1) is what the engine surely gets after its container started, before it is restarted."""
    engine_ready_timeout_seconds: int
    progress_deadline_seconds: int
    update_timeout_seconds: int
    """What Pulumi waits for a rollout of all replicas before it reports a failure."""
    steps: tuple[StartupStep, ...]
    """The expected start in order, adding up to total_seconds."""


@dataclass(frozen=True, kw_only=True)
class Drain:
    """One consistent chain from "stop sending" to "killed" (seconds): grace = pre-stop + shutdown timeout + margin."""

    pre_stop_seconds: int
    shutdown_timeout_seconds: int
    grace_seconds: int
    capped_by: str | None = None
    """The capacity rung whose notice shortened the chain, if one did."""


@dataclass(frozen=True, kw_only=True)
class RolloutPlan:
    """How one version replaces another, and what an eviction may take at once."""

    max_surge: int
    max_unavailable: int
    disruption_max_unavailable: int
    min_ready_seconds: int


@dataclass(frozen=True, kw_only=True)
class ReplicaBounds:
    """Model servers in one cluster. Pulumi owns `spec.replicas` at `min` while autoscaling is off."""

    min: int
    max: int
    autoscaled: bool = False


@dataclass(frozen=True, kw_only=True)
class Resources:
    """What one model server asks of a node; GPU requests equal limits."""

    gpus: int
    cpu_request: str
    memory_request_gib: int
    memory_limit_gib: int
    shared_memory_gib: int


@dataclass(frozen=True, kw_only=True)
class CostPerHour:
    """US dollars per hour of the GPU machines a placement occupies, at its minimum and maximum replicas."""

    min: float | None
    max: float | None


@dataclass(frozen=True, kw_only=True)
class ModelPlan:
    """One model server Deployment in one cluster."""

    name: str
    model: str
    revision: str
    pool: str
    accelerator: str
    image: str
    argv: tuple[str, ...]
    """Everything after `vllm serve`."""
    env: Mapping[str, str]
    secret_env: Mapping[str, tuple[str, str]]
    """Environment variable to (Secret name, key)."""
    tensor_parallel: int
    quantization: str | None
    memory: Memory
    kv_tokens: int
    max_model_len: int
    max_output_tokens: int
    """The longest answer: what the engine ends every answer at, and what a drain waits for."""
    concurrency: float
    """Requests of max_model_len tokens that the KV cache holds at once."""
    resources: Resources
    startup: Startup
    drain: Drain
    rollout: RolloutPlan
    replicas: ReplicaBounds
    usd_per_hour: CostPerHour
    cache: str
    """Name of a CachePlan of the same cluster."""
    node_requirements: tuple[NodeRequirement, ...]
    tolerations: tuple[Taint, ...]
    """Taints this pod tolerates, matched by key and effect whatever their value (EKS says `true`, GKE `present`)."""
    priority_class: str
    slo: str
    team: str
    read_only_root: bool
    wait: bool
    """Whether an update waits until the servers are Ready."""
    notes: tuple[str, ...] = ()
    node_selector: Mapping[str, str] = field(default_factory=dict[str, str])
    """Labels that its pods name one by one, where the cloud looks for them there."""


@dataclass(frozen=True, kw_only=True)
class ClusterPlan:
    """One cluster: where it is, how it is reached, and what runs in it."""

    name: str
    cloud: Literal["aws", "gcp", "existing"]
    region: str
    identifier: str
    """Constant identity for the Kubernetes provider: environment, key and a hash of what forces a replacement."""
    namespace: str
    state: Literal["active", "retiring"]
    protect: bool
    """Network, cluster, keys, buckets, zones and global addresses are protected; nothing else ever is."""
    kubeconfig: str | None
    context: str | None
    cluster_uid: str | None
    tags: Mapping[str, str]
    pools: tuple[PoolPlan, ...]
    caches: tuple[CachePlan, ...]
    models: tuple[ModelPlan, ...]
    pulled_from: Annotated[Mapping[str, str | Reference], PublishedAs("object")] = field(default_factory=dict[str, "str | Reference"])
    """Image to where its pods pull it from, for images that a registry of the region keeps."""
    aws: Annotated[AwsPlan | None, PublishedAs("object", "null")] = None
    """What AWS is asked to make around it; null elsewhere. Values that only AWS knows stand as ${name}. For reading: no contract."""

    gcp: Annotated[GcpPlan | None, PublishedAs("object", "null")] = None
    """What Google Cloud is asked to make around it; null elsewhere. Likewise for reading alone."""

    @property
    def kubernetes_cluster(self) -> str | None:
        """Name of the cluster in its cloud; None: somebody else made it."""
        made = self.aws or self.gcp
        return made.control_plane.name if made else None

    @property
    def aws_plan(self) -> AwsPlan:
        """The part of AWS, of a cluster that has one.

        Raises:
            ValueError: it is in no AWS region.
        """
        if self.aws is None:
            raise ValueError(f"cluster {self.name} is in cloud {self.cloud}, which has nothing planned for AWS")
        return self.aws

    @property
    def gcp_plan(self) -> GcpPlan:
        """The part of Google Cloud, of a cluster that has one.

        Raises:
            ValueError: it is in no region of Google Cloud.
        """
        if self.gcp is None:
            raise ValueError(f"cluster {self.name} is in cloud {self.cloud}, which has nothing planned for Google Cloud")
        return self.gcp


@dataclass(frozen=True, kw_only=True)
class FleetPlan:
    """The fleet of one environment, resolved."""

    name: str
    environment: str
    owner: str
    stack: str
    clusters: tuple[ClusterPlan, ...]
    usd_per_hour: CostPerHour
    unresolved: tuple[str, ...]
    """Identifiers nobody has locked yet, in words."""
    accepted_risks: tuple[tuple[str, str], ...]
    """(risk, reason) for every refusal the stack file accepts by name."""
    warnings: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """The plan contract (`contracts/plan.schema.json`) as plain JSON values."""
        from fleet.plan_json import plan_as_dict

        return plan_as_dict(self)
