"""The predicate that judges pods sees every control of the standard: one admissible pod, and one way each to spoil it."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from tests.support.pod_security import violations

pytestmark = pytest.mark.pure

ADMISSIBLE: dict[str, Any] = {
    "securityContext": {"runAsNonRoot": True, "runAsUser": 2000, "seccompProfile": {"type": "RuntimeDefault"}},
    "volumes": [{"name": "scratch", "emptyDir": {}}],
    "initContainers": [{"name": "first", "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}}],
    "containers": [{"name": "main", "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}}],
}

SPOILED: dict[str, tuple[tuple[str | int, ...], Any]] = {
    "host network": (("hostNetwork",), True),
    "host processes": (("hostPID",), True),
    "host IPC": (("hostIPC",), True),
    "a host path": (("volumes",), [{"name": "host", "hostPath": {"path": "/"}}]),
    "an NFS volume": (("volumes",), [{"name": "share", "nfs": {"server": "a", "path": "/"}}]),
    "an unsafe sysctl": (("securityContext", "sysctls"), [{"name": "kernel.msgmax", "value": "1"}]),
    "root": (("securityContext", "runAsUser"), 0),
    "root perhaps": (("securityContext", "runAsNonRoot"), None),
    "no seccomp": (("securityContext", "seccompProfile"), {"type": "Unconfined"}),
    "no AppArmor": (("securityContext", "appArmorProfile"), {"type": "Unconfined"}),
    "SELinux": (("securityContext", "seLinuxOptions"), {"type": "spc_t"}),
    "privileged": (("containers", 0, "securityContext", "privileged"), True),
    "escalation": (("containers", 0, "securityContext", "allowPrivilegeEscalation"), None),
    "escalation in an init container": (("initContainers", 0, "securityContext", "allowPrivilegeEscalation"), True),
    "capabilities kept": (("containers", 0, "securityContext", "capabilities"), {"drop": ["NET_RAW"]}),
    "capabilities added": (("containers", 0, "securityContext", "capabilities"), {"drop": ["ALL"], "add": ["SYS_ADMIN"]}),
    "unmasked proc": (("containers", 0, "securityContext", "procMount"), "Unmasked"),
    "root in a container": (("containers", 0, "securityContext", "runAsUser"), 0),
    "a host port": (("containers", 0, "ports"), [{"containerPort": 80, "hostPort": 80}]),
    "a probe elsewhere": (("containers", 0, "livenessProbe"), {"httpGet": {"host": "10.0.0.1", "port": 80}}),
}


def test_an_admissible_pod_breaks_no_rule() -> None:
    assert violations(ADMISSIBLE) == [], "the least that restricted asks for"


@pytest.mark.parametrize("how", SPOILED)
def test_each_control_is_seen(how: str) -> None:
    path, value = SPOILED[how]
    pod: Any = deepcopy(ADMISSIBLE)
    part = pod
    for step in path[:-1]:
        part = part[step]
    part[path[-1]] = value
    assert len(violations(pod)) >= 1, f"{how} is not admitted"
