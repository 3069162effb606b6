"""What a process in our containers is and may do, seen from the node: the kernel's word, not that of the objects."""

# pyright: reportOptionalMemberAccess=false, reportOptionalSubscript=false
# The client types every field of an object as optional; a test that meets None fails by itself.

from __future__ import annotations

import copy
import json
import os
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest
from lightkube import codecs
from lightkube.core.exceptions import ApiError
from lightkube.models.meta_v1 import ObjectMeta
from lightkube.resources.apps_v1 import Deployment
from lightkube.resources.core_v1 import Namespace, Pod

from components.kubernetes.mirror_pod import WEIGHTS_FOLDER
from local import answers
from local.launch import WEIGHTS_GROUP, WEIGHTS_OWNER
from tests.support import cache_jobs
from tests.support.local_fleet import eventually
from tests.support.real_fleet import RealFleet

pytestmark = pytest.mark.pods

WAITING = "acme/waiting"
FORBIDDEN = 403

WRITABLE: Mapping[str, set[str]] = {
    "engine": {"/home/vllm", "/tmp"},
    "mirror": {"/home/vllm", "/tmp", WEIGHTS_FOLDER},
    "weights": set(),
}
"""Container to the folders of its volumes that it is meant to write to."""

OF_THE_RUNTIME = {"/dev/shm", "/dev/mqueue", "/dev/termination-log"}
"""What every container has for itself, made by the container runtime or the kubelet."""

FIND_WRITABLE = """
import json, os, stat
found = []
for folder, folders, files in os.walk("/"):
    if os.access(folder, os.W_OK):
        found.append(folder)
        folders.clear()
        continue
    folders[:] = [name for name in folders if os.path.join(folder, name) not in ("/proc", "/sys")]
    for path in (os.path.join(folder, name) for name in files):
        if stat.S_ISREG(os.lstat(path).st_mode) and os.access(path, os.W_OK):
            found.append(path)
print(json.dumps(found))
"""
"""Every folder and regular file of a container that its user may write to; the kernel's own file systems are left out."""


@dataclass(frozen=True)
class Container:
    """One that runs, with its first process as the node sees it."""

    region: str
    pod: str
    name: str
    process: psutil.Process

    def __str__(self) -> str:
        return f"{self.name} of {self.pod} in {self.region}"

    @property
    def statuses(self) -> list[dict[str, str]]:
        """What the kernel says of each process."""
        files = [Path(f"/proc/{process.pid}/status") for process in (self.process, *self.process.children(recursive=True))]
        lines = [[line.partition(":") for line in file.read_text(encoding="utf-8").splitlines()] for file in files]
        return [{key: " ".join(value.split()) for key, _, value in found} for found in lines]


@pytest.fixture(scope="module")
def containers(fleet: RealFleet) -> Iterator[list[Container]]:
    """Every container that runs, a mirror that waits for another writer and a gate whose weights never come among them."""
    client = fleet.client("east")
    gate = Pod(metadata=ObjectMeta(name="gate"), spec=copy.deepcopy(client.get(Deployment, "chat").spec.template.spec))
    gate.spec.initContainers[0].command[3] = cache_jobs.REVISION
    gate.spec.containers[0].resources = None  # no GPU of a pool that others count
    with cache_jobs.published(fleet, "east", WAITING) as folder:
        folder.parent.mkdir(parents=True)
        (folder.parents[1] / f".{cache_jobs.REVISION}.lock").write_text("another writer", encoding="utf-8")
        for path in (folder.parents[1], folder.parent):
            os.chown(path, WEIGHTS_OWNER, WEIGHTS_GROUP)
        client.create(gate)
        try:
            with cache_jobs.mirror(fleet, "east", WAITING) as job:
                eventually(lambda: "another writer writes" in job.log, "the mirror's wait for another writer")
                eventually(lambda: "no marker" in cache_jobs.log(fleet, "east", gate, "weights"), "the gate's wait for weights")
                yield [container for region in ("east", "west") for container in _running(fleet, region)]
        finally:
            client.delete(Pod, "gate", grace_period=0)


def _running(fleet: RealFleet, region: str) -> Iterator[Container]:
    staying = [pod for pod in fleet.client(region).list(Pod) if not pod.metadata.deletionTimestamp]
    for pod in staying:
        for status in [*(pod.status.initContainerStatuses or []), *(pod.status.containerStatuses or [])]:
            if status.state.running:
                yield Container(region, str(pod.metadata.name), status.name, fleet.container(region, pod, status.name))


