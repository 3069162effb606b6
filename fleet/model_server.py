"""One model in one cluster: memory, start-up, drain, engine arguments and placement brought together."""

from __future__ import annotations

from dataclasses import replace

from fleet import cost, drain, engine, engine_words, placement, resources, sizing, stack_edits, startup
from fleet.fleet_plan import Drain, Memory, ModelPlan, ReplicaBounds, RolloutPlan, Startup
from fleet.problems import Problem
from fleet.server_inputs import (
    ServerInputs,
    load_time_dtype,
    longest_answer,
    longest_grace_seconds,
    notes,
    size_request,
)
from fleet.settings import ExistingCluster
from fleet.startup import LOAD_GIB_PER_SECOND
from fleet.versions import ENGINE_IMAGE, ENGINE_TAG

__all__ = ["ServerInputs", "engine_image", "model_plan"]


def model_plan(inputs: ServerInputs, rollout: RolloutPlan | None) -> ModelPlan | list[Problem]:
    """The model server Deployment, or every reason why this model cannot run here."""
    model, pool, entry = inputs.model, inputs.pool, inputs.settings.models[inputs.model.name]
    problems: list[Problem] = []
    if model.revision is None:
        remedy = f"run `python -m fleet lock`, or write the commit into models.{model.name}.revision"
        limit = f"nobody has locked a commit of {model.repository}, and a branch can change under a running fleet"
        problems.append(Problem(field=f"models.{model.name}.revision", value=None, limit=limit, remedy=remedy))
    request = size_request(inputs)
    tokens, _ = sizing.batch_defaults(replace(request, max_num_batched_tokens=None, max_num_seqs=None))
    problems += engine_words.problems(
        f"models.{model.name}",
        entry,
        model_type=model.architecture.model_type,
        checkpoint=model.architecture.checkpoint_quantization,
        dtype=load_time_dtype(inputs),
        default_batched_tokens=tokens,
    )
    sized = sizing.size(request, stack_edits.offers(inputs))
    if not sized.fits:
        value = f"{model.repository} on {model.tensor_parallel} × {pool.accelerator}"
        field = f"models.{model.name}.placements.{inputs.cluster_name}"
        problems.append(Problem(field=field, value=value, limit="; ".join(sized.reasons), remedy=stack_edits.remedy(inputs, sized)))
    shortage = resources.memory_shortage(inputs.load, inputs.node) if model.tensor_parallel <= pool.gpus_per_node else None
    if shortage:
        remedy = f"set pools.{pool.name}.machine to a larger one, or use fewer gpus_per_node"
        problems.append(Problem(field=f"models.{model.name}.placements.{inputs.cluster_name}", value=pool.machine, limit=shortage, remedy=remedy))
    drained = drain.drain(longest_answer(inputs), entry.slo, pool.capacity, inputs.cluster.cloud)
    if not isinstance(drained, Drain):
        remedy = f"{drained.remedy} (pools.{pool.name}.capacity, models.{model.name}.max_output_tokens)"
        problems.append(Problem(field=f"models.{model.name}.slo", value=entry.slo, limit=drained.limit, remedy=remedy))
    if problems or not isinstance(drained, Drain) or rollout is None:
        return problems
    return _assemble(inputs, rollout, sized, drained)


def engine_image(inputs: ServerInputs) -> str:
    """The engine image by digest where it is locked, by tag where it is not (and then `unresolved` says so)."""
    if isinstance(inputs.cluster, ExistingCluster) and inputs.cluster.engine_image:
        return inputs.cluster.engine_image
    digest = inputs.lock.image(ENGINE_IMAGE, ENGINE_TAG)
    return f"{ENGINE_IMAGE}:{ENGINE_TAG}@{digest}" if digest else f"{ENGINE_IMAGE}:{ENGINE_TAG}"


def _engine_spec(inputs: ServerInputs, sized: sizing.SizeResult, drained: Drain, started: Startup) -> engine.EngineSpec:
    model = inputs.model
    entry = inputs.settings.models[model.name]
    _, running = sizing.batch_defaults(size_request(inputs))
    return engine.EngineSpec(
        served_name=model.name,
        model=model.repository,
        revision=model.revision or "",
        dtype=load_time_dtype(inputs),
        quantization=engine.load_time_quantization(model.quantization, model.architecture.checkpoint_quantization),
        kv_cache_dtype=entry.kv_cache_dtype,
        tensor_parallel=model.tensor_parallel,
        max_model_len=model.max_model_len,
        gpu_memory_utilization=entry.gpu_memory_utilization,
        max_num_seqs=entry.max_num_seqs,
        max_num_batched_tokens=entry.max_num_batched_tokens,
        tool_call_parser=model.tool_call_parser,
        reasoning_parser=model.reasoning_parser,
        shutdown_timeout_seconds=drained.shutdown_timeout_seconds,
        engine_ready_timeout_seconds=started.engine_ready_timeout_seconds,
        max_queued_requests=engine.queue_limit(sized.concurrency, entry.slo, running),
        max_output_tokens=longest_answer(inputs),
    )


def _assemble(inputs: ServerInputs, rollout: RolloutPlan, sized: sizing.SizeResult, drained: Drain) -> ModelPlan:
    model, pool, settings = inputs.model, inputs.pool, inputs.settings
    entry = settings.models[model.name]
    maximum = inputs.replicas.max or inputs.replicas.min
    started = startup.startup(
        startup.StartupInputs(
            checkpoint_gib=model.architecture.checkpoint_gib,
            layers=len(model.architecture.layers),
            load_gib_per_second=LOAD_GIB_PER_SECOND[inputs.cache_kind],
            replicas=maximum,
            rollout=rollout,
            longest_grace_seconds=longest_grace_seconds(inputs),
        )
    )
    spec = _engine_spec(inputs, sized, drained, started)
    key = settings.secrets.engine_api_key
    per_gpu = sized.per_gpu
    overhead = per_gpu.usable_gib - per_gpu.weights_gib - per_gpu.kv_gib
    return ModelPlan(
        name=model.name,
        model=model.repository,
        revision=model.revision or "",
        pool=pool.name,
        accelerator=pool.accelerator,
        image=engine_image(inputs),
        argv=engine.argv(spec),
        env=engine.environment(spec),
        secret_env={"VLLM_API_KEY": (key, "key")} if key else {},
        tensor_parallel=model.tensor_parallel,
        quantization=model.quantization,
        memory=Memory(
            usable_gib=per_gpu.usable_gib,
            weights_gib=per_gpu.weights_gib,
            kv_gib=per_gpu.kv_gib,
            overhead_gib=round(overhead, 2),
            terms=sized.terms,
        ),
        kv_tokens=sized.kv_tokens,
        max_model_len=model.max_model_len,
        max_output_tokens=longest_answer(inputs),
        concurrency=sized.concurrency,
        resources=resources.resources(inputs.load, inputs.node),
        startup=started,
        drain=drained,
        rollout=rollout,
        replicas=ReplicaBounds(min=inputs.replicas.min, max=maximum),
        usd_per_hour=cost.placement_cost(pool, model.tensor_parallel, inputs.replicas.min, maximum),
        cache=inputs.cache_name,
        node_requirements=placement.node_requirements(pool, inputs.cluster),
        node_selector=placement.node_selector(pool),
        tolerations=pool.node_taints,
        priority_class=f"vllm-{entry.slo}",
        slo=entry.slo,
        team=entry.team or settings.owner,
        read_only_root=settings.read_only_root,
        wait=isinstance(inputs.cluster, ExistingCluster) and inputs.cluster.wait,
        notes=notes(inputs, sized, started),
    )
