"""CPU, memory and shared memory of a model server, as its share of the node."""

from __future__ import annotations

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

MINIMUM_GIB = 8


def resources(
    tensor_parallel: int, weights_gib_per_pod: float, gpus_per_node: int, node_vcpus: int | None, node_memory_gib: float | None
) -> Resources:
    """What one server asks for. Full pods of a node ask for no more than the node has left after its own daemons.

    CPU follows vLLM's rule of 2 × (2 + tensor parallel) virtual CPUs (its optimisation guide: API server, engine and one
    process per GPU, a physical core each). The memory limit is the pod's share of the node, so that the page cache of the
    weights has room; the request is half the weights, the shared memory and the Python processes.
    """
    shared = SHARED_MEMORY_GIB if tensor_parallel == 1 else SHARED_MEMORY_TENSOR_PARALLEL_GIB
    wanted_cpus = 2.0 * (2 + tensor_parallel)
    wanted_gib = max(MINIMUM_GIB, ceil(weights_gib_per_pod / 2) + shared + 4)
    share = tensor_parallel / gpus_per_node
    cpus = wanted_cpus if node_vcpus is None else min(wanted_cpus, (node_vcpus - NODE_RESERVED_CPUS) * share)
    if node_memory_gib is None:
        limit = request = wanted_gib
    else:
        limit = int((node_memory_gib * (1 - NODE_RESERVED_SHARE) - NODE_RESERVED_GIB) * share)
        request = min(wanted_gib, limit)
    return Resources(
        gpus=tensor_parallel,
        cpu_request=f"{int(cpus * 1000)}m",
        memory_request_gib=request,
        memory_limit_gib=limit,
        shared_memory_gib=shared,
    )
