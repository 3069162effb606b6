"""Parts of a region fail, one at a time: what that costs its callers, and that everything comes back by itself. Each says how long it took (-s).

Two failures that take a minute begin with the file and are looked at near its end: an engine of region east that hangs, and
region west without its API server.
"""

# pyright: reportOptionalMemberAccess=false, reportOptionalIterable=false
# The client types every field of an object as optional; a test that meets None fails by itself.

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import Any

import pytest
from lightkube.resources.coordination_v1 import Lease
from lightkube.resources.core_v1 import Pod
from lightkube.resources.discovery_v1 import EndpointSlice

from local import region_network
from local.control_plane import INSIDE_PORTS
from local.images import prepared_root
from tests.support.local_fleet import eventually
from tests.support.real_fleet import RealFleet, Report, all_ready, ready, restarts

pytestmark = pytest.mark.pods

OUTAGE_SECONDS = 60
CONNECTIONS = 4
CONNECTS = 12
"""In a row, of which each would go to either server: one in 4096 times they say nothing."""

KUBELET_RENEWS_SECONDS = 5
"""A quarter of how long its lease lasts here."""


class Meanwhile:
    """What goes on behind the other tests."""

    def __init__(self, fleet: RealFleet, traffic: ExitStack) -> None:
        self.hanging = all_ready(fleet, "east", "labels", 1)[0]
        self.servers = all_ready(fleet, "west", "chat", 2)
        self._fleet, self._traffic = fleet, traffic
        self._reports = traffic.enter_context(fleet.traffic("west", ["chat"], requests=1, connections=CONNECTIONS, pause_milliseconds=50))
        self.began, self._began_at = time.monotonic(), datetime.now(UTC)
        fleet.chaos("east").hang("labels")
        fleet.chaos("west").api_server()

    def end_outage(self) -> Report:
        """Start the API server again, unless that was done; returns what callers in its region saw until then."""
        if not self._reports:
            self._fleet.start()
            self._traffic.close()
        return self._reports[0]

    def seconds_until(self, at: str | datetime | None) -> float:
        """From the beginning to what an object says."""
        return (_moment(at) - self._began_at).total_seconds()


@pytest.fixture(scope="module", autouse=True)
def meanwhile(fleet: RealFleet) -> Iterator[Meanwhile]:
    with ExitStack() as traffic:
        found = Meanwhile(fleet, traffic)
        try:
            yield found
        finally:
            found.end_outage()
            for region in ("east", "west"):
                fleet.chaos(region).restore()
            all_ready(fleet, "east", "labels", 1)
            all_ready(fleet, "east", "chat", 2)


def test_a_killed_container_runtime_takes_no_container_and_no_request_with_it(fleet: RealFleet) -> None:
    servers = all_ready(fleet, "east", "chat", 2)
    node = fleet.node("east", str(servers[0].spec.nodeName))
    runtime = node.daemons("containerd")
    with fleet.traffic("east", ["chat"], requests=2000) as reports:
        fleet.chaos("east").containerd(node.spec.name)
        began = time.monotonic()
        again = eventually(lambda: [found for found in node.daemons("containerd") if found not in runtime], "another container runtime", 20)
        _tell("a killed container runtime was there again", began)
    assert len(again) == 1, "it was started once"
    assert not reports[0].failed, reports[0].words
    _same_containers(fleet, "east", servers)


def test_a_stopped_kubelet_changes_nothing_for_callers(fleet: RealFleet) -> None:
    servers = all_ready(fleet, "east", "chat", 2)
    node = fleet.node("east", str(servers[0].spec.nodeName))
    with fleet.traffic("east", ["chat"], requests=2000) as reports:
        fleet.chaos("east").kubelet(node.spec.name)
        eventually(lambda: not node.daemons("fleet-kubelet"), "the kubelet's end", 10)
        eventually(lambda: _silent_seconds(fleet, "east", node.spec.name) > KUBELET_RENEWS_SECONDS + 1, "a lease that nobody renewed", 20)
        node.release("kubelet")
        began = time.monotonic()
        eventually(lambda: _silent_seconds(fleet, "east", node.spec.name) < KUBELET_RENEWS_SECONDS, "a sign of life", 30)
        _tell("a stopped kubelet was heard of again", began)
    assert not reports[0].failed, reports[0].words
    _same_containers(fleet, "east", servers)


def test_a_killed_engine_costs_the_requests_it_had_and_is_started_again(fleet: RealFleet) -> None:
    servers = {pod.metadata.name: restarts(pod) for pod in all_ready(fleet, "east", "chat", 2)}
    with fleet.traffic("east", ["chat"], requests=1, connections=CONNECTIONS) as reports:
        fleet.chaos("east").engine("chat")
        began = time.monotonic()
        eventually(lambda: len(_endpoints(fleet, "east", "chat")) == 1, "that the Service knows one server only", 30)
        address = fleet.address("east", "chat").removeprefix("http://")
        eventually(lambda: all(fleet.connects("east", address) for _ in range(CONNECTS)), "that every connection finds the other one", 30)
    _tell(f"a killed engine was out of its Service ({reports[0].words})", began)
    with fleet.traffic("east", ["chat"], requests=1) as later:
        again = all_ready(fleet, "east", "chat", 2)
    _tell("it was Ready again", began)
    failed = reports[0].told["targets"][0]["failed"]
    assert failed, "an engine that is gone answers nobody"
    assert sum(count for reason, count in failed.items() if reason != "connect") <= 2 * CONNECTIONS, f"those it had; others reached nobody: {failed}"
    assert not later[0].failed, f"none once its Service knew: {later[0].words}"
    assert sum(restarts(pod) - servers[pod.metadata.name] for pod in again) == 1, "the same pods; the kubelet started one container again"
    assert time.monotonic() - began < 60, "within a minute"


