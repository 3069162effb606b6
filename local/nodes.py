"""Nodes of the local target: as many GPUs as the plan may ask for, with the labels and taints that their cloud would set.

A simulated node is an object that KWOK keeps alive. A real one runs pods; it stands for several machines of its pool and has
the CPUs, memory and GPUs of all of them, because a kubelet for each would leave no room for the pods.
"""

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

Kind = Literal["simulated", "real"]
ZONES = ("a", "b", "c")
PODS_PER_NODE = 110
EPHEMERAL_STORAGE = "200Gi"
KWOK_ANNOTATION = "kwok.x-k8s.io/node"
REAL_ANNOTATION = "local.vllm-fleet/node"
GPU_RESOURCE = "nvidia.com/gpu"
MOST_REAL_SERVERS = 16
"""Model servers of one region that get real nodes, 60 MB each; pools beyond that are simulated."""

UNKNOWN_VCPUS, UNKNOWN_MEMORY_GIB = 16, 128.0
"""Size of a node where the cluster's labels do not say which machine it is."""


@dataclass(frozen=True, kw_only=True)
class NodeSpec:
    """A node of the local target; real where pods run, simulated where they only seem to."""

    name: str
    kind: Kind = "simulated"
    vcpus: int
    memory_gib: float
    gpus: int
    labels: Mapping[str, str]
    taints: tuple[Taint, ...]


def node_specs(cluster: ClusterPlan, kind: Kind = "simulated", real_nodes_per_pool: int = 1) -> tuple[NodeSpec, ...]:
    """Every node the pools of this cluster may have, and one without GPU for what serves no model.

    Args:
        cluster: whose pools.
        kind: of nodes; with "real", pools that do not fit this machine are simulated all the same.
        real_nodes_per_pool: among how many real nodes the machines of a pool are shared.
    """
    found = [_system(cluster, kind)]
    servers = 0
    for pool in cluster.pools:
        servers += sum(model.replicas.max for model in cluster.models if model.pool == pool.name)
        if kind == "simulated" or servers > MOST_REAL_SERVERS:
            found += [_spec(cluster, pool, index) for index in range(pool.max_nodes)]
            continue
        nodes = min(real_nodes_per_pool, pool.max_nodes)
        shares = [pool.max_nodes // nodes + (index < pool.max_nodes % nodes) for index in range(nodes)]
        found += [_spec(cluster, pool, index, "real", share) for index, share in enumerate(shares)]
    return tuple(found)


def apply(client: Client, nodes: Sequence[NodeSpec]) -> None:
    """Make the cluster's nodes exactly these: register what is missing or differs, remove what is no longer asked for."""
    wanted = {node.name: node for node in nodes}
    found = {node.metadata.name: node for node in client.list(Node) if node.metadata and node.metadata.name}
    for name, node in found.items():
        ours = node.metadata and {KWOK_ANNOTATION, REAL_ANNOTATION} & set(node.metadata.annotations or {})
        if ours and name and name not in wanted:
            client.delete(Node, name)
    for spec in wanted.values():
        client.apply(_object(spec), field_manager="vllm-fleet-local", force=True)
        if spec.kind == "real":  # its kubelet says what it has
            continue
        # The client takes sub-resources of unnamespaced kinds; its overloads do not say so.
        client.apply(_status(spec), field_manager="vllm-fleet-local", force=True)  # pyright: ignore[reportArgumentType, reportCallIssue]


def late(client: Client, nodes: Sequence[NodeSpec]) -> list[str]:
    """Names of those nodes that are not Ready yet or do not offer all their GPUs."""
    found = {node.metadata.name: node.status for node in client.list(Node) if node.metadata}
    return [spec.name for spec in nodes if not _ready(found.get(spec.name), spec.gpus)]


def _ready(status: NodeStatus | None, gpus: int) -> bool:
    if status is None:
        return False
    offered = int((status.allocatable or {}).get(GPU_RESOURCE, "0"))
    return offered >= gpus and any(condition.type == "Ready" and condition.status == "True" for condition in status.conditions or [])


def _spec(cluster: ClusterPlan, pool: PoolPlan, index: int, kind: Kind = "simulated", machines: int = 1) -> NodeSpec:
    name = f"{pool.name}-{index}"
    return NodeSpec(
        name=name,
        kind=kind,
        vcpus=machines * (pool.node_vcpus or UNKNOWN_VCPUS),
        memory_gib=machines * (pool.node_memory_gib or UNKNOWN_MEMORY_GIB),
        gpus=machines * pool.gpus_per_node,
        labels={**_common_labels(cluster, name, index), **pool.node_labels},
        taints=pool.node_taints,
    )


def _system(cluster: ClusterPlan, kind: Kind) -> NodeSpec:
    labels = {**_common_labels(cluster, "system-0", 0), "workload": "system"}
    return NodeSpec(name="system-0", kind=kind, vcpus=UNKNOWN_VCPUS, memory_gib=UNKNOWN_MEMORY_GIB, gpus=0, labels=labels, taints=())


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
    annotations = {KWOK_ANNOTATION: "fake"} if spec.kind == "simulated" else {REAL_ANNOTATION: "real"}
    meta = ObjectMeta(name=spec.name, labels=dict(spec.labels), annotations=annotations)
    return Node(metadata=meta, spec=NodeObjectSpec(taints=taints))


def _status(spec: NodeSpec) -> NodeStatusResource:
    return NodeStatusResource(metadata=ObjectMeta(name=spec.name), status=NodeStatus(capacity=_capacity(spec), allocatable=_capacity(spec)))


def _capacity(spec: NodeSpec) -> dict[str, str]:
    gpus = {GPU_RESOURCE: str(spec.gpus)} if spec.gpus else {}
    return {
        "cpu": str(spec.vcpus),
        "memory": f"{int(spec.memory_gib * 1024)}Mi",
        "ephemeral-storage": EPHEMERAL_STORAGE,
        "pods": str(PODS_PER_NODE),
        **gpus,
    }
