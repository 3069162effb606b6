"""The pod of a model server."""

from __future__ import annotations

import pulumi
from pulumi_kubernetes.core.v1 import (
    AffinityArgs,
    ContainerArgs,
    ContainerPortArgs,
    EmptyDirVolumeSourceArgs,
    EnvVarArgs,
    EnvVarSourceArgs,
    HTTPGetActionArgs,
    LifecycleArgs,
    LifecycleHandlerArgs,
    NodeAffinityArgs,
    NodeSelectorArgs,
    NodeSelectorRequirementArgs,
    NodeSelectorTermArgs,
    PodSpecArgs,
    ProbeArgs,
    ResourceRequirementsArgs,
    SecretKeySelectorArgs,
    SleepActionArgs,
    TolerationArgs,
    TopologySpreadConstraintArgs,
    VolumeArgs,
    VolumeMountArgs,
)
from pulumi_kubernetes.meta.v1 import LabelSelectorArgs

from components.kubernetes import mirror_pod
from components.kubernetes.containers import container_security, pod_security, writable_mounts, writable_volumes
from components.kubernetes.labels import model_selector
from components.kubernetes.platform import SERVING_ACCOUNT
from components.kubernetes.policy import ENGINE_PORT
from components.references import Made
from fleet.fleet_plan import CachePlan, ClusterPlan, ModelPlan, ReadCache

GPU_RESOURCE = "nvidia.com/gpu"

HUNG_GRACE_SECONDS = 10
"""What an engine that its probes gave up on gets for its end. It answers nobody, and would otherwise hold its restart up for the
whole grace period of a drain."""


def pod(plan: ClusterPlan, model: ModelPlan, cache: CachePlan, made: Made) -> PodSpecArgs:
    """An init container that waits for complete weights, one that copies them where the plan says so, then the engine as process one."""
    copying = cache.node_copy_gib is not None
    script_image = mirror_pod.pulled(cache.mirror_image, plan, made)
    return PodSpecArgs(
        service_account_name=SERVING_ACCOUNT,
        automount_service_account_token=False,
        # With service links a Service of the right name injects VLLM_* variables, which the engine refuses.
        enable_service_links=False,
        priority_class_name=model.priority_class,
        termination_grace_period_seconds=model.drain.grace_seconds,
        security_context=pod_security(),
        node_selector=dict(model.node_selector) or None,
        affinity=_affinity(model),
        tolerations=[TolerationArgs(key=taint.key, operator="Exists", effect=taint.effect) for taint in model.tolerations],
        topology_spread_constraints=_spread(model),
        init_containers=[_gate(cache, script_image), *([_copy(cache, script_image)] if copying else [])],
        containers=[_engine(model, mirror_pod.pulled(model.image, plan, made), "copy" if copying else "weights")],
        volumes=[
            mirror_pod.weights_volume(cache.name, read_only=True),
            *([VolumeArgs(name="copy", empty_dir=EmptyDirVolumeSourceArgs(size_limit=f"{cache.node_copy_gib}Gi"))] if copying else []),
            *([_kept(cache.read_cache)] if cache.read_cache else []),
            mirror_pod.script_volume(),
            *writable_volumes(),
            VolumeArgs(
                name="shared-memory",
                empty_dir=EmptyDirVolumeSourceArgs(medium="Memory", size_limit=f"{model.resources.shared_memory_gib}Gi"),
            ),
        ],
    )


def pod_annotations(cache: CachePlan) -> dict[str, str]:
    """What a server's pod says of itself so that the driver of its cache serves it and has room for what it keeps."""
    return {**mirror_pod.driver_annotations(cache), **(cache.read_cache.pod_annotations if cache.read_cache else {})}


def _kept(read_cache: ReadCache) -> VolumeArgs:
    """Room for what the driver read: of this pod alone, and gone with it."""
    source = EmptyDirVolumeSourceArgs(medium=read_cache.medium or None, size_limit=f"{read_cache.size_gib}Gi")
    return VolumeArgs(name=read_cache.volume, empty_dir=source)


