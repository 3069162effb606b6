"""The labels every object carries, so that each can be traced to its fleet, owner and model."""

from __future__ import annotations

from collections.abc import Mapping

from pulumi_kubernetes.meta.v1 import ObjectMetaArgs

from fleet.fleet_plan import ClusterPlan, ModelPlan
from fleet.naming import MANAGER, ownership

OURS = {"pulumi.com/patchFieldManager": MANAGER, "pulumi.com/patchForce": "true"}
"""Annotations: what we set is ours (docs/adr/0007). The name must never change: the provider gives up the fields of the old one, and
a claim without its spec is invalid."""

UNAWAITED = {"pulumi.com/skipAwait": "true"}
"""An annotation: the engine does not wait until the object is ready."""


def cluster_labels(plan: ClusterPlan) -> dict[str, str]:
    """Labels of an object that belongs to the whole cluster."""
    return {
        **ownership(plan.tags),
        "app.kubernetes.io/part-of": plan.tags["fleet"],
        **{f"{MANAGER}/{key}": value for key, value in plan.tags.items()},
    }


def model_selector(model: ModelPlan) -> dict[str, str]:
    """The two labels that tell one model's pods from all others; immutable on a Deployment, so never more."""
    return {"app.kubernetes.io/name": "vllm", "app.kubernetes.io/instance": model.name}


def model_labels(plan: ClusterPlan, model: ModelPlan) -> dict[str, str]:
    """Labels of an object that belongs to one model."""
    own = {"app.kubernetes.io/component": "model-server", f"{MANAGER}/team": model.team, f"{MANAGER}/slo": model.slo}
    return {**cluster_labels(plan), **model_selector(model), **own}


def metadata(
    plan: ClusterPlan, name: str, labels: Mapping[str, str], annotations: Mapping[str, str] | None = None, *, namespaced: bool = True
) -> ObjectMetaArgs:
    """Metadata with a fixed name: people and other teams find objects by it.

    The field manager is fixed as well: the engine's own is a random one per object, and a run that was cut off between
    creating an object and recording it would leave fields that the next run may not change.
    """
    return ObjectMetaArgs(
        name=name, namespace=plan.namespace if namespaced else None, labels=dict(labels), annotations={**OURS, **(annotations or {})}
    )
