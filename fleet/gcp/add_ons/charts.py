"""Charts of a GKE cluster that need other values than on AWS. Metrics are scraped by no one yet: no ServiceMonitors."""

from __future__ import annotations

from fleet import charts
from fleet.add_ons import AddOn
from fleet.gcp.inputs import RegionInputs
from fleet.placement import COMPUTE_CLASS_LABEL
from fleet.references import Planned

GPU_LABEL = "cloud.google.com/gke-accelerator"
"""Of every GPU machine, set by GKE."""

DRIVER_FOLDER = "/home/kubernetes/bin/nvidia"
"""Where GKE puts NVIDIA's driver on a machine with Container-Optimized OS (NVSentinel, "Additional volumes" for GKE, read 2026-11-25)."""
DRIVER_MOUNT = "/usr/local/nvidia"
"""Where GKE's device plugin puts it in containers that ask for a GPU. The exporter asks for none."""


def dcgm_exporter(inputs: RegionInputs) -> AddOn:
    """Measures GPUs. Unlike on AWS it is handed the driver's folder and every device, since no runtime puts them in.

    GKE refuses classes called system-* outside kube-system where no ResourceQuota allows them (open-policy-agent/gatekeeper, issue 1120),
    so it has no priority: where memory is short it goes before models do.
    """
    driver = "nvidia-driver"
    # GKE lets pods past this taint that ask for the class; an agent asks for none.
    on_class_taint: list[Planned] = [{"key": COMPUTE_CLASS_LABEL, "operator": "Exists"}] if inputs.cluster.compute_classes else []
    values: dict[str, Planned] = {
        "tolerations": [charts.ON_GPU_TAINT, *on_class_taint],
        "priorityClassName": "",
        "securityContext": {
            "privileged": True,
            "allowPrivilegeEscalation": True,  # the chart's own False stays otherwise, and no API server takes it beside privileged
            "runAsUser": 0,
            "runAsNonRoot": False,
        },
        "extraHostVolumes": [{"name": driver, "hostPath": DRIVER_FOLDER}],
        "extraVolumeMounts": [
            # A list replaces the chart's own, which mounts the counters.
            {"name": "exporter-metrics-volume", "mountPath": "/etc/dcgm-exporter/default-counters.csv", "subPath": "default-counters.csv"},
            {"name": driver, "mountPath": DRIVER_MOUNT, "readOnly": True},
        ],
        "extraEnv": [{"name": "LD_LIBRARY_PATH", "value": f"{DRIVER_MOUNT}/lib64"}],
    }
    return charts.dcgm_exporter(inputs.settings.charts, GPU_LABEL, values)
