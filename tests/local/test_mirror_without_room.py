"""A cache that cannot be written: on real file systems of their own, which only root can mount."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from components.kubernetes.mirror_weights import MARKER, complete
from tests.support.hub_mirror import NEEDED, Mirror

pytestmark = pytest.mark.pods

WITHOUT_OVERRIDE = ("setpriv", "--bounding-set", "-dac_override,-dac_read_search")
"""Root without the capabilities that make permissions of files meaningless, as in the container."""


def _mount(*arguments: str) -> None:
    subprocess.run(["mount", *arguments], check=True)


@pytest.fixture
def volume(tmp_path: Path) -> Iterator[Path]:
    """A file system of 1.5 MiB: one shard has room there, two have not."""
    folder = tmp_path / "volume"
    folder.mkdir()
    _mount("-t", "tmpfs", "-o", "size=1536k", "none", str(folder))
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


@pytest.fixture
def mirror(tmp_path: Path, volume: Path) -> Iterator[Mirror]:
    found = Mirror(tmp_path, cache=volume)
    yield found
    found.close()


def _is_one_line(said: str) -> bool:
    return "Traceback" not in said and said.rstrip().splitlines()[-1].startswith("acme/tiny@")


def test_a_full_disk_is_one_line_with_what_is_needed_and_free_and_the_next_try_goes_on(mirror: Mirror, volume: Path) -> None:
    status, said = mirror.run()
    assert status == 1, "the Job tries again"
    assert _is_one_line(said), said
    assert f"no room in {mirror.folder} (2 MiB to fetch, " in said, "where, and how much is needed"
    assert "MiB free): make room or a larger volume" in said, "how much there is, and what to do"
    assert complete(mirror.folder) == "no marker", "half a cache opens no gate"
    _mount("-o", "remount,size=16m", str(volume))
    status, said = mirror.run()
    assert status == 0, said
    assert mirror.present() == NEEDED | {MARKER}, "complete, without leavings"


def test_a_disk_with_no_room_for_a_lock_is_one_line_and_leaves_no_lock(mirror: Mirror, volume: Path) -> None:
    mirror.folder.mkdir(parents=True)
    with pytest.raises(OSError, match="No space left"):
        (volume / "other").write_bytes(bytes(2**21))
    status, said = mirror.run()
    assert status == 1, "the Job tries again"
    assert _is_one_line(said), said
    assert f"no room in {volume} (0 MiB free)" in said, "where"
    assert not mirror.lock.exists(), "an empty lock would keep everybody waiting"


def test_a_folder_that_is_mounted_read_only_is_one_line(mirror: Mirror, volume: Path) -> None:
    _mount("-o", "remount,ro", str(volume))
    status, said = mirror.run()
    assert status == 1, "the Job tries again"
    assert _is_one_line(said), said
    assert "cannot be written (Read-only file system)" in said, "what is wrong"


def test_a_folder_of_somebody_else_is_one_line_that_says_who_must_be_able_to_write(mirror: Mirror, volume: Path) -> None:
    os.chown(volume, 1234, 1234)
    volume.chmod(0o755)
    status, said = mirror.run(before=WITHOUT_OVERRIDE)
    assert status == 1, "the Job tries again"
    assert _is_one_line(said), said
    assert f"{volume}" in said, "where"
    assert "cannot be written (Permission denied): user 0, group 0 must be able to write there" in said, "who"
    volume.chmod(0o775)
    os.chown(volume, 1234, 0)
    _mount("-o", "remount,size=16m", str(volume))
    status, said = mirror.run(before=WITHOUT_OVERRIDE)
    assert status == 0, f"group 0 may write now: {said}"


def test_a_whole_cache_on_a_read_only_volume_is_left_alone(mirror: Mirror, volume: Path) -> None:
    _mount("-o", "remount,size=16m", str(volume))
    assert mirror.run()[0] == 0, "it fits"
    _mount("-o", "remount,ro", str(volume))
    status, said = mirror.run()
    assert status == 0, said
    assert "complete already" in said, "nothing is to be written"
