"""One model in one cluster: Deployment, Service and disruption budget."""

from __future__ import annotations

import pulumi
from pulumi_kubernetes.apps.v1 import Deployment, DeploymentSpecArgs, DeploymentStrategyArgs, RollingUpdateDeploymentArgs
from pulumi_kubernetes.core.v1 import PodTemplateSpecArgs, Service, ServicePortArgs, ServiceSpecArgs
from pulumi_kubernetes.meta.v1 import LabelSelectorArgs, ObjectMetaArgs
from pulumi_kubernetes.policy.v1 import PodDisruptionBudget, PodDisruptionBudgetSpecArgs

from components.kubernetes.containers import RELEASE_TIMEOUT
from components.kubernetes.labels import UNAWAITED, metadata, model_labels, model_selector
from components.kubernetes.model_pod import pod, pod_annotations
from components.kubernetes.policy import ENGINE_PORT
from components.references import Made
from fleet.fleet_plan import CachePlan, ClusterPlan, ModelPlan

REVISIONS_KEPT = 5


class ModelServer(pulumi.ComponentResource):
    """The servers of one model behind a Service of the model's name."""

    def __init__(
        self, name: str, plan: ClusterPlan, model: ModelPlan, cache: CachePlan, made: Made, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("fleet:kubernetes:ModelServer", name, None, opts)
        labels, selector = model_labels(plan, model), LabelSelectorArgs(match_labels=model_selector(model))
        pod_metadata = ObjectMetaArgs(labels=labels, annotations=pod_annotations(cache) or None)
        waiting = {} if model.wait else UNAWAITED
        budget = f"{model.startup.update_timeout_seconds}s"
        Deployment(
            f"{name}-deployment",
            metadata=metadata(plan, model.name, labels, waiting),
            spec=DeploymentSpecArgs(
                replicas=None if model.replicas.autoscaled else model.replicas.min,
                selector=selector,
                strategy=DeploymentStrategyArgs(
                    type="RollingUpdate",
                    rolling_update=RollingUpdateDeploymentArgs(max_surge=model.rollout.max_surge, max_unavailable=model.rollout.max_unavailable),
                ),
                min_ready_seconds=model.rollout.min_ready_seconds,
                progress_deadline_seconds=model.startup.progress_deadline_seconds,
                revision_history_limit=REVISIONS_KEPT,
                template=PodTemplateSpecArgs(metadata=pod_metadata, spec=pod(plan, model, cache, made)),
            ),
            opts=pulumi.ResourceOptions(parent=self, custom_timeouts=pulumi.CustomTimeouts(create=budget, update=budget, delete=RELEASE_TIMEOUT)),
        )
        Service(
            f"{name}-service",
            metadata=metadata(plan, model.name, labels, UNAWAITED),
            spec=ServiceSpecArgs(
                selector=model_selector(model),
                ports=[ServicePortArgs(name="http", port=ENGINE_PORT, target_port="http", protocol="TCP", app_protocol="http")],
            ),
            opts=pulumi.ResourceOptions(parent=self),
        )
        PodDisruptionBudget(
            f"{name}-disruption-budget",
            metadata=metadata(plan, model.name, labels),
            spec=PodDisruptionBudgetSpecArgs(
                max_unavailable=model.rollout.disruption_max_unavailable,
                # A pod that never became Ready must not hold up a node's drain.
                unhealthy_pod_eviction_policy="AlwaysAllow",
                selector=selector,
            ),
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.register_outputs({})
