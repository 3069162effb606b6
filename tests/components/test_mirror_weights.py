"""The script of the mirror, the audit and the gate, part by part; with a hub and its real client it runs in tests/local/test_hub.py."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from components.kubernetes import mirror_weights, weights_lock
from components.kubernetes.mirror_weights import MARKER, checksum, complete, snapshot, verify, wanted
from tests.support.hub_mirror import mounted_script

pytestmark = pytest.mark.tooling

MODEL, REVISION = "acme/tiny", "c" * 40
FILES = {"config.json": b"{}", "model.safetensors": b"weights"}
LOCK_PROGRAM = """
import pathlib, sys, weights_lock
weights_lock.HEARTBEAT_SECONDS = 0.02
with weights_lock.writing(pathlib.Path(sys.argv[1])):
    print("ours", flush=True)
    sys.stdin.readline()
"""


def _mirrored(cache: Path) -> Path:
    """A complete cache, as a mirror leaves it."""
    folder = snapshot(cache, MODEL, REVISION)
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in FILES.items():
        (folder / name).write_bytes(content)
    record = {name: (len(content), checksum(folder / name)) for name, content in FILES.items()}
    (folder / MARKER).write_text(json.dumps({"files": record}), encoding="utf-8")
    return folder


def test_a_complete_cache_has_every_file_of_its_marker_in_its_size(tmp_path: Path) -> None:
    folder = _mirrored(tmp_path)
    assert complete(folder) is None, "the gate opens"
    (folder / "config.json").write_bytes(b"{} ")
    assert complete(folder) == "config.json is missing or has another size", "the gate says which"


@pytest.mark.parametrize("text", ["", "{", "[]", '{"files": []}', '{"files": {"config.json": 3}}', '{"files": {"config.json": [null, null]}}'])
def test_a_damaged_marker_opens_no_gate(tmp_path: Path, text: str) -> None:
    (tmp_path / MARKER).write_text(text, encoding="utf-8")
    assert complete(tmp_path) == "the marker is damaged", "and the gate does not fall over"


def test_a_marker_that_lists_nothing_opens_no_gate(tmp_path: Path) -> None:
    (tmp_path / MARKER).write_text('{"files": {}}', encoding="utf-8")
    assert complete(tmp_path) == "the marker lists no file", "an empty folder is no model"


def test_a_file_of_another_size_is_deleted(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(b"short")
    with pytest.raises(SystemExit, match="5 bytes instead of 9"):
        verify(path, 9, None, None)
    assert not path.exists(), "the next try fetches it again"
    with pytest.raises(SystemExit, match="0 bytes instead of 9"):
        verify(path, 9, None, None)


def test_weights_are_taken_once_per_folder_in_the_engines_own_order() -> None:
    repository = ["model.safetensors", "pytorch_model.bin", "2_Dense/pytorch_model.bin", "metal/model.bin", "onnx/model.onnx", "q4.gguf", "README.md"]
    assert wanted(repository) == ["2_Dense/pytorch_model.bin", "README.md", "model.safetensors"], "safetensors first; other runtimes never"
    assert wanted(["pytorch_model.bin", "config.json"]) == ["config.json", "pytorch_model.bin"], "older repositories have nothing better"
    with pytest.raises(SystemExit, match="no weights"):
        wanted(["config.json", "metal/model.bin"])


def test_the_gate_says_what_it_waits_for_and_opens_when_the_marker_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: Any) -> None:
    pauses: list[float] = []

    def mirrored_meanwhile(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 2:
            _mirrored(tmp_path)

    monkeypatch.setattr(mirror_weights, "time", SimpleNamespace(sleep=mirrored_meanwhile))
    mirror_weights.wait(tmp_path, MODEL, REVISION, "audit-weights-tiny")
    said = capfd.readouterr().out
    assert said.count("no marker") == 1, "once, not every five seconds"
    assert "kubectl" not in said, "the mirror Job is still at work, and there is nothing to mend"
    assert len(pauses) == 2, "and not a moment longer"


@pytest.mark.parametrize("damage", ["lost file", "marker"])
def test_the_gate_names_the_command_that_mends_a_damaged_cache(tmp_path: Path, damage: str, monkeypatch: pytest.MonkeyPatch, capfd: Any) -> None:
    folder = _mirrored(tmp_path)
    if damage == "marker":
        (folder / MARKER).write_text("{", encoding="utf-8")
    else:
        (folder / "config.json").unlink()
    monkeypatch.setattr(mirror_weights, "time", SimpleNamespace(sleep=lambda _: _mirrored(tmp_path)))
    monkeypatch.setenv("POD_NAMESPACE", "vllm")
    mirror_weights.wait(tmp_path, MODEL, REVISION, "audit-weights-tiny")
    assert "kubectl -n vllm create job --from=cronjob/audit-weights-tiny heal-now" in capfd.readouterr().out, "to copy, not to look up"


def test_a_gate_ends_at_once_when_its_pod_is_deleted(tmp_path: Path) -> None:
    command = [sys.executable, "-S", str(mounted_script(tmp_path / "fleet")), MODEL, REVISION, "--cache", str(tmp_path), "--wait"]
    gate = subprocess.Popen(command, text=True, stdout=subprocess.PIPE)
    assert gate.stdout is not None, "a pipe"
    assert "waiting for" in gate.stdout.readline(), "it waits, without a package beside the standard library"
    gate.send_signal(signal.SIGTERM)
    assert gate.wait(timeout=10) == 128 + signal.SIGTERM, "by a handler: process one of a container ignores a signal without one"
    gate.communicate()


def test_of_many_that_find_a_stale_lock_one_takes_it_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weights_lock, "SETTLE_SECONDS", 0.3)
    lock, writers = tmp_path / "lock", 6
    lock.write_text("gone", encoding="utf-8")
    os.utime(lock, (1, 1))
    start = threading.Barrier(writers)

    def taken(owner: str) -> bool:
        start.wait()
        return weights_lock._holder(lock, owner) is None

    with ThreadPoolExecutor(writers) as pool:
        won = list(pool.map(taken, [f"pod {number}" for number in range(writers)]))
    assert won.count(True) == 1, "never two, and never none"
    assert lock.read_text(encoding="utf-8") == f"pod {won.index(True)}", "the one whose name stands there"
    assert [path.name for path in tmp_path.iterdir()] == ["lock"], "and nothing else is left"


def test_a_writer_whose_lock_was_taken_over_ends_before_it_writes_more(tmp_path: Path) -> None:
    script, folder = mounted_script(tmp_path / "fleet"), snapshot(tmp_path / "cache", MODEL, REVISION)
    command = [sys.executable, "-S", "-c", LOCK_PROGRAM, str(folder)]
    environment, pipe = {"PYTHONPATH": str(script.parent)}, subprocess.PIPE
    writer = subprocess.Popen(command, text=True, env=environment, stdin=pipe, stdout=pipe, stderr=pipe)
    assert writer.stdout is not None, "a pipe"
    assert writer.stdout.readline() == "ours\n", "it has the lock"
    (tmp_path / "theirs").write_text("another pod", encoding="utf-8")
    (lock,) = folder.parent.parent.glob(".*.lock")
    (tmp_path / "theirs").replace(lock)
    assert writer.wait(timeout=30) == 1, "its Job tries again, and waits then"
    assert "is no longer ours" in writer.communicate()[1], "in words"
    assert lock.read_text(encoding="utf-8") == "another pod", "whose lock it leaves alone"


def test_a_heartbeat_shows_that_a_long_writer_lives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weights_lock, "HEARTBEAT_SECONDS", 0.01)
    beaten, utime = threading.Event(), os.utime

    def beat(path: Path) -> None:
        utime(path)
        beaten.set()

    monkeypatch.setattr(weights_lock, "os", SimpleNamespace(**{**vars(os), "utime": beat}))
    folder = snapshot(tmp_path, MODEL, REVISION)
    with weights_lock.writing(folder):
        (lock,) = folder.parent.parent.glob(".*.lock")
        utime(lock, (1, 1))
        assert beaten.wait(10), "while it writes"
        assert lock.stat().st_mtime > 1, "its time moves on, and nobody takes it for stale"
    assert not lock.exists(), "gone with its writer"


def test_a_marker_is_on_the_disk_after_everything_that_it_lists(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, synced, fsync = snapshot(tmp_path, MODEL, REVISION), list[str](), os.fsync
    siblings = [SimpleNamespace(rfilename=name, size=len(content), lfs=None, blob_id=None) for name, content in FILES.items()]
    hub = SimpleNamespace(model_info=lambda *_, **__: SimpleNamespace(sha=REVISION, siblings=siblings))

    def watched(descriptor: int) -> None:
        synced.append(Path(f"/proc/self/fd/{descriptor}").readlink().name)
        fsync(descriptor)

    monkeypatch.setattr("huggingface_hub.HfApi", lambda **_: hub)
    monkeypatch.setattr("huggingface_hub.snapshot_download", lambda *_, **__: [(folder / name).write_bytes(text) for name, text in FILES.items()])
    monkeypatch.setattr(os, "fsync", watched)
    mirror_weights.mirror(tmp_path, MODEL, REVISION)
    assert set(synced[:-2]) == set(FILES), "a disk is copied when the pod ends: what is in the machine's memory alone would be missing in the copy"
    assert synced[-2:] == [f"{MARKER}.partial", MARKER], "and a copy with the marker has all that it lists"
