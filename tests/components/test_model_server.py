"""The model server Deployment, property by property, as the pinned engine needs it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from fleet.fleet_plan import FleetPlan
from fleet.planner import plan
from fleet.stack_file import parse
from stacks.region import Region
from tests.support.fleets import production
from tests.support.kubernetes_rules import quantity
from tests.support.recording import Graph, run

pytestmark = pytest.mark.mocks


@pytest.fixture(scope="module")
def decided() -> FleetPlan:
    """The same plan that the graph was made from."""
    return plan(parse(production()), stack="test")


def _pod(graph: Graph, model: str, region: str = "a") -> dict[str, Any]:
    return graph.named("Deployment", model, region).inputs["spec"]["template"]["spec"]


def _engine(graph: Graph, model: str, region: str = "a") -> dict[str, Any]:
    (engine,) = _pod(graph, model, region)["containers"]
    return engine


def _servers(decided: FleetPlan) -> list[tuple[str, Any]]:
    return [(cluster.name, model) for cluster in decided.clusters for model in cluster.models]


def test_it_runs_as_the_engine_images_own_user(graph: Graph) -> None:
    context = _pod(graph, "chat")["securityContext"]
    assert (context["runAsUser"], context["runAsGroup"], context["fsGroup"]) == (2000, 0, 0), "the only user the image documents beside root"


def test_what_it_writes_to_is_on_volumes_of_its_own(graph: Graph) -> None:
    mounts = {mount["mountPath"]: mount["name"] for mount in _engine(graph, "chat")["volumeMounts"]}
    volumes = {volume["name"]: volume for volume in _pod(graph, "chat")["volumes"]}
    for path in ("/home/vllm", "/tmp"):
        assert "emptyDir" in volumes[mounts[path]], f"{path}: compile caches, sockets and configuration"
    environment = {variable["name"]: variable.get("value") for variable in _engine(graph, "chat")["env"]}
    assert environment["HOME"] == "/home/vllm", "user 2000 would otherwise look for a home that is not writable"
    assert str(environment["VLLM_CACHE_ROOT"]).startswith("/home/vllm/"), "compiled code goes to the volume"


@pytest.mark.parametrize(("model", "size"), [("chat", "2Gi"), ("wide", "8Gi")])
def test_shared_memory_is_memory_and_larger_for_tensor_parallel_models(graph: Graph, model: str, size: str) -> None:
    mounts = {mount["mountPath"]: mount["name"] for mount in _engine(graph, model)["volumeMounts"]}
    (volume,) = [volume for volume in _pod(graph, model)["volumes"] if volume["name"] == mounts["/dev/shm"]]
    assert volume["emptyDir"] == {"medium": "Memory", "sizeLimit": size}, "64 MiB, the default, stops tensor parallel workers"
    limit = _engine(graph, model)["resources"]["limits"]["memory"]
    assert quantity(size) < quantity(limit), "it counts towards the container's memory"


def test_gpu_requests_equal_limits_and_are_the_models_tensor_parallel_size(graph: Graph) -> None:
    for model, gpus in (("chat", "1"), ("wide", "2"), ("labels", "1")):
        resources = _engine(graph, model)["resources"]
        assert resources["requests"]["nvidia.com/gpu"] == resources["limits"]["nvidia.com/gpu"] == gpus, "Kubernetes shares no GPU"
    assert "nvidia.com/gpu" not in str(_pod(graph, "chat")["initContainers"]), "the gate must not hold GPUs of its own"


def test_it_tolerates_the_taint_of_gpu_nodes_whatever_its_value(graph: Graph) -> None:
    (toleration,) = _pod(graph, "chat")["tolerations"]
    assert toleration == {"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}, "EKS writes true, GKE present"


def test_it_runs_only_on_nodes_of_its_pool(graph: Graph, decided: FleetPlan) -> None:
    for region, model in _servers(decided):
        affinity = _pod(graph, model.name, region)["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
        (term,) = affinity["nodeSelectorTerms"]
        wanted = [{"key": each.key, "operator": "In", "values": list(each.values)} for each in model.node_requirements]
        assert term["matchExpressions"] == wanted, "another GPU has another memory: the plan's arithmetic would not hold"


def test_replicas_spread_over_zones_and_nodes_and_a_rollouts_old_pods_do_not_count(graph: Graph) -> None:
    spread = _pod(graph, "chat")["topologySpreadConstraints"]
    assert [each["topologyKey"] for each in spread] == ["topology.kubernetes.io/zone", "kubernetes.io/hostname"], "a zone or a node may be lost"
    assert {each["whenUnsatisfiable"] for each in spread} == {"ScheduleAnyway"}, "GPUs are scarce in single zones: better uneven than pending"
    assert all(each["matchLabelKeys"] == ["pod-template-hash"] for each in spread), "each version is spread by itself"


def test_probes_give_the_start_its_budget_and_are_lenient_afterwards(graph: Graph, decided: FleetPlan) -> None:
    for region, model in _servers(decided):
        engine = _engine(graph, model.name, region)
        startup = engine["startupProbe"]
        budget = startup["periodSeconds"] * (startup["failureThreshold"] - 1)
        assert budget == model.startup.engine_ready_timeout_seconds, "the plan's number: the first probe may come as soon as the container runs"
        assert budget >= 2 * (model.startup.weights_seconds + model.startup.engine_seconds), "twice what is expected"
        environment = {variable["name"]: variable.get("value") for variable in engine["env"]}
        assert environment["VLLM_ENGINE_READY_TIMEOUT_S"] == str(budget), "the engine gives up no sooner"
        assert "initialDelaySeconds" not in str(engine), "a start-up probe waits as long as needed and no longer"
        liveness = engine["livenessProbe"]
        assert liveness["periodSeconds"] * liveness["failureThreshold"] >= 60, "a busy server is not a dead one"
        for probe in (startup, liveness):
            assert probe["terminationGracePeriodSeconds"] < model.drain.grace_seconds, "what hangs is not drained, it is started again"
        assert {engine[probe]["httpGet"]["path"] for probe in ("startupProbe", "readinessProbe", "livenessProbe")} == {"/health"}, "unguarded"


def test_the_rollout_deadline_covers_the_start_and_pulumi_waits_for_all_of_it(graph: Graph, decided: FleetPlan) -> None:
    for region, model in _servers(decided):
        server = graph.named("Deployment", model.name, region)
        deadline = server.inputs["spec"]["progressDeadlineSeconds"]
        assert deadline == model.startup.progress_deadline_seconds > model.startup.engine_ready_timeout_seconds, "a slow start is no failed rollout"
        assert server.timeouts["update"] == server.timeouts["create"] == f"{model.startup.update_timeout_seconds}s", "every round of it"
        assert model.drain.grace_seconds < 7200, "the longest drain ends within"
        assert server.timeouts["delete"] == "2h", "the time a deletion may take"


def test_a_stop_lets_endpoints_go_first_and_answers_finish(graph: Graph, decided: FleetPlan) -> None:
    for region, model in _servers(decided):
        pod, engine = _pod(graph, model.name, region), _engine(graph, model.name, region)
        sleep = engine["lifecycle"]["preStop"]["sleep"]["seconds"]
        timeout = int(engine["args"][engine["args"].index("--shutdown-timeout") + 1])
        assert (sleep, timeout) == (model.drain.pre_stop_seconds, model.drain.shutdown_timeout_seconds), "the plan's chain"
        assert pod["terminationGracePeriodSeconds"] > sleep + timeout, "the engine ends by itself before it is killed"


def test_it_gets_no_service_links_and_no_api_token(graph: Graph) -> None:
    for each in graph.objects("Deployment"):
        pod = each.inputs["spec"]["template"]["spec"]
        assert pod["enableServiceLinks"] is False, "VLLM_* variables of a Service stop the engine"
        assert pod["automountServiceAccountToken"] is False, "the engine never talks to the API server"
        assert pod["serviceAccountName"] == "model-server", "an identity of its own, without rights"


def test_its_priority_is_its_service_level(graph: Graph) -> None:
    found = {model: _pod(graph, model)["priorityClassName"] for model in ("chat", "wide", "labels")}
    assert found == {"chat": "vllm-interactive", "wide": "vllm-standard", "labels": "vllm-batch"}, "who keeps a GPU when one is lost"


def test_the_engine_is_process_one_with_the_plans_arguments_and_the_key_by_reference(graph: Graph, decided: FleetPlan) -> None:
    for region, model in _servers(decided):
        engine = _engine(graph, model.name, region)
        assert "command" not in engine, "the image's own entry point: a shell would not pass SIGTERM on"
        assert engine["args"] == list(model.argv), "decided in the plan, word for word"
        assert engine["image"] == model.image, "the pinned image"
        (key,) = [variable for variable in engine["env"] if variable["name"] == "VLLM_API_KEY"]
        assert key == {"name": "VLLM_API_KEY", "valueFrom": {"secretKeyRef": {"name": "engine", "key": "key"}}}, "a name, never a value"
        assert "HF_TOKEN" not in str(engine), "serving pods hold no hub token"


def test_weights_are_mounted_read_only_and_waited_for_offline(graph: Graph) -> None:
    pod, engine = _pod(graph, "chat"), _engine(graph, "chat")
    (gate,) = pod["initContainers"]
    assert "--wait" in gate["command"], "the gate looks for the marker that is written last"
    environment = {variable["name"]: variable.get("value") for variable in engine["env"]}
    assert (environment["HF_HUB_OFFLINE"], environment["HF_HUB_CACHE"]) == ("1", "/models"), "never from the hub at start"
    (mount,) = [mount for mount in engine["volumeMounts"] if mount["name"] == "weights"]
    assert mount == {"name": "weights", "mountPath": "/models", "readOnly": True}, "shared by all servers, written by none"


def test_the_disruption_budget_lets_unhealthy_pods_go(graph: Graph) -> None:
    spec = graph.named("PodDisruptionBudget", "chat", "a").inputs["spec"]
    assert spec["maxUnavailable"] == 1, "one at a time, whatever the number of replicas"
    assert spec["unhealthyPodEvictionPolicy"] == "AlwaysAllow", "a pod that never became Ready must not hold up a node"


def test_rollouts_follow_the_plan_and_keep_some_history(graph: Graph, decided: FleetPlan) -> None:
    for region, model in _servers(decided):
        spec = graph.named("Deployment", model.name, region).inputs["spec"]
        rolling = spec["strategy"]["rollingUpdate"]
        assert (rolling["maxSurge"], rolling["maxUnavailable"]) == (model.rollout.max_surge, model.rollout.max_unavailable), "what the pool can hold"
        assert spec["minReadySeconds"] == model.rollout.min_ready_seconds > 0, "a server that dies at once stops the rollout"
        assert spec["revisionHistoryLimit"] == 5, "rolling back by hand stays possible"


@pytest.mark.parametrize("autoscaled", [False, True])
def test_replicas_have_one_owner(decided: FleetPlan, autoscaled: bool) -> None:
    cluster = decided.clusters[0]
    models = tuple(replace(model, replicas=replace(model.replicas, autoscaled=autoscaled)) for model in cluster.models)
    graph = run(lambda: Region(replace(cluster, models=models)), {})
    for model in models:
        spec = graph.named("Deployment", model.name).inputs["spec"]
        assert spec.get("replicas") == (None if autoscaled else model.replicas.min), "an autoscaler and an update must not fight over it"


@pytest.mark.parametrize("wait", [False, True])
def test_an_update_waits_for_servers_only_where_the_plan_says_so(decided: FleetPlan, wait: bool) -> None:
    cluster = decided.clusters[0]
    models = tuple(replace(model, wait=wait) for model in cluster.models)
    graph = run(lambda: Region(replace(cluster, models=models)), {})
    annotations = graph.named("Deployment", "chat").inputs["metadata"].get("annotations", {})
    assert annotations.get("pulumi.com/skipAwait") == (None if wait else "true"), "GPU nodes of a cloud may take hours"


@pytest.mark.parametrize("read_only", [False, True])
def test_the_root_file_system_of_the_engine_is_read_only_on_request(decided: FleetPlan, read_only: bool) -> None:
    cluster = decided.clusters[0]
    models = tuple(replace(model, read_only_root=read_only) for model in cluster.models)
    graph = run(lambda: Region(replace(cluster, models=models)), {})
    assert _engine(graph, "chat")["securityContext"]["readOnlyRootFilesystem"] is read_only, "a setting until it is proven on GPUs"
