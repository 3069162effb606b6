"""What other teams read: `contracts/outputs.schema.json`. Few, typed, and never a secret or a kubeconfig."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pulumi

from components.kubernetes.policy import ENGINE_PORT
from fleet.fleet_plan import ClusterPlan, FleetPlan, ModelPlan
from fleet.settings import Secrets

SCHEMA_VERSION = "1.0"


@dataclass(frozen=True, kw_only=True)
class FleetOutputs:
    """The contract of the stack, as plain values."""

    values: dict[str, Any]

    @staticmethod
    def of(plan: FleetPlan, secrets: Secrets) -> FleetOutputs:
        """From the plan; of secrets only the names."""
        return FleetOutputs(
            values={
                "schema_version": SCHEMA_VERSION,
                "fleet": plan.name,
                "environment": plan.environment,
                "clusters": [_cluster(cluster) for cluster in plan.clusters],
                "models": sorted({model.name for cluster in plan.clusters for model in cluster.models}),
                "engine_api_key_secret": secrets.engine_api_key,
                "unresolved": list(plan.unresolved),
                "accepted_risks": [{"risk": risk, "reason": reason} for risk, reason in plan.accepted_risks],
            }
        )

    def export(self) -> None:
        """Make them outputs of the stack."""
        for name, value in self.values.items():
            pulumi.export(name, value)


def _cluster(cluster: ClusterPlan) -> dict[str, Any]:
    return {
        "name": cluster.name,
        "cloud": cluster.cloud,
        "region": cluster.region,
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
        "slo": model.slo,
        "replicas": {"min": model.replicas.min, "max": model.replicas.max},
    }
