"""Placement: nodes carry what pods ask for, in every kind of cluster and for every machine of the catalogue."""

from __future__ import annotations

from typing import Any

import pytest

from fleet import catalog
from fleet.fleet_plan import PoolPlan
from fleet.placement import (
    COMPUTE_CLASS_LABEL,
    INSTANCE_TYPE_LABEL,
    POOL_LABEL,
    compute_class,
    gpu_taint,
    lasting,
    node_requirements,
    node_selector,
    pool_plan,
)
from fleet.problems import Problem
from fleet.settings import AwsCluster, Cluster, ExistingCluster, GcpCluster, Pool

pytestmark = pytest.mark.pure

AWS = AwsCluster.model_validate({"cloud": "aws", "region": "us-west-2", "endpoint": {"public_cidrs": ("203.0.113.0/24",)}})
GCP = GcpCluster.model_validate({"cloud": "gcp", "region": "us-central1", "project": "acme-prod"})
EXISTING = {
    kind: ExistingCluster.model_validate({"cloud": "existing", "context": "lab", "gpu_labels": kind, "storage_classes": {"cache": "nfs"}})
    for kind in ("nvidia", "eks", "gke")
}
CLUSTERS: dict[str, Cluster] = {"aws": AWS, "gcp": GCP, **EXISTING}


def planned(cluster: Cluster, accelerator: str, gpus: int, **changes: Any) -> PoolPlan | Problem:
    values: dict[str, Any] = {"accelerator": accelerator, "gpus_per_node": gpus, "max_nodes": 2, **changes}
    return pool_plan("gpus", Pool.model_validate(values), "here", cluster, {})


@pytest.mark.parametrize("kind", list(CLUSTERS))
@pytest.mark.parametrize("accelerator", list(catalog.ACCELERATORS))
def test_a_pod_fits_every_node_of_its_pool_and_no_node_of_another(kind: str, accelerator: str) -> None:
    cluster = CLUSTERS[kind]
    sold = {shape.gpus for shape in catalog.accelerator(accelerator).shapes if shape.cloud == {"eks": "aws", "gke": "gcp"}.get(kind, kind)}
    for gpus in (1, 2, 4, 8):
        capacity = ("reservation",) if kind in ("aws", "gcp") else ("on_demand",)
        found = planned(cluster, accelerator, gpus, capacity=capacity)
        if isinstance(found, Problem):
            assert gpus not in sold or kind in ("aws", "gcp"), f"{gpus} × {accelerator} is sold: {found.message}"
            assert found.remedy, "and what would do is named"
            continue
        requirements = node_requirements(found, cluster)
        assert requirements, "a pod without a requirement would land anywhere"
        for requirement in requirements:
            assert found.node_labels.get(requirement.key) in requirement.values, f"the nodes carry {requirement.key} as the pods ask for it"
        assert [(taint.key, taint.effect) for taint in found.node_taints] == [("nvidia.com/gpu", "NoSchedule")], "nothing else runs on GPUs"
        for other in catalog.ACCELERATORS:
            twin = planned(cluster, other, gpus, capacity=capacity)
            if other == accelerator or isinstance(twin, Problem) or kind in ("aws", "gcp"):
                continue
            misled = all(twin.node_labels.get(requirement.key) in requirement.values for requirement in requirements)
            assert not misled, f"a pod for {accelerator} would run on {other}"


@pytest.mark.parametrize(("kind", "value"), [("aws", "true"), ("gcp", "present"), ("eks", "true"), ("gke", "present"), ("nvidia", "true")])
def test_the_taint_has_the_value_its_cloud_writes(kind: str, value: str) -> None:
    assert gpu_taint(kind).value == value, "EKS pools declare true, GKE adds present by itself"


def test_pools_of_our_own_clusters_are_told_apart_by_name() -> None:
    found = planned(AWS, "L4", 1)
    assert isinstance(found, PoolPlan), "g6 is sold in us-west-2"
    assert found.node_labels == {"workload": "inference", POOL_LABEL: "gpus", "k8s.amazonaws.com/accelerator": "l4"}, "what the autoscaler reads too"
    assert (found.machine, found.node_vcpus, found.node_memory_gib) == ("g6.2xlarge", 8, 32), "the default shape"


def test_with_compute_classes_nodes_and_pods_carry_the_pools_class() -> None:
    cluster = GCP.model_copy(update={"compute_classes": True})
    found = planned(cluster, "L4", 1)
    assert isinstance(found, PoolPlan), "g2 is sold in us-central1"
    assert found.node_labels[COMPUTE_CLASS_LABEL] == compute_class("gpus"), "GKE knows by it whose machine it is"
    assert {requirement.key: requirement.values for requirement in node_requirements(found, cluster)} == {
        POOL_LABEL: ("gpus",),
        COMPUTE_CLASS_LABEL: (compute_class("gpus"),),
    }, "and by this what a pod asks for"
    assert node_selector(found) == {COMPUTE_CLASS_LABEL: compute_class("gpus")}, "in the one way that GKE's guide shows"
    assert [taint.key for taint in found.node_taints] == ["nvidia.com/gpu", COMPUTE_CLASS_LABEL], "pods tolerate what keeps others away"
    without = planned(GCP, "L4", 1)
    assert isinstance(without, PoolPlan), "sold all the same"
    assert COMPUTE_CLASS_LABEL not in without.node_labels, "a class that does not exist would leave pods waiting"
    assert node_selector(without) == {}, "nothing beside the pool's own label"


