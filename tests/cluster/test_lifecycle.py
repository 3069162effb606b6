"""A fleet from nothing to nothing on real control planes, and every way in which it can be cut off in between."""

# pyright: reportOptionalMemberAccess=false, reportOptionalSubscript=false, reportOptionalOperand=false
# The client types every field of an object as optional; a test that meets None fails by itself.

from __future__ import annotations

import json
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from lightkube.core.exceptions import ApiError
from lightkube.resources.apps_v1 import Deployment
from lightkube.resources.batch_v1 import Job
from lightkube.resources.core_v1 import Namespace, PersistentVolume, PersistentVolumeClaim, Pod

from local.automation import EngineFailed
from tests.support.local_fleet import LocalFleet, eventually, kill

pytestmark = pytest.mark.cluster

REVISION = "b" * 40


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalFleet]:
    found = LocalFleet(tmp_path_factory.mktemp("fleet"))
    found.start()
    found.up()
    yield found
    found.remove()


def _pods(fleet: LocalFleet, region: str, model: str) -> list[Pod]:
    labels: dict[str, Any] = {"app.kubernetes.io/instance": model, "app.kubernetes.io/name": "vllm"}
    return [pod for pod in fleet.client(region).list(Pod, labels=labels) if not pod.metadata.deletionTimestamp]


def _ready(pod: Pod) -> bool:
    return any(condition.type == "Ready" and condition.status == "True" for condition in pod.status.conditions or [])


def test_the_real_scheduler_puts_every_model_server_on_a_node_with_its_gpu(fleet: LocalFleet) -> None:
    for region, model, pool, count in (("east", "chat", "l4", 2), ("west", "chat", "l4", 2), ("east", "labels", "t4", 1)):
        pods = _pods(fleet, region, model)
        assert len(pods) == count, f"{model} in {region} has the replicas of the plan"
        assert all(_ready(pod) for pod in pods), f"{model} in {region} is Ready when the update ends"
        assert {pod.spec.nodeName.split("-")[0] for pod in pods} == {pool}, f"{model} runs on its pool's nodes only"
        assert len({pod.spec.nodeName for pod in pods}) == count, "one GPU per node means one server per node"


def test_claims_are_bound_and_the_mirror_job_is_admitted_and_ends_which_is_simulated(fleet: LocalFleet) -> None:
    client = fleet.client("east")
    claims = list(client.list(PersistentVolumeClaim))
    assert len(claims) == 2, "one claim per model revision"
    assert all(claim.status.phase == "Bound" for claim in claims), "the provisioner bound them"
    for claim in claims:
        job = eventually(lambda name=claim.metadata.name: _done(fleet, f"mirror-{name}"), "the mirror Job's end")
        assert job.spec.template.spec.serviceAccountName == "weights-mirror", "the mirror has an identity of its own"


def _done(fleet: LocalFleet, name: str) -> Job | None:
    job = fleet.client("east").get(Job, name)
    return job if job.status and job.status.succeeded else None


def test_an_update_without_a_change_changes_nothing(fleet: LocalFleet) -> None:
    assert fleet.up() == {}, "the same stack file means the same objects"


def test_a_scaled_model_is_one_update_and_nothing_else(fleet: LocalFleet) -> None:
    fleet.settings["models"]["chat"]["replicas"] = {"min": 3}
    assert fleet.up() == {"update": 2}, "one Deployment in each region"
    assert len(_pods(fleet, "west", "chat")) == 3, "the scheduler found the third GPU"


def test_a_new_revision_is_a_new_cache_beside_the_old_one_until_the_servers_have_moved(fleet: LocalFleet) -> None:
    fleet.settings["models"]["labels"]["revision"] = REVISION
    changed = fleet.up()
    assert set(changed) == {"create", "update", "delete"}, "a new cache, the Deployment moved, the old cache removed"
    assert changed["update"] == 1, "only the model whose revision changed restarts"
    names = {claim.metadata.name for claim in fleet.client("east").list(PersistentVolumeClaim)}
    assert len(names) == 2, "the old revision's claim is gone, the other model's stays"
    eventually(lambda: len(list(fleet.client("east").list(PersistentVolume))) == 2, "the old volume's removal")


def test_what_somebody_changed_by_hand_is_mended_by_a_refresh(fleet: LocalFleet) -> None:
    before = fleet.client("east").get(Deployment, "chat").spec.replicas
    fleet.client("east").patch(Deployment, "chat", {"spec": {"replicas": before + 1}}, field_manager="kubectl")
    fleet.stack().up(fleet.said.append, refresh=True)
    assert fleet.client("east").get(Deployment, "chat").spec.replicas == before, "one owner: what we set is ours, whoever changed it"