def test_every_kind_of_container_is_looked_at(containers: list[Container]) -> None:
    assert {container.name for container in containers} == set(WRITABLE), "the engine, its gate, and the mirror"
    assert len([container for container in containers if container.name == "engine"]) >= 5, "of all models in all regions"


def test_no_process_is_root_or_has_or_can_gain_any_privilege(containers: list[Container]) -> None:
    for what, status in ((f"{status['Name']} in {container}", status) for container in containers for status in container.statuses):
        assert status["Uid"] == " ".join([str(WEIGHTS_OWNER)] * 4), f"{what} is not root, and cannot become another"
        assert {status[f"Cap{kind}"] for kind in ("Inh", "Prm", "Eff", "Bnd", "Amb")} == {"0" * 16}, f"{what} has no capability"
        assert status["NoNewPrivs"] == "1", f"{what} gains nothing from a program that is marked to run as root"
        assert status["Seccomp"] == "2", f"{what} has a filter of system calls"


def test_a_container_writes_to_its_own_volumes_and_nothing_else(containers: list[Container]) -> None:
    for container in containers:
        mounts = Path(f"/proc/{container.process.pid}/mountinfo").read_text(encoding="utf-8").splitlines()
        root = next(mount.split()[5] for mount in mounts if mount.split()[4] == "/")
        assert "ro" in root.split(","), f"the root of {container} is mounted read-only: {root}"
        user = [f"--setuid={WEIGHTS_OWNER}", f"--setgid={WEIGHTS_GROUP}", "--", "/usr/local/bin/python3", "-c", FIND_WRITABLE]
        command = ["nsenter", f"--target={container.process.pid}", "--mount", *user]
        found = set(json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout))
        assert found == WRITABLE[container.name] | OF_THE_RUNTIME, f"{container}: what its user may write to"


def test_no_container_holds_a_token_of_the_api_server(containers: list[Container]) -> None:
    for container in containers:
        secrets = Path(f"/proc/{container.process.pid}/root/var/run/secrets")
        assert not secrets.exists(), f"{container} has no business with the API server"


def test_a_container_is_in_namespaces_of_its_own(containers: list[Container], fleet: RealFleet) -> None:
    for container in containers:
        node = fleet.node(container.region, "system-0").daemons("containerd")[0].pid
        for kind in ("pid", "net", "ipc", "uts", "mnt"):
            own, others = (Path(f"/proc/{pid}/ns/{kind}").readlink() for pid in (container.process.pid, node))
            assert own != others, f"{container} does not share {kind} with its node"


FORBIDDEN_PODS: Mapping[str, tuple[Mapping[str, Any], Mapping[str, Any]]] = {
    "is privileged": ({}, {"securityContext": {"privileged": True, "allowPrivilegeEscalation": True}}),
    "runs as root": ({}, {"securityContext": {"runAsUser": 0, "runAsNonRoot": False}}),
    "keeps capabilities": ({}, {"securityContext": {"capabilities": {"drop": []}}}),
    "has no filter of system calls": ({}, {"securityContext": {"seccompProfile": {"type": "Unconfined"}}}),
    "uses the network of its node": ({"hostNetwork": True}, {}),
    "sees the processes of its node": ({"hostPID": True}, {}),
    "mounts a folder of its node": ({"volumes": [{"name": "root", "hostPath": {"path": "/"}}]}, {}),
}
"""What a pod does that it must not, and how: fields of the pod, fields of its container."""


@pytest.mark.parametrize("what", FORBIDDEN_PODS)
def test_the_namespace_refuses_a_pod_that(fleet: RealFleet, what: str) -> None:
    client = fleet.client("east")
    assert client.get(Namespace, "vllm").metadata.labels["pod-security.kubernetes.io/enforce"] == "restricted", "the standard that is enforced"
    document = answers.caller("forbidden", {"client": ["listen", "--port=8000"]}, namespace="vllm")
    client.create(codecs.from_dict(document), dry_run=True)
    of_pod, of_container = FORBIDDEN_PODS[what]
    spec = document["spec"]
    context = {**spec["containers"][0]["securityContext"], **of_container.get("securityContext", {})}
    document["spec"] = {**spec, **of_pod, "containers": [{**spec["containers"][0], "securityContext": context}]}
    with pytest.raises(ApiError, match='violates PodSecurity "restricted') as refused:
        client.create(codecs.from_dict(document), dry_run=True)
    assert refused.value.status.code == FORBIDDEN, "refused by the API server, whoever asks"
