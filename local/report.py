"""What runs where, read from the API servers themselves: the table at the end of `make local` and of `make local-status`."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
from lightkube.config.kubeconfig import KubeConfig
from lightkube.core.client import Client
from lightkube.core.exceptions import ApiError
from lightkube.resources.core_v1 import Node, Pod

from contracts.reader import Fleet
from fleet.fleet_plan import ClusterPlan, FleetPlan, ModelPlan
from fleet.plan_text import aligned


@dataclass(frozen=True, kw_only=True)
class Row:
    """One model server pod, or the lack of one."""

    region: str
    model: str
    replicas: str
    node: str
    gpu: str
    state: str

    @property
    def ready(self) -> bool:
        """Whether this pod answers."""
        return self.state == "Ready"


HEADINGS = Row(region="REGION", model="MODEL", replicas="REPLICAS", node="NODE", gpu="GPU", state="STATE")


def rows(plan: FleetPlan, kubeconfig: Path) -> list[Row]:
    """Every model server of the plan as its API server sees it."""
    return [row for cluster in plan.clusters for row in _cluster_rows(cluster, kubeconfig)]


def table(found: Iterable[Row]) -> str:
    """Aligned columns; states in colour on a terminal only."""
    lines = [HEADINGS, *found]
    columns = ("region", "model", "replicas", "node", "gpu")
    widths = {column: max(len(getattr(line, column)) for line in lines) for column in columns}
    text = ["  ".join([*(getattr(line, column).ljust(widths[column]) for column in columns), _coloured(line)]) for line in lines]
    return "\n".join(text)


def _cluster_rows(cluster: ClusterPlan, kubeconfig: Path) -> list[Row]:
    try:
        config = KubeConfig.from_file(kubeconfig).get(context_name=cluster.context)
        with Client(config=config, namespace=cluster.namespace) as client:
            nodes = {node.metadata.name: node for node in client.list(Node) if node.metadata and node.metadata.name}
            return [row for model in cluster.models for row in _model_rows(client, cluster, model, nodes)]
    except (OSError, ApiError, httpx2.HTTPError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        return [Row(region=cluster.name, model="-", replicas="-", node="-", gpu="-", state=f"API server does not answer: {reason}")]


def _model_rows(client: Client, cluster: ClusterPlan, model: ModelPlan, nodes: dict[str, Node]) -> list[Row]:
    labels: dict[str, Any] = {"app.kubernetes.io/name": "vllm", "app.kubernetes.io/instance": model.name}
    pods = [pod for pod in client.list(Pod, labels=labels) if pod.metadata and not pod.metadata.deletionTimestamp]
    ready = sum(_state(pod) == "Ready" for pod in pods)
    count = f"{ready}/{model.replicas.min}"
    gpu = f"{model.tensor_parallel} × {model.accelerator}"
    if not pods:
        return [Row(region=cluster.name, model=model.name, replicas=count, node="-", gpu=gpu, state="no pod")]
    return [
        Row(region=cluster.name, model=model.name, replicas=count, node=_node(pod, nodes), gpu=gpu, state=_state(pod))
        for pod in sorted(pods, key=lambda pod: (pod.metadata.name or "") if pod.metadata else "")
    ]


def _node(pod: Pod, nodes: dict[str, Node]) -> str:
    name = pod.spec.nodeName if pod.spec else None
    if not name:
        return "-"
    node = nodes.get(name)
    machine = (node.metadata.labels or {}).get("node.kubernetes.io/instance-type") if node and node.metadata else None
    return f"{name} ({machine})" if machine else name


def _state(pod: Pod) -> str:
    status = pod.status
    if status is None:
        return "Pending"
    for condition in status.conditions or []:
        if condition.type == "Ready" and condition.status == "True":
            return "Ready"
        if condition.type == "PodScheduled" and condition.status == "False":
            return f"Pending: {condition.message or condition.reason}"
    return "starting" if status.phase in ("Pending", "Running") else str(status.phase)


def _coloured(line: Row) -> str:
    if line is HEADINGS or not sys.stdout.isatty():
        return line.state
    return f"\x1b[{32 if line.ready else 33}m{line.state}\x1b[0m"


def outputs_text(outputs: Mapping[str, object]) -> str:
    """Stack outputs as another team reads them: with the reader of the contract.

    Raises:
        OutputsError: they are not what `contracts/outputs.schema.json` says.
    """
    fleet = Fleet.of(outputs)
    endpoints = [
        (endpoint.cluster, endpoint.model, endpoint.url, str(endpoint.max_model_len), str(endpoint.max_output_tokens), endpoint.slo)
        for endpoint in fleet.endpoints
    ]
    labels = ", ".join(f"{key}={value}" for key, value in fleet.client_namespace_labels.items())
    lines = [
        f"Outputs of {fleet.name} (environment {fleet.environment}, owner {fleet.owner})",
        aligned([("CLUSTER", "MODEL", "URL", "CONTEXT tokens", "ANSWER tokens", "SLO"), *endpoints]),
        f"  callers need a namespace with the label {labels}; API key: {fleet.engine_api_key_secret or 'none'}",
        *(f"  unresolved: {words}" for words in fleet.unresolved),
        *(f"  accepted risk: {risk} ({reason})" for risk, reason in fleet.accepted_risks.items()),
    ]
    return "\n".join(lines)
