"""One region of Google Cloud, resolved: what `components/gcp` creates, value by value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from fleet.add_ons import InCluster
from fleet.references import Reference
from fleet.taints import Taint


@dataclass(frozen=True, kw_only=True)
class NetworkPlan:
    """The VPC network: one subnet for machines, with ranges for pods and Services, and one for load balancers."""

    cidr: str
    """What all of it lies in."""
    nodes_cidr: str
    pods_cidr: str
    services_cidr: str
    proxy_cidr: str
    """Of the subnet that a regional load balancer's proxies have their addresses in."""
    file_system_cidr: str
    """Where file systems have their addresses."""
    zones: tuple[str, ...]
    """Zones that machines may be in, the system's first."""
    flow_logs: bool
    node_tag: str
    """Network tag of every machine, by which firewall rules know them."""
    health_check_cidrs: tuple[str, ...]
    """Where Google's health checks and load balancers come from."""
    google_api_cidr: str
    google_api_addresses: tuple[str, ...]
    """What the names of Google's APIs mean inside the network: addresses that are reached without the internet, and that a policy can name."""
    nat_ports_per_machine: int


@dataclass(frozen=True, kw_only=True)
class MaintenancePlan:
    """When Google may upgrade: a window that comes again."""

    start_time: str
    """RFC 3339, UTC; the date lies in the past and means nothing."""
    end_time: str
    recurrence: str
    """RFC 5545."""


@dataclass(frozen=True, kw_only=True)
class ControlPlanePlan:
    """The GKE cluster."""

    name: str
    """Fleet, environment, cluster and the hash of what forces a replacement: a replaced cluster has another name, so both can exist."""
    release_channel: Literal["RAPID", "REGULAR", "STABLE", "EXTENDED"]
    maintenance: MaintenancePlan
    zones: tuple[str, ...]
    """Of the system's machines. The control plane itself is in several zones of the region."""
    pods_range: str
    services_range: str
    """Names of the subnet's secondary ranges."""
    max_pods_per_node: int
    """Of pools that do not say otherwise."""
    external_access: bool
    """Whether the DNS endpoint answers callers outside Google Cloud; each call needs an identity with a role either way."""
    workload_pool: str
    log_components: tuple[str, ...]
    metric_components: tuple[str, ...]
    autoscaling_profile: Literal["BALANCED", "OPTIMIZE_UTILIZATION"]
    deletion_protection: bool


@dataclass(frozen=True, kw_only=True)
class AcceleratorPlan:
    """GPUs of a machine, as GKE wants them said even where the machine type has them built in."""

    type: str
    count: int
    driver: Literal["DEFAULT", "LATEST"]


@dataclass(frozen=True, kw_only=True)
class ReservationPlan:
    """Which machines that are paid for already a pool takes."""

    affinity: Literal["NO_RESERVATION", "ANY_RESERVATION_THEN_FAIL", "SPECIFIC_RESERVATION"]
    name: str | None = None


@dataclass(frozen=True, kw_only=True)
class NodePoolPlan:
    """One node pool: the system's, or one rung of a GPU pool."""

    name: str
    """Resource name inside the cluster: `system`, or pool and rung, for example `l4-spot`."""
    pool_name: str
    """In GKE, at most 40 characters: it ends with a hash of what forces a replacement, so that the new pool can be made beside the old one."""
    pool: str | None
    rung: Literal["on_demand", "spot", "reservation", "flex_start"]
    machine: str
    zones: tuple[str, ...]
    min_nodes: int
    max_nodes: int
    """Over all zones."""
    first_nodes_per_zone: int
    """When the pool is made; the autoscaler owns the number from then on."""
    accelerator: AcceleratorPlan | None
    disk_type: str
    disk_gib: int
    local_ssd_count: int
    """Disks of the machine itself, all of them for images, logs and files of pods; 0: it has none."""
    spot: bool
    flex_start: bool
    max_run_seconds: int | None
    """After which Google takes the machine back; None: never."""
    reservation: ReservationPlan
    labels: Mapping[str, str]
    taints: tuple[Taint, ...]
    """Without the one that GKE itself puts on machines with GPUs: said twice, it would replace the pool."""
    max_surge: int
    max_unavailable: int
    auto_repair: bool
    max_pods_per_node: int


