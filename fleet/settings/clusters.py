"""Clusters: a union told apart by `cloud`, so that one cloud's key under another cloud is refused by name."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from fleet.settings.base import AWS_REGION_PATTERN, CIDR_PATTERN, GCP_REGION_PATTERN, PROJECT_PATTERN, UID_PATTERN, Key, Section

Cidr = Annotated[str, StringConstraints(pattern=CIDR_PATTERN)]


class Endpoint(Section):
    """Who may reach the Kubernetes API server from outside its network."""

    public_cidrs: tuple[Cidr, ...] = ()


class Images(Section):
    """Whether the engine image is mirrored into the region's own registry."""

    mirror: bool = False


class CommonCluster(Section):
    """What every cluster has, whoever made it."""

    weight: Annotated[int, Field(ge=0, le=1000, description="share of global traffic; 100 is normal")] = 100
    drained: bool = Field(default=False, description="take this cluster out of global traffic, keep everything running")
    state: Literal["active", "retiring"] = Field(
        default="active", description="retiring drops deletion guards, so that the entry can be deleted afterwards"
    )


class AwsCluster(CommonCluster):
    """An EKS cluster in one AWS region."""

    cloud: Literal["aws"]
    region: Annotated[str, StringConstraints(pattern=AWS_REGION_PATTERN)]
    endpoint: Endpoint = Endpoint()
    runner: Literal["in_vpc", "anywhere"] = Field(default="anywhere", description="where the program runs; a private-only control plane needs in_vpc")
    images: Images = Images()
    flow_logs: bool = False


class GcpCluster(CommonCluster):
    """A GKE cluster in one Google Cloud region."""

    cloud: Literal["gcp"]
    region: Annotated[str, StringConstraints(pattern=GCP_REGION_PATTERN)]
    project: Annotated[str, StringConstraints(pattern=PROJECT_PATTERN)]
    images: Images = Images()


class ExistingCluster(CommonCluster):
    """A cluster somebody else made, reached by a kubeconfig and a context."""

    cloud: Literal["existing"]
    kubeconfig: Annotated[str, StringConstraints(min_length=1)] = "~/.kube/config"
    context: Annotated[str, StringConstraints(min_length=1)]
    cluster_uid: Annotated[str, StringConstraints(pattern=UID_PATTERN)] | None = Field(
        default=None, description="UID of the kube-system namespace; a context that points elsewhere is then refused"
    )
    region: Key | None = Field(default=None, description="a name for the place, for tables and labels")
    gpu_labels: Literal["nvidia", "eks", "gke"] = Field(
        default="nvidia", description="whose labels the GPU nodes carry: GPU feature discovery's, EKS's or GKE's"
    )
    installed: tuple[Literal["device_plugin", "dcgm_exporter", "metrics_server", "external_secrets", "keda"], ...] = ()
    storage_classes: dict[Literal["cache", "volume"], str] = {}  # noqa: RUF012  pydantic copies it
    engine_image: str | None = Field(default=None, description="another engine image that takes the same arguments")
    wait: bool = Field(default=True, description="an update ends when the model servers are Ready, or says why not")


Cluster = Annotated[AwsCluster | GcpCluster | ExistingCluster, Field(discriminator="cloud")]
