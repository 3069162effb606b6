"""CPU, memory and shared memory of a model server, as its share of the node."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

from fleet.fleet_plan import Resources

SHARED_MEMORY_GIB = 2
SHARED_MEMORY_TENSOR_PARALLEL_GIB = 8
"""vLLM's workers exchange tensors through /dev/shm: 160 MiB of ring buffer and NCCL's own; 64 MiB is Kubernetes' default."""

NODE_RESERVED_CPUS = 1.5
"""Kubelet, system daemons and the GPU daemons; a g6.xlarge of 4 vCPU keeps about 3.9 before daemons."""

NODE_RESERVED_GIB = 2.0
NODE_RESERVED_SHARE = 0.08
"""What the kubelet keeps back: GKE reserves 25 % of the first 4 GiB down to 2 % above 128 GiB, EKS less; this covers both."""

SERVER_GIB, WORKER_GIB = 2, 2
"""Python of the API server with its engine, and of the worker of each GPU (estimates)."""

MULTIMODAL_CACHE_GIB = 8
"""vLLM keeps decoded images, 4 GiB in each of the API server and the engine."""

MINIMUM_GIB = 8
"""Below this a server of any size is killed while it loads (estimate: processes, shared memory, a shard of the weights)."""


@dataclass(frozen=True, kw_only=True)
class ServerLoad:
    """What one server brings to its node."""

    tensor_parallel: int
    checkpoint_gib: float
    """Files it reads through the page cache."""
    multimodal: bool = False

    @property
    def shared_memory_gib(self) -> int:
        """Size of /dev/shm, which counts towards the memory limit."""
        return SHARED_MEMORY_GIB if self.tensor_parallel == 1 else SHARED_MEMORY_TENSOR_PARALLEL_GIB

    @property
    def cpus(self) -> int:
        """Virtual CPUs by the rule of vLLM, 2 × (2 + tensor parallel): API server, engine and one process per GPU, a core each."""
        return 2 * (2 + self.tensor_parallel)

    @property
    def least_gib(self) -> int:
        """Memory without which it is killed while it loads: its processes and what they share."""
        return max(MINIMUM_GIB, self.shared_memory_gib + SERVER_GIB + WORKER_GIB * self.tensor_parallel)

    @property
    def memory_gib(self) -> int:
        """What it asks for: its processes, caches of images, and half the weights in the page cache."""
        return self.least_gib + (MULTIMODAL_CACHE_GIB if self.multimodal else 0) + ceil(self.checkpoint_gib / 2)


@dataclass(frozen=True, kw_only=True)
class Node:
    """A machine of the pool; None where an existing cluster's labels do not say which it is."""

    gpus: int
    vcpus: int | None
    memory_gib: float | None

    def cpus_for(self, gpus: int) -> float | None:
        """Virtual CPUs that pods may have in proportion to their GPUs."""
        return None if self.vcpus is None else (self.vcpus - NODE_RESERVED_CPUS) * gpus / self.gpus

    def memory_gib_for(self, gpus: int) -> int | None:
        """Memory that pods may have in proportion to their GPUs."""
        if self.memory_gib is None:
            return None
        return int((self.memory_gib * (1 - NODE_RESERVED_SHARE) - NODE_RESERVED_GIB) * gpus / self.gpus)


def resources(load: ServerLoad, node: Node) -> Resources:
    """What one server asks for. Full pods of a node ask for no more than the node has left after its own daemons.

    The memory limit is the pod's share of the node, so that the page cache of the weights has room.
    """
    cpus = node.cpus_for(load.tensor_parallel)
    share_gib = node.memory_gib_for(load.tensor_parallel)
    limit_gib = load.memory_gib + ceil(load.checkpoint_gib / 2) if share_gib is None else share_gib
    return Resources(
        gpus=load.tensor_parallel,
        cpu_request=f"{int(1000 * (load.cpus if cpus is None else min(load.cpus, cpus)))}m",
        memory_request_gib=min(load.memory_gib, limit_gib),
        memory_limit_gib=limit_gib,
        shared_memory_gib=load.shared_memory_gib,
    )


def cpu_note(load: ServerLoad, node: Node) -> str | None:
    """Words where the node has fewer virtual CPUs for a server than vLLM asks for."""
    cpus = node.cpus_for(load.tensor_parallel)
    if cpus is None or cpus >= load.cpus:
        return None
    return f"its machine leaves {cpus:.1f} virtual CPUs per server, vLLM asks for {load.cpus}: starts and tokenising are slower"


def memory_shortage(load: ServerLoad, node: Node) -> str | None:
    """Words where the processes of a server do not fit their share of the node: it would be killed while it loads."""
    share_gib = node.memory_gib_for(load.tensor_parallel)
    if share_gib is None or share_gib >= load.least_gib:
        return None
    return f"its machine leaves {share_gib} GiB of memory per server, which needs {load.least_gib} GiB before any weights"