def test_another_owner_image_or_class_touches_no_claim_and_repeats_no_mirror(fleet: LocalFleet) -> None:
    before = _caches(fleet)
    fleet.settings["owner"] = "another-team"
    fleet.settings["clusters"]["east"] |= {"engine_image": "registry.test/engine:v2", "storage_classes": {"cache": "another"}}
    assert set(fleet.up()) == {"update"}, "nothing is made anew: the real provider replaces a Job for its template and a claim for its class"
    assert _caches(fleet) == before, "weights that took hours to fetch stay where they are"
    fleet.settings["clusters"]["east"]["storage_classes"] = {"cache": "fleet-shared"}


def _caches(fleet: LocalFleet) -> set[tuple[str, str]]:
    client = fleet.client("east")
    found = [*client.list(PersistentVolumeClaim), *client.list(Job)]
    return {(str(item.metadata.name), str(item.metadata.uid)) for item in found if item.metadata}


def test_a_removed_model_leaves_nothing_behind_and_touches_no_other(fleet: LocalFleet) -> None:
    labels = fleet.settings["models"].pop("labels")
    changed = fleet.up()
    assert set(changed) == {"delete"}, "nothing else restarts"
    assert [item.metadata.name for item in fleet.client("east").list(Deployment)] == ["chat"], "its Deployment is gone"
    fleet.settings["models"]["labels"] = labels


def test_kill_9_of_the_engine_in_the_middle_is_healed_by_the_next_run(fleet: LocalFleet) -> None:
    fleet.settings["models"]["extra"] = {"tier": "small", "pool": "l4", "max_model_len": 4096}
    run = fleet.launcher()
    engine = fleet.engine(run)
    eventually(lambda: _exists(fleet, "east", "extra") or run.poll() is not None, "the new Deployment")
    kill(engine)
    output, _ = run.communicate(timeout=120)
    assert run.returncode == 1, f"the launcher says that the run failed:\n{output}"
    assert "Traceback" not in output, "in words"
    code, output = fleet.launched()
    assert code == 0, f"the next run goes on by itself:\n{output}"
    _nothing_twice(fleet)
    assert fleet.up() == {}, "state and clusters agree again"


def _exists(fleet: LocalFleet, region: str, name: str) -> bool:
    return any(item.metadata.name == name for item in fleet.client(region).list(Deployment))


def _nothing_twice(fleet: LocalFleet) -> None:
    for region in ("east", "west"):
        for kind in (Deployment, Job, PersistentVolumeClaim):
            names = [item.metadata.name for item in fleet.client(region).list(kind)]
            assert len(names) == len(set(names)), "an object that existed already was adopted, not made again"


def test_kill_9_of_the_launcher_in_the_middle_is_healed_by_the_next_run(fleet: LocalFleet) -> None:
    fleet.settings["models"]["extra"]["max_model_len"] = 2048
    run = fleet.launcher()
    fleet.engine(run)
    kill(psutil.Process(run.pid))
    run.communicate()
    code, output = fleet.launched()
    assert code == 0, f"lock, orphaned engine and pending operations are cleared away:\n{output}"
    assert fleet.up() == {}, "state and clusters agree again"


def test_an_update_goes_on_when_what_it_waits_for_is_killed(fleet: LocalFleet) -> None:
    fleet.settings["models"].pop("extra", None)
    fleet.settings["models"]["chat"]["max_num_seqs"] = 128
    with fleet.launcher() as run:
        fleet.engine(run)
        for name in ("kube-scheduler", "kwok"):
            kill(fleet.processes(name)[0])
        output, _ = run.communicate(timeout=180)
    assert run.returncode == 0, f"the launcher starts them again instead of waiting for pods that nobody places:\n{output}"
    assert "starting it again" in output, "and says so"


def test_ctrl_c_says_how_to_go_on(fleet: LocalFleet) -> None:
    fleet.settings["models"].pop("extra", None)
    fleet.settings["owner"] = "somebody-else"
    run = fleet.launcher()
    fleet.engine(run)
    run.send_signal(signal.SIGINT)
    output, _ = run.communicate(timeout=120)
    assert run.returncode == 130, f"as a shell expects after Ctrl-C:\n{output}"
    assert "make local" in output, "the way on"
    assert "Traceback" not in output, "no traceback for a key press"
    code, output = fleet.launched()
    assert code == 0, f"and it does go on:\n{output}"


@pytest.mark.parametrize("name", ["etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kwok"])
def test_a_control_plane_process_killed_with_9_is_brought_back_with_everything_in_it(fleet: LocalFleet, name: str) -> None:
    before = dict(fleet.uids)
    kill(fleet.processes(name)[0])
    assert fleet.start() == before, "the same clusters, by their UIDs"
    assert fleet.up() == {}, "with the same objects"


def test_an_update_of_one_region_succeeds_while_the_other_regions_api_server_is_dead(fleet: LocalFleet) -> None:
    for process in fleet.processes("kube-apiserver"):
        if "/west/" in " ".join(process.cmdline()):
            kill(process)
    fleet.settings["models"]["labels"]["max_model_len"] = 4096
    assert fleet.up() == {"update": 1}, "east is updated; nothing in west had to change"
    fleet.settings["models"]["chat"]["replicas"] = {"min": 2}
    with pytest.raises(EngineFailed, match="west"):
        fleet.up()
    fleet.start()
    fleet.up()
    assert fleet.up() == {}, "back to normal once it answers"


