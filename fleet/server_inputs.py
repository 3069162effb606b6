"""What decides one placement of a model, and the values that several parts of its server are computed from."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from fleet import catalog, drain, engine, naming, resources, sizing
from fleet.fleet_plan import Drain, PoolPlan, Startup
from fleet.lock import Lock
from fleet.memory import DEFAULT_GPU_MEMORY_UTILIZATION
from fleet.resolve import ResolvedModel
from fleet.settings import Cluster, ExistingCluster, Replicas, Settings


@dataclass(frozen=True, kw_only=True)
class ServerInputs:
    """What decides one placement."""

    settings: Settings
    cluster_name: str
    cluster: Cluster
    model: ResolvedModel
    pool: PoolPlan
    replicas: Replicas
    field: str
    lock: Lock

    @property
    def cache_kind(self) -> str:
        """The chosen kind; an existing cluster has no bucket of ours."""
        return self.settings.models[self.model.name].cache.kind or self._default_kind

    @property
    def _default_kind(self) -> str:
        return "shared" if isinstance(self.cluster, ExistingCluster) else "bucket"

    @property
    def cache_folder(self) -> str | None:
        """The folder of an existing cluster's nodes that its weights lie in, if it has one."""
        return self.cluster.cache_folder if isinstance(self.cluster, ExistingCluster) else None

    @property
    def cache_name(self) -> str:
        """Another folder or kind is another cache, made beside the old one; another storage class counts for caches made from then on.

        A disk belongs to one model: another one of the same revision has its own.
        """
        kind = "" if self.cache_kind == self._default_kind else self.cache_kind
        place = self.cache_folder or (f"{kind} {self.model.name}" if kind == "volume" else kind)
        return naming.weights_name(self.model.repository, self.model.revision or "", place)

    @property
    def load(self) -> resources.ServerLoad:
        """What one server brings to its node."""
        shape = self.model.architecture
        return resources.ServerLoad(
            tensor_parallel=self.model.tensor_parallel, checkpoint_gib=shape.checkpoint_gib, multimodal=shape.vision_parameters > 0
        )

    @property
    def node(self) -> resources.Node:
        """The machine under it."""
        return resources.Node(gpus=self.pool.gpus_per_node, vcpus=self.pool.node_vcpus, memory_gib=self.pool.node_memory_gib)


def longest_answer(inputs: ServerInputs) -> int:
    """Tokens of the longest answer: what a drain waits for, and what the engine is told never to exceed."""
    return min(inputs.settings.models[inputs.model.name].max_output_tokens, inputs.model.max_model_len)


def longest_grace_seconds(inputs: ServerInputs) -> int:
    """Of every model on the same pool of this cluster: how long a stopping server may hold a GPU that a new one waits for."""
    longest = 0
    for entry in inputs.settings.models.values():
        placed = entry.placements.get(inputs.cluster_name) if entry.placements is not None else None
        pool = (placed.pool if placed else None) or entry.pool
        if pool == inputs.pool.name and (placed or entry.placements is None):
            longest = max(longest, _grace_seconds(entry.max_output_tokens, entry.slo, inputs.pool.capacity, inputs.cluster.cloud))
    return longest


@cache
def _grace_seconds(max_output_tokens: int, slo: str, capacity: tuple[str, ...], cloud: str) -> int:
    found = drain.drain(max_output_tokens, slo, capacity, cloud)
    return found.grace_seconds if isinstance(found, Drain) else drain.LONGEST_GRACE_SECONDS


def notes(inputs: ServerInputs, sized: sizing.SizeResult, started: Startup) -> tuple[str, ...]:
    """What works, but not as a reader may expect."""
    found = list(sized.warnings)
    cpus = resources.cpu_note(inputs.load, inputs.node)
    if cpus:
        found.append(cpus)
    if inputs.cache_kind == "volume":
        found.append(f"a disk serves one server: each new version stops the old one first, and nobody answers for about {started.total_seconds} s")
    elif inputs.replicas.min < 2:
        found.append(f"one replica: when its node is drained or fails, nobody answers for about {started.total_seconds} s and the time a node takes")
    return tuple(found)


def load_time_dtype(inputs: ServerInputs) -> str | None:
    """The value of `--dtype` on this pool's GPU."""
    return engine.load_time_dtype(inputs.model.dtype, bfloat16=catalog.accelerator(inputs.pool.accelerator).bfloat16)


def size_request(inputs: ServerInputs) -> sizing.SizeRequest:
    """The question whether this placement fits its GPUs."""
    model, entry = inputs.model, inputs.settings.models[inputs.model.name]
    return sizing.SizeRequest(
        architecture=model.architecture,
        accelerator=inputs.pool.accelerator,
        gpus=inputs.pool.gpus_per_node,
        tensor_parallel=model.tensor_parallel,
        quantization=model.quantization,
        dtype=model.dtype,
        kv_cache_dtype=entry.kv_cache_dtype,
        max_model_len=model.max_model_len,
        gpu_memory_utilization=entry.gpu_memory_utilization or DEFAULT_GPU_MEMORY_UTILIZATION,
        max_num_seqs=entry.max_num_seqs,
        max_num_batched_tokens=entry.max_num_batched_tokens,
    )
