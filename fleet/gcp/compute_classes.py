"""The order of a pool's rungs for GKE, where a cluster asks for it: one ComputeClass for each GPU pool.

Fields: the definition of the kind (cloud.google.com/v1, ComputeClass, as a GKE cluster has it: joomcode/CRDs-catalog, 2026-03-17) and Google's
guide "About custom ComputeClasses" (2026-04-13). A class owns no machine: the pools that it names are those of the plan, and carry its label
and its taint.
"""

from __future__ import annotations

from collections.abc import Iterable

from fleet.add_ons import ManifestSpec
from fleet.gcp.inputs import RegionInputs
from fleet.gcp.nodes import node_pools
from fleet.gcp.plan import NodePoolPlan
from fleet.placement import compute_class

API_VERSION, KIND = "cloud.google.com/v1", "ComputeClass"


def manifests(inputs: RegionInputs) -> tuple[ManifestSpec, ...]:
    """One class for each GPU pool; none where the cluster does not ask for them."""
    if not inputs.cluster.compute_classes:
        return ()
    made = node_pools(inputs)
    return tuple(_class(pool.name, (rung for rung in made if rung.pool == pool.name)) for pool in inputs.pools)


def _class(pool: str, rungs: Iterable[NodePoolPlan]) -> ManifestSpec:
    """Each rung is a rule of its own, for GKE reads the pools within one rule in no order.

    A server that runs stays where it is when a better rung has room again: moving it means loading the model anew, and people who wait.
    Where no rung gives a machine, pods wait, as they do everywhere else in the fleet.
    """
    return ManifestSpec(
        name=compute_class(pool),
        api_version=API_VERSION,
        kind=KIND,
        namespace=None,
        spec={
            "description": f"rungs of pool {pool}, first choice first",
            "priorities": [{"nodepools": [rung.pool_name]} for rung in rungs],
            "activeMigration": {"optimizeRulePriority": False},
            "nodePoolAutoCreation": {"enabled": False},
            "whenUnsatisfiable": "DoNotScaleUp",
        },
    )
