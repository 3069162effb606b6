"""Clusters: a union told apart by `cloud`, so that one cloud's key under another cloud is refused by name."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from fleet.settings.base import (
    PROJECT_PATTERN,
    UID_PATTERN,
    AccountId,
    Cidr,
    Folder,
    GcpQuota,
    GcpZone,
    Image,
    Key,
    NetworkCidr,
    ObjectName,
    PrincipalArn,
    Printable,
    QuotaCode,
    SecretArn,
    Section,
    ZoneId,
)
from fleet.settings.regions import AwsRegion, GcpRegion


class Endpoint(Section):
    """Who may reach the Kubernetes API server from outside its network."""

    public_cidrs: tuple[Cidr, ...] = ()
    """Address ranges, for example 203.0.113.0/24. Empty: nobody from outside, and the program must run inside (runner: in_vpc)."""


class Images(Section):
    """How the engine image reaches the cluster."""

    mirror: bool = False
    """Mirror the engine image into the region's own registry."""
    credential_arn: SecretArn | None = None
    """AWS: an existing secret with the user name and access token that the mirrored registry asks for; default: one is made, empty."""


class CommonCluster(Section):
    """What every cluster has, whoever made it."""

    weight: Annotated[int, Field(ge=0, le=1000)] = 100
    """Share of the global traffic, relative to the other clusters; 100 is normal."""
    drained: bool = False
    """Take this cluster out of the global traffic and keep everything in it running."""
    state: Literal["active", "retiring"] = "active"
    """`retiring` drops protection and deletion guards. Removing a cluster in prod: first this, an update, then delete the entry."""


class AwsCluster(CommonCluster):
    """An EKS cluster in one AWS region."""

    cloud: Literal["aws"]
    """Who runs the cluster."""
    region: AwsRegion
    """AWS region. Not every region sells every GPU; the plan says which do."""
    endpoint: Endpoint = Endpoint()
    """Access to the API server."""
    runner: Literal["in_vpc", "anywhere"] = "anywhere"
    """Where the program runs. A control plane without public address ranges needs in_vpc."""
    images: Images = Images()
    """How the engine image reaches the cluster."""
    flow_logs: bool = False
    """Record the network's traffic."""
    account: AccountId | None = None
    """Twelve digits of the AWS account. Credentials of another account are then refused."""
    deployer: PrincipalArn | None = None
    """Role or user that runs this program: it gets an access entry of its own. Default: whoever creates the cluster stays its administrator."""
    admins: tuple[PrincipalArn, ...] = ()
    """Roles and users who administer the cluster as well."""
    zones: tuple[ZoneId, ...] = ()
    """Availability zones by id, for example use2-az1; default: every zone that sells the machines of the cluster's pools."""
    network_cidr: NetworkCidr | None = None
    """Addresses of the VPC, a /17 of private ones, for example 10.64.0.0/17; default: computed from the region, without overlap. Another
    value is another cluster."""
    kubernetes_version: Literal["1.35", "1.36"] = "1.35"
    """Version of the control plane, in standard support."""
    node_image: Literal["al2023", "bottlerocket"] = "al2023"
    """Operating system of GPU machines: Amazon Linux 2023, or Bottlerocket, both with NVIDIA's driver."""
    secret_replicas: tuple[AwsRegion, ...] = ()
    """Regions that keep a copy of this region's secrets."""
    replicate_weights_to: tuple[Key, ...] = ()
    """AWS clusters of this fleet whose buckets get a copy of every weight that arrives in this one."""
    quotas: dict[QuotaCode, Annotated[int, Field(ge=0, le=1_000_000)]] = {}  # noqa: RUF012  pydantic copies it
    """Limits of the account in this region in virtual CPUs, by quota code; a fleet that could exceed one is refused."""


class Maintenance(Section):
    """When Google may upgrade a cluster and its machines."""

    days: Annotated[tuple[Literal["MO", "TU", "WE", "TH", "FR", "SA", "SU"], ...], Field(min_length=1)] = ("TU", "WE", "TH")
    """Days of the week."""
    start_hour: Annotated[int, Field(ge=0, le=23)] = 2
    """When it begins, an hour of UTC."""
    hours: Annotated[int, Field(ge=4, le=24)] = 6
    """How long it lasts. GKE asks for 4 hours at a time and 48 hours in 32 days."""