@dataclass(frozen=True, kw_only=True)
class GrantPlan:
    """One role on one thing."""

    key: str
    """Unique in its identity."""
    role: str
    on: Literal["project", "key", "bucket", "secret", "repository"]
    resource: str | None = None
    """Key of the secret."""


@dataclass(frozen=True, kw_only=True)
class IdentityPlan:
    """Somebody, and what they may do: pods of a service account, the machines' own account, or a service of Google."""

    key: str
    description: str
    member: str | Reference
    grants: tuple[GrantPlan, ...]
    account_id: str | None = None
    """Where set, a service account of this name is made: 6 to 30 characters."""
    namespace: str | None = None
    service_account: str | None = None
    """Pods of this Kubernetes service account; None: no pods."""


@dataclass(frozen=True, kw_only=True)
class ServiceAgentPlan:
    """A service of Google that has an identity of its own in the project, made where it is missing."""

    key: str
    service: str
    """For example secretmanager.googleapis.com."""


@dataclass(frozen=True, kw_only=True)
class KeyPlan:
    """The region's key."""

    rotation_seconds: int
    destroy_scheduled_seconds: int
    """Until a version that was deleted is really gone."""


@dataclass(frozen=True, kw_only=True)
class BucketPlan:
    """The bucket of the region's weights."""

    prefix: str
    """Folder under which everything lies, ending in a slash."""
    old_versions_days: int
    """Days after which an overwritten or deleted object becomes a deleted one."""
    abandoned_upload_days: int
    soft_delete_seconds: int
    """How long Google can still bring back what was deleted for good; 0: not at all."""
    cached_zones: tuple[str, ...] = ()
    """Zones that keep what is read on flash (Anywhere Cache)."""


@dataclass(frozen=True, kw_only=True)
class SecretPlan:
    """An empty container in Secret Manager. Its value is put in by a person and never passes through this program."""

    key: str
    name: str
    description: str
    kubernetes_secret: str | None
    """Name of the Secret in the serving namespace that it becomes."""
    kubernetes_key: str | None
    locations: tuple[str, ...]
    """Regions that hold it, its own first."""
    own_key: bool
    """Whether it is under the region's key: only where no other region, which has another key, holds it."""
    version_destroy_seconds: int
    """How long a version that was destroyed can be brought back."""


@dataclass(frozen=True, kw_only=True)
class ImageMirrorPlan:
    """A repository of the region that fetches the engine image once and keeps it."""

    name: str
    upstream: Literal["DOCKER_HUB"]
    path: str
    """Host and path that replace the upstream's host in an image."""


@dataclass(frozen=True, kw_only=True)
class GcpPlan:
    """Everything of one region. What needs a value that Google makes names it as a Reference."""

    project: str
    guarded: bool
    """Whether what cannot be made again is protected, and data outlive a mistaken delete: prod, until the cluster retires."""
    deletion_policy: Literal["DELETE", "PREVENT"]
    """What the Google provider answers when what is protected should go, whoever asks."""
    apis: tuple[str, ...]
    """Services to switch on; empty: somebody else did."""
    service_agents: tuple[ServiceAgentPlan, ...]
    network: NetworkPlan
    control_plane: ControlPlanePlan
    node_pools: tuple[NodePoolPlan, ...]
    identities: tuple[IdentityPlan, ...]
    key: KeyPlan
    bucket: BucketPlan
    secrets: tuple[SecretPlan, ...]
    image_mirror: ImageMirrorPlan | None
    in_cluster: InCluster
    labels: Mapping[str, str]
