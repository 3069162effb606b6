"""A chat completion from every model of every region, streamed, through its Service: what `make local` ends with.

Callers are pods in a namespace of their own that the network policies let in, as an application's would be.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lightkube import codecs
from lightkube.config.kubeconfig import KubeConfig
from lightkube.core.client import Client
from lightkube.core.exceptions import ApiError
from lightkube.resources.core_v1 import Pod

from components.kubernetes.policy import ACCESS_LABEL, ENGINE_PORT
from fleet.fleet_plan import ClusterPlan
from fleet.plan_text import aligned
from local.images import CLIENT_IMAGE

NAMESPACE = "callers"
CALLER = "fleet-client"
PATIENCE_SECONDS = 60.0
GONE = 404


class NoAnswer(Exception):
    """The calling pod could not run; the text says why."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What one model said, or why not."""

    region: str
    model: str
    ok: bool
    time_to_first_token_milliseconds: float
    total_milliseconds: float
    text: str
    """The answer, or the reason why there is none."""


def ask(cluster: ClusterPlan, kubeconfig: Path) -> list[Answer]:
    """One answer of each model in a region.

    Raises:
        NoAnswer: the caller did not come to its end in a minute.
    """
    config = KubeConfig.from_file(kubeconfig).get(context_name=cluster.context)
    commands = {model.name: ["chat", "--stream", "--url", url(cluster, model.name), "--model", model.name] for model in cluster.models}
    with Client(config=config, namespace=NAMESPACE) as client:
        said = run(client, "answers", commands)
    return [_answer(cluster.name, model, text) for model, text in said.items()]


def url(cluster: ClusterPlan, model: str) -> str:
    """Where a model's Service answers inside its cluster."""
    return f"http://{model}.{cluster.namespace}.svc:{ENGINE_PORT}"


def table(answers: Sequence[Answer]) -> str:
    """Aligned columns."""
    headings = ("REGION", "MODEL", "FIRST TOKEN", "WHOLE ANSWER", "TEXT")
    rows = [
        (answer.region, answer.model, f"{answer.time_to_first_token_milliseconds:.0f} ms", f"{answer.total_milliseconds:.0f} ms", answer.text[:60])
        if answer.ok
        else (answer.region, answer.model, "-", "-", f"no answer: {answer.text}")
        for answer in answers
    ]
    return aligned([headings, *rows])


def caller(name: str, commands: Mapping[str, Sequence[str]], *, namespace: str = NAMESPACE, restart: str = "Never") -> dict[str, Any]:
    """A pod of the client with a container for each command."""
    security = {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "runAsNonRoot": True,
        "capabilities": {"drop": ["ALL"]},
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    containers = [
        {"name": container, "image": CLIENT_IMAGE, "args": list(command), "securityContext": security} for container, command in commands.items()
    ]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace, "labels": {"app.kubernetes.io/name": CALLER}},
        "spec": {
            "automountServiceAccountToken": False,
            "restartPolicy": restart,
            "terminationGracePeriodSeconds": 5,
            "nodeSelector": {"workload": "system"},
            "containers": containers,
        },
    }


def run(client: Client, name: str, commands: Mapping[str, Sequence[str]], patience_seconds: float = PATIENCE_SECONDS) -> dict[str, str]:
    """Run one pod of the client to its end; returns what each of its containers printed.

    Raises:
        NoAnswer: it did not come to its end.
    """
    namespace(client)
    remove(client, name)
    client.create(codecs.from_dict(caller(name, commands)))
    deadline = time.monotonic() + patience_seconds
    while True:
        pod = client.get(Pod, name, namespace=NAMESPACE)
        phase = pod.status.phase if pod.status else None
        if phase in ("Succeeded", "Failed"):
            break
        if time.monotonic() > deadline:
            raise NoAnswer(f"the pod {name} in {NAMESPACE} is {phase} after {patience_seconds:.0f} s")
        time.sleep(0.1)
    said = {container: "".join(client.log(name, namespace=NAMESPACE, container=container)) for container in commands}
    remove(client, name)
    return said


def namespace(client: Client) -> None:
    """A namespace whose pods may call the models."""
    labels = {ACCESS_LABEL: "gateway"}
    wanted = codecs.from_dict({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE, "labels": labels}})
    client.apply(wanted, field_manager="vllm-fleet-local", force=True)


def remove(client: Client, name: str) -> None:
    """Delete the client's pod and wait until it is gone; none need be there."""
    while True:
        try:
            client.delete(Pod, name, namespace=NAMESPACE, grace_period=0)
        except ApiError as error:
            if error.status.code == GONE:
                return
            raise
        time.sleep(0.1)


def _answer(region: str, model: str, text: str) -> Answer:
    lines = text.strip().splitlines()
    try:
        told = json.loads(lines[-1])
        return Answer(
            region=region,
            model=model,
            ok=bool(told["ok"]),
            time_to_first_token_milliseconds=float(told.get("time_to_first_token_milliseconds") or 0),
            total_milliseconds=float(told.get("total_milliseconds") or 0),
            text=str(told.get("text") if told["ok"] else told.get("error") or f"status {told.get('status')}"),
        )
    except (IndexError, ValueError, KeyError, TypeError):
        reason = lines[-1] if lines else "the caller printed nothing"
        return Answer(region=region, model=model, ok=False, time_to_first_token_milliseconds=0, total_milliseconds=0, text=reason)
