"""What runs in an EKS cluster beside the models: add-ons that EKS manages, charts, and what they work on."""

from __future__ import annotations

from fleet import secret_store
from fleet.add_ons import AddOn, InCluster, NamespaceSpec
from fleet.aws.add_ons.charts import cluster_autoscaler, dcgm_exporter, device_plugin, load_balancer_controller
from fleet.aws.add_ons.managed import managed
from fleet.aws.inputs import RegionInputs
from fleet.aws.secrets import secrets
from fleet.aws.storage import storage_classes
from fleet.charts import GPU_NAMESPACE
from fleet.references import Planned

__all__ = ["in_cluster", "managed"]

STORE = "secrets-manager"


def in_cluster(inputs: RegionInputs) -> InCluster:
    """Namespaces, charts, storage classes and copied secrets of the cluster, in the order in which they can be made."""
    copied = secrets(inputs)
    return InCluster(
        namespaces=(
            NamespaceSpec(name=GPU_NAMESPACE, pod_security="privileged"),
            *([NamespaceSpec(name=secret_store.NAMESPACE)] if copied else []),
        ),
        add_ons=tuple(_charts(inputs, secret_store.operator(inputs.settings.charts) if copied else None)),
        storage_classes=storage_classes(inputs),
        manifests=secret_store.manifests(STORE, _provider(inputs), inputs.namespace, copied) if copied else (),
        serving_labels=secret_store.ADMITTED if copied else {},
    )


def _provider(inputs: RegionInputs) -> dict[str, Planned]:
    return {"aws": {"service": "SecretsManager", "region": inputs.region}}


def _charts(inputs: RegionInputs, secret_operator: AddOn | None) -> list[AddOn]:
    built_in = inputs.cluster.node_image == "bottlerocket"
    return [
        cluster_autoscaler(inputs),
        *([] if built_in else [device_plugin(inputs)]),  # Bottlerocket's NVIDIA variants start the plugin themselves
        dcgm_exporter(inputs),
        load_balancer_controller(inputs),
        *([secret_operator] if secret_operator else []),
    ]
