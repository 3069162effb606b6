"""Weights into an object store: the script in a process that sees a bucket as Mountpoint mounts it (a simulation), with the hub's real client."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from components.kubernetes import weights_lock, weights_objects
from components.kubernetes.mirror_weights import MARKER, complete, copy_all
from fleet.caches import OBJECT_STORE_FLAGS
from tests.support import simulated_mountpoint
from tests.support.hub_mirror import MODEL, NEEDED, OTHER_SHARD, REVISION, SHARD, SMALL, Mirror

pytestmark = pytest.mark.tooling


class BucketMirror(Mirror):
    """A mirror whose cache is a mounted bucket, with the flags that the plan gives its Job."""

    def start(self, *flags: str, **how: Any) -> Any:
        return super().start(*OBJECT_STORE_FLAGS, *flags, **how)


@pytest.fixture
def mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Mirror]:
    found = BucketMirror(tmp_path)
    found.cache.mkdir()
    for name, value in simulated_mountpoint.environment(found.cache, tmp_path / "simulation").items():
        monkeypatch.setenv(name, value)
    yield found
    found.close()


@pytest.fixture
def whole(mirror: Mirror) -> Mirror:
    status, said = mirror.run()
    assert status == 0, said
    (mirror.hub.folder.parent / "requests").unlink()
    return mirror


def _right(mirror: Mirror) -> bool:
    return all((mirror.folder / name).read_bytes() == mirror.original(name) for name in NEEDED)


REFUSALS = """
import errno, os, pathlib
mount = pathlib.Path(os.environ["SIMULATED_MOUNTPOINT"])
there, folder = mount / "folder" / "there", mount / "folder"
folder.mkdir()
there.write_text("once")
there.write_text("twice")
new = os.open(mount / "new", os.O_WRONLY | os.O_CREAT | os.O_EXCL)
os.write(new, b"1")

def refusal(act):
    try:
        act()
    except OSError as error:
        return errno.errorcode[error.errno]

