"""What runs where, read from the API servers themselves: the table at the end of `make local` and of `make local-status`."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
from lightkube.config.kubeconfig import KubeConfig
from lightkube.core.client import Client
from lightkube.core.exceptions import ApiError
from lightkube.resources.core_v1 import Node, Pod

from fleet.fleet_plan import ClusterPlan, FleetPlan, ModelPlan


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


def outputs_text(outputs: dict[str, object], indent: str = "  ") -> str:
    """Stack outputs as a person reads them: names aligned, nested values one level deep."""
    lines: list[str] = []
    width = max((len(name) for name in outputs), default=0)
    for name, value in outputs.items():
        if isinstance(value, dict) and value:
            lines.append(f"{indent}{name}:")
            lines.append(outputs_text(value, indent + "  "))
        elif isinstance(value, Sequence) and not isinstance(value, str) and value and isinstance(value[0], dict):
            lines.append(f"{indent}{name}:")
            lines += [f"{indent}  - {_plain(item)}" for item in value]
        else:
            shown = ", ".join(str(part) for part in value) if isinstance(value, list) else value
            lines.append(f"{indent}{name.ljust(width)}  {shown if shown not in ('', None) else '-'}")
    return "\n".join(lines)


def _plain(item: dict[str, object]) -> str:
    return ", ".join(f"{key}: {part}" for key, part in item.items() if not isinstance(part, (dict, list)))