def test_a_hanging_engine_gets_no_requests(fleet: RealFleet, meanwhile: Meanwhile) -> None:
    eventually(lambda: not _endpoints(fleet, "east", "labels"), "that its Service lets go of it", 60)
    pod = fleet.pods("east", "labels")[0]
    assert restarts(pod) == restarts(meanwhile.hanging), "nobody has started it again yet"
    at = next(condition.lastTransitionTime for condition in pod.status.conditions if condition.type == "Ready")
    print(f"\na hanging engine was out of its Service after {meanwhile.seconds_until(at):.0f} s")


def test_a_node_that_restarts_brings_its_pods_back_by_their_names(fleet: RealFleet) -> None:
    servers = all_ready(fleet, "east", "chat", 2)
    node = fleet.node("east", str(servers[0].spec.nodeName))
    there = {pod.metadata.name: _containers(pod) for pod in servers if pod.spec.nodeName == node.spec.name}
    fleet.chaos("east").node(node.spec.name)
    began = time.monotonic()
    node.start(fleet.network("east"), fleet.tools, prepared_root(fleet.tools, fleet.said.append))

    def back() -> bool:
        found = {pod.metadata.name: pod for pod in fleet.pods("east", "chat")}
        return all(ready(found[name]) and not there[name] & _containers(found[name]) for name in there)

    eventually(back, "that its pods answer again", 90)
    _tell("the pods of a node that was off were Ready again", began)
    assert {pod.metadata.name for pod in all_ready(fleet, "east", "chat", 2)} == {pod.metadata.name for pod in servers}, "nobody made others"


def test_a_region_whose_link_is_cut_goes_on_serving_inside(fleet: RealFleet) -> None:
    network = fleet.network("east")
    where = (network.address, INSIDE_PORTS["api"])
    with fleet.traffic("east", ["chat"], requests=1000) as reports:
        fleet.chaos("east").link()
        with pytest.raises(OSError, match=r"timed out|unreachable|No route"):
            socket.create_connection(where, timeout=2)
    region_network.restore(network)
    began = time.monotonic()
    eventually(lambda: _reachable(where), "that the region can be reached", 30)
    _tell("a region whose link was cut could be reached", began)
    assert not reports[0].failed, reports[0].words
    assert fleet.up() == {}, "an update finds everything as it was"


def test_a_region_without_its_api_server_goes_on_serving(fleet: RealFleet, meanwhile: Meanwhile) -> None:
    eventually(lambda: time.monotonic() > meanwhile.began + OUTAGE_SECONDS, "a minute", OUTAGE_SECONDS + 1)
    began = time.monotonic()
    report = meanwhile.end_outage()
    _tell("a region whose API server was away had it again", began)
    assert report.told["seconds"] > OUTAGE_SECONDS, "somebody asked all the time"
    assert not report.failed, report.words
    _same_containers(fleet, "west", meanwhile.servers)
    assert fleet.up() == {}, "and everything is as the plan says"


def test_a_hanging_engine_is_started_again(fleet: RealFleet, meanwhile: Meanwhile) -> None:
    def again() -> list[Pod]:
        return [pod for pod in fleet.pods("east", "labels") if ready(pod) and restarts(pod) > restarts(meanwhile.hanging)]

    pod = eventually(again, "that its liveness probe ends it and it answers again", 150)[0]
    seconds = meanwhile.seconds_until(pod.status.containerStatuses[0].state.running.startedAt)
    print(f"\na hanging engine was started again after {seconds:.0f} s")
    assert pod.metadata.name == meanwhile.hanging.metadata.name, "the same pod"
    assert seconds < 120, "its end does not wait for the grace period of a drain"


def _tell(what: str, began: float) -> None:
    print(f"\n{what} after {time.monotonic() - began:.1f} s", flush=True)


def _silent_seconds(fleet: RealFleet, region: str, node: str) -> float:
    """Since the node's kubelet renewed its lease."""
    at: Any = fleet.client(region).get(Lease, node, namespace="kube-node-lease").spec.renewTime
    return (datetime.now(UTC) - _moment(at)).total_seconds()


def _moment(at: str | datetime | None) -> datetime:
    assert at, "an object says when it changed"
    return at if isinstance(at, datetime) else datetime.fromisoformat(at)


def _containers(pod: Pod) -> set[str]:
    return {str(status.containerID) for status in pod.status.containerStatuses or []}


def _same_containers(fleet: RealFleet, region: str, servers: list[Pod]) -> None:
    after = {pod.metadata.name: _containers(pod) for pod in all_ready(fleet, region, "chat", len(servers))}
    assert after == {pod.metadata.name: _containers(pod) for pod in servers}, "every container is the one that was there before"


def _endpoints(fleet: RealFleet, region: str, model: str) -> list[str]:
    """Addresses to which a Service sends requests."""
    slices = fleet.client(region).list(EndpointSlice, labels={"kubernetes.io/service-name": model})
    return [address for found in slices for endpoint in found.endpoints or [] if endpoint.conditions.ready for address in endpoint.addresses]


def _reachable(where: tuple[str, int]) -> bool:
    try:
        socket.create_connection(where, timeout=1).close()
    except OSError:
        return False
    return True
