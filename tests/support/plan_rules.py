"""What must hold of every accepted plan, computed anew from the plan's own numbers and from nothing that made them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import islice
from math import ceil

from fleet.fleet_plan import ClusterPlan, FleetPlan, ModelPlan, PoolPlan

DNS_LABEL = re.compile(r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?")
HOURS_PER_MONTH = 730
ROUNDING = 0.02


def broken(plan: FleetPlan) -> list[str]:
    """Every rule that the plan breaks, in words; none for a good plan."""
    return list(islice(_fleet(plan), 20))


def _fleet(plan: FleetPlan) -> Iterator[str]:
    names = [cluster.name for cluster in plan.clusters]
    if len(set(names)) != len(names):
        yield "two clusters of one name"
    if len({cluster.identifier for cluster in plan.clusters}) != len(names):
        yield "two clusters of one identity"
    for cluster in plan.clusters:
        yield from _cluster(plan, cluster)
    costs = [_pool_usd(cluster, pool) for cluster in plan.clusters for pool in cluster.pools]
    if plan.usd_per_hour.max is not None and abs(plan.usd_per_hour.max - sum(most for _, most in costs)) > ROUNDING * len(costs):
        yield f"the fleet costs {plan.usd_per_hour.max}, its machines {costs}"
    if plan.environment == "prod" and plan.unresolved and not plan.accepted_risks:
        yield "prod runs something unpinned that nobody accepted"


def _cluster(plan: FleetPlan, cluster: ClusterPlan) -> Iterator[str]:
    pools = {pool.name: pool for pool in cluster.pools}
    caches = {cache.name: cache for cache in cluster.caches}
    for name in [*(model.name for model in cluster.models), *caches, cluster.name, *pools]:
        if not DNS_LABEL.fullmatch(name):
            yield f"{name} is no name that Kubernetes takes"
    for pool in cluster.pools:
        yield from _pool(cluster, pool)
    for model in cluster.models:
        if model.pool not in pools:
            yield f"{model.name} runs on {model.pool}, which {cluster.name} has not"
            continue
        if model.cache not in caches or caches[model.cache].revision != model.revision:
            yield f"{model.name} mounts weights that nobody fetches"
        for words in _model(model, pools[model.pool]):
            yield f"{model.name} in {cluster.name}: {words}"
        if plan.environment == "prod" and model.slo == "interactive" and model.replicas.min < 2:
            yield f"{model.name} is interactive, in prod, and alone"


def _pool(cluster: ClusterPlan, pool: PoolPlan) -> Iterator[str]:
    models = [model for model in cluster.models if model.pool == pool.name]
    if not models:
        yield f"pool {pool.name} serves nobody"
    at_most = sum(model.tensor_parallel * model.replicas.max for model in models)
    if at_most > pool.gpus_per_node * pool.max_nodes:
        yield f"pool {pool.name} has {pool.gpus_per_node * pool.max_nodes} GPUs for {at_most}"
    rollout = at_most + sum(model.tensor_parallel * model.rollout.max_surge for model in models)
    if rollout > pool.gpus_per_node * pool.max_nodes:
        yield f"pool {pool.name} has no room for its rollouts"
    if not 0 <= pool.min_nodes <= pool.max_nodes <= 1000:
        yield f"pool {pool.name} has {pool.min_nodes} to {pool.max_nodes} nodes"


def _model(model: ModelPlan, pool: PoolPlan) -> Iterator[str]:
    yield from _engine(model)
    if model.tensor_parallel > pool.gpus_per_node or model.resources.gpus != model.tensor_parallel:
        yield "its GPUs are not on one node"
    if pool.node_memory_gib is not None and model.resources.memory_limit_gib > pool.node_memory_gib:
        yield "it may take more memory than its node has"
    if model.accelerator != pool.accelerator:
        yield "another GPU than its pool's"
    memory = model.memory
    if abs(memory.usable_gib - memory.weights_gib - memory.kv_gib - memory.overhead_gib) > ROUNDING:
        yield f"memory does not add up: {memory}"
    if min(memory.weights_gib, memory.kv_gib) <= 0 or memory.overhead_gib < 0:
        yield f"memory is negative: {memory}"
    if model.concurrency < 1 or model.kv_tokens < model.max_model_len:
        yield "not even one request of full length fits"
    yield from _changes(model)
    if pool.usd_per_hour is not None and model.usd_per_hour.max is not None:
        each = pool.usd_per_hour * model.tensor_parallel / pool.gpus_per_node
        if abs(model.usd_per_hour.max - each * model.replicas.max) > ROUNDING:
            yield f"costs {model.usd_per_hour.max}, not {each * model.replicas.max}"


def _changes(model: ModelPlan) -> Iterator[str]:
    """Rollout, drain and start."""
    rollout, replicas = model.rollout, model.replicas
    if rollout.max_surge + rollout.max_unavailable < 1 or rollout.max_unavailable >= max(replicas.min, 1) + (rollout.max_surge > 0):
        yield f"a rollout cannot move, or leaves nobody: {rollout}"
    if not 1 <= replicas.min <= replicas.max <= 1000:
        yield f"impossible replicas: {replicas}"
    drain, startup = model.drain, model.startup
    if (
        min(drain.pre_stop_seconds, drain.shutdown_timeout_seconds) <= 0
        or drain.grace_seconds <= drain.pre_stop_seconds + drain.shutdown_timeout_seconds
    ):
        yield f"the drain does not add up: {drain}"
    if startup.total_seconds != startup.image_pull_seconds + startup.weights_seconds + startup.engine_seconds:
        yield f"the start does not add up: {startup}"
    probe = startup.probe_period_seconds * (startup.probe_failure_threshold - 1)
    if not startup.weights_seconds + startup.engine_seconds < probe < startup.progress_deadline_seconds < startup.update_timeout_seconds:
        yield f"a timeout is shorter than what it waits for: {startup}"


def _engine(model: ModelPlan) -> Iterator[str]:
    flags = dict(zip(model.argv, model.argv[1:], strict=False))
    if model.argv[0] != model.model or flags["--served-model-name"] != model.name:
        yield "serves something else than it is called"
    if not re.fullmatch(r"[0-9a-f]{40}", model.revision) or flags["--revision"] != model.revision:
        yield "its weights can change"
    if flags["--max-model-len"] != str(model.max_model_len):
        yield "the engine has another context"
    if flags.get("--tensor-parallel-size", "1") != str(model.tensor_parallel):
        yield "the engine has another number of GPUs"
    if flags["--shutdown-timeout"] != str(model.drain.shutdown_timeout_seconds):
        yield "the engine drains for another time"
    if json.loads(flags["--override-generation-config"])["max_new_tokens"] > model.max_model_len:
        yield "an answer may be longer than the context"
    if model.env.get("HF_HUB_OFFLINE") != "1":
        yield "a server may ask the hub"


def _pool_usd(cluster: ClusterPlan, pool: PoolPlan) -> tuple[float, float]:
    """US dollars per hour at minimum and maximum, where sizes of pods divide the node; else at least that."""
    models = [model for model in cluster.models if model.pool == pool.name]
    nodes = [
        max(pool.min_nodes, ceil(sum(model.tensor_parallel * count for model, count in counts) / pool.gpus_per_node))
        for counts in ([(m, m.replicas.min) for m in models], [(m, m.replicas.max) for m in models])
    ]
    return nodes[0] * (pool.usd_per_hour or 0.0), nodes[1] * (pool.usd_per_hour or 0.0)
