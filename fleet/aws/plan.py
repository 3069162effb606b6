"""One AWS region of the fleet, resolved: what `components/aws` creates, value by value."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from fleet.add_ons import InCluster
from fleet.aws.policy import Statement
from fleet.references import Planned
from fleet.taints import Taint


@dataclass(frozen=True, kw_only=True)
class ZonePlan:
    """One availability zone that the network reaches into."""

    zone_id: str
    """For example use2-az1. Names of zones (us-east-2a) differ between accounts, ids do not."""
    private_cidr: str
    public_cidr: str
    control_plane: bool
    """Whether EKS puts network interfaces of the API server here: three zones that stay the same whatever pools come and go."""
    nat: bool
    """Whether the zone has a NAT gateway of its own."""
    nat_zone_id: str
    """The zone whose NAT gateway the private subnet uses."""


@dataclass(frozen=True, kw_only=True)
class NetworkPlan:
    """The VPC."""

    cidr: str
    zones: tuple[ZonePlan, ...]
    gateway_endpoints: tuple[str, ...]
    """Services reached without NAT and without a price per hour."""
    interface_endpoints: tuple[str, ...]
    """Services reached inside the VPC, priced per hour and zone."""
    flow_log_group: str | None
    """Log group of who talked to whom; None: it is not recorded."""
    log_retention_days: int


@dataclass(frozen=True, kw_only=True)
class ControlPlanePlan:
    """The EKS cluster."""

    name: str
    """Fleet, environment, cluster and the hash of what forces a replacement: a replaced cluster has another name, so both can exist."""
    version: str
    service_cidr: str
    public_cidrs: tuple[str, ...]
    """Empty: the API server is reached from inside the VPC only."""
    private_only: bool
    log_group: str
    """Its name is EKS's choice; it is made first, so that it ends and is encrypted."""
    log_types: tuple[str, ...]
    log_retention_days: int
    deletion_protection: bool
    zonal_shift: bool
    creator_is_administrator: bool
    """Whether whoever creates the cluster administers it without an entry of his own: only where no deployer is named."""
    administrators: tuple[str, ...]
    """ARNs of who gets an access entry: the deployer first."""
    scheduler_weights: Mapping[str, int]
    """Resource to its weight when the scheduler fills machines: GPUs before all else."""


@dataclass(frozen=True, kw_only=True)
class VolumePlan:
    """A gp3 volume of a machine at gp3's own speed."""

    device: str
    gib: int


@dataclass(frozen=True, kw_only=True)
class LaunchTemplatePlan:
    """What EC2 needs to know of a machine that EKS does not say."""

    root_gib: int
    root_device: str
    """Of the volume that images, logs and files of pods lie on: with Bottlerocket not the one it starts from."""
    root_iops: int
    root_throughput_mib_per_second: int
    user_data: str
    """What the machine reads at its first start, as text; empty: nothing."""
    metadata_hop_limit: int
    """1: containers without the host's network cannot reach the machine's identity."""
    extra_volumes: tuple[VolumePlan, ...] = ()
    """Volumes beside it, encrypted and deleted with the machine like it: Bottlerocket's own."""
    market: Literal["capacity-block"] | None = None
    reservation_id: str | None = None
    reservation_preference: Literal["open", "none", "capacity-reservations-only"] | None = None

    @property
    def user_data_base64(self) -> str | None:
        """As EC2 takes it; None where there is nothing to read."""
        return b64encode(self.user_data.encode()).decode() if self.user_data else None


@dataclass(frozen=True, kw_only=True)
class NodeGroupPlan:
    """One managed node group: the system's, or one rung of a GPU pool."""

    name: str
    """Resource name inside the cluster: `system`, or pool and rung, for example `a10g-od`."""
    prefix: str
    """What the name of the group begins with, and so the name of its Auto Scaling group (`eks-…`): Cluster Autoscaler knows rungs by it."""
    pool: str | None
    rung: Literal["on_demand", "spot", "reservation", "capacity_block"]
    capacity_type: Literal["ON_DEMAND", "SPOT", "CAPACITY_BLOCK"]
    ami_type: str
    instance_types: tuple[str, ...]
    zone_ids: tuple[str, ...]
    min_nodes: int
    max_nodes: int
    first_nodes: int
    """Machines when the group is made; the autoscaler owns the number from then on."""
    labels: Mapping[str, str]
    taints: tuple[Taint, ...]
    max_unavailable: int
    update_strategy: Literal["DEFAULT", "MINIMAL"]
    repairs_at_once: int = 1
    """Unhealthy machines that EKS replaces at the same time."""
    repairs_stop_above: int = 1
    """Unhealthy machines above which EKS replaces none: so many at once are not ill by themselves."""
    launch: LaunchTemplatePlan
    autoscaling_tags: Mapping[str, str]
    """Tags of the Auto Scaling group, by which Cluster Autoscaler knows an empty group's machines."""


