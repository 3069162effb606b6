"""What runs in a GKE cluster beside the models: charts, and what they work on. Everything else GKE brings and keeps itself:

the driver and the device plugin of GPUs, drivers of volumes, DNS, the autoscaler, metrics-server.
"""

from __future__ import annotations

from fleet import secret_store
from fleet.add_ons import AddOn, InCluster, NamespaceSpec
from fleet.charts import GPU_NAMESPACE
from fleet.gcp import compute_classes, storage
from fleet.gcp.add_ons.charts import dcgm_exporter
from fleet.gcp.inputs import RegionInputs
from fleet.gcp.secrets import secrets
from fleet.references import Planned

__all__ = ["in_cluster"]

STORE = "secret-manager"


def in_cluster(inputs: RegionInputs) -> InCluster:
    """Namespaces, charts, storage classes, copied secrets and ComputeClasses of the cluster, in the order in which they can be made."""
    copied = secrets(inputs)
    return InCluster(
        namespaces=(
            NamespaceSpec(name=GPU_NAMESPACE, pod_security="privileged"),
            *([NamespaceSpec(name=secret_store.NAMESPACE)] if copied else []),
        ),
        add_ons=tuple(_charts(inputs, secret_store.operator(inputs.settings.charts) if copied else None)),
        storage_classes=storage.storage_classes(inputs),
        manifests=(
            *(secret_store.manifests(STORE, _provider(inputs), inputs.namespace, copied) if copied else ()),
            *compute_classes.manifests(inputs),
            *storage.snapshot_manifests(inputs),
        ),
        serving_labels=secret_store.ADMITTED if copied else {},
        weights_egress=storage.weights_egress(inputs),
    )


def _provider(inputs: RegionInputs) -> dict[str, Planned]:
    """Without `auth` the operator calls as its own service account (External Secrets 2.6, "Google Cloud Secret Manager", read 2026-11-25)."""
    return {"gcpsm": {"projectID": inputs.project}}


def _charts(inputs: RegionInputs, secret_operator: AddOn | None) -> list[AddOn]:
    return [dcgm_exporter(inputs), *([secret_operator] if secret_operator else [])]
