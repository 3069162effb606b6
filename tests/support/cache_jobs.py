"""Jobs of the mirror and the audit in a fleet with real pods, made from the CronJob that the program registered."""

from __future__ import annotations

import copy
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from lightkube.core.exceptions import ApiError
from lightkube.models.batch_v1 import JobTemplateSpec
from lightkube.models.meta_v1 import ObjectMeta
from lightkube.resources.batch_v1 import CronJob, Job
from lightkube.resources.core_v1 import Pod
from lightkube.types import CascadeType

from components.kubernetes.mirror_weights import snapshot
from local import hub
from local.launch import WEIGHTS_GROUP, WEIGHTS_OWNER
from tests.support.local_fleet import eventually
from tests.support.real_fleet import RealFleet

REVISION = "e" * 40
"""Of models that only these tests have."""

BAD_REQUEST = 400
"""What the API server answers for the log of a container that has not started."""


@dataclass(frozen=True)
class CacheJob:
    """One Job that writes a cache, with the pod that it runs as."""

    fleet: RealFleet
    region: str
    name: str

    @property
    def pods(self) -> list[Pod]:
        """Its pods: one, for a try that fails is repeated in the same."""
        return list(self.fleet.client(self.region).list(Pod, labels={"batch.kubernetes.io/job-name": self.name}))

    @property
    def pod(self) -> Pod:
        """The pod of a Job that has begun."""
        (found,) = self.pods
        return found

    @property
    def log(self) -> str:
        """What its latest try said so far."""
        return "".join(log(self.fleet, self.region, pod, "mirror") for pod in self.pods)

    def succeeded(self, timeout_seconds: float = 60) -> str:
        """Wait for its end; returns what it said."""

        def done() -> bool:
            job = self.fleet.client(self.region).get(Job, self.name)
            return bool(job.status and job.status.succeeded)

        eventually(done, f"the end of Job {self.name}", timeout_seconds)
        return self.log


@contextmanager
def audit(fleet: RealFleet, region: str, cron_job: str) -> Iterator[CacheJob]:
    """`kubectl create job --from=cronjob/NAME`."""
    with _created(fleet, region, cron_job, "heal-now", _template(fleet, region, cron_job)) as job:
        yield job


@contextmanager
def mirror(fleet: RealFleet, region: str, repository: str) -> Iterator[CacheJob]:
    """The Job that the program makes for a model, with another model."""
    cron_job = str(next(name for cron in fleet.client(region).list(CronJob) if cron.metadata and (name := cron.metadata.name)))
    template = _template(fleet, region, cron_job)
    assert template.spec, "a template has a spec"
    assert template.spec.template.spec, "a template's pod has a spec"
    container = template.spec.template.spec.containers[0]
    script = (container.command or [])[:2]
    container.command = [*script, repository, REVISION, "--cache", "/models"]
    with _created(fleet, region, cron_job, f"mirror-{repository.partition('/')[2]}", template) as job:
        yield job


def audit_of(fleet: RealFleet, region: str, repository: str) -> str:
    """Name of the CronJob that audits a model's cache."""
    for cron in fleet.client(region).list(CronJob):
        assert cron.metadata
        assert cron.spec
        assert cron.spec.jobTemplate.spec
        pod = cron.spec.jobTemplate.spec.template.spec
        if pod and repository in (pod.containers[0].command or []):
            return str(cron.metadata.name)
    raise LookupError(f"region {region} audits no cache of {repository}")


def bucket(fleet: RealFleet, region: str) -> Path:
    """The folder that stands for a region's bucket."""
    return fleet.state.buckets / region


@contextmanager
def published(fleet: RealFleet, region: str, repository: str, size_bytes: int = 0) -> Iterator[Path]:
    """A model on the hub, with one more file of weights of this size; yields where a mirror puts it. Afterwards it is in neither place."""
    folder = snapshot(bucket(fleet, region), repository, REVISION)
    extra = {repository: {"extra.safetensors": bytes(size_bytes)}} if size_bytes else None
    hub.fill(fleet.state.hub, [(repository, REVISION)], extra)
    try:
        yield folder
    finally:
        shutil.rmtree(folder.parents[1], ignore_errors=True)
        shutil.rmtree(fleet.state.hub / repository)


@contextmanager
def small_disk(fleet: RealFleet, region: str, folder: Path, size: str) -> Iterator[tuple[Path, Callable[[str], None]]]:
    """A volume of this size, where the node that runs the Jobs has a folder.

    Yields the folder as that node sees it, and what gives the volume another size.
    """
    containerd = fleet.node(region, "system-0").daemons("containerd")[0].pid
    inside = ["nsenter", f"--target={containerd}", "--mount", "--pid", "--"]
    folder.mkdir(parents=True)
    options = f"uid={WEIGHTS_OWNER},gid={WEIGHTS_GROUP},mode=0775"
    _run([*inside, "mount", "-t", "tmpfs", "-o", f"size={size},{options}", "none", str(folder)])
    try:
        seen = Path(f"/proc/{containerd}/root{folder}")
        yield seen, lambda other: _run([*inside, "mount", "-o", f"remount,size={other},{options}", str(folder)])
    finally:
        _run([*inside, "umount", "--lazy", str(folder)])


def log(fleet: RealFleet, region: str, pod: Pod, container: str) -> str:
    """What a container said so far; nothing, where it has not started."""
    assert pod.metadata
    try:
        return "".join(fleet.client(region).log(str(pod.metadata.name), container=container))
    except ApiError as error:
        if error.status.code == BAD_REQUEST:
            return ""
        raise


def _run(command: list[str]) -> None:
    subprocess.run(command, check=True)


def _template(fleet: RealFleet, region: str, cron_job: str) -> JobTemplateSpec:
    spec = fleet.client(region).get(CronJob, cron_job).spec
    assert spec, "a CronJob has a spec"
    return copy.deepcopy(spec.jobTemplate)


@contextmanager
def _created(fleet: RealFleet, region: str, cron_job: str, name: str, template: JobTemplateSpec) -> Iterator[CacheJob]:
    client = fleet.client(region)
    unique = f"{name}-{cron_job.rpartition('-')[2]}"
    labels = template.metadata.labels if template.metadata else None
    annotations = {"cronjob.kubernetes.io/instantiate": "manual"}
    client.create(Job(metadata=ObjectMeta(name=unique, labels=labels, annotations=annotations), spec=template.spec))
    job = CacheJob(fleet, region, unique)
    try:
        yield job
    finally:
        client.delete(Job, unique, cascade=CascadeType.FOREGROUND)
        eventually(lambda: not job.pods, f"the removal of Job {unique}")