def _engine(model: ModelPlan, image: pulumi.Input[str], weights: str) -> ContainerArgs:
    memory_request, memory_limit = f"{model.resources.memory_request_gib}Gi", f"{model.resources.memory_limit_gib}Gi"
    gpus = {GPU_RESOURCE: str(model.resources.gpus)}
    secrets = [
        EnvVarArgs(name=name, value_from=EnvVarSourceArgs(secret_key_ref=SecretKeySelectorArgs(name=secret, key=key)))
        for name, (secret, key) in sorted(model.secret_env.items())
    ]
    return ContainerArgs(
        name="engine",
        image=image,
        args=list(model.argv),
        env=[*(EnvVarArgs(name=name, value=value) for name, value in sorted(model.env.items())), *secrets],
        ports=[ContainerPortArgs(name="http", container_port=ENGINE_PORT, protocol="TCP")],
        resources=ResourceRequirementsArgs(
            requests={"cpu": model.resources.cpu_request, "memory": memory_request, **gpus}, limits={"memory": memory_limit, **gpus}
        ),
        security_context=container_security(read_only_root=model.read_only_root),
        startup_probe=_probe(
            period=model.startup.probe_period_seconds, failures=model.startup.probe_failure_threshold, timeout=5, grace=HUNG_GRACE_SECONDS
        ),
        readiness_probe=_probe(period=5, failures=3, timeout=5),
        # Lenient: a busy API server answers slowly, and the engine ends by itself when it is dead.
        liveness_probe=_probe(period=10, failures=6, timeout=5, grace=HUNG_GRACE_SECONDS),
        lifecycle=LifecycleArgs(pre_stop=LifecycleHandlerArgs(sleep=SleepActionArgs(seconds=model.drain.pre_stop_seconds))),
        volume_mounts=[
            VolumeMountArgs(name=weights, mount_path=mirror_pod.WEIGHTS_FOLDER, read_only=True),
            VolumeMountArgs(name="shared-memory", mount_path="/dev/shm"),  # noqa: S108  the path inside the container
            *writable_mounts(),
        ],
    )


def _gate(cache: CachePlan, image: pulumi.Input[str]) -> ContainerArgs:
    return ContainerArgs(
        name="weights",
        image=image,
        command=mirror_pod.gate_command(cache),
        env=[mirror_pod.field("POD_NAMESPACE", "metadata.namespace")],
        resources=ResourceRequirementsArgs(requests={"cpu": "100m", "memory": "128Mi"}, limits={"memory": "256Mi"}),
        security_context=container_security(read_only_root=True),
        volume_mounts=[
            VolumeMountArgs(name="weights", mount_path=mirror_pod.WEIGHTS_FOLDER, read_only=True),
            mirror_pod.script_mount(),
        ],
    )


def _copy(cache: CachePlan, image: pulumi.Input[str]) -> ContainerArgs:
    """Behind the gate: by then the cache is complete, and what it costs is told apart from waiting."""
    return ContainerArgs(
        name="copy",
        image=image,
        command=mirror_pod.copy_command(cache),
        resources=ResourceRequirementsArgs(requests={"cpu": "2", "memory": "1Gi"}, limits={"memory": "2Gi"}),
        security_context=container_security(read_only_root=True),
        volume_mounts=[
            VolumeMountArgs(name="weights", mount_path=mirror_pod.WEIGHTS_FOLDER, read_only=True),
            VolumeMountArgs(name="copy", mount_path=mirror_pod.COPY_FOLDER),
            mirror_pod.script_mount(),
        ],
    )


def _probe(*, period: int, failures: int, timeout: int, grace: int | None = None) -> ProbeArgs:
    return ProbeArgs(
        http_get=HTTPGetActionArgs(path="/health", port="http"),
        period_seconds=period,
        failure_threshold=failures,
        timeout_seconds=timeout,
        termination_grace_period_seconds=grace,
    )


def _affinity(model: ModelPlan) -> AffinityArgs:
    requirements = [
        NodeSelectorRequirementArgs(key=requirement.key, operator="In", values=list(requirement.values)) for requirement in model.node_requirements
    ]
    term = NodeSelectorTermArgs(match_expressions=requirements)
    required = NodeSelectorArgs(node_selector_terms=[term])
    return AffinityArgs(node_affinity=NodeAffinityArgs(required_during_scheduling_ignored_during_execution=required))


def _spread(model: ModelPlan) -> list[TopologySpreadConstraintArgs]:
    return [
        TopologySpreadConstraintArgs(
            max_skew=1,
            topology_key=key,
            when_unsatisfiable="ScheduleAnyway",
            label_selector=LabelSelectorArgs(match_labels=model_selector(model)),
            # During a rollout the servers that go must not push those that come onto one node.
            match_label_keys=["pod-template-hash"],
        )
        for key in ("topology.kubernetes.io/zone", "kubernetes.io/hostname")
    ]
