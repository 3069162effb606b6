"""Charts that both clouds install: where they come from, where their pods run, and what each cloud starts from."""

from __future__ import annotations

from collections.abc import Mapping

from fleet.add_ons import AddOn
from fleet.placement import GPU_RESOURCE
from fleet.references import Planned
from fleet.settings.fleet import Charts
from fleet.versions import DCGM_EXPORTER_CHART

GPU_NAMESPACE = "gpu-system"

REPOSITORIES = {
    "cluster-autoscaler": "https://kubernetes.github.io/autoscaler",
    "nvidia-device-plugin": "https://nvidia.github.io/k8s-device-plugin",
    "dcgm-exporter": "https://nvidia.github.io/dcgm-exporter/helm-charts",
    "aws-load-balancer-controller": "https://aws.github.io/eks-charts",
    "external-secrets": "https://charts.external-secrets.io",
}
"""Chart to the repository that its own documentation names."""

REGISTRY = "oci://"

SYSTEM_MACHINES: dict[str, Planned] = {
    "nodeSelector": {"workload": "system"},
    "tolerations": [{"key": "CriticalAddonsOnly", "operator": "Exists"}],
}
"""Where controllers run: machines that neither a spot notice nor the autoscaler takes away."""

ON_GPU_TAINT: dict[str, Planned] = {"key": GPU_RESOURCE, "operator": "Exists"}

CONTAINER_SECURITY: dict[str, Planned] = {
    "allowPrivilegeEscalation": False,
    "readOnlyRootFilesystem": True,
    "capabilities": {"drop": ["ALL"]},
}
RUNTIME_PROFILE: dict[str, Planned] = {"type": "RuntimeDefault"}


def source(charts: Charts, chart: str, version: str) -> tuple[str, str | None]:
    """Name and repository of a chart, or its whole address and None: its own repository, or the place that holds all of the fleet's."""
    if charts.folder:
        return f"{charts.folder}/{chart}-{version}.tgz", None
    repository = charts.repository or REPOSITORIES[chart]
    return (f"{repository}/{chart}", None) if repository.startswith(REGISTRY) else (chart, repository)


def machines_with(label: str) -> dict[str, Planned]:
    """Affinity to machines that carry this label, whatever its value."""
    return {
        "nodeAffinity": {
            "requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [{"matchExpressions": [{"key": label, "operator": "Exists"}]}]}
        }
    }


def dcgm_exporter(charts: Charts, gpu_label: str, cloud_values: Mapping[str, Planned]) -> AddOn:
    """Measures GPUs, and says which pod uses which.

    Args:
        charts: where charts come from.
        gpu_label: of every GPU machine.
        cloud_values: what this cloud needs besides, or instead.
    """
    chart, repository = source(charts, "dcgm-exporter", DCGM_EXPORTER_CHART)
    return AddOn(
        name="dcgm-exporter",
        chart=chart,
        repository=repository,
        version=DCGM_EXPORTER_CHART,
        namespace=GPU_NAMESPACE,
        wait=False,
        reason="GPU load, memory, temperature and faults as metrics, by pod",
        values={
            "arguments": ["-f", "/etc/dcgm-exporter/default-counters.csv"],  # the default asks for labels of a batch system besides
            "serviceMonitor": {"enabled": False},
            "kubernetes": {"enablePodLabels": False, "enablePodUID": False},
            "resources": {"requests": {"cpu": "50m", "memory": "256Mi"}, "limits": {"memory": "1Gi"}},
            "affinity": machines_with(gpu_label),
            "tolerations": [ON_GPU_TAINT],
            **cloud_values,
            "rollingUpdate": {"maxUnavailable": 1, "maxSurge": 0},
        },
    )
