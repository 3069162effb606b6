"""Simulated GPU nodes: as many as the plan may ask for, with the capacity, labels and taints that their cloud would set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from lightkube.core.client import Client
from lightkube.models.core_v1 import NodeSpec as NodeObjectSpec
from lightkube.models.core_v1 import NodeStatus
from lightkube.models.core_v1 import Taint as NodeTaint
from lightkube.models.meta_v1 import ObjectMeta
from lightkube.resources.core_v1 import Node
from lightkube.resources.core_v1 import NodeStatus as NodeStatusResource

from fleet.fleet_plan import ClusterPlan, PoolPlan, Taint

ZONES = ("a", "b", "c")
PODS_PER_NODE = 110
EPHEMERAL_STORAGE = "200Gi"
KWOK_ANNOTATION = "kwok.x-k8s.io/node"
UNKNOWN_VCPUS, UNKNOWN_MEMORY_GIB = 16, 128.0
"""Size of a node where the cluster's labels do not say which machine it is."""


@dataclass(frozen=True, kw_only=True)
class NodeSpec:
    """A node of the local target. Real ones are another kind."""

    name: str
    kind: Literal["simulated"] = "simulated"
    vcpus: int
    memory_gib: float
    gpus: int
    labels: Mapping[str, str]
    taints: tuple[Taint, ...]


def node_specs(cluster: ClusterPlan) -> tuple[NodeSpec, ...]:
    """Every node the pools of this cluster may have, and one without GPU for what serves no model."""
    return (_system(cluster), *(_spec(cluster, pool, index) for pool in cluster.pools for index in range(pool.max_nodes)))


def apply(client: Client, nodes: Sequence[NodeSpec]) -> None:
    """Make the cluster's simulated nodes exactly these: register what is missing or differs, remove what is no longer asked for."""
    wanted = {node.name: node for node in nodes}
    found = {node.metadata.name: node for node in client.list(Node) if node.metadata and node.metadata.name}
    for name, node in found.items():
        simulated = node.metadata and (node.metadata.annotations or {}).get(KWOK_ANNOTATION) == "fake"
        if simulated and name and name not in wanted:
            client.delete(Node, name)
    for spec in wanted.values():
        client.apply(_object(spec), field_manager="vllm-fleet-local", force=True)
        # The client takes sub-resources of unnamespaced kinds; its overloads do not say so.
        client.apply(_status(spec), field_manager="vllm-fleet-local", force=True)  # pyright: ignore[reportArgumentType, reportCallIssue]


def _spec(cluster: ClusterPlan, pool: PoolPlan, index: int) -> NodeSpec:
    name = f"{pool.name}-{index}"
    return NodeSpec(
        name=name,
        vcpus=pool.node_vcpus or UNKNOWN_VCPUS,
        memory_gib=pool.node_memory_gib or UNKNOWN_MEMORY_GIB,
        gpus=pool.gpus_per_node,
        labels={**_common_labels(cluster, name, index), **pool.node_labels},
        taints=pool.node_taints,
    )


def _system(cluster: ClusterPlan) -> NodeSpec:
    labels = {**_common_labels(cluster, "system-0", 0), "workload": "system"}
    return NodeSpec(name="system-0", vcpus=UNKNOWN_VCPUS, memory_gib=UNKNOWN_MEMORY_GIB, gpus=0, labels=labels, taints=())


def _common_labels(cluster: ClusterPlan, name: str, index: int) -> dict[str, str]:
    return {
        "kubernetes.io/arch": "amd64",
        "kubernetes.io/hostname": name,
        "kubernetes.io/os": "linux",
        "topology.kubernetes.io/region": cluster.region,
        "topology.kubernetes.io/zone": f"{cluster.region}-{ZONES[index % len(ZONES)]}",
    }


def _object(spec: NodeSpec) -> Node:
    taints = [NodeTaint(key=taint.key, value=taint.value, effect=taint.effect) for taint in spec.taints]
    meta = ObjectMeta(name=spec.name, labels=dict(spec.labels), annotations={KWOK_ANNOTATION: "fake"})
    return Node(metadata=meta, spec=NodeObjectSpec(taints=taints))


def _status(spec: NodeSpec) -> NodeStatusResource:
    return NodeStatusResource(metadata=ObjectMeta(name=spec.name), status=NodeStatus(capacity=_capacity(spec), allocatable=_capacity(spec)))


def _capacity(spec: NodeSpec) -> dict[str, str]:
    gpus = {"nvidia.com/gpu": str(spec.gpus)} if spec.gpus else {}
    return {
        "cpu": str(spec.vcpus),
        "memory": f"{int(spec.memory_gib * 1024)}Mi",
        "ephemeral-storage": EPHEMERAL_STORAGE,
        "pods": str(PODS_PER_NODE),
        **gpus,
    }
