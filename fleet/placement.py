"""Where a model server may run: node labels, taints and requirements, from one GPU row and the cluster's kind."""

from __future__ import annotations

from collections.abc import Sequence

from fleet import catalog, shapes
from fleet.fleet_plan import NodeRequirement, PoolPlan, Taint
from fleet.problems import Problem
from fleet.settings import AwsCluster, Cluster, ExistingCluster, GcpCluster, Pool

INSTANCE_TYPE_LABEL = "node.kubernetes.io/instance-type"
POOL_LABEL = "vllm.pool"
GPU_RESOURCE = "nvidia.com/gpu"

COMPUTE_CLASS_LABEL = "cloud.google.com/compute-class"
"""Key of the label and of the taint by which GKE knows which machines belong to a ComputeClass, and which pods ask for it."""

PASSING_RUNGS = frozenset({"capacity_block", "flex_start"})
"""Machines that end by themselves: a block with its time, a flex-start machine after seven days at most."""

GPU_TAINT_VALUES = {"aws": "true", "gcp": "present", "eks": "true", "gke": "present", "nvidia": "true"}
"""EKS pools declare `true`, GKE adds `present` by itself: pods tolerate the key whatever its value."""


def gpu_taint(kind: str) -> Taint:
    """The taint of a GPU node in a cluster of this kind (aws, gcp; eks, gke or nvidia for an existing one)."""
    return Taint(key=GPU_RESOURCE, value=GPU_TAINT_VALUES[kind], effect="NoSchedule")


def compute_class(pool: str) -> str:
    """Name of the pool's ComputeClass in GKE, which keeps names that begin with gke or autopilot, and gives `default` to pods that name none."""
    return f"vllm-{pool}"


def lasting(capacity: Sequence[str]) -> tuple[str, ...]:
    """Rungs whose machines stay for as long as they are wanted, in the pool's order."""
    return tuple(rung for rung in capacity if rung not in PASSING_RUNGS)


def pool_plan(name: str, pool: Pool, cluster_name: str, cluster: Cluster, prices: dict[str, float]) -> PoolPlan | Problem:
    """The pool as this cluster realises it, or the reason why it cannot, with the shapes that could."""
    try:
        gpu = catalog.accelerator(pool.accelerator)
    except catalog.UnknownAccelerator as error:
        return Problem(
            field=f"pools.{name}.accelerator", value=pool.accelerator, limit="is not in the catalogue", remedy=str(error), unknown_in="accelerators"
        )
    if isinstance(cluster, ExistingCluster):
        return _existing(name, pool, gpu, cluster_name, cluster)
    try:
        shape = shapes.shape(cluster.cloud, pool.accelerator, pool.gpus_per_node, cluster.region, pool.machine)
    except shapes.NoShape as error:
        field = f"pools.{name}.machine" if pool.machine else f"pools.{name}.gpus_per_node"
        value = pool.machine or f"{pool.gpus_per_node} × {pool.accelerator}"
        carrying = f" with {pool.gpus_per_node} × {pool.accelerator}" if pool.machine else ""
        return Problem(field=field, value=value, limit=f"is not sold{carrying} for cluster {cluster_name}", remedy=str(error))
    rungs = _rungs(name, pool, cluster, shape)
    if rungs:
        return rungs
    labels = {"workload": "inference", POOL_LABEL: name}
    taints = (gpu_taint(cluster.cloud),)
    if isinstance(cluster, AwsCluster):
        labels["k8s.amazonaws.com/accelerator"] = pool.accelerator.lower()
    elif cluster.compute_classes:
        labels[COMPUTE_CLASS_LABEL] = compute_class(name)
        taints = (*taints, Taint(key=COMPUTE_CLASS_LABEL, value=compute_class(name), effect="NoSchedule"))
    return PoolPlan(
        name=name,
        accelerator=pool.accelerator,
        machine=shape.machine,
        gpus_per_node=pool.gpus_per_node,
        min_nodes=pool.min_nodes,
        max_nodes=pool.max_nodes,
        capacity=pool.capacity,
        usd_per_hour=prices.get(shape.machine, shape.usd_per_hour),
        node_vcpus=shape.vcpus,
        node_memory_gib=shape.memory_gib,
        node_labels=labels,
        node_taints=taints,
    )


def node_requirements(pool: PoolPlan, cluster: Cluster) -> tuple[NodeRequirement, ...]:
    """The labels a node must carry to take this pool's pods. In an existing cluster: machines no smaller than the plan counts on."""
    if isinstance(cluster, AwsCluster | GcpCluster):
        keys = [key for key in (POOL_LABEL, COMPUTE_CLASS_LABEL) if key in pool.node_labels]
        return tuple(NodeRequirement(key=key, values=(pool.node_labels[key],)) for key in keys)
    gpu = catalog.accelerator(pool.accelerator)
    if cluster.gpu_labels == "nvidia":
        count = NodeRequirement(key="nvidia.com/gpu.count", values=(str(pool.gpus_per_node),))
        return (NodeRequirement(key="nvidia.com/gpu.product", values=gpu.product_labels), count)
    cloud = "aws" if cluster.gpu_labels == "eks" else "gcp"
    machines = {shape.machine for shape in gpu.shapes if shape.cloud == cloud and shape.gpus == pool.gpus_per_node and _as_large(shape, pool)}
    found = [NodeRequirement(key=INSTANCE_TYPE_LABEL, values=tuple(sorted(machines)))]
    if cluster.gpu_labels == "gke" and gpu.gke_accelerator:
        found.append(NodeRequirement(key="cloud.google.com/gke-accelerator", values=(gpu.gke_accelerator,)))
    return tuple(found)


