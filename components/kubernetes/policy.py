"""Who may talk to whom. Nothing is open unless a policy here names it."""

from __future__ import annotations

from collections.abc import Sequence

import pulumi
from pulumi_kubernetes.meta.v1 import LabelSelectorArgs
from pulumi_kubernetes.networking.v1 import (
    IPBlockArgs,
    NetworkPolicy,
    NetworkPolicyEgressRuleArgs,
    NetworkPolicyIngressRuleArgs,
    NetworkPolicyPeerArgs,
    NetworkPolicyPortArgs,
    NetworkPolicySpecArgs,
)

from components.kubernetes.labels import cluster_labels, metadata
from fleet.add_ons import EgressSpec
from fleet.fleet_plan import ClusterPlan
from fleet.naming import MANAGER

ENGINE_PORT = 8000
ACCESS_LABEL = f"{MANAGER}/access"
"""A namespace that carries this label with `gateway` or `monitoring` may reach the engines; nobody else."""

NODE_LOCAL_DNS = "169.254.20.10/32"

SERVING = {"app.kubernetes.io/component": "model-server"}
MIRROR = {"app.kubernetes.io/component": "weights-mirror"}


class NamespacePolicy(pulumi.ComponentResource):
    """Default deny, then exactly what serving and the mirror need."""

    def __init__(self, name: str, plan: ClusterPlan, weights: Sequence[EgressSpec], opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("fleet:kubernetes:NamespacePolicy", name, None, opts)
        self._name, self._plan = name, plan
        self._policy("default-deny", NetworkPolicySpecArgs(pod_selector=LabelSelectorArgs(), policy_types=["Ingress", "Egress"]))
        driver = [_place(each) for each in weights]
        self._policy("model-server", _serving(driver))
        self._policy("weights-mirror", _mirror(driver))
        self.register_outputs({})

    def _policy(self, name: str, spec: NetworkPolicySpecArgs) -> None:
        meta = metadata(self._plan, name, cluster_labels(self._plan))
        NetworkPolicy(f"{self._name}-{name}", metadata=meta, spec=spec, opts=pulumi.ResourceOptions(parent=self))


def _serving(driver: Sequence[NetworkPolicyEgressRuleArgs]) -> NetworkPolicySpecArgs:
    """Engines answer gateways and scrapers; they ask nobody but DNS: weights are mounted by the node, not fetched.

    Args:
        driver: what must be reached where the driver that mounts weights runs in the pod.
    """
    callers = [NetworkPolicyPeerArgs(namespace_selector=LabelSelectorArgs(match_labels={ACCESS_LABEL: role})) for role in ("gateway", "monitoring")]
    return NetworkPolicySpecArgs(
        pod_selector=LabelSelectorArgs(match_labels=SERVING),
        policy_types=["Ingress", "Egress"],
        ingress=[NetworkPolicyIngressRuleArgs(from_=callers, ports=[NetworkPolicyPortArgs(port=ENGINE_PORT, protocol="TCP")])],
        egress=[_dns(), *driver],
    )


def _mirror(driver: Sequence[NetworkPolicyEgressRuleArgs]) -> NetworkPolicySpecArgs:
    """The mirror Job fetches weights over TLS from the model hub, whose addresses change; nobody calls it."""
    anywhere = NetworkPolicyPeerArgs(ip_block=IPBlockArgs(cidr="0.0.0.0/0", except_=["169.254.0.0/16"]))
    tls = NetworkPolicyEgressRuleArgs(to=[anywhere], ports=[NetworkPolicyPortArgs(port=443, protocol="TCP")])
    return NetworkPolicySpecArgs(
        pod_selector=LabelSelectorArgs(match_labels=MIRROR), policy_types=["Ingress", "Egress"], egress=[_dns(), tls, *driver]
    )


def _place(spec: EgressSpec) -> NetworkPolicyEgressRuleArgs:
    peer = NetworkPolicyPeerArgs(ip_block=IPBlockArgs(cidr=spec.cidr))
    return NetworkPolicyEgressRuleArgs(to=[peer], ports=[NetworkPolicyPortArgs(port=spec.port, protocol="TCP")])


def _dns() -> NetworkPolicyEgressRuleArgs:
    resolver = NetworkPolicyPeerArgs(
        namespace_selector=LabelSelectorArgs(match_labels={"kubernetes.io/metadata.name": "kube-system"}),
        pod_selector=LabelSelectorArgs(match_labels={"k8s-app": "kube-dns"}),
    )
    node_local = NetworkPolicyPeerArgs(ip_block=IPBlockArgs(cidr=NODE_LOCAL_DNS))
    ports = [NetworkPolicyPortArgs(port=53, protocol=protocol) for protocol in ("UDP", "TCP")]
    return NetworkPolicyEgressRuleArgs(to=[resolver, node_local], ports=ports)
