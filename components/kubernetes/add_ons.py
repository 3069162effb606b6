"""What a cloud wants inside its clusters: namespaces, charts, storage classes, and objects of the kinds that charts define."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pulumi
from pulumi_kubernetes.apiextensions import CustomResource
from pulumi_kubernetes.core.v1 import Namespace, TopologySelectorLabelRequirementArgs, TopologySelectorTermArgs
from pulumi_kubernetes.helm.v3 import Release, RepositoryOptsArgs
from pulumi_kubernetes.meta.v1 import ObjectMetaArgs
from pulumi_kubernetes.storage.v1 import StorageClass

from components.kubernetes.labels import UNAWAITED, cluster_labels, metadata
from components.references import Made, resolve
from fleet.add_ons import AddOn, InCluster, ManifestSpec, NamespaceSpec, StorageClassSpec
from fleet.fleet_plan import ClusterPlan

DEFAULT_CLASS = {"storageclass.kubernetes.io/is-default-class": "true"}


class _WithoutSpec(pulumi.CustomResource):
    """An object of a kind that has no spec: the provider's own class for custom kinds knows no other fields."""

    def __init__(self, name: str, api_version: str, kind: str, fields: dict[str, Any], opts: pulumi.ResourceOptions) -> None:
        super().__init__(f"kubernetes:{api_version}:{kind}", name, {"apiVersion": api_version, "kind": kind, **fields}, opts)


class AddOns(pulumi.ComponentResource):
    """Everything of one cluster, each after what it needs. Removed the other way round: objects, charts, namespaces.

    Deliberately no chart as single objects: such a chart is rendered by the cluster at every preview, and one cluster that
    does not answer would stop the updates of all others.
    """

    def __init__(self, name: str, plan: ClusterPlan, wanted: InCluster, made: Made, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("fleet:kubernetes:AddOns", name, None, opts)
        self._name, self._plan, self._made = name, plan, made
        self._namespaces = {spec.name: self._namespace(spec) for spec in wanted.namespaces}
        self._releases: dict[str, Release] = {}
        for add_on in wanted.add_ons:
            self._releases[add_on.name] = self._release(add_on)
        for storage_class in wanted.storage_classes:
            self._storage_class(storage_class)
        for manifest in wanted.manifests:
            self._manifest(manifest)
        self.register_outputs({})

    def _namespace(self, spec: NamespaceSpec) -> Namespace:
        modes = {f"pod-security.kubernetes.io/{mode}": spec.pod_security for mode in ("enforce", "audit", "warn")}
        labels = {**cluster_labels(self._plan), **modes}
        meta = metadata(self._plan, spec.name, labels, namespaced=False)
        return Namespace(f"{self._name}-{spec.name}", metadata=meta, opts=self._after())

    def _release(self, add_on: AddOn) -> Release:
        return Release(
            f"{self._name}-{add_on.name}",
            # Service accounts, and so roles, are named after the release: a name of the engine's own would have a random end.
            name=add_on.name,
            namespace=add_on.namespace,
            chart=add_on.chart,
            version=add_on.version,
            repository_opts=RepositoryOptsArgs(repo=add_on.repository) if add_on.repository else None,
            values=resolve(add_on.values, self._made),
            skip_await=not add_on.wait,
            timeout=add_on.timeout_seconds,
            # A first try that failed leaves its name behind; without this the next update would be refused because of it.
            replace=True,
            opts=self._after(add_on.needs, self._namespaces.get(add_on.namespace)),
        )

    def _storage_class(self, spec: StorageClassSpec) -> None:
        meta = metadata(self._plan, spec.name, cluster_labels(self._plan), DEFAULT_CLASS if spec.default else None, namespaced=False)
        zones = TopologySelectorLabelRequirementArgs(key=spec.topology_key, values=resolve(spec.zones, self._made)) if spec.topology_key else None
        StorageClass(
            f"{self._name}-{spec.name}",
            metadata=meta,
            provisioner=spec.provisioner,
            parameters=resolve(spec.parameters, self._made),
            volume_binding_mode=spec.binding,
            reclaim_policy=spec.reclaim,
            allow_volume_expansion=spec.expandable,
            mount_options=list(spec.mount_options) or None,
            allowed_topologies=[TopologySelectorTermArgs(match_label_expressions=[zones])] if zones else None,
            opts=self._after(spec.needs),
        )

    def _manifest(self, spec: ManifestSpec) -> None:
        common = metadata(self._plan, spec.name, cluster_labels(self._plan), UNAWAITED, namespaced=False)
        # Nobody waits for it: a copied secret is ready when a person has put its value in.
        meta = ObjectMetaArgs(name=spec.name, namespace=spec.namespace, labels=common.labels, annotations=common.annotations)
        name, opts = f"{self._name}-{spec.name}", self._after(spec.needs)
        if spec.fields:
            _WithoutSpec(name, spec.api_version, spec.kind, {"metadata": meta, **resolve(spec.fields, self._made)}, opts)
        else:
            CustomResource(name, api_version=spec.api_version, kind=spec.kind, metadata=meta, spec=resolve(spec.spec, self._made), opts=opts)

    def _after(self, needs: Iterable[str] = (), *others: pulumi.Resource | None) -> pulumi.ResourceOptions:
        needed = [*(self._releases[name] for name in needs), *(other for other in others if other)]
        return pulumi.ResourceOptions(parent=self, depends_on=needed)
