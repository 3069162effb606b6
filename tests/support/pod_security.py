"""The Pod Security Standard `restricted`, written from the standard's own table and not from the code it judges.

https://kubernetes.io/docs/concepts/security/pod-security-standards/ : every control of `baseline` and of `restricted`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

ALLOWED_VOLUMES = {"configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret"}
SAFE_SYSCTLS = {
    "kernel.shm_rmid_forced",
    "net.ipv4.ip_local_port_range",
    "net.ipv4.ip_local_reserved_ports",
    "net.ipv4.ip_unprivileged_port_start",
    "net.ipv4.ping_group_range",
    "net.ipv4.tcp_fin_timeout",
    "net.ipv4.tcp_keepalive_intvl",
    "net.ipv4.tcp_keepalive_probes",
    "net.ipv4.tcp_keepalive_time",
    "net.ipv4.tcp_rmem",
    "net.ipv4.tcp_syncookies",
    "net.ipv4.tcp_wmem",
}
SELINUX_TYPES = {None, "", "container_t", "container_init_t", "container_kvm_t", "container_engine_t"}
SECCOMP_TYPES = {"RuntimeDefault", "Localhost"}


def violations(pod: dict[str, Any]) -> list[str]:
    """Every rule of the standard that this pod spec breaks."""
    return [*_of_pod(pod), *(f"{container['name']}: {problem}" for container in _containers(pod) for problem in _of_container(pod, container))]


def _containers(pod: dict[str, Any]) -> list[dict[str, Any]]:
    return [*pod.get("initContainers", []), *pod["containers"], *pod.get("ephemeralContainers", [])]


def _of_pod(pod: dict[str, Any]) -> Iterator[str]:
    yield from (f"{name} is set" for name in ("hostNetwork", "hostPID", "hostIPC") if pod.get(name))
    context = pod.get("securityContext", {})
    for volume in pod.get("volumes", []):
        yield from (f"volume {volume['name']} is a {kind}" for kind in set(volume) - {"name"} - ALLOWED_VOLUMES)
    yield from (f"sysctl {each['name']}" for each in context.get("sysctls", []) if each["name"] not in SAFE_SYSCTLS)
    yield from _of_context(context)


def _of_container(pod: dict[str, Any], container: dict[str, Any]) -> Iterator[str]:
    whole, own = pod.get("securityContext", {}), container.get("securityContext", {})
    capabilities = own.get("capabilities", {})
    if own.get("privileged"):
        yield "privileged"
    if own.get("allowPrivilegeEscalation") is not False:
        yield "may escalate privileges"
    if "ALL" not in capabilities.get("drop", []):
        yield "does not drop ALL capabilities"
    if set(capabilities.get("add", [])) - {"NET_BIND_SERVICE"}:
        yield "adds capabilities"
    if own.get("procMount", "Default") != "Default":
        yield "procMount"
    if own.get("runAsNonRoot", whole.get("runAsNonRoot")) is not True:
        yield "may run as root"
    if own.get("seccompProfile", whole.get("seccompProfile", {})).get("type") not in SECCOMP_TYPES:
        yield "no seccomp profile"
    if any(port.get("hostPort") for port in container.get("ports", [])):
        yield "host port"
    handlers = [container.get(probe, {}) for probe in ("livenessProbe", "readinessProbe", "startupProbe")]
    handlers += [container.get("lifecycle", {}).get(hook, {}) for hook in ("postStart", "preStop")]
    if any(handler.get(kind, {}).get("host") for handler in handlers for kind in ("httpGet", "tcpSocket")):
        yield "a probe or hook that names a host"
    yield from _of_context(own)


def _of_context(context: dict[str, Any]) -> Iterator[str]:
    """What may be set on a pod and on a container alike."""
    if context.get("runAsUser") == 0:
        yield "runs as user 0"
    if context.get("windowsOptions", {}).get("hostProcess"):
        yield "host process"
    if context.get("appArmorProfile", {}).get("type", "RuntimeDefault") not in {"RuntimeDefault", "Localhost"}:
        yield "AppArmor is off"
    if context.get("seccompProfile", {}).get("type", "RuntimeDefault") not in SECCOMP_TYPES:
        yield "seccomp is off"
    selinux = context.get("seLinuxOptions", {})
    if selinux.get("type") not in SELINUX_TYPES or selinux.get("user") or selinux.get("role"):
        yield "SELinux options"
