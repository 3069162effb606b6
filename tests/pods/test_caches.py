"""One cache for all servers of a model: filled once by the mirror, read-only for servers, kept whole by the audit."""

# pyright: reportOptionalMemberAccess=false, reportOptionalSubscript=false
# The client types every field of an object as optional; a test that meets None fails by itself.

from __future__ import annotations

import errno
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pytest
from lightkube.resources.core_v1 import Pod

from components.kubernetes.mirror_pod import WEIGHTS_FOLDER
from components.kubernetes.mirror_weights import MARKER, complete, recorded, snapshot
from local.processes import Daemon
from tests.support import cache_jobs
from tests.support.cache_jobs import CacheJob
from tests.support.local_fleet import eventually
from tests.support.real_fleet import RealFleet, all_ready, restarts

pytestmark = pytest.mark.pods

SHARD = "model-00002-of-00002.safetensors"
LARGE = "acme/large"
LARGE_BYTES = 64 * 2**20
"""Of a file whose transfer takes long enough to be interrupted."""


def _model(fleet: RealFleet, region: str, name: str) -> tuple[str, str]:
    """Repository and revision."""
    cluster = next(cluster for cluster in fleet.plan().clusters if cluster.name == region)
    model = next(model for model in cluster.models if model.name == name)
    return model.model, model.revision


def _folder(fleet: RealFleet, region: str, repository: str, revision: str) -> Path:
    return snapshot(cache_jobs.bucket(fleet, region), repository, revision)


def _original(fleet: RealFleet, repository: str, revision: str, file: str) -> bytes:
    return (fleet.state.hub / repository / revision / file).read_bytes()


def _requests(fleet: RealFleet, region: str) -> list[str]:
    return (fleet.state.region(region) / "hub-requests.log").read_text(encoding="utf-8").splitlines()


class Crowded:
    """A mirror whose model is larger than its disk."""

    def __init__(self, job: CacheJob, resize: Callable[[str], None], folder: Path) -> None:
        self.job, self._resize, self.folder = job, resize, folder

    @cached_property
    def said(self) -> str:
        """What it said; the disk is larger from then on."""
        text = eventually(lambda: text if "no room" in (text := self.job.log) else None, "a word about the disk")
        self._resize("16m")
        return text


class Gated:
    """A server that came when a file of its model was missing."""

    def __init__(self, fleet: RealFleet, pod: Pod) -> None:
        self._fleet, self.pod = fleet, pod

    @cached_property
    def said(self) -> str:
        """The word of its gate."""
        return eventually(lambda: cache_jobs.log(self._fleet, "east", self.pod, "weights"), "a word of the gate")

    @cached_property
    def healed(self) -> str:
        """What the audit said that the gate named; the server was still waiting when it began."""
        named = re.search(r"kubectl -n vllm create job --from=cronjob/(\S+) heal-now", self.said)
        assert named, f"the log says what to do:\n{self.said}"
        waiting = self._fleet.client("east").get(Pod, str(self.pod.metadata.name))
        assert waiting.status.initContainerStatuses[0].state.running, "it waits: no engine starts on half a model"
        with cache_jobs.audit(self._fleet, "east", named[1]) as job:
            return job.succeeded()


@dataclass(frozen=True)
class Replaced:
    """A server that was deleted, with what its region's hub had been asked until then."""

    name: str
    asked: list[str]


@pytest.fixture(scope="module")
def crowded(fleet: RealFleet) -> Iterator[Crowded]:
    with (
        cache_jobs.published(fleet, "east", LARGE) as folder,
        cache_jobs.small_disk(fleet, "east", folder.parents[1], "1536k") as (disk, resize),
        cache_jobs.mirror(fleet, "east", LARGE) as job,
    ):
        yield Crowded(job, resize, disk / folder.relative_to(folder.parents[1]))


@pytest.fixture(scope="module")
def gated(fleet: RealFleet) -> Iterator[Gated]:
    (_folder(fleet, "east", *_model(fleet, "east", "labels")) / SHARD).unlink()
    (old,) = all_ready(fleet, "east", "labels", 1)
    fleet.client("east").delete(Pod, str(old.metadata.name))
    (new,) = eventually(lambda: fleet.pods("east", "labels"), "a new server")
    found = Gated(fleet, new)
    yield found
    assert found.healed, "the file is there again, whichever tests ran"
    all_ready(fleet, "east", "labels", 1)


@pytest.fixture(scope="module")
def replaced(fleet: RealFleet) -> Iterator[Replaced]:
    found = Replaced(min(str(pod.metadata.name) for pod in all_ready(fleet, "west", "chat", 2)), _requests(fleet, "west"))
    fleet.client("west").delete(Pod, found.name)
    yield found
    all_ready(fleet, "west", "chat", 2)


@pytest.mark.parametrize(("region", "model"), [("east", "chat"), ("east", "labels"), ("west", "chat")])
def test_the_mirror_filled_a_regions_cache_from_the_hub_and_wrote_the_marker(fleet: RealFleet, region: str, model: str) -> None:
    repository, revision = _model(fleet, region, model)
    folder = _folder(fleet, region, repository, revision)
    files = recorded(folder)
    assert isinstance(files, dict), f"the marker is there: {files}"
    assert complete(folder) is None, "and every file with it"
    present = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert present == {*files, MARKER}, "nothing of the download is left behind"
    assert all((folder / file).read_bytes() == _original(fleet, repository, revision, file) for file in files), "byte by byte"
    fetched = {line.split()[1].rpartition("/")[2] for line in _requests(fleet, region) if f"/{repository}/resolve/{revision}/" in line}
    assert set(files) <= fetched, "from the region's own hub"