class Filestore(Section):
    """File systems of caches of kind `shared`, one for each cache."""

    tier: Literal["basic_hdd", "zonal", "regional"] = "basic_hdd"
    """What Google sells: one zone on disks, one zone on flash, or a region on flash."""
    size_gib: Annotated[int, Field(ge=1, le=102_400)] | None = None
    """Size of each; default: what its cache needs, and no less than Google sells. It is billed whole, however little lies in it."""


class GcpCluster(CommonCluster):
    """A GKE cluster in one Google Cloud region."""

    cloud: Literal["gcp"]
    """Who runs the cluster."""
    region: GcpRegion
    """Google Cloud region. Not every region sells every GPU; the plan says which do."""
    project: Annotated[str, StringConstraints(pattern=PROJECT_PATTERN)]
    """Id of the project that pays and holds the quota."""
    runner: Literal["in_vpc", "anywhere"] = "anywhere"
    """Where the program runs. in_vpc: the API server, which only Google identities with a role reach, takes no calls from outside."""
    images: Images = Images()
    """How the engine image reaches the cluster."""
    flow_logs: bool = False
    """Record the network's traffic."""
    enable_apis: bool = True
    """Switch on the services of Google Cloud that the region needs. False: somebody else did."""
    zones: tuple[GcpZone, ...] = ()
    """Zones, for example us-central1-a; default: those of the region that sell the machines of the cluster's pools."""
    network_cidr: NetworkCidr | None = None
    """Addresses of the network, a /17 of private ones, for example 10.64.0.0/17; default: computed from the region, without overlap. Another
    value is another cluster."""
    release_channel: Literal["rapid", "regular", "stable", "extended"] = "regular"
    """Which versions of Kubernetes Google keeps the cluster at."""
    maintenance: Maintenance = Maintenance()
    """When Google may do so."""
    gpu_driver: Literal["default", "latest"] = "latest"
    """Version of NVIDIA's driver that GKE installs on GPU machines: the default of the cluster's version, or the newest for it."""
    compute_classes: bool = False
    """Buy machines in the order of each pool's capacity, by a ComputeClass of GKE. Without, GKE takes the cheapest that it gets."""
    anywhere_cache: bool = False
    """Keep what is read from the bucket on flash in the zones of the GPU machines, at a price per GB."""
    filestore: Filestore = Filestore()
    """File systems of caches of kind `shared`."""
    secret_replicas: tuple[GcpRegion, ...] = ()
    """Regions that keep a copy of this region's secrets."""
    quotas: dict[GcpQuota, Annotated[int, Field(ge=0, le=1_000_000)]] = {}  # noqa: RUF012  pydantic copies it
    """Limits of the project in this region, and in all regions together, in GPUs, by quota id; a fleet that could exceed one is refused."""


class ExistingCluster(CommonCluster):
    """A cluster somebody else made, reached by a kubeconfig and a context."""

    cloud: Literal["existing"]
    """Who runs the cluster."""
    kubeconfig: Printable = "~/.kube/config"
    """Path of the kubeconfig file."""
    context: Printable
    """Name of the context in that file."""
    cluster_uid: Annotated[str, StringConstraints(pattern=UID_PATTERN)] | None = None
    """UID of the kube-system namespace. A context that points at another cluster is then refused. Required in prod."""
    region: Key | None = None
    """A name for the place, for tables and labels."""
    gpu_labels: Literal["nvidia", "eks", "gke"] = "nvidia"
    """Whose labels the GPU nodes carry: those of NVIDIA's GPU feature discovery, of EKS or of GKE."""
    installed: tuple[Literal["device_plugin", "dcgm_exporter", "metrics_server", "external_secrets", "keda"], ...] = ()
    """What the cluster has already."""
    storage_classes: dict[Literal["cache", "volume"], ObjectName] = {}  # noqa: RUF012  pydantic copies it
    """Storage classes by use. `cache`: for weights, one that many nodes can mount at once (NFS, EFS, Filestore); `volume`: disks of one node."""
    cache_folder: Folder | None = None
    """A folder for weights that every node mounts at this path (an NFS export, a parallel file system), instead of storage_classes.cache.
    User 2000 or group 0 must be able to write there."""
    engine_image: Image | None = None
    """Another engine image that takes the same arguments."""
    wait: bool = True
    """An update ends when the model servers are Ready, or says why not."""


Cluster = Annotated[AwsCluster | GcpCluster | ExistingCluster, Field(discriminator="cloud")]
