"""What other teams read: `contracts/outputs.schema.json`. Few, typed, and never a secret or a kubeconfig."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pulumi

from components.kubernetes.policy import ACCESS_LABEL, ENGINE_PORT
from fleet.fleet_plan import ClusterPlan, FleetPlan, ModelPlan
from fleet.settings import Secrets

SCHEMA_VERSION = "1.1"
"""Of `contracts/outputs.schema.json`. A field is added in a minor, renamed or removed in a major."""

CLIENT_NAMESPACE_LABELS = {ACCESS_LABEL: "gateway"}
"""What a namespace must carry so that its pods may call the models."""


@dataclass(frozen=True, kw_only=True)
class FleetOutputs:
    """The contract of the stack, as plain values."""

    values: dict[str, Any]

    @staticmethod
    def of(plan: FleetPlan, secrets: Secrets) -> FleetOutputs:
        """From the plan; of secrets only the names. What there is not is left out: the engine keeps no null."""
        values: dict[str, Any] = {
            "schema_version": SCHEMA_VERSION,
            "fleet": plan.name,
            "environment": plan.environment,
            "owner": plan.owner,
            "clusters": [_cluster(cluster) for cluster in plan.clusters],
            "models": sorted({model.name for cluster in plan.clusters for model in cluster.models}),
            "client_namespace_labels": CLIENT_NAMESPACE_LABELS,
            "unresolved": list(plan.unresolved),
            "accepted_risks": [{"risk": risk, "reason": reason} for risk, reason in plan.accepted_risks],
        }
        if secrets.engine_api_key:
            values["engine_api_key_secret"] = secrets.engine_api_key
        return FleetOutputs(values=values)

    def export(self) -> None:
        """Make them outputs of the stack."""
        for name, value in self.values.items():
            pulumi.export(name, value)


def _cluster(cluster: ClusterPlan) -> dict[str, Any]:
    ours = {"kubernetes_cluster": cluster.kubernetes_cluster} if cluster.kubernetes_cluster else {}
    return {
        "name": cluster.name,
        **ours,
        "cloud": cluster.cloud,
        "region": cluster.region,
        "state": cluster.state,
        "namespace": cluster.namespace,
        "models": [_model(cluster, model) for model in cluster.models],
    }


def _model(cluster: ClusterPlan, model: ModelPlan) -> dict[str, Any]:
    return {
        "name": model.name,
        "url": f"http://{model.name}.{cluster.namespace}.svc:{ENGINE_PORT}/v1",
        "model": model.model,
        "revision": model.revision,
        "max_model_len": model.max_model_len,
        "max_output_tokens": model.max_output_tokens,
        "slo": model.slo,
        "replicas": {"min": model.replicas.min, "max": model.replicas.max},
    }