@pytest.mark.parametrize("region", ["east", "west"])
def test_servers_share_one_cache_and_cannot_write_to_it(fleet: RealFleet, region: str) -> None:
    folder = _folder(fleet, region, *_model(fleet, region, "chat"))
    shard = (folder / SHARD).stat()
    for pod in all_ready(fleet, region, "chat", 2):
        engine = fleet.container(region, pod)
        mounts = Path(f"/proc/{engine.pid}/mountinfo").read_text(encoding="utf-8").splitlines()
        options = next(mount.split()[5] for mount in mounts if mount.split()[4] == WEIGHTS_FOLDER)
        assert "ro" in options.split(","), f"{pod.metadata.name} has the weights mounted read-only: {options}"
        inside = Path(f"/proc/{engine.pid}/root{WEIGHTS_FOLDER}")
        with pytest.raises(OSError, match="Read-only") as refused:
            (inside / "written").touch()
        assert refused.value.errno == errno.EROFS, "not even root could, through that mount"
        seen = (inside / folder.relative_to(cache_jobs.bucket(fleet, region)) / SHARD).stat()
        assert (seen.st_dev, seen.st_ino) == (shard.st_dev, shard.st_ino), "the very file that the mirror wrote, not a copy"


@pytest.mark.usefixtures("gated", "replaced")  # begun here: what each of them waits for takes its time, and goes on side by side
def test_a_full_disk_is_one_line_in_the_jobs_log(crowded: Crowded) -> None:
    assert "Traceback" not in crowded.said, f"in words:\n{crowded.said}"
    line = crowded.said.strip().splitlines()[-1]
    assert line.startswith(f"{LARGE}@{cache_jobs.REVISION}: no room in {WEIGHTS_FOLDER}/"), f"one line says where: {line}"
    assert "MiB to fetch" in line, f"how much is needed: {line}"
    assert "MiB free): make room or a larger volume" in line, f"how much there is, and what to do: {line}"


def test_a_missing_file_holds_a_new_server_at_its_gate_whose_log_names_the_command_that_mends_it(fleet: RealFleet, gated: Gated) -> None:
    repository, revision = _model(fleet, "east", "labels")
    assert f"{SHARD} is missing or has another size" in gated.said, f"the log says what is wrong:\n{gated.said}"
    assert f"{SHARD}: is missing: damaged" in gated.healed, f"the Job that it names mends it:\n{gated.healed}"
    missing = _folder(fleet, "east", repository, revision) / SHARD
    assert missing.read_bytes() == _original(fleet, repository, revision, SHARD), "it is there again"


def test_a_wrong_byte_is_found_and_healed_by_the_audit_while_servers_go_on(fleet: RealFleet) -> None:
    repository, revision = _model(fleet, "east", "chat")
    damaged = _folder(fleet, "east", repository, revision) / SHARD
    servers, downloads = {pod.metadata.name for pod in all_ready(fleet, "east", "chat", 2)}, fleet.downloads("east")
    content = bytearray(damaged.read_bytes())
    content[len(content) // 2] ^= 1
    damaged.write_bytes(content)
    assert complete(damaged.parent) is None, "a gate would open on it: the size is right"
    with cache_jobs.audit(fleet, "east", cache_jobs.audit_of(fleet, "east", repository)) as job:
        said = job.succeeded()
    assert f"{SHARD}: the checksum differs: damaged" in said, f"the log says which file:\n{said}"
    assert damaged.read_bytes() == _original(fleet, repository, revision, SHARD), "it is right again"
    assert complete(damaged.parent) is None, "and the cache whole"
    assert fleet.downloads("east") == downloads + 1, "that file alone was fetched"
    pods = all_ready(fleet, "east", "chat", 2)
    assert {pod.metadata.name for pod in pods} == servers, "the servers are the same"
    assert not any(map(restarts, pods)), "and were not restarted"


def test_a_mirror_that_is_killed_in_the_middle_is_finished_by_the_next_try_of_its_job(fleet: RealFleet) -> None:
    region, repository = "east", "acme/interrupted"
    hub = Daemon("hub", fleet.state.region(region)).process()
    assert hub, "the region's hub runs"
    with cache_jobs.published(fleet, region, repository, LARGE_BYTES) as folder, cache_jobs.mirror(fleet, region, repository) as job:
        eventually(lambda: list(folder.glob(".cache/**/*.incomplete")), "the transfer of the first file", pause_seconds=0.002)
        hub.suspend()
        try:
            assert complete(folder) == "no marker", "it is in the middle, and no gate opens"
            fleet.container(region, job.pod, "mirror").kill()
        finally:
            hub.resume()
        said = job.succeeded()
        assert restarts(job.pod) == 1, "by its own next try"
        assert "taking over" in said, f"which need not wait until the lock of the killed one is old:\n{said}"
        assert complete(folder) is None, "the cache is whole"


def test_a_server_that_waited_at_its_gate_starts_once_the_cache_is_whole(fleet: RealFleet, gated: Gated) -> None:
    assert gated.healed, "the audit was made to run"
    (served,) = all_ready(fleet, "east", "labels", 1)
    assert served.metadata.name == gated.pod.metadata.name, "nobody had to start it again"


def test_another_start_of_a_server_asks_the_hub_nothing(fleet: RealFleet, replaced: Replaced) -> None:
    assert replaced.name not in {pod.metadata.name for pod in all_ready(fleet, "west", "chat", 2)}, "another server took its place"
    assert _requests(fleet, "west") == replaced.asked, "from the weights that are there"


def test_room_is_all_that_the_next_try_of_a_mirror_needs(crowded: Crowded) -> None:
    assert crowded.said, "there was no room"
    crowded.job.succeeded()
    assert complete(crowded.folder) is None, "whole, without anybody's help"
