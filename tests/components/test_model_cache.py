"""The cache of a model revision: filled once, shared by its servers, and never emptied by a change that does not mean it."""

from __future__ import annotations

import re
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from components.kubernetes import mirror_weights, weights_files, weights_lock, weights_objects
from tests.support.fleets import graph_of, production
from tests.support.kubernetes_rules import quantity
from tests.support.recording import Graph, Resource

pytestmark = pytest.mark.mocks

WEEKLY = re.compile(r"[1-5]?[0-9] (1?[0-9]|2[0-3]) \* \* [0-6]")


def _claim_and_job(graph: Graph, model: str = "chat") -> tuple[Resource, Resource]:
    pod = graph.named("Deployment", model, "a").inputs["spec"]["template"]["spec"]
    name = next(volume["persistentVolumeClaim"]["claimName"] for volume in pod["volumes"] if volume["name"] == "weights")
    return graph.named("PersistentVolumeClaim", name, "a"), graph.named("Job", f"mirror-{name}", "a")


def _container(job: Resource) -> dict[str, Any]:
    (container,) = job.inputs["spec"]["template"]["spec"]["containers"]
    return container


def test_models_of_one_revision_share_one_cache_in_each_cluster(graph: Graph) -> None:
    assert _claim_and_job(graph, "chat") == _claim_and_job(graph, "wide"), "the same weights lie there once"
    assert _claim_and_job(graph, "chat")[0] != _claim_and_job(graph, "labels")[0], "other weights lie elsewhere"
    per_region = [graph.region(each) for each in graph.objects("CronJob")]
    assert sorted(per_region) == ["a", "a", "b", "b"], "nothing is shared between clusters"


def test_many_nodes_mount_the_claim_and_it_holds_the_weights(graph: Graph) -> None:
    spec = _claim_and_job(graph)[0].inputs["spec"]
    assert spec["accessModes"] == ["ReadWriteMany"], "the Job writes on one node, servers read on others"
    assert spec["storageClassName"] == "efs", "what the stack file names"
    assert quantity(spec["resources"]["requests"]["storage"]) > 16e9, "Qwen3-8B in bfloat16 is 16.4 GB"


def test_no_later_change_of_size_or_class_touches_a_claim_that_exists(graph: Graph) -> None:
    for claim in graph.objects("PersistentVolumeClaim"):
        assert claim.ignore_changes == ("spec",), "the provider replaces a claim for another class, and weights would be gone"
        assert not claim.protect, "removing the model removes its weights"


def test_nothing_waits_for_a_volume_to_be_bound(graph: Graph) -> None:
    for claim in graph.objects("PersistentVolumeClaim"):
        assert claim.inputs["metadata"]["annotations"]["pulumi.com/skipAwait"] == "true", "a class may bind when the first pod comes"
        assert claim.timeouts == {"delete": "2h"}, "servers of the old revision hold it until they have drained"


def test_a_new_engine_image_repeats_no_mirror(graph: Graph) -> None:
    for job in graph.objects("Job"):
        assert job.ignore_changes == ("metadata", "spec"), "a Job's template cannot change: it would be deleted and run again"


def test_the_mirror_never_gives_up_and_stays_when_it_is_done(graph: Graph) -> None:
    spec = _claim_and_job(graph)[1].inputs["spec"]
    assert spec["template"]["spec"]["restartPolicy"] == "OnFailure", "tried again in place"
    assert spec["backoffLimit"] >= 100_000, "nobody would start a Job that gave up"
    assert not {"activeDeadlineSeconds", "ttlSecondsAfterFinished"} & set(spec), "an hour of download is no failure, and a deleted Job runs again"


def test_the_mirror_has_its_own_identity_and_the_only_hub_token_by_reference(graph: Graph) -> None:
    job = _claim_and_job(graph)[1]
    pod = job.inputs["spec"]["template"]["spec"]
    assert pod["serviceAccountName"] == "weights-mirror", "the one that may write"
    assert pod["automountServiceAccountToken"] is False, "it does not talk to the API server"
    (token,) = [variable for variable in _container(job)["env"] if variable["name"] == "HF_TOKEN"]
    assert token["valueFrom"] == {"secretKeyRef": {"name": "hub", "key": "token"}}, "a name, never a value"


def test_the_mirror_writes_where_the_servers_read_and_to_volumes_only(graph: Graph) -> None:
    job = _claim_and_job(graph)[1]
    container = _container(job)
    (mount,) = [mount for mount in container["volumeMounts"] if mount["name"] == "weights"]
    assert mount == {"name": "weights", "mountPath": "/models"}, "writable here alone"
    assert container["securityContext"]["readOnlyRootFilesystem"] is True, "the script needs nothing else"
    assert {"/home/vllm", "/tmp"} <= {mount["mountPath"] for mount in container["volumeMounts"]}, "the hub's client keeps files at home"


def test_job_and_gate_run_the_script_of_the_config_map_for_the_same_revision(graph: Graph) -> None:
    gate = graph.named("Deployment", "chat", "a").inputs["spec"]["template"]["spec"]["initContainers"][0]
    job = _container(_claim_and_job(graph)[1])
    name = graph.named("CronJob", f"audit-{_claim_and_job(graph)[0].inputs['metadata']['name']}", "a").inputs["metadata"]["name"]
    assert gate["command"] == [*job["command"], "--wait", "--audit-name", name], "what one writes is what the other waits for, or has mended"
    scripts = graph.named("ConfigMap", "mirror-weights", "a").inputs["data"]
    tested = {Path(str(module.__file__)) for module in (mirror_weights, weights_files, weights_lock, weights_objects)}
    assert scripts == {path.name: path.read_text(encoding="utf-8") for path in tested}, "the tested scripts are the shipped ones"
    assert gate["command"][0] == "python3", "no shell between the signal and the script"
    assert gate["command"][1] == f"{_script_folder(gate)}/mirror_weights.py", "the mounted file"


