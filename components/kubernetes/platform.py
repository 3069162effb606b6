"""What every cluster needs before a model is served: namespace, priorities, identities."""

from __future__ import annotations

import pulumi
from pulumi_kubernetes.core.v1 import Namespace, ServiceAccount
from pulumi_kubernetes.scheduling.v1 import PriorityClass

from components.kubernetes.add_ons import AddOns
from components.kubernetes.containers import RELEASE_TIMEOUT
from components.kubernetes.labels import cluster_labels, metadata
from components.kubernetes.policy import NamespacePolicy
from components.references import Made
from fleet.add_ons import InCluster
from fleet.fleet_plan import ClusterPlan

PRIORITIES = {"vllm-interactive": 100000, "vllm-standard": 90000, "vllm-batch": 80000}
"""Far below the system classes; when a node is lost, interactive servers take the GPUs of batch ones."""

SERVING_ACCOUNT = "model-server"
MIRROR_ACCOUNT = "weights-mirror"


class Platform(pulumi.ComponentResource):
    """Namespace with Pod Security `restricted` enforced, priority classes, service accounts, the default-deny policy, add-ons."""

    def __init__(self, name: str, plan: ClusterPlan, wanted: InCluster, made: Made, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("fleet:kubernetes:Platform", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        labels = cluster_labels(plan)
        pod_security = {f"pod-security.kubernetes.io/{mode}": "restricted" for mode in ("enforce", "audit", "warn")}
        self.namespace = Namespace(
            f"{name}-namespace",
            metadata=metadata(plan, plan.namespace, {**labels, **pod_security, **wanted.serving_labels}, namespaced=False),
            opts=pulumi.ResourceOptions(parent=self, custom_timeouts=pulumi.CustomTimeouts(delete=RELEASE_TIMEOUT)),
        )
        for priority, value in PRIORITIES.items():
            PriorityClass(
                f"{name}-{priority}",
                metadata=metadata(plan, priority, labels, namespaced=False),
                value=value,
                global_default=False,
                description=f"vLLM model servers of service level {priority.removeprefix('vllm-')}",
                opts=child,
            )
        inside = pulumi.ResourceOptions(parent=self, depends_on=[self.namespace])
        for account in (SERVING_ACCOUNT, MIRROR_ACCOUNT):
            ServiceAccount(
                f"{name}-{account}",
                metadata=metadata(plan, account, labels),
                automount_service_account_token=False,
                opts=inside,
            )
        NamespacePolicy(f"{name}-policy", plan, wanted.weights_egress, inside)
        if wanted:
            AddOns(f"{name}-add-ons", plan, wanted, made, inside)
        self.register_outputs({})