print(*map(refusal, [
    lambda: there.rename(mount / "other"), lambda: os.link(there, mount / "other"), lambda: os.utime(there), lambda: there.chmod(0o600),
    lambda: os.truncate(there, 0), lambda: there.open("a"), lambda: there.open("r+"), lambda: (mount / "new").read_bytes(),
    lambda: (mount / "new").unlink(), lambda: os.lseek(new, 0, 0), lambda: os.fsync(new), lambda: os.write(new, b"2"), there.unlink,
]), folder.exists())
"""


def test_the_simulation_refuses_what_a_mounted_bucket_refuses(mirror: Mirror) -> None:
    said = subprocess.run([sys.executable, "-c", REFUSALS], check=True, capture_output=True, text=True).stdout.split()
    assert said[:5] == ["ENOSYS", "EPERM", "EPERM", "EPERM", "EPERM"], "renaming, links, times, modes, truncation"
    assert said[5:7] == ["EPERM", "EPERM"], "opening what exists without replacing it"
    assert said[7:12] == ["EPERM", "EPERM", "EINVAL", "None", "EIO"], "reading and deleting what is written, going back, writing after fsync"
    assert said[12:] == ["None", "False"], "deletion works, and a folder goes with its last file"


def test_a_bucket_is_filled_without_what_it_cannot_do(mirror: Mirror) -> None:
    status, said = mirror.run()
    assert status == 0, said
    assert mirror.present() == NEEDED | {MARKER}, "the same files as in a folder, and nothing beside them"
    assert _right(mirror), "byte by byte"
    assert complete(mirror.folder) is None, "the gate opens"
    assert mirror.fetched() == dict.fromkeys(NEEDED, 1), "each once"
    assert not mirror.lock.exists(), "nobody writes any more"


def test_no_file_is_written_over_another(whole: Mirror, monkeypatch: pytest.MonkeyPatch) -> None:
    path, opened, seen = whole.folder / SHARD, os.open, list[bool]()

    def watched(name: Any, *arguments: Any) -> int:
        seen.append(Path(name).exists())
        return opened(name, *arguments)

    monkeypatch.setattr(weights_objects, "os", SimpleNamespace(**{**vars(os), "open": watched}))
    weights_objects.write(path, [b"new"])
    assert seen == [False], "Cloud Storage FUSE would fetch what is there, and keep the new one on the machine's disk until it is whole"
    assert path.read_bytes() == b"new", "and the new one stands there"


def test_a_second_run_asks_the_hub_nothing(whole: Mirror) -> None:
    status, said = whole.run()
    assert (status, whole.requests()) == (0, []), said
    assert "complete already" in said, "a Job that is run again leaves a complete cache alone"


def test_a_try_that_is_killed_leaves_a_short_file_that_the_next_fetches_whole(mirror: Mirror) -> None:
    mirror.killed_in_the_middle_of(SHARD)
    assert complete(mirror.folder) == "no marker", "half a cache opens no gate"
    kept = {name for name in NEEDED - {SHARD} if (mirror.folder / name).exists() and (mirror.folder / name).read_bytes() == mirror.original(name)}
    assert (mirror.folder / SHARD).stat().st_size < len(mirror.original(SHARD)), "a mount keeps what was written as if it were all"
    status, said = mirror.run()
    assert status == 0, said
    assert _right(mirror), "the next try does not take it for the file"
    assert {name for name in kept if mirror.fetched()[name] > 1} == set(), "and keeps what was whole"
    assert "taking over" in said, "the lock of its own pod's earlier try is no obstacle"


def test_a_try_that_is_told_to_stop_ends_and_the_next_goes_on(mirror: Mirror) -> None:
    mirror.hub.stalled = SHARD
    process = mirror.start()
    assert mirror.hub.reached.wait(60), "it is being fetched"
    process.send_signal(signal.SIGTERM)
    mirror.hub.stalled = None
    mirror.hub.released.set()
    assert process.wait(30) == 128 + signal.SIGTERM, "within a pod's grace period"
    assert not mirror.lock.exists(), "its lock goes with it"
    assert mirror.run()[0] == 0, "and the next try goes on"
    assert _right(mirror), "to the end"


def test_a_connection_that_breaks_goes_on_within_the_same_file(mirror: Mirror) -> None:
    name = "vocabulary.txt"
    (mirror.hub.folder / MODEL / REVISION / name).write_bytes(bytes(range(256)) * 50_000)
    mirror.hub.cut_once = {name: 11 * 2**20}
    status, said = mirror.run()
    assert status == 0, said
    answers = [line.split()[2] for line in mirror.requests() if line.startswith("GET") and name in line]
    assert answers == ["200", "206"], "the second request asks for the rest alone: a file cannot be written backwards"
    assert (mirror.folder / name).read_bytes() == mirror.original(name), "put together right"


@pytest.mark.parametrize("name", [SHARD, SMALL])
def test_a_file_that_arrives_damaged_is_deleted_and_the_next_try_heals_it(mirror: Mirror, name: str) -> None:
    mirror.hub.damaged = {name}
    status, said = mirror.run()
    assert (status, complete(mirror.folder)) == (1, "no marker"), "nothing is served from it"
    assert f"{name}: the checksum differs" in said, "large files by SHA-256, small ones by their git blob"
    assert "Traceback" not in said, "in words"
    assert not (mirror.folder / name).exists(), "or a reader might take it"
    mirror.hub.damaged = set()
    assert mirror.run()[0] == 0, "the next try heals it"
    assert _right(mirror), "with the right content"


@pytest.mark.parametrize("name", [SHARD, SMALL])
def test_a_wrong_bit_is_found_by_the_audit_and_healed(whole: Mirror, name: str) -> None:
    whole.spoil(name)
    status, said = whole.run("--audit")
    assert status == 0, said
    assert f"{name}: the checksum differs: damaged" in said, "large or small"
    assert whole.fetched() == {name: 1}, "that one is fetched again"
    assert _right(whole), "and is right"
    assert "every file is as it was mirrored" in whole.run("--audit")[1], "the next audit is content"


def test_a_folder_that_went_with_its_last_file_is_made_again(whole: Mirror) -> None:
    for name in NEEDED:
        whole.spoil(name) if (whole.folder / name).stat().st_size else (whole.folder / name).unlink()
    status, said = whole.run("--audit")
    assert status == 0, said
    assert _right(whole), "every file was deleted, and the folder with the last one"


def test_two_writers_take_turns_and_the_second_finds_the_work_done(mirror: Mirror) -> None:
    mirror.hub.stalled = SHARD
    first = mirror.start(pod="one")
    assert mirror.hub.reached.wait(60), "the first is writing"
    second = mirror.start("--audit", pod="two")
    assert second.stdout is not None, "a pipe"
    assert "waiting: " in second.stdout.readline(), "the second does not touch it"
    mirror.hub.released.set()
    assert first.wait(60) == 0, "the first ends"
    output, errors = second.communicate(timeout=60)
    assert second.returncode == 0, errors
    assert "every file is as it was mirrored" in output, "the second looks at what the first wrote"
    assert set(mirror.fetched().values()) == {1}, "nothing was fetched twice"


def test_of_many_that_make_the_lock_unseen_by_each_other_one_has_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weights_lock, "SETTLE_SECONDS", 0.3)
    opened, writers, lock = os.open, 6, tmp_path / "lock"
    start = threading.Barrier(writers)

    def unseen(path: Any, flags: int, mode: int) -> int:
        start.wait(10)
        return opened(path, flags & ~os.O_EXCL | os.O_TRUNC, mode)  # what another node makes is not there before it is closed

    monkeypatch.setattr(weights_lock, "os", SimpleNamespace(**{**vars(os), "open": unseen}))
    with ThreadPoolExecutor(writers) as pool:
        holders = list(pool.map(lambda number: weights_lock.WatchedLock(lock, f"pod {number}").holder(), range(writers)))
    assert holders.count(None) == 1, "never two, and never none"
    winner = f"pod {holders.index(None)}"
    assert lock.read_text(encoding="utf-8").startswith(f"{winner}\n"), "the one whose name stands there"
    assert {holder for holder in holders if holder} == {winner}, "and the others wait for it"


def test_of_two_that_close_a_new_lock_the_second_is_told_and_waits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lock, closed = tmp_path / "lock", os.close

    def second(descriptor: int) -> None:
        closed(descriptor)
        lock.write_text("pod one\nfirst", encoding="utf-8")
        raise OSError(errno.ESTALE, os.strerror(errno.ESTALE))

    monkeypatch.setattr(weights_lock, "os", SimpleNamespace(**{**vars(os), "close": second}))
    assert weights_lock.WatchedLock(lock, "pod two").holder() == "pod one", "Cloud Storage FUSE keeps what was closed first"


def test_a_lock_that_cannot_be_made_is_told_and_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(FileNotFoundError):
        weights_lock.WatchedLock(tmp_path / "gone" / "lock", "pod one").holder()

    def refused(*_: Any) -> int:
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(weights_lock, "os", SimpleNamespace(**{**vars(os), "open": refused}))
    with pytest.raises(PermissionError):
        weights_lock.WatchedLock(tmp_path / "lock", "pod one").holder()


def test_a_lock_is_stale_when_it_does_not_change_and_not_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lock, now = tmp_path / "lock", [1000.0]
    monkeypatch.setattr(weights_lock, "time", SimpleNamespace(monotonic=lambda: now[0], sleep=lambda _: None))
    theirs, ours = weights_lock.WatchedLock(lock, "pod one"), weights_lock.WatchedLock(lock, "pod two")
    assert theirs.holder() is None, "the first has it"
    assert ours.holder() == "pod one", "the second waits"
    now[0] += weights_lock.STALE_SECONDS - 1
    theirs.rewrite(lock)
    now[0] += 2
    assert ours.holder() == "pod one", "it changed: its owner lives, whatever the file's time says"
    now[0] += weights_lock.STALE_SECONDS
    assert ours.holder() is None, "and is gone when it did not"
    assert lock.read_text(encoding="utf-8").startswith("pod two\n"), "the other name stands there now"


def test_a_sign_of_life_that_is_just_being_written_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def busy(number: int) -> Any:
        def read_text(*_: Any, **__: Any) -> str:
            raise OSError(number, os.strerror(number), "lock")

        return read_text

    watched = weights_lock.WatchedLock(tmp_path / "lock", "pod two")
    monkeypatch.setattr(Path, "read_text", busy(errno.EPERM))
    assert "just being written" in str(watched.holder()), "Mountpoint refuses to read what is written"
    monkeypatch.setattr(Path, "read_text", busy(errno.ESTALE))
    assert "just being written" in str(watched.holder()), "Cloud Storage FUSE calls a file stale that was replaced after it was opened"
    monkeypatch.setattr(Path, "read_text", busy(errno.EACCES))
    with pytest.raises(PermissionError):
        watched.holder()


def test_a_copy_to_a_nodes_own_disk_is_complete_and_made_once(whole: Mirror, tmp_path: Path) -> None:
    command = ("--copy-to", str(tmp_path / "disk"))
    process = Mirror.start(whole, *command)
    output, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    copied = tmp_path / "disk" / whole.folder.relative_to(whole.cache)
    assert complete(copied) is None, "where the engine looks"
    assert all((copied / name).read_bytes() == whole.original(name) for name in NEEDED), "byte by byte"
    assert f"{len(NEEDED)} files" in output, "its log says how much, and how long it took"
    before = (copied / SHARD).stat().st_mtime_ns
    (copied / OTHER_SHARD).write_bytes(b"short")
    assert Mirror.start(whole, *command).wait(60) == 0, "a container that is started again"
    assert (copied / SHARD).stat().st_mtime_ns == before, "keeps what is there"
    assert (copied / OTHER_SHARD).read_bytes() == whole.original(OTHER_SHARD), "and mends what is not whole"


def test_a_copy_of_what_is_damaged_fails_in_words(whole: Mirror, tmp_path: Path) -> None:
    whole.spoil(SHARD)
    with pytest.raises(SystemExit, match=f"{SHARD}: the checksum differs: not copied"):
        copy_all(whole.cache, MODEL, REVISION, tmp_path / "disk")
    (whole.folder / MARKER).unlink()
    with pytest.raises(SystemExit, match="no marker: there is nothing to copy"):
        copy_all(whole.cache, MODEL, REVISION, tmp_path / "disk")