@dataclass(frozen=True, kw_only=True)
class ManagedAddOnPlan:
    """An add-on that EKS installs."""

    name: str
    version: str | None
    """None: the default version of EKS for the cluster's Kubernetes version."""
    before_nodes: bool
    """Whether nodes need it to become Ready; the others need nodes."""
    values: Mapping[str, Planned]
    identity: str | None = None
    """Key of the role that its service account gets."""
    service_account: str | None = None


@dataclass(frozen=True, kw_only=True)
class RolePlan:
    """One IAM role: who may take it on, and what it may do."""

    key: str
    description: str
    trust: tuple[Statement, ...]
    prefix: str = ""
    """What the role's name begins with: fleet, environment, cluster and key, as far as they fit."""
    statements: tuple[Statement, ...]
    managed_policies: tuple[str, ...] = ()
    """ARNs of AWS's own policies, where they are what AWS asks for and no wider than needed."""
    namespace: str | None = None
    service_account: str | None = None
    """Where set, pods of this service account get the role (EKS Pod Identity)."""


@dataclass(frozen=True, kw_only=True)
class BucketPlan:
    """The bucket of the region's weights."""

    prefix: str
    """Key prefix under which everything lies, ending in a slash."""
    old_versions_days: int
    """Days after which an overwritten or deleted object is really gone."""
    abandoned_upload_days: int
    replicate_to: tuple[str, ...] = ()
    """Names of the clusters of this fleet whose buckets get a copy."""


@dataclass(frozen=True, kw_only=True)
class FileSystemPlan:
    """An elastic file system for caches of kind `shared`."""

    throughput_mode: Literal["elastic"] = "elastic"


@dataclass(frozen=True, kw_only=True)
class SecretPlan:
    """An empty container in Secrets Manager. Its value is put in by a person and never passes through this program."""

    key: str
    name: str
    description: str
    kubernetes_secret: str | None
    """Name of the Secret in the serving namespace that it becomes."""
    kubernetes_key: str | None
    replica_regions: tuple[str, ...]
    recovery_days: int


@dataclass(frozen=True, kw_only=True)
class ImageMirrorPlan:
    """A registry of the region that fetches the engine image once and keeps it."""

    upstream: str
    """Host of the registry that is mirrored, as ECR calls it."""
    prefix: str
    """First part of the repositories' names in the region's registry."""
    credential_arn: str | None
    """Of a secret that exists already; None: `credential_secret` is made empty."""
    credential_secret: str | None
    recovery_days: int


@dataclass(frozen=True, kw_only=True)
class AwsPlan:
    """Everything of one region. What needs an ARN or an id that AWS makes names it as a Reference."""

    account: str | None
    """Twelve digits; the provider then refuses every other account."""
    guarded: bool
    """Whether what cannot be made again is protected, and data outlive a mistaken delete: prod, until the cluster retires."""
    network: NetworkPlan
    control_plane: ControlPlanePlan
    node_groups: tuple[NodeGroupPlan, ...]
    managed_add_ons: tuple[ManagedAddOnPlan, ...]
    roles: tuple[RolePlan, ...]
    bucket: BucketPlan
    file_system: FileSystemPlan | None
    secrets: tuple[SecretPlan, ...]
    image_mirror: ImageMirrorPlan | None
    key_statements: tuple[Statement, ...]
    """Key policy of the region's KMS key."""
    bucket_statements: tuple[Statement, ...]
    """Policy of the bucket itself."""
    file_system_statements: tuple[Statement, ...]
    """Policy of the file system, where there is one."""
    in_cluster: InCluster
    tags: Mapping[str, str]
