"""The enforcer between a real API server and the real kernel: what changes is enforced, what it does not know is closed."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from local.processes import reap
from tests.support.local_fleet import eventually, kill
from tests.support.policy_probe import Probe
from tests.support.policy_probe_cluster import PolicyCluster, policy_cluster, result
from tests.support.policy_probe_objects import PODS

pytestmark = pytest.mark.pods

FIRST, SECOND, THIRD = PODS[:3]
CALL = Probe(FIRST, SECOND, 8000, "TCP")
DENY = {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PolicyCluster]:
    with policy_cluster(tmp_path_factory.mktemp("policies")) as found:
        found.start_enforcer()
        yield found


@pytest.fixture
def cluster(running: PolicyCluster) -> PolicyCluster:
    running.clear()
    return running


def _running(cluster: PolicyCluster, name: str, address: str) -> None:
    cluster.pod(name)
    cluster.status(name, phase="Running", podIP=address, podIPs=[{"ip": address}])


def _pair(cluster: PolicyCluster) -> None:
    _running(cluster, "first", FIRST)
    _running(cluster, "second", SECOND)
    eventually(lambda: FIRST in cluster.rules() and SECOND in cluster.rules(), "rules that know both pods")


def _open(cluster: PolicyCluster) -> bool:
    return CALL in cluster.network.reached([CALL])


def test_pods_are_closed_until_known_and_policies_are_enforced_as_they_come_and_go(cluster: PolicyCluster) -> None:
    assert not _open(cluster), "nobody knows these pods yet"
    _pair(cluster)
    assert _open(cluster), "no policy isolates them"
    cluster.policy("deny", DENY)
    eventually(lambda: "jump ingress_0" in cluster.rules(), "the policy in the rules")
    assert not _open(cluster), "the policy isolates both"
    cluster.clear()
    assert not _open(cluster), "pods that are gone have no address any more"


def test_a_pod_that_has_ended_gives_its_address_back(cluster: PolicyCluster) -> None:
    _pair(cluster)
    cluster.status("second", phase="Succeeded")
    eventually(lambda: SECOND not in cluster.rules(), "rules without the pod that ended")
    assert not _open(cluster), "whoever is given the address next is not known yet"


def test_the_plugin_returns_when_its_pod_is_covered_before_any_status_names_the_address(cluster: PolicyCluster) -> None:
    cluster.policy("deny", {"podSelector": {"matchLabels": {"role": "server"}}})
    uids = {"first": cluster.pod("first"), "second": cluster.pod("second", {"role": "server"}), "third": cluster.pod("third")}
    for name, address in (("first", FIRST), ("second", SECOND), ("third", THIRD)):
        done = cluster.plug(uids[name], address)
        assert (done.returncode, done.stderr) == (0, ""), "the enforcer answered in time"
        assert json.loads(done.stdout) == result(address), "the next in the chain gets what the plugin before this one said"
    calls = {CALL, Probe(SECOND, FIRST, 8000, "TCP"), Probe(FIRST, THIRD, 53, "UDP")}
    assert cluster.network.reached(calls) == calls - {CALL}, "the first packets of the new pods are judged by their policies"


def test_an_announcement_holds_until_the_status_has_caught_up_and_no_longer(cluster: PolicyCluster) -> None:
    uid = cluster.pod("first")
    cluster.status("first", phase="Running", podIP=THIRD)
    eventually(lambda: THIRD in cluster.rules(), "the address of the first sandbox")
    cluster.plug(uid, FIRST)
    assert THIRD not in cluster.rules(), "a sandbox that was made again has another address, whatever the status still says"
    cluster.status("first", podIP=FIRST)
    eventually(lambda: FIRST in cluster.rules(), "the address of the second sandbox")
    cluster.status("first", podIP=SECOND)
    eventually(lambda: SECOND in cluster.rules() and FIRST not in cluster.rules(), "the address that the status names later")


def test_a_pod_starts_and_stays_closed_where_nobody_answers_the_plugin(cluster: PolicyCluster) -> None:
    uid = cluster.pod("first")
    cluster.stop_enforcer()
    done = cluster.plug(uid, FIRST)
    cluster.start_enforcer()
    assert done.returncode == 0, "an enforcer that is being restarted must not keep pods from starting"
    assert "stays closed until the pod's status names it" in done.stderr, "containerd's log says why the pod's first packets are lost"
    assert json.loads(done.stdout) == result(FIRST), "the chain goes on"


def test_what_changes_no_rule_is_not_handed_to_the_kernel(cluster: PolicyCluster) -> None:
    _pair(cluster)
    before = cluster.applied()
    for _ in range(3):
        cluster.status("first", message="busy")
        cluster.status("first", message="idle")
    _running(cluster, "third", THIRD)
    eventually(lambda: THIRD in cluster.rules(), "rules that know the third pod")
    assert cluster.applied() == before + 1, "statuses of pods change all the time, and two processors carry a whole fleet"


def test_rules_outlive_the_enforcer_and_are_closed_to_what_comes_meanwhile(cluster: PolicyCluster) -> None:
    _pair(cluster)
    process = cluster.enforcer.process()
    assert process, "the enforcer runs"
    rules = cluster.rules()
    kill(process)
    reap()
    cluster.socket.unlink()
    _running(cluster, "third", THIRD)
    calls = {CALL, Probe(FIRST, THIRD, 8000, "TCP")}
    assert cluster.network.reached(calls, {CALL}) == {CALL}, "known pods go on as before, a new one is closed"
    assert cluster.rules() == rules, "nobody changes rules while the enforcer is away"
    cluster.start_enforcer()
    eventually(lambda: THIRD in cluster.rules(), "the next enforcer's rules")
    assert cluster.network.reached(calls, calls) == calls, "the next one knows everything"


def test_an_api_server_that_is_away_is_waited_for(cluster: PolicyCluster) -> None:
    _pair(cluster)
    cluster.kill_api_server()
    said = cluster.enforcer.log.read_text(encoding="utf-8")
    eventually(lambda: "Error" in cluster.enforcer.log.read_text(encoding="utf-8")[len(said) :], "a line about the API server")
    assert _open(cluster), "what was allowed stays allowed"
    cluster.start_api_server()
    cluster.policy("deny", DENY)
    eventually(lambda: "jump ingress_0" in cluster.rules(), "the policy made after the return")
    assert not _open(cluster), "and what is new is enforced again"
