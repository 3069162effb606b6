"""The DNS of a region with real nodes: CoreDNS as the pods that network policies name, as a cluster's administrator installs it."""

from __future__ import annotations

from typing import Any

from lightkube import codecs
from lightkube.core.client import Client

from local.images import DNS_IMAGE, HUB_HOST
from local.real_node import DNS_ADDRESS

LABELS = {"k8s-app": "kube-dns"}


def apply(client: Client, hub_address: str) -> None:
    """Register CoreDNS, whose answer for the hub is this address."""
    for document in _objects(hub_address):
        client.apply(codecs.from_dict(document), field_manager="vllm-fleet-local", force=True)


def _objects(hub_address: str) -> list[dict[str, Any]]:
    meta = {"name": "coredns", "namespace": "kube-system", "labels": LABELS}
    rules = [
        {"apiGroups": [""], "resources": ["endpoints", "services", "pods", "namespaces"], "verbs": ["list", "watch"]},
        {"apiGroups": ["discovery.k8s.io"], "resources": ["endpointslices"], "verbs": ["list", "watch"]},
    ]
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "coredns"}
    subject = {"kind": "ServiceAccount", "name": "coredns", "namespace": "kube-system"}
    ports = [{"name": f"dns-{protocol.lower()}", "port": 53, "targetPort": 53, "protocol": protocol} for protocol in ("UDP", "TCP")]
    return [
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": meta},
        {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": "coredns"}, "rules": rules},
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "ClusterRoleBinding",
            "metadata": {"name": "coredns"},
            "roleRef": role,
            "subjects": [subject],
        },
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": {"Corefile": _corefile(hub_address)}},
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {**meta, "name": "kube-dns"},
            "spec": {"clusterIP": DNS_ADDRESS, "selector": LABELS, "ports": ports},
        },
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": meta,
            "spec": {"replicas": 1, "selector": {"matchLabels": LABELS}, "template": {"metadata": {"labels": LABELS}, "spec": _pod()}},
        },
    ]


def _pod() -> dict[str, Any]:
    container = {
        "name": "coredns",
        "image": DNS_IMAGE,
        "args": ["-conf", "/etc/coredns/Corefile"],
        "ports": [{"containerPort": 53, "protocol": protocol, "name": f"dns-{protocol.lower()}"} for protocol in ("UDP", "TCP")],
        "readinessProbe": {"httpGet": {"path": "/ready", "port": 8181}, "periodSeconds": 1, "timeoutSeconds": 5},
        "securityContext": {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True},
        "volumeMounts": [{"name": "configuration", "mountPath": "/etc/coredns", "readOnly": True}],
    }
    return {
        "serviceAccountName": "coredns",
        "priorityClassName": "system-cluster-critical",
        "nodeSelector": {"workload": "system"},
        "dnsPolicy": "Default",
        "containers": [container],
        "volumes": [{"name": "configuration", "configMap": {"name": "coredns"}}],
    }


def _corefile(hub_address: str) -> str:
    return f""".:53 {{
    errors
    ready
    cache 5
    hosts {{
        {hub_address} {HUB_HOST}
        fallthrough
    }}
    kubernetes cluster.local in-addr.arpa {{
        ttl 5
    }}
}}
"""
