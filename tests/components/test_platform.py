"""Namespace, identities, priorities and policies: what is there before a model is, and who may talk to whom."""

from __future__ import annotations

from ipaddress import ip_address, ip_network
from typing import Any

import pytest

from tests.support.recording import Graph

pytestmark = pytest.mark.mocks


def _policy(graph: Graph, name: str) -> dict[str, Any]:
    return graph.named("NetworkPolicy", name, "a").inputs["spec"]


def test_everything_but_priorities_and_volumes_lives_in_the_one_namespace(graph: Graph) -> None:
    for each in graph.objects():
        if each.inputs["kind"] not in {"Namespace", "PriorityClass", "PersistentVolume"}:
            assert each.inputs["metadata"]["namespace"] == "vllm", f"{each.name} would land in the context's default namespace"


def test_priorities_rank_service_levels_below_the_system_and_are_nobodys_default(graph: Graph) -> None:
    values = {name: graph.named("PriorityClass", f"vllm-{name}", "a").inputs["value"] for name in ("interactive", "standard", "batch")}
    assert 1_000_000_000 > values["interactive"] > values["standard"] > values["batch"] > 0, "system classes begin at two thousand million"
    assert not any(each.inputs.get("globalDefault") for each in graph.objects("PriorityClass")), "other pods keep theirs"


def test_service_accounts_carry_no_token(graph: Graph) -> None:
    accounts = [each.inputs for each in graph.objects("ServiceAccount") if graph.region(each) == "a"]
    assert {account["metadata"]["name"] for account in accounts} == {"model-server", "weights-mirror"}, "one that reads, one that writes"
    assert all(account["automountServiceAccountToken"] is False for account in accounts), "neither talks to the API server"


def test_nothing_may_talk_that_no_policy_names(graph: Graph) -> None:
    assert _policy(graph, "default-deny") == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}, "every pod, both directions, no rule"


def test_engines_answer_gateways_and_scrapers_from_other_namespaces_only(graph: Graph) -> None:
    (rule,) = _policy(graph, "model-server")["ingress"]
    callers = [peer["namespaceSelector"]["matchLabels"] for peer in rule["from"]]
    assert callers == [{"vllm-fleet/access": "gateway"}, {"vllm-fleet/access": "monitoring"}], "named by a label an administrator sets"
    assert all(set(peer) == {"namespaceSelector"} for peer in rule["from"]), "a pod selector alone would mean this namespace"


def test_engines_ask_nobody_but_dns(graph: Graph) -> None:
    (rule,) = _policy(graph, "model-server")["egress"]
    assert {(port["port"], port["protocol"]) for port in rule["ports"]} == {(53, "UDP"), (53, "TCP")}, "weights are mounted by the node"
    resolver, node_local = rule["to"]
    assert resolver["podSelector"]["matchLabels"] == {"k8s-app": "kube-dns"}, "the cluster's resolver"
    assert node_local["ipBlock"]["cidr"] == "169.254.20.10/32", "and its cache on the node, which no selector finds"


def test_the_mirror_reaches_the_hub_over_tls_and_no_metadata_server(graph: Graph) -> None:
    policy = _policy(graph, "weights-mirror")
    assert "ingress" not in policy, "nobody calls it"
    dns, tls = policy["egress"]
    assert {port["port"] for port in dns["ports"]} == {53}, "names first"
    assert [(port["port"], port["protocol"]) for port in tls["ports"]] == [(443, "TCP")], "TLS only"
    (peer,) = tls["to"]
    barred = [ip_network(cidr) for cidr in peer["ipBlock"]["except"]]
    assert any(ip_address("169.254.169.254") in network for network in barred), "credentials of the node stay out of reach"