def node_selector(pool: PoolPlan) -> dict[str, str]:
    """Labels that a pod names one by one beside its requirements: GKE's guide chooses a ComputeClass in no other way."""
    return {key: value for key, value in pool.node_labels.items() if key == COMPUTE_CLASS_LABEL}


def _existing(name: str, pool: Pool, gpu: catalog.Accelerator, cluster_name: str, cluster: ExistingCluster) -> PoolPlan | Problem:
    """Nodes of an existing cluster are somebody else's: known by their labels, paid for elsewhere."""
    if pool.capacity != ("on_demand",):
        limit = f"cluster {cluster_name} exists already: how its nodes are bought is not decided here"
        return Problem(field=f"pools.{name}.capacity", value=list(pool.capacity), limit=limit, remedy="leave capacity out")
    labels: dict[str, str] = {}
    machine = f"{pool.gpus_per_node} × {pool.accelerator}"
    shape: catalog.Shape | None = None
    if cluster.gpu_labels == "nvidia":
        if pool.machine:
            limit = f"the nodes of cluster {cluster_name} say which GPU they carry, not which machine they are"
            return Problem(field=f"pools.{name}.machine", value=pool.machine, limit=limit, remedy="leave it out, or set gpu_labels to eks or gke")
        labels = {"nvidia.com/gpu.product": gpu.product_labels[0], "nvidia.com/gpu.count": str(pool.gpus_per_node)}
    else:
        cloud = "aws" if cluster.gpu_labels == "eks" else "gcp"
        try:
            shape = shapes.shape(cloud, pool.accelerator, pool.gpus_per_node, None, pool.machine)
        except shapes.NoShape as error:
            field = f"pools.{name}.machine" if pool.machine else f"pools.{name}.gpus_per_node"
            value = pool.machine or f"{pool.gpus_per_node} × {pool.accelerator}"
            limit = f"no machine with {cluster.gpu_labels} labels carries {pool.gpus_per_node} × {pool.accelerator} in cluster {cluster_name}"
            return Problem(field=field, value=value, limit=limit, remedy=str(error))
        machine = shape.machine
        labels = {INSTANCE_TYPE_LABEL: machine}
        if cluster.gpu_labels == "gke" and gpu.gke_accelerator:
            labels["cloud.google.com/gke-accelerator"] = gpu.gke_accelerator
    return PoolPlan(
        name=name,
        accelerator=pool.accelerator,
        machine=machine,
        gpus_per_node=pool.gpus_per_node,
        min_nodes=pool.min_nodes,
        max_nodes=pool.max_nodes,
        capacity=pool.capacity,
        usd_per_hour=0.0,
        node_vcpus=shape.vcpus if shape else None,
        node_memory_gib=shape.memory_gib if shape else None,
        node_labels=labels,
        node_taints=(gpu_taint(cluster.gpu_labels),),
    )


def _as_large(shape: catalog.Shape, pool: PoolPlan) -> bool:
    return shape.vcpus >= (pool.node_vcpus or 0) and shape.memory_gib >= (pool.node_memory_gib or 0)


def _rungs(name: str, pool: Pool, cluster: AwsCluster | GcpCluster, shape: catalog.Shape) -> Problem | None:
    """A capacity rung that this cloud does not sell, or does not sell for this machine."""
    field = f"pools.{name}.capacity"
    unknown = {"aws": "flex_start", "gcp": "capacity_block"}[cluster.cloud]
    if unknown in pool.capacity:
        remedy = (
            f"use {'capacity_block or ' if shape.capacity_blocks else ''}reservation" if cluster.cloud == "aws" else "use flex_start or reservation"
        )
        return Problem(field=field, value=unknown, limit=f"{cluster.cloud} does not sell it", remedy=remedy)
    if "capacity_block" in pool.capacity and not shape.capacity_blocks:
        limit = f"{shape.machine} is not sold as a capacity block; A100, H100, H200 and B200 machines are"
        return Problem(field=field, value="capacity_block", limit=limit, remedy="use on_demand, spot or reservation")
    if "on_demand" in pool.capacity and not shape.on_demand:
        limit = f"{shape.machine} is sold as spot, flex_start or reservation only"
        others = shapes.startable(shape, cluster.region)
        instead = f"; or what can simply be started: {shapes.listing(others)}" if others else ""
        return Problem(field=field, value="on_demand", limit=limit, remedy=f"use one of these rungs{instead}")
    return None
