"""Servers come and go under continuous traffic: with the drain chain as computed nobody notices, without it somebody does."""

# pyright: reportOptionalMemberAccess=false
# The client types every field of an object as optional; a test that meets None fails by itself.

from __future__ import annotations

import pytest
from lightkube.resources.core_v1 import Node, Pod

from fleet import drain
from fleet.fleet_plan import Drain
from tests.support.local_fleet import eventually
from tests.support.real_fleet import RealFleet, all_ready, evict

pytestmark = pytest.mark.pods

REQUESTS = 10_000
PAUSE_MILLISECONDS = 25
"""Between the requests of a connection: without it the callers take both cores, and everything else waits for them."""


def test_a_rolling_update_loses_no_request(fleet: RealFleet) -> None:
    before = {pod.metadata.name for pod in all_ready(fleet, "east", "chat", 2)}
    with fleet.traffic("east", ["chat"], requests=REQUESTS, pause_milliseconds=PAUSE_MILLISECONDS) as reports:
        fleet.settings["models"]["chat"]["max_model_len"] = 4096
        fleet.up()
        after = {pod.metadata.name for pod in all_ready(fleet, "east", "chat", 2)}
        eventually(lambda: not before & _existing(fleet, "chat"), "the end of the old servers", 120)
    assert not before & after, "every server was replaced"
    assert reports[0].sent >= REQUESTS, "that many short requests were sent meanwhile"
    assert not reports[0].failed, reports[0].words


def test_a_drained_node_a_deleted_pod_and_fewer_replicas_lose_no_request(fleet: RealFleet) -> None:
    fleet.settings["models"]["chat"]["replicas"] = {"min": 3}
    fleet.up()
    servers = all_ready(fleet, "east", "chat", 3)
    client = fleet.client("east")
    with fleet.traffic("east", ["chat"], requests=REQUESTS, pause_milliseconds=PAUSE_MILLISECONDS) as reports:
        node = str(servers[0].spec.nodeName)
        client.patch(Node, node, {"spec": {"unschedulable": True}})
        leaving = [pod for pod in servers if pod.spec.nodeName == node]
        for pod in leaving:
            eventually(lambda pod=pod: evict(client, pod), "an eviction that the disruption budget allows", 120)
        moved = all_ready(fleet, "east", "chat", 3)
        assert node not in {pod.spec.nodeName for pod in moved}, "the drained node has none of them"
        client.patch(Node, node, {"spec": {"unschedulable": None}})
        client.delete(Pod, str(moved[0].metadata.name))
        all_ready(fleet, "east", "chat", 3)
        fleet.settings["models"]["chat"]["replicas"] = {"min": 2}
        fleet.up()
        all_ready(fleet, "east", "chat", 2)
        eventually(lambda: len(_existing(fleet, "chat")) == 2, "the end of the servers that left", 120)
    assert reports[0].sent >= REQUESTS, "that many short requests were sent meanwhile"
    assert not reports[0].failed, reports[0].words


def test_without_the_drain_chain_a_server_that_goes_loses_requests(fleet: RealFleet, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drain, "drain", lambda *_: Drain(pre_stop_seconds=0, shutdown_timeout_seconds=0, grace_seconds=1))
    fleet.settings["models"]["chat"]["max_model_len"] = 4000
    fleet.up()
    client = fleet.client("east")
    with fleet.traffic("east", ["chat"], requests=1000) as reports:
        for pod in all_ready(fleet, "east", "chat", 2):
            client.delete(Pod, str(pod.metadata.name))
            all_ready(fleet, "east", "chat", 2)
    assert reports[0].failed, "a test that cannot lose a request proves nothing of the drain chain"


def _existing(fleet: RealFleet, model: str) -> set[str]:
    return {str(pod.metadata.name) for pod in fleet.client("east").list(Pod, labels={"app.kubernetes.io/instance": model})}
