"""What a run of the launcher decides before it starts anything: which nodes, which tools, and what only this machine knows."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fleet import FleetPlan
from fleet.fleet_plan import ClusterPlan
from local import hub, machine, nodes, tools
from local.images import ENGINE_IMAGE
from local.node_init import PRIVATE
from local.nodes import Kind
from local.paths import State
from local.region_spec import RegionSpec
from local.tools.recipes import CONTROL_PLANE, ENGINE, REAL_NODES

WEIGHTS_OWNER, WEIGHTS_GROUP = 2000, 0
"""Who the mirror and the engine are: a mounted folder is not handed over to a pod's group, as a disk is."""


@dataclass(frozen=True, kw_only=True)
class Launch:
    """One fleet on this machine."""

    state: State
    fleet: FleetPlan
    kind: Kind
    ready_seconds: float
    real_nodes_per_pool: int = 1

    @property
    def specs(self) -> list[RegionSpec]:
        """Its regions."""
        return [
            RegionSpec(
                name=cluster.name,
                context=str(cluster.context),
                nodes=nodes.node_specs(cluster, self.kind, self.real_nodes_per_pool),
                ready_seconds=self.ready_seconds,
                class_claims=any(cache.static is None for cache in cluster.caches),
            )
            for cluster in self.fleet.clusters
        ]

    def check(self) -> None:
        """Refuse what the machine has no room for, before anything is made.

        Raises:
            NoRealNodes: the nodes that do not run yet are more than the kernel lets this user watch for.
        """
        pairs = [(spec, node) for spec in self.specs for node in spec.real_nodes(self.state.region(spec.name))]
        new = [spec.name for spec, node in pairs if node.daemon().process() is None]
        if lacking := machine.watches_missing(len(new), len(set(new)), machine.watches_in_use()):
            raise machine.NoRealNodes(lacking)

    def tools(self) -> dict[str, Path]:
        """Paths of the binaries it needs, built where they are missing.

        Raises:
            ToolError: one cannot be had.
        """
        return tools.ensure((*ENGINE, *CONTROL_PLANE, *(REAL_NODES if self.kind == "real" else ())))

    def fill_hub(self) -> None:
        """Models for the local hub, and the folders that stand for buckets."""
        if self.kind == "real":
            hub.fill(self.state.hub, [(cache.model, cache.revision) for cluster in self.fleet.clusters for cache in cluster.caches])
            for cluster in self.fleet.clusters:
                _bucket(self.state, cluster).mkdir(parents=True, exist_ok=True)
                os.chown(_bucket(self.state, cluster), WEIGHTS_OWNER, WEIGHTS_GROUP)

    def overrides(self, uids: Mapping[str, str]) -> dict[str, dict[str, Any]]:
        """Fields of each cluster in the stack file that only this machine knows."""
        found: dict[str, dict[str, Any]] = {}
        for cluster in self.fleet.clusters:
            if cluster.name not in uids:
                continue
            fields: dict[str, Any] = {"kubeconfig": str(self.state.kubeconfig), "cluster_uid": uids[cluster.name]}
            if self.kind == "real":
                fields["engine_image"] = ENGINE_IMAGE
                if any(cache.static for cache in cluster.caches):
                    fields["cache_folder"] = str(_bucket(self.state, cluster))
            found[cluster.name] = fields
        return found


def chosen_kind(state: State) -> tuple[Kind, str]:
    """The nodes of this fleet and why: those it has, or what the user asks for, or what this machine can.

    Raises:
        NoRealNodes: the fleet that runs has the other kind, or this machine cannot do what is asked for.
        WrongChoice: the user asks for something else.
    """
    kind, why = machine.kind()
    if kind == "real" and any(state.root.resolve().is_relative_to(folder) for folder in PRIVATE):
        raise machine.NoRealNodes(
            f"real nodes have a {' and a '.join(PRIVATE)} of their own and would not see {state.root}: choose another --directory"
        )
    kept = state.root / "kind"
    if kept.exists():
        has = kept.read_text(encoding="utf-8").strip()
        if has != kind and os.environ.get("LOCAL_NODES"):
            raise machine.NoRealNodes(f"this fleet has {has} nodes; `make local-down` first, then LOCAL_NODES={kind} make local")
        if has != kind and has == "real":
            raise machine.NoRealNodes(f"this fleet has real nodes, but {why}")
        return ("real", "") if has == "real" else ("simulated", "it was started so")
    return kind, why


def keep_kind(state: State, kind: Kind) -> None:
    """Note it for later runs."""
    state.root.mkdir(parents=True, exist_ok=True, mode=0o700)
    (state.root / "kind").write_text(kind, encoding="utf-8")


def _bucket(state: State, cluster: ClusterPlan) -> Path:
    return (state.buckets / cluster.name).resolve()
