"""What KWOK does to simulated nodes and pods: our own stages, for bare `kwok` has none."""

from __future__ import annotations

from typing import Any

import yaml

READY_ANNOTATION = "local.vllm-fleet/ready-after"
"""On a pod: a duration such as 90s after which its simulated server is Ready, instead of the time of the region."""

_CONTAINERS = """
{{ $now := Now }}
{{ $root := . }}
conditions:
- {lastTransitionTime: {{ $now | Quote }}, status: "True", type: Initialized}
- {lastTransitionTime: {{ $now | Quote }}, status: "True", type: Ready}
- {lastTransitionTime: {{ $now | Quote }}, status: "True", type: ContainersReady}
initContainerStatuses:
{{ range .spec.initContainers }}
- image: {{ .image | Quote }}
  imageID: ""
  name: {{ .name | Quote }}
  ready: true
  restartCount: 0
  state: {terminated: {exitCode: 0, finishedAt: {{ $now | Quote }}, reason: Completed, startedAt: {{ $now | Quote }}}}
{{ end }}
containerStatuses:
{{ range .spec.containers }}
- image: {{ .image | Quote }}
  imageID: ""
  name: {{ .name | Quote }}
  ready: true
  restartCount: 0
  started: true
  state: {running: {startedAt: {{ $now | Quote }}}}
{{ end }}
hostIP: {{ NodeIPWith .spec.nodeName | Quote }}
podIP: {{ PodIPWith .spec.nodeName false ( or .metadata.uid "" ) ( or .metadata.name "" ) ( or .metadata.namespace "" ) | Quote }}
phase: Running
startTime: {{ $now | Quote }}
"""

_COMPLETED = """
{{ $now := Now }}
conditions:
- {lastTransitionTime: {{ $now | Quote }}, status: "False", reason: PodCompleted, type: Ready}
- {lastTransitionTime: {{ $now | Quote }}, status: "False", reason: PodCompleted, type: ContainersReady}
containerStatuses:
{{ range .spec.containers }}
- image: {{ .image | Quote }}
  imageID: ""
  name: {{ .name | Quote }}
  ready: false
  restartCount: 0
  started: false
  state: {terminated: {exitCode: 0, finishedAt: {{ $now | Quote }}, reason: Completed, startedAt: {{ $now | Quote }}}}
{{ end }}
phase: Succeeded
"""

_NODE = """
{{ $now := Now }}
conditions:
{{ range NodeConditions }}
- lastHeartbeatTime: {{ $now | Quote }}
  lastTransitionTime: {{ $now | Quote }}
  message: {{ .message | Quote }}
  reason: {{ .reason | Quote }}
  status: {{ .status | Quote }}
  type: {{ .type | Quote }}
{{ end }}
addresses:
- {address: {{ NodeIP | Quote }}, type: InternalIP}
- {address: {{ NodeName | Quote }}, type: Hostname}
daemonEndpoints: {kubeletEndpoint: {Port: {{ NodePort }}}}
phase: Running
"""


def stages(ready_seconds: float) -> str:
    """All stages as one YAML file. Pods become Ready after `ready_seconds` and up to half as much again."""
    milliseconds = int(ready_seconds * 1000)
    return yaml.safe_dump_all(
        [
            _stage("node-ready", "Node", [_expression('.status.conditions.[] | select( .type == "Ready" ) | .status', "NotIn", ["True"])], _NODE),
            _stage(
                "pod-ready",
                "Pod",
                [_expression(".metadata.deletionTimestamp", "DoesNotExist"), _expression(".status.podIP", "DoesNotExist")],
                _CONTAINERS,
                delay={
                    "durationMilliseconds": milliseconds,
                    "jitterDurationMilliseconds": milliseconds + milliseconds // 2,
                    "durationFrom": {"expressionFrom": f'.metadata.annotations["{READY_ANNOTATION}"]'},
                },
            ),
            _stage(
                "job-pod-complete",
                "Pod",
                [
                    _expression(".metadata.deletionTimestamp", "DoesNotExist"),
                    _expression(".status.phase", "In", ["Running"]),
                    _expression(".metadata.ownerReferences.[].kind", "In", ["Job"]),
                ],
                _COMPLETED,
                delay={"durationMilliseconds": 1000, "jitterDurationMilliseconds": 2000},
            ),
            {
                "apiVersion": "kwok.x-k8s.io/v1alpha1",
                "kind": "Stage",
                "metadata": {"name": "pod-delete"},
                "spec": {
                    "resourceRef": {"apiGroup": "v1", "kind": "Pod"},
                    "selector": {"matchExpressions": [_expression(".metadata.deletionTimestamp", "Exists")]},
                    "delay": {"durationMilliseconds": 1000, "jitterDurationMilliseconds": 2000},
                    "next": {"finalizers": {"empty": True}, "delete": True},
                },
            },
        ],
        sort_keys=False,
    )


def _stage(name: str, kind: str, expressions: list[dict[str, Any]], template: str, delay: dict[str, Any] | None = None) -> dict[str, Any]:
    spec: dict[str, Any] = {
        "resourceRef": {"apiGroup": "v1", "kind": kind},
        "selector": {"matchExpressions": expressions},
        "next": {"statusTemplate": template},
    }
    if delay:
        spec["delay"] = delay
    return {"apiVersion": "kwok.x-k8s.io/v1alpha1", "kind": "Stage", "metadata": {"name": name}, "spec": spec}


def _expression(key: str, operator: str, values: list[str] | None = None) -> dict[str, Any]:
    return {"key": key, "operator": operator, **({"values": values} if values else {})}