def test_a_context_that_points_at_another_cluster_is_refused_before_anything_is_written(fleet: LocalFleet) -> None:
    right = dict(fleet.uids)
    fleet.uids = {"east": right["west"], "west": right["west"]}
    fleet.settings["models"]["chat"]["max_model_len"] = 4096
    with pytest.raises(EngineFailed) as refused:
        fleet.up()
    text = str(refused.value)
    assert "clusters.east.cluster_uid" in text, "the field"
    assert right["east"] in text, "the cluster it really is"
    assert "Traceback" not in text, "in words"
    fleet.uids = right
    fleet.settings["models"]["chat"].pop("max_model_len")
    assert fleet.up() == {}, "nothing had been written"


def test_a_region_that_left_the_stack_file_is_emptied_and_removed_and_may_come_back(fleet: LocalFleet) -> None:
    west = fleet.settings["clusters"].pop("west")
    code, output = fleet.launched()
    assert code == 0, output
    assert not fleet.state.region("west").exists(), "its folder is gone"
    assert not [line for line in fleet.everything_running() if "west" in line], "and its processes"
    assert "local-west" not in fleet.state.kubeconfig.read_text(), "and its context"
    fleet.settings["clusters"]["west"] = west
    fleet.start()
    changed = fleet.up()
    assert set(changed) == {"create"}, "a new region is filled, the other one is left alone"


def test_no_secret_and_no_token_is_in_the_state(fleet: LocalFleet) -> None:
    tokens = [path.read_text().partition(",")[0] for path in fleet.state.regions.glob("*/tokens.csv")]
    state = "".join(path.read_text() for path in (fleet.state.pulumi / "state").rglob("*.json"))
    assert len(tokens) == 2, "both regions have a token"
    assert not [token for token in tokens if token in state], "the provider gets a path, never the kubeconfig"


def test_nothing_in_the_state_is_protected_because_nothing_of_it_belongs_to_us(fleet: LocalFleet) -> None:
    stacks = list((fleet.state.pulumi / "state").rglob("stacks/**/test.json"))
    resources = json.loads(stacks[0].read_text())["checkpoint"]["latest"]["resources"]
    assert not [item["urn"] for item in resources if item.get("protect")], "an existing cluster has an owner already"


def test_down_deletes_in_order_and_leaves_no_process_and_no_folder(fleet: LocalFleet) -> None:
    code, output = fleet.launched("down")
    assert code == 0, output
    assert "could not be destroyed" not in output, "the engine deleted everything itself"
    assert not fleet.state.root.exists(), "no folder"
    assert not fleet.everything_running(), "no process"


def test_down_removes_a_fleet_whose_launcher_engine_and_control_planes_were_all_killed(fleet: LocalFleet) -> None:
    run = fleet.launcher()
    fleet.engine(run)
    kill(psutil.Process(run.pid))
    run.communicate()
    for name in ("pulumi", "kube-apiserver", "etcd"):
        for process in fleet.processes(name):
            kill(process)
    code, output = fleet.launched("down")
    assert code == 0, output
    assert not fleet.state.root.exists(), "no folder"
    assert not fleet.everything_running(), "no process"


@pytest.mark.parametrize("moment", ["etcd", "kwok"])
def test_kill_9_of_the_launcher_while_a_region_starts_is_healed_by_the_next_run(tmp_path: Path, moment: str) -> None:
    fleet = LocalFleet(tmp_path)
    fleet.settings["clusters"].pop("west")
    try:
        run = fleet.launcher()
        eventually(lambda: fleet.processes(moment), f"a {moment}")
        kill(psutil.Process(run.pid))
        run.communicate()
        code, output = fleet.launched()
        assert code == 0, f"it goes on from a region that was half started:\n{output}"
        assert len(fleet.processes(moment)) == 1, "and starts nothing twice"
    finally:
        fleet.launched("down")
    assert not fleet.everything_running(), "no process is left"


def test_a_namespace_is_under_pod_security_restricted(tmp_path: Path) -> None:
    fleet = LocalFleet(tmp_path)
    fleet.settings["clusters"].pop("west")
    try:
        fleet.start()
        fleet.up()
        labels = fleet.client("east").get(Namespace, "vllm").metadata.labels
        assert labels["pod-security.kubernetes.io/enforce"] == "restricted", "enforced, and yet every pod was admitted"
        fleet.stack().destroy(fleet.said.append)
        with pytest.raises(ApiError, match="not found"):
            fleet.client("east").get(Namespace, "vllm")
    finally:
        fleet.remove()
        shutil.rmtree(tmp_path, ignore_errors=True)
