"""The control plane of a region of Google Cloud."""

from __future__ import annotations

from typing import Literal

from fleet.gcp.inputs import RegionInputs
from fleet.gcp.maintenance import window
from fleet.gcp.network import GPU_PODS_PER_NODE, system_zones
from fleet.gcp.plan import ControlPlanePlan

PODS_RANGE, SERVICES_RANGE = "pods", "services"

CHANNELS: dict[str, Literal["RAPID", "REGULAR", "STABLE", "EXTENDED"]] = {
    "rapid": "RAPID",
    "regular": "REGULAR",
    "stable": "STABLE",
    "extended": "EXTENDED",
}

LOG_COMPONENTS = ("SYSTEM_COMPONENTS", "WORKLOADS", "APISERVER", "CONTROLLER_MANAGER", "SCHEDULER")
"""What the control plane says, as on AWS, and what pods say: nothing else of this fleet collects that. Names: LoggingComponentConfig of
container.v1."""

METRIC_COMPONENTS = ("SYSTEM_COMPONENTS",)
"""The part that costs nothing. Everything else is scraped by the fleet's own monitoring, and would be paid for once more by the sample."""


def control_plane(inputs: RegionInputs) -> ControlPlanePlan:
    """The GKE cluster."""
    return ControlPlanePlan(
        name=inputs.name,
        release_channel=CHANNELS[inputs.cluster.release_channel],
        maintenance=window(inputs.cluster),
        zones=system_zones(inputs),
        pods_range=PODS_RANGE,
        services_range=SERVICES_RANGE,
        max_pods_per_node=GPU_PODS_PER_NODE,
        external_access=inputs.cluster.runner == "anywhere",
        workload_pool=inputs.workload_pool,
        log_components=LOG_COMPONENTS,
        metric_components=METRIC_COMPONENTS,
        # The other profile keeps idle machines longer, as room for pods that may come. Here each costs GPUs by the hour, and whether a
        # server is wanted soon again is decided where servers are counted, before a machine is ever idle.
        autoscaling_profile="OPTIMIZE_UTILIZATION",
        deletion_protection=inputs.prod,
    )
