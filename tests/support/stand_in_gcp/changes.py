"""What becomes of a resource of Google when its inputs change."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.support.stand_in_cloud.names import DEFAULTS
from tests.support.stand_in_gcp.kinds import Kind
from tests.support.stand_in_gcp.outputs import GPU_TAINT, labels_of_gke
from tests.support.stand_in_provider_wire import at

OF_GKE = "goog-gke"
"""Labels of machines that begin so are GKE's: the provider calls them no difference where the program does not give them
(containerNodePoolResourceLabelsDiffSuppress in node_config.go, 7.45)."""


def unchanged(kind: Kind, old: Mapping[str, Any], new: Mapping[str, Any]) -> set[str]:
    """Inputs that differ in nothing that the provider calls a difference."""
    if kind.title != "NodePool":
        return set()
    return {"nodeConfig"} if _without_labels_of_gke(old, new) == new.get("nodeConfig") else set()


def _without_labels_of_gke(old: Mapping[str, Any], new: Mapping[str, Any]) -> Any:
    machines, wanted = old.get("nodeConfig"), at(new, "nodeConfig.resourceLabels") or {}
    if not isinstance(machines, Mapping):
        return machines
    labels = {name: value for name, value in (machines.get("resourceLabels") or {}).items() if not name.startswith(OF_GKE) or name in wanted}
    rest = {name: value for name, value in machines.items() if name != "resourceLabels"}
    return {**rest, "resourceLabels": labels} if labels else rest


def updated(kind: Kind, old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """The state after an update. Google's own words stay."""
    given = {name: value for name, value in new.items() if name != DEFAULTS}
    state = {**old, **given}
    if kind.title == "Cluster" and isinstance(given.get("controlPlaneEndpointsConfig"), Mapping):
        said = at(old, "controlPlaneEndpointsConfig.dnsEndpointConfig.endpoint")
        wanted = given["controlPlaneEndpointsConfig"]
        state["controlPlaneEndpointsConfig"] = {**wanted, "dnsEndpointConfig": {**(wanted.get("dnsEndpointConfig") or {}), "endpoint": said}}
    if kind.title == "NodePool" and isinstance(given.get("nodeConfig"), Mapping):
        machines = given["nodeConfig"]
        taints = [*(machines.get("taints") or []), *([GPU_TAINT] if machines.get("guestAccelerators") else [])]
        labels = {**(machines.get("resourceLabels") or {}), **labels_of_gke(machines)}
        state["nodeConfig"] = {**machines, "effectiveTaints": taints, "resourceLabels": labels}
    return state