def _script_folder(container: dict[str, Any]) -> str:
    return next(mount["mountPath"] for mount in container["volumeMounts"] if mount["name"] == "script")


@pytest.mark.parametrize("region", ["a", "b"])
def test_each_cache_is_audited_weekly_by_the_mirrors_own_pod(graph: Graph, region: str) -> None:
    for audit in (each for each in graph.objects("CronJob") if graph.region(each) == region):
        spec, cache = audit.inputs["spec"], audit.inputs["metadata"]["name"].removeprefix("audit-")
        job = graph.named("Job", f"mirror-{cache}", region)
        whole = deepcopy(spec["jobTemplate"]["spec"])
        assert whole["template"]["spec"]["containers"][0]["command"].pop() == "--audit", "reads every file, and mends"
        assert whole == job.inputs["spec"], "the same image, identity, labels, volumes and patience"
        assert (spec["concurrencyPolicy"], spec["timeZone"]) == ("Forbid", "Etc/UTC"), "one at a time, at a time that no node's clock moves"
        assert max(spec["successfulJobsHistoryLimit"], spec["failedJobsHistoryLimit"]) <= 2, "a few logs, not a heap of pods"
        assert not audit.ignore_changes, "it may change in place: the next one runs in the new image"


def test_audits_do_not_start_at_the_same_minute(graph: Graph) -> None:
    schedules = [each.inputs["spec"]["schedule"] for each in graph.objects("CronJob")]
    assert all(WEEKLY.fullmatch(schedule) for schedule in schedules), "once a week"
    assert len(set(schedules)) == len(schedules), "or all caches would be read at once"


def test_a_folder_becomes_two_volumes_that_are_bound_to_their_claims_and_never_emptied(graph: Graph) -> None:
    volumes = list(graph.objects("PersistentVolume"))
    assert {graph.region(each) for each in volumes} == {"b"}, "where a storage class makes volumes there are none of ours"
    assert len(volumes) == 4, "for each cache one to read and one to write"
    for volume in volumes:
        spec = volume.inputs["spec"]
        claim = graph.named("PersistentVolumeClaim", spec["claimRef"]["name"], "b").inputs
        assert spec["claimRef"]["namespace"] == claim["metadata"]["namespace"], "nobody else's claim gets it"
        assert claim["spec"]["volumeName"] == volume.inputs["metadata"]["name"], "and the claim takes no other"
        assert spec["accessModes"] == claim["spec"]["accessModes"], "or they would never be bound"
        assert spec["capacity"]["storage"] == claim["spec"]["resources"]["requests"]["storage"], "likewise"
        assert spec["storageClassName"] == claim["spec"]["storageClassName"] == "", "no default class steps in"
        assert spec["persistentVolumeReclaimPolicy"] == "Retain", "the folder is not ours"
        assert spec["hostPath"] == {"path": "/srv/models", "type": "Directory"}, "a node without it must not make an empty one"
        assert "namespace" not in volume.inputs["metadata"], "volumes belong to the cluster"
        assert volume.ignore_changes == ("spec",), "the API server refuses another source"
        assert volume.urn in graph.needs(graph.named("PersistentVolumeClaim", spec["claimRef"]["name"], "b")), "volumes go after their claims"


def test_servers_can_only_read_a_folder_and_the_mirror_alone_writes_it(graph: Graph) -> None:
    claims = {
        each.inputs["metadata"]["name"]: each.inputs["spec"]["accessModes"]
        for each in graph.objects("PersistentVolumeClaim")
        if graph.region(each) == "b"
    }
    for server in (each for each in graph.objects("Deployment") if graph.region(each) == "b"):
        (mounted,) = [volume["persistentVolumeClaim"] for volume in _volumes(server) if "persistentVolumeClaim" in volume]
        assert mounted["readOnly"] is True, "the node mounts it so"
        assert claims[mounted["claimName"]] == ["ReadOnlyMany"], "and the volume says so"
    for job in (each for each in graph.objects("Job") if graph.region(each) == "b"):
        (mounted,) = [volume["persistentVolumeClaim"] for volume in _volumes(job) if "persistentVolumeClaim" in volume]
        assert claims[mounted["claimName"]] == ["ReadWriteMany"], "the one claim that it may write"


def test_volumes_of_two_fleets_never_have_the_same_name(graph: Graph, tmp_path: Path) -> None:
    settings = production()
    settings["name"] = "other"
    other = graph_of(settings, tmp_path)
    names = [{each.inputs["metadata"]["name"] for each in found.objects("PersistentVolume")} for found in (graph, other)]
    assert not names[0] & names[1], "they belong to no namespace, and a second fleet would take over the volumes of the first"


def _volumes(workload: Resource) -> list[dict[str, Any]]:
    return workload.inputs["spec"]["template"]["spec"]["volumes"]


def test_a_changed_script_is_changed_in_place(graph: Graph) -> None:
    for provider in (each for each in graph.resources.values() if each.type == "pulumi:providers:kubernetes"):
        assert provider.inputs["enableConfigMapMutable"] == "true", "otherwise the map is deleted and made again under waiting pods"
    for script in graph.objects("ConfigMap"):
        assert "immutable" not in script.inputs, "or the provider would replace it all the same"
