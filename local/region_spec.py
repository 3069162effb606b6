"""What one region of the local target consists of, kept in its folder for a later run that is no longer told of it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from fleet.fleet_plan import Taint
from local import region_services
from local.control_plane import API_SERVER, CONTROLLERS
from local.nodes import NodeSpec
from local.real_node import RealNode

FILE = "region.json"


@dataclass(frozen=True, kw_only=True)
class RegionSpec:
    """One region: its name, its context in the kubeconfig, its nodes, and how long simulated pods take to become Ready."""

    name: str
    context: str
    nodes: tuple[NodeSpec, ...]
    ready_seconds: float
    class_claims: bool = True
    """Whether claims of a storage class are asked for, which somebody has to provision."""

    @property
    def real(self) -> bool:
        """Whether it has real nodes, and with them a network of its own."""
        return any(node.kind == "real" for node in self.nodes)

    def real_nodes(self, folder: Path) -> list[RealNode]:
        """Its real nodes, numbered from 1 in their order."""
        specs = [node for node in self.nodes if node.kind == "real"]
        return [RealNode(region=folder, spec=spec, index=index) for index, spec in enumerate(specs, start=1)]

    @property
    def controllers(self) -> tuple[str, ...]:
        """What runs beside its API server."""
        simulated = any(node.kind == "simulated" for node in self.nodes)
        optional = {"kwok": simulated, "provisioner": self.class_claims}
        return tuple(name for name in CONTROLLERS if optional.get(name, True))

    @property
    def daemons(self) -> tuple[str, ...]:
        """Processes of the region without those of its nodes, in the order in which they start."""
        return (*API_SERVER, *self.controllers, *(region_services.NAMES if self.real else ()))

    def save(self, folder: Path) -> None:
        """Write it whole or not at all."""
        partial = folder / f"{FILE}.partial"
        partial.write_text(json.dumps(asdict(self)), encoding="utf-8")
        partial.replace(folder / FILE)


def load(folder: Path) -> RegionSpec | None:
    """The region that an earlier run kept in this folder, or None where it never got that far."""
    try:
        kept = json.loads((folder / FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    nodes = tuple(NodeSpec(**{**node, "taints": tuple(Taint(**taint) for taint in node["taints"])}) for node in kept.pop("nodes"))
    return RegionSpec(**kept, nodes=nodes)
