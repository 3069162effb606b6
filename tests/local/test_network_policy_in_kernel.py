"""Rule sets in the real kernel, probed with real connections and compared with an independent reading of the same objects."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.policy_evaluation import allowed
from tests.support.policy_probe import Probe, ProbedNetwork, probed_network
from tests.support.policy_probe_objects import OUTSIDE, POD_RANGE, PODS, PORTS, Generator, namespace, pod, policy, script
from tests.support.recording import PROJECT

pytestmark = pytest.mark.pods

EXAMPLES = 40
EVERY = tuple(
    Probe(source, destination, port, protocol)
    for source in (*PODS, *OUTSIDE)
    for destination in (*PODS, *OUTSIDE)
    if source != destination
    for protocol, ports in PORTS.items()
    for port in ports
)


@pytest.fixture(scope="module")
def network() -> Iterator[ProbedNetwork]:
    with probed_network((*PODS, *OUTSIDE), PORTS) as found:
        yield found


def _expected(objects: list[dict[str, Any]], probes: tuple[Probe, ...] = EVERY) -> set[Probe]:
    return {each for each in probes if allowed(objects, each.source, each.destination, each.port, each.protocol)}


def _difference(found: set[Probe], expected: set[Probe]) -> str:
    return f"reached against the policies: {sorted(found - expected)[:5]}; kept away against them: {sorted(expected - found)[:5]}"


def test_without_rules_every_probe_arrives(network: ProbedNetwork) -> None:
    network.load(script([]).replace(POD_RANGE, "203.0.113.0/24"))
    missing = set(EVERY) - network.reached(EVERY, EVERY)
    assert not missing, "a network that loses probes by itself proves nothing about policies"


@pytest.mark.parametrize("seed", range(EXAMPLES))
def test_the_kernel_lets_through_what_the_policies_allow_and_nothing_else(network: ProbedNetwork, seed: int) -> None:
    objects = Generator(seed).cluster()
    expected = _expected(objects)
    network.load(script(objects))
    found = network.reached(EVERY, expected)
    assert found == expected, _difference(found, expected)


def test_an_address_of_the_pod_range_is_closed_until_its_pod_is_known(network: ProbedNetwork) -> None:
    first, second, late = PODS[:3]
    known = [namespace("here"), pod("first", first, {}), pod("second", second, {})]
    probes = tuple(each for each in EVERY if {each.source, each.destination} <= {first, second, late, OUTSIDE[0]})
    open_ones = {each for each in probes if late not in {each.source, each.destination}}
    network.load(script(known))
    assert network.reached(probes, open_ones) == open_ones, "whose policies are not known yet is isolated from all, those outside included"
    network.load(script([*known, pod("late", late, {})]))
    assert network.reached(probes, probes) == set(probes), "and no longer than that"


def test_a_service_is_judged_by_the_pod_behind_it_and_an_isolated_pod_reaches_itself_through_one(network: ProbedNetwork) -> None:
    server, caller, stranger = PODS[:3]
    service = "10.96.0.1"
    # What kube-proxy's rules amount to: the address is replaced before `forward`, a pod's own calls are masqueraded after it.
    network.load(
        f"""
        table ip service_simulation {{
          chain before {{ type nat hook prerouting priority dstnat; ip daddr {service} tcp dport 8000 dnat to {server}:8080; }}
          chain after {{ type nat hook postrouting priority srcnat; ip saddr {server} ip daddr {server} masquerade; }}
        }}
        """
    )
    objects = [
        namespace("here"),
        *(
            pod(f"pod-{index}", address, {"role": role})
            for index, (address, role) in enumerate(zip(PODS, ("server", "caller", *"wxyz"), strict=True))
        ),
        policy("deny", {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}),
        policy(
            "in", {"podSelector": {"matchLabels": {"role": "server"}}, "ingress": [{"from": [{"podSelector": {"matchLabels": {"role": "caller"}}}]}]}
        ),
        policy(
            "out",
            {
                "podSelector": {"matchLabels": {"role": "caller"}},
                "policyTypes": ["Egress"],
                "egress": [{"to": [{"podSelector": {"matchLabels": {"role": "server"}}}], "ports": [{"port": 8080}]}],
            },
        ),
    ]
    network.load(script(objects))
    probes = {Probe(source, service, 8000, "TCP") for source in (server, caller, stranger)}
    wanted = {Probe(source, service, 8000, "TCP") for source in (server, caller)}
    try:
        assert network.reached(probes, wanted) == wanted, "the caller may reach port 8080 of the pod, a pod always itself, others neither"
    finally:
        network.load("delete table ip service_simulation")


GATEWAY, MONITORING, STRANGER, ENGINE, MIRROR, DNS = PODS
HUB, CLOUD_METADATA = "192.0.2.10", "169.254.169.254"
OURS = {
    (GATEWAY, ENGINE, 8000, "TCP"): True,
    (MONITORING, ENGINE, 8000, "TCP"): True,
    (STRANGER, ENGINE, 8000, "TCP"): False,
    (HUB, ENGINE, 8000, "TCP"): False,
    (MIRROR, ENGINE, 8000, "TCP"): False,
    (GATEWAY, ENGINE, 443, "TCP"): False,
    (GATEWAY, MIRROR, 8000, "TCP"): False,
    (ENGINE, DNS, 53, "UDP"): True,
    (ENGINE, DNS, 53, "TCP"): True,
    (ENGINE, DNS, 443, "TCP"): False,
    (ENGINE, STRANGER, 53, "UDP"): False,
    (ENGINE, HUB, 443, "TCP"): False,
    (ENGINE, CLOUD_METADATA, 443, "TCP"): False,
    (MIRROR, DNS, 53, "UDP"): True,
    (MIRROR, HUB, 443, "TCP"): True,
    (MIRROR, HUB, 8000, "TCP"): False,
    (MIRROR, CLOUD_METADATA, 443, "TCP"): False,
    (STRANGER, HUB, 443, "TCP"): True,
}
"""Connection to whether the policies of this project are meant to allow it."""


def _our_objects() -> list[dict[str, Any]]:
    """The policies the program registers, pods with the labels of its templates, and the neighbours a cluster has."""
    done = subprocess.run([sys.executable, "-m", "tests.support.policy_probe_objects"], cwd=PROJECT, check=True, capture_output=True, text=True)
    objects = json.loads(done.stdout)
    templates = {each["kind"]: each["spec"]["template"]["metadata"]["labels"] for each in objects if "template" in each.get("spec", {})}
    own = next(each for each in objects if each["kind"] == "Namespace")
    own["metadata"]["labels"]["kubernetes.io/metadata.name"] = own["metadata"]["name"]
    return [
        own,
        *(each for each in objects if each["kind"] == "NetworkPolicy"),
        namespace("gateways", **{"vllm-fleet/access": "gateway"}),
        namespace("monitoring", **{"vllm-fleet/access": "monitoring"}),
        namespace("kube-system"),
        namespace("default"),
        pod("gateway", GATEWAY, {}, "gateways"),
        pod("prometheus", MONITORING, {}, "monitoring"),
        pod("stranger", STRANGER, templates["Deployment"], "default"),
        pod("engine", ENGINE, templates["Deployment"], own["metadata"]["name"]),
        pod("mirror", MIRROR, templates["Job"], own["metadata"]["name"]),
        pod("dns", DNS, {"k8s-app": "kube-dns"}, "kube-system"),
    ]


def test_the_projects_own_policies_open_what_serving_needs_and_nothing_else() -> None:
    ends, ports = (*PODS, HUB, CLOUD_METADATA), {"TCP": (53, 443, 8000), "UDP": (53,)}
    objects = _our_objects()
    every = tuple(
        Probe(source, destination, port, protocol)
        for source in ends
        for destination in ends
        if source != destination
        for protocol, numbers in ports.items()
        for port in numbers
    )
    with probed_network(ends, ports) as network:
        network.load(script(objects))
        expected = _expected(objects, every)
        found = network.reached(every, expected)
    assert found == expected, _difference(found, expected)
    for connection, meant in OURS.items():
        assert (Probe(*connection) in found) == meant, f"{connection} is meant to be {'open' if meant else 'closed'}"
