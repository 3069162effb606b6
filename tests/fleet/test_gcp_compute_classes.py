"""ComputeClasses: GKE gets each pool's rungs in the pool's order, and buys nothing that the plan does not have."""

from __future__ import annotations

from typing import Any

import pytest

from fleet.gcp.compute_classes import manifests
from fleet.gcp.nodes import node_pools
from fleet.placement import COMPUTE_CLASS_LABEL
from tests.support.gcp_regions import region

pytestmark = pytest.mark.pure

POOLS: dict[str, dict[str, Any]] = {
    "l4": {"accelerator": "L4", "max_nodes": 4, "capacity": ("spot", "on_demand")},
    "h100": {"accelerator": "H100", "gpus_per_node": 8, "max_nodes": 2, "capacity": ("reservation", "flex_start", "on_demand", "spot")},
}


def test_a_cluster_that_does_not_ask_has_none() -> None:
    assert manifests(region(POOLS)) == (), "then GKE takes the cheapest machine that it gets"


def test_each_pool_has_a_class_with_its_own_rungs_in_its_order() -> None:
    inputs = region(POOLS, compute_classes=True)
    made = {pool.pool_name: pool for pool in node_pools(inputs)}
    classes = manifests(inputs)
    assert [found.name for found in classes] == ["vllm-l4", "vllm-h100"], "one each"
    for found, pool in zip(classes, inputs.pools, strict=True):
        assert (found.api_version, found.kind, found.namespace) == ("cloud.google.com/v1", "ComputeClass", None), "of the whole cluster"
        rules: Any = found.spec["priorities"]
        assert all(list(rule) == ["nodepools"] and len(rule["nodepools"]) == 1 for rule in rules), (
            "nothing may stand beside it, and GKE sorts no list"
        )
        rungs = [made[rule["nodepools"][0]] for rule in rules]
        assert [rung.rung for rung in rungs] == list(pool.capacity), "first choice first"
        assert {rung.pool for rung in rungs} == {pool.name}, "no machine of another pool"
        for rung in rungs:
            assert rung.labels[COMPUTE_CLASS_LABEL] == found.name, "a pool that does not carry the label is passed over"
            assert [(taint.key, taint.value, taint.effect) for taint in rung.taints] == [(COMPUTE_CLASS_LABEL, found.name, "NoSchedule")], (
                "nor the taint"
            )


def test_no_class_makes_machines_of_its_own_or_moves_servers() -> None:
    for found in manifests(region(POOLS, compute_classes=True)):
        assert found.spec["nodePoolAutoCreation"] == {"enabled": False}, "machines outside the state would be left behind"
        assert found.spec["whenUnsatisfiable"] == "DoNotScaleUp", "pods wait, rather than run where the model does not fit"
        assert found.spec["activeMigration"] == {"optimizeRulePriority": False}, "a move would load every model anew"
