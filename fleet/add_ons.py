"""What a cloud asks to have inside its clusters: Helm charts and storage classes, described here and made by the Kubernetes layer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from fleet.references import Planned, Reference

INSTALL_TIMEOUT_SECONDS = 600
"""An image pull on a new machine, a webhook's certificate and two replicas one after the other take a few minutes."""


@dataclass(frozen=True, kw_only=True)
class AddOn:
    """One chart in one namespace, installed by Helm, which runs its hooks and keeps what it generates."""

    name: str
    """Name of the release, and the key that others wait for."""
    chart: str
    """Its name in the repository; or its whole address (oci://…) where a registry holds it."""
    repository: str | None
    """Address of a chart repository (https://…); None: `chart` is the whole address."""
    version: str
    namespace: str
    values: Mapping[str, Planned]
    wait: bool = True
    """Whether an update ends only when its pods are ready. False where they run on machines that come and go."""
    timeout_seconds: int = INSTALL_TIMEOUT_SECONDS
    needs: tuple[str, ...] = ()
    """Names of add-ons that come first: their custom resources, webhooks or certificates are used."""
    identity: str | None = None
    """Key of the role that its service account gets; it must exist before the first pod."""
    service_account: str | None = None
    reason: str = ""
    """Why it is there, in words."""


@dataclass(frozen=True, kw_only=True)
class NamespaceSpec:
    """A namespace for add-ons, with the Pod Security level it enforces."""

    name: str
    pod_security: Literal["restricted", "baseline", "privileged"] = "restricted"


@dataclass(frozen=True, kw_only=True)
class StorageClassSpec:
    """A class of volumes."""

    name: str
    provisioner: str
    parameters: Mapping[str, str | Reference] = field(default_factory=dict[str, "str | Reference"])
    binding: Literal["Immediate", "WaitForFirstConsumer"] = "WaitForFirstConsumer"
    reclaim: Literal["Delete", "Retain"] = "Delete"
    expandable: bool = True
    default: bool = False
    mount_options: tuple[str, ...] = ()
    topology_key: str | None = None
    zones: tuple[str | Reference, ...] = ()
    """Values of the topology key that volumes may lie in; empty: anywhere."""
    needs: tuple[str, ...] = ()
    """Names of add-ons of this cluster whose driver makes the volumes; drivers that the cloud installs are there before all of this."""


@dataclass(frozen=True, kw_only=True)
class ManifestSpec:
    """One object of a kind that an add-on defines (a store of secrets, a copied secret)."""

    name: str
    """Of the object."""
    api_version: str
    kind: str
    namespace: str | None
    spec: Mapping[str, Planned]
    """Empty: the kind has none."""
    needs: tuple[str, ...] = ()
    fields: Mapping[str, Planned] = field(default_factory=dict[str, "Planned"])
    """Of kinds without a spec: what stands beside the name."""


@dataclass(frozen=True, kw_only=True)
class EgressSpec:
    """A place that pods with weights must reach by themselves, where a driver runs beside them and not on the node."""

    cidr: str
    port: int
    reason: str


@dataclass(frozen=True, kw_only=True)
class InCluster:
    """Everything that a cloud wants inside one cluster, in the order in which it can be made."""

    namespaces: tuple[NamespaceSpec, ...] = ()
    add_ons: tuple[AddOn, ...] = ()
    storage_classes: tuple[StorageClassSpec, ...] = ()
    manifests: tuple[ManifestSpec, ...] = ()
    serving_labels: Mapping[str, str] = field(default_factory=dict[str, str])
    """Labels of the namespace that models are served in, by which add-ons know it."""
    weights_egress: tuple[EgressSpec, ...] = ()
    """What servers and mirrors may reach to get at weights, beside what every cluster lets them."""

    def __bool__(self) -> bool:
        """Whether anything is wanted at all."""
        return any((self.namespaces, self.add_ons, self.storage_classes, self.manifests, self.serving_labels, self.weights_egress))
