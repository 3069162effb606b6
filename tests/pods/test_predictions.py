"""What the plan says of GPUs, rollouts and evictions before anything is created, checked by the scheduler and the kubelets themselves."""

# pyright: reportOptionalMemberAccess=false, reportOptionalSubscript=false, reportOperatorIssue=false
# The client types every field of an object as optional; a test that meets None fails by itself.

from __future__ import annotations

from collections.abc import Iterator

import pytest
from lightkube.resources.apps_v1 import Deployment
from lightkube.resources.core_v1 import Node, Pod

from components.kubernetes.model_pod import GPU_RESOURCE
from fleet import PlanError
from local.automation import EngineFailed
from tests.support.local_fleet import eventually
from tests.support.real_fleet import RealFleet, all_ready, evict, ready, restarts
from tests.support.scaled_start import scaled

pytestmark = pytest.mark.pods

MODEL, REGION = "full", "west"
NODES = ("l4-0", "l4-1")
GPUS_PER_NODE = 3
FIRST, SECOND = 4096, 2048
"""Lengths of contexts: another one is another pod template."""


@pytest.fixture(scope="module")
def full(fleet: RealFleet) -> Iterator[RealFleet]:
    """A pool with no free GPU: each of its two real nodes loses one of three, `chat` and this model take two each."""
    fleet.publish("Qwen/Qwen3-8B", "f" * 40, start_seconds=0.2)
    try:
        for node in NODES:
            fleet.chaos(REGION).gpu(node)
        eventually(lambda: _allocatable(fleet) == [GPUS_PER_NODE - 1] * 2, "that both kubelets offer one GPU less", 30)
        fleet.settings["pools"]["l4"]["max_nodes"] = 4
        fleet.settings["models"][MODEL] = {
            "tier": "small",
            "pool": "l4",
            "revision": "f" * 40,
            "max_model_len": FIRST,
            "placements": {REGION: {"replicas": {"min": 2}}},
        }
        with scaled([MODEL]):
            fleet.up()
        yield fleet
    finally:
        fleet.settings["models"].pop(MODEL, None)
        fleet.settings["pools"]["l4"]["max_nodes"] = 6
        fleet.chaos(REGION).restore()
        fleet.up()


def test_the_disruption_budget_lets_one_of_two_servers_go_at_a_time(full: RealFleet) -> None:
    client = full.client(REGION)
    first, second = all_ready(full, REGION, MODEL, 2)
    assert evict(client, first), "one may go"
    assert not evict(client, second), "the other one has to stay until there are two again"
    replaced = all_ready(full, REGION, MODEL, 2)
    assert first.metadata.name not in {pod.metadata.name for pod in replaced}, "another one came"
    eventually(lambda: evict(client, second, dry_run=True), "that the other one may go", 10)


def test_a_replica_beyond_the_pool_is_refused_by_the_plan_and_would_find_no_gpu(full: RealFleet) -> None:
    replicas = full.settings["models"][MODEL]["placements"][REGION]["replicas"]
    replicas["min"] = 3
    with pytest.raises(PlanError, match=rf"pool l4 has 4 nodes .* {MODEL} 3 × 1 \(5 GPUs\)"):
        full.plan()
    replicas["min"] = 2
    _scale(full, 3)
    pod = _without_gpu(full)
    _scale(full, 2)
    eventually(lambda: pod not in _names(full), "the end of the third one")


def test_a_surge_that_the_plan_would_refuse_never_ends_and_the_plans_own_choice_does(full: RealFleet) -> None:
    all_ready(full, REGION, MODEL, 2)
    before = _names(full)
    full.settings["models"][MODEL] |= {"max_model_len": SECOND, "rollout": {"max_surge": 1, "max_unavailable": 0}}
    with pytest.raises(PlanError, match=f"models.{MODEL}.rollout.max_surge"):
        full.plan()
    full.settings["models"][MODEL].pop("rollout")
    with scaled([MODEL], rollout={"max_surge": 1, "max_unavailable": 0}, update_timeout_seconds=8):
        with pytest.raises(EngineFailed, match=rf"{MODEL}-deployment[\s\S]*timed out waiting to be Ready"):
            full.up()
        assert _without_gpu(full) not in before, "the new server waits for a GPU that no old one gives up"
    assert before < _names(full), "every old server is there"
    assert all(ready(pod) for pod in full.pods(REGION, MODEL) if pod.metadata.name in before), "and answers"
    with scaled([MODEL]):
        chosen = next(model for cluster in full.plan().clusters if cluster.name == REGION for model in cluster.models if model.name == MODEL).rollout
        assert (chosen.max_surge, chosen.max_unavailable) == (0, 1), "what the plan chooses where the pool is full"
        full.up()
    assert not before & {pod.metadata.name for pod in all_ready(full, REGION, MODEL, 2)}, "every server was replaced"


def test_a_gpu_that_fails_goes_to_no_new_pod_and_the_pod_that_has_it_goes_on(full: RealFleet) -> None:
    lost = {identifier for node in NODES for identifier, healthy in full.gpus(REGION, node).items() if not healthy}
    servers = [*all_ready(full, REGION, "chat", 2), *all_ready(full, REGION, MODEL, 2)]
    given = {pod.metadata.name: full.container(REGION, pod).environ()["NVIDIA_VISIBLE_DEVICES"] for pod in servers}
    assert all(restarts(pod) == 0 for pod in servers), "those that were there have noticed nothing"
    assert not lost & {given[pod.metadata.name] for pod in servers[2:]}, "those that came later have another GPU"
    _scale(full, 3)
    waiting = _without_gpu(full)
    full.chaos(REGION).restore()
    eventually(lambda: _allocatable(full) == [GPUS_PER_NODE] * 2, "that the kubelets offer all GPUs again", 30)
    found = all_ready(full, REGION, MODEL, 3)
    assert waiting in {pod.metadata.name for pod in found}, "the pod that waited got its GPU"


def _allocatable(fleet: RealFleet) -> list[int]:
    client = fleet.client(REGION)
    return [int(client.get(Node, node).status.allocatable[GPU_RESOURCE]) for node in NODES]


def _names(fleet: RealFleet) -> set[str]:
    return {str(pod.metadata.name) for pod in fleet.pods(REGION, MODEL)}


def _scale(fleet: RealFleet, replicas: int) -> None:
    """As somebody with kubectl would, whom no plan stops."""
    fleet.client(REGION).patch(Deployment, MODEL, {"spec": {"replicas": replicas}}, field_manager="kubectl")


def _without_gpu(fleet: RealFleet) -> str:
    """Name of the pod that the scheduler cannot place for want of a GPU."""

    def found() -> list[Pod]:
        conditions = [(pod, condition) for pod in fleet.pods(REGION, MODEL) for condition in pod.status.conditions or []]
        return [pod for pod, condition in conditions if condition.reason == "Unschedulable" and f"Insufficient {GPU_RESOURCE}" in condition.message]

    return str(eventually(found, "a pod that waits for a GPU", 15)[0].metadata.name)