@pytest.mark.parametrize("pool", ["default", "gke-pool", "autopilot", "x" * 40])
def test_no_class_has_a_name_that_gke_keeps_for_itself(pool: str) -> None:
    name = compute_class(pool)
    assert not name.startswith(("gke", "autopilot")), "GKE refuses these"
    assert name != "default", "it would be given to pods that ask for none"
    assert len(name) <= 63, "it is the value of a label"


def test_rungs_that_end_by_themselves_do_not_last() -> None:
    assert lasting(("flex_start", "capacity_block", "spot", "reservation", "on_demand")) == ("spot", "reservation", "on_demand"), "in order"


def test_pods_in_an_existing_cluster_ask_for_machines_no_smaller_than_the_plan_counts_on() -> None:
    found = planned(EXISTING["eks"], "L4", 1)
    assert isinstance(found, PoolPlan), "there are such machines"
    (machines,) = (one.values for one in node_requirements(found, EXISTING["eks"]) if one.key == INSTANCE_TYPE_LABEL)
    assert machines == ("g6.2xlarge", "g6.4xlarge", "g6.8xlarge"), "a g6.xlarge could not hold the request"
    small = planned(EXISTING["eks"], "L4", 1, machine="g6.xlarge")
    assert isinstance(small, PoolPlan), "unless it is named"
    (machines,) = (one.values for one in node_requirements(small, EXISTING["eks"]) if one.key == INSTANCE_TYPE_LABEL)
    assert "g6.xlarge" in machines, "then it is asked for"


@pytest.mark.parametrize(
    ("kind", "accelerator", "gpus", "changes", "field", "words"),
    [
        ("aws", "A100-40GB", 2, {}, "pools.gpus.gpus_per_node", "p5.4xlarge"),
        ("gcp", "A10G", 1, {}, "pools.gpus.gpus_per_node", "g2-standard-8"),
        ("gke", "A10G", 1, {}, "pools.gpus.gpus_per_node", "g2-standard-8"),
        ("aws", "V100", 1, {}, "pools.gpus.accelerator", "one of: T4"),
        ("aws", "L4", 1, {"machine": "g6.12xlarge"}, "pools.gpus.machine", "carries 4 × L4"),
        ("eks", "L4", 1, {"machine": "g6.12xlarge"}, "pools.gpus.machine", "carries 4 × L4"),
        ("nvidia", "L4", 1, {"machine": "g6.2xlarge"}, "pools.gpus.machine", "leave it out"),
        ("nvidia", "L4", 1, {"capacity": ("spot",)}, "pools.gpus.capacity", "leave capacity out"),
        ("gcp", "H100", 1, {}, "pools.gpus.capacity", "use one of these rungs"),
        ("gcp", "H200", 8, {}, "pools.gpus.capacity", "use one of these rungs"),
        ("aws", "L4", 1, {"capacity": ("flex_start",)}, "pools.gpus.capacity", "use reservation"),
        ("aws", "H100", 8, {"capacity": ("flex_start",)}, "pools.gpus.capacity", "use capacity_block"),
        ("aws", "L4", 1, {"capacity": ("capacity_block",)}, "pools.gpus.capacity", "use on_demand, spot or reservation"),
        ("gcp", "L4", 1, {"capacity": ("capacity_block",)}, "pools.gpus.capacity", "use flex_start"),
    ],
)
def test_what_a_cluster_cannot_give_is_refused_by_name(
    kind: str, accelerator: str, gpus: int, changes: dict[str, Any], field: str, words: str
) -> None:
    found = planned(CLUSTERS[kind], accelerator, gpus, **changes)
    assert isinstance(found, Problem), "never another machine in silence"
    assert found.field == field, found.message
    assert words in found.message, found.message


def test_a_single_h100_in_google_cloud_is_given_to_who_takes_spot() -> None:
    found = planned(GCP, "H100", 1, capacity=("spot", "flex_start"))
    assert isinstance(found, PoolPlan), "that is how it is sold"
    assert found.machine == "a3-highgpu-1g", "one GPU"


def test_a_price_of_ones_own_replaces_the_list_price_and_an_unknown_one_stays_unknown() -> None:
    pool = Pool.model_validate({"accelerator": "L4", "max_nodes": 1})
    found = pool_plan("gpus", pool, "here", AWS, {"g6.2xlarge": 0.5})
    assert isinstance(found, PoolPlan), "sold"
    assert found.usd_per_hour == 0.5, "a negotiated price"
    unknown = planned(GCP, "H200", 8, capacity=("reservation",))
    assert isinstance(unknown, PoolPlan), "reserved"
    assert unknown.usd_per_hour is None, "nobody publishes it"
