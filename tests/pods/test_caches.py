"""One cache for all servers of a model: filled once by the mirror, read-only for servers, kept whole by the audit."""

# pyright: reportOptionalMemberAccess=false, reportOptionalSubscript=false
# The client types every field of an object as optional; a test that meets None fails by itself.

from __future__ import annotations

import errno
import re
from pathlib import Path

import pytest
from lightkube.resources.core_v1 import Pod

from components.kubernetes.mirror_pod import WEIGHTS_FOLDER
from components.kubernetes.mirror_weights import MARKER, complete, recorded, snapshot
from local.processes import Daemon
from tests.support import cache_jobs
from tests.support.local_fleet import eventually
from tests.support.real_fleet import RealFleet, all_ready, restarts

pytestmark = pytest.mark.pods

SHARD = "model-00002-of-00002.safetensors"
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


def test_another_start_of_a_server_asks_the_hub_nothing(fleet: RealFleet) -> None:
    before, asked = {str(pod.metadata.name) for pod in all_ready(fleet, "west", "chat", 2)}, _requests(fleet, "west")
    gone = min(before)
    fleet.client("west").delete(Pod, gone)
    assert gone not in {pod.metadata.name for pod in all_ready(fleet, "west", "chat", 2)}, "another server took its place"
    assert _requests(fleet, "west") == asked, "from the weights that are there"


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


def test_a_missing_file_holds_a_new_server_at_its_gate_until_the_audit_that_its_log_names(fleet: RealFleet) -> None:
    repository, revision = _model(fleet, "east", "labels")
    missing = _folder(fleet, "east", repository, revision) / SHARD
    missing.unlink()
    (old,) = all_ready(fleet, "east", "labels", 1)
    fleet.client("east").delete(Pod, str(old.metadata.name))
    (new,) = eventually(lambda: fleet.pods("east", "labels"), "a new server")
    said = eventually(lambda: cache_jobs.log(fleet, "east", new, "weights"), "a word of the gate")
    assert f"{SHARD} is missing or has another size" in said, f"the log says what is wrong:\n{said}"
    named = re.search(r"kubectl create job --from=cronjob/(\S+) heal-now", said)
    assert named, f"and what to do:\n{said}"
    waiting = fleet.client("east").get(Pod, str(new.metadata.name))
    assert waiting.status.initContainerStatuses[0].state.running, "it waits at the gate: its engine has not started on half a model"
    with cache_jobs.audit(fleet, "east", named[1]) as job:
        healed = job.succeeded()
    assert f"{SHARD}: is missing: damaged" in healed, f"that command mends it:\n{healed}"
    (served,) = all_ready(fleet, "east", "labels", 1)
    assert served.metadata.name == new.metadata.name, "and the server that waited starts"


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


def test_a_full_disk_is_one_line_in_the_jobs_log_and_room_is_all_that_its_next_try_needs(fleet: RealFleet) -> None:
    region, repository = "east", "acme/large"
    with (
        cache_jobs.published(fleet, region, repository) as folder,
        cache_jobs.small_disk(fleet, region, folder.parents[1], "1536k") as (disk, resize),
        cache_jobs.mirror(fleet, region, repository) as job,
    ):
        said = eventually(lambda: text if "no room" in (text := job.log) else None, "a word about the disk")
        assert "Traceback" not in said, f"in words:\n{said}"
        line = said.strip().splitlines()[-1]
        assert line.startswith(f"{repository}@{cache_jobs.REVISION}: no room in {WEIGHTS_FOLDER}/"), f"one line says where: {line}"
        assert "MiB to fetch" in line, f"how much is needed: {line}"
        assert "MiB free): make room or a larger volume" in line, f"how much there is, and what to do: {line}"
        resize("16m")
        job.succeeded()
        assert complete(disk / folder.relative_to(folder.parents[1])) is None, "whole, without anybody's help"
