"""How secrets reach the pods that need them: an operator copies them from where the cloud keeps them, and nobody else holds them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from fleet.add_ons import AddOn, ManifestSpec
from fleet.charts import SYSTEM_MACHINES, source
from fleet.naming import MANAGER
from fleet.references import Planned
from fleet.settings.fleet import Charts
from fleet.versions import EXTERNAL_SECRETS_CHART

NAMESPACE = OPERATOR = "external-secrets"
API_VERSION = "external-secrets.io/v1"

ADMITTED = {f"{MANAGER}/secrets": "true"}
"""Label of a namespace whose ExternalSecrets the store answers: no other namespace may copy the fleet's secrets."""

STORE_CHECK_SECONDS = 300
COPY_EVERY = "5m0s"
"""A value that somebody changes arrives this much later; each copy is a paid call."""

UNUSED_KINDS = ("ClusterExternalSecret", "ClusterGenerator", "ClusterPushSecret", "PushSecret")
"""What the operator could do and is not asked to: copying into all namespaces, and writing to where secrets come from."""

KEPT = {"helm.sh/resource-policy": "keep"}
"""Deleting a definition deletes every object of its kind, and with an ExternalSecret the Secret that it owns."""


class Container(Protocol):
    """What a cloud keeps one secret in."""

    @property
    def name(self) -> str:
        """As the cloud knows it."""
        ...

    @property
    def kubernetes_secret(self) -> str | None:
        """Name of the Secret that it becomes; None: it stays where it is."""
        ...

    @property
    def kubernetes_key(self) -> str | None:
        """The key of its value in that Secret."""
        ...


def operator(charts: Charts) -> AddOn:
    """The External Secrets Operator with its webhook and its certificate controller."""
    chart, repository = source(charts, "external-secrets", EXTERNAL_SECRETS_CHART)
    return AddOn(
        name=OPERATOR,
        chart=chart,
        repository=repository,
        version=EXTERNAL_SECRETS_CHART,
        namespace=NAMESPACE,
        identity="external-secrets",
        service_account="external-secrets",
        reason="copies the values of named secrets into the serving namespace, where no program of ours has to touch them",
        values={
            "installCRDs": True,
            "crds": {"annotations": KEPT, **{f"create{kind}": False for kind in UNUSED_KINDS}},
            **{f"process{kind}": False for kind in UNUSED_KINDS},
            "replicaCount": 2,
            "leaderElect": True,
            "concurrent": 4,
            "podDisruptionBudget": {"enabled": True, "minAvailable": 1},
            "serviceAccount": {"name": "external-secrets"},
            # Stores use the operator's own identity, so it may make tokens of no service account.
            "rbac": {"servicebindings": {"create": False}, "serviceAccountTokenCreate": False, "aggregateToView": False, "aggregateToEdit": False},
            "resources": _resources(cpu="50m", memory="160Mi", limit="512Mi"),
            "livenessProbe": {"enabled": True},
            "readinessProbe": {"enabled": True},
            "webhook": {
                "replicaCount": 2,
                "failurePolicy": "Fail",
                "podDisruptionBudget": {"enabled": True, "minAvailable": 1},
                "resources": _resources(cpu="20m", memory="96Mi", limit="256Mi"),
            },
            "certController": {"resources": _resources(cpu="20m", memory="160Mi", limit="512Mi")},
            "serviceMonitor": {"enabled": False},
            "global": SYSTEM_MACHINES,
        },
    )


def manifests(store: str, provider: Mapping[str, Planned], namespace: str, containers: Sequence[Container]) -> tuple[ManifestSpec, ...]:
    """The store, and one copy for each Kubernetes Secret: two values may share one.

    Args:
        store: name of the store.
        provider: where secrets come from, as External Secrets knows it.
        namespace: where models are served, and copies lie.
        containers: what to copy.
    """
    wanted: dict[str, list[Planned]] = {}
    for container in containers:
        if container.kubernetes_secret:
            wanted.setdefault(container.kubernetes_secret, []).append({"secretKey": container.kubernetes_key, "remoteRef": {"key": container.name}})
    return (_store(store, provider), *(_copy(store, namespace, name, data) for name, data in wanted.items()))


def _store(name: str, provider: Mapping[str, Planned]) -> ManifestSpec:
    return ManifestSpec(
        name=name,
        api_version=API_VERSION,
        kind="ClusterSecretStore",
        namespace=None,
        needs=(OPERATOR,),
        spec={
            "conditions": [{"namespaceSelector": {"matchLabels": ADMITTED}}],
            "refreshInterval": STORE_CHECK_SECONDS,
            "provider": provider,
        },
    )


def _copy(store: str, namespace: str, name: str, data: Sequence[Planned]) -> ManifestSpec:
    return ManifestSpec(
        name=name,
        api_version=API_VERSION,
        kind="ExternalSecret",
        namespace=namespace,
        needs=(OPERATOR,),
        spec={
            "refreshInterval": COPY_EVERY,
            "secretStoreRef": {"kind": "ClusterSecretStore", "name": store},
            # A value that is gone where it came from stays in the cluster: model servers need it at their next start.
            "target": {"name": name, "creationPolicy": "Owner", "deletionPolicy": "Retain"},
            "data": data,
        },
    )


def _resources(*, cpu: str, memory: str, limit: str) -> dict[str, Planned]:
    return {"requests": {"cpu": cpu, "memory": memory}, "limits": {"memory": limit}}
