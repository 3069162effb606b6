"""The script of the mirror Job and of the gate, run as in a pod, on real files; only the model hub's client is simulated."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from components.kubernetes import mirror_weights
from components.kubernetes.mirror_weights import MARKER, complete, snapshot, verify, wanted
from tests.support import simulated_hub

pytestmark = pytest.mark.tooling

MODEL, REVISION = "acme/tiny", "c" * 40
FILES = {
    "config.json": b'{"model_type": "tiny"}',
    "model-00001-of-00002.safetensors": b"first half",
    "model-00002-of-00002.safetensors": b"other half",
    "original/consolidated.00.pth": b"the same once more",
    "pytorch_model.bin": b"the same in an older format",
    "tokenizer.json": b"{}",
}
NEEDED = {"config.json", "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors", "tokenizer.json"}


class Hub:
    """One revision on the simulated hub, and the script that mirrors it."""

    def __init__(self, folder: Path) -> None:
        self.files, self.cache = folder / "hub", folder / "cache"
        self.settings: dict[str, Any] = {"sha": REVISION, "large": [name for name in FILES if name.endswith((".safetensors", ".bin", ".pth"))]}
        for name, content in FILES.items():
            (self.files / name).parent.mkdir(parents=True, exist_ok=True)
            (self.files / name).write_bytes(content)

    @property
    def folder(self) -> Path:
        return snapshot(self.cache, MODEL, REVISION)

    def start(self, *flags: str, token: str | None = None) -> subprocess.Popen[str]:
        (self.files / ".hub.json").write_text(json.dumps(self.settings), encoding="utf-8")
        environment = {key: value for key, value in os.environ.items() if key != "HF_TOKEN"}
        environment |= {"SIMULATED_HUB": str(self.files), "PYTHONPATH": str(Path(simulated_hub.__path__[0])), "PYTHONDONTWRITEBYTECODE": "1"}
        command = [sys.executable, "-S", str(mirror_weights.__file__), MODEL, REVISION, "--cache", str(self.cache), *flags]
        environment |= {"HF_TOKEN": token} if token else {}
        return subprocess.Popen(command, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def mirror(self, token: str | None = None) -> tuple[int, str]:
        process = self.start(token=token)
        output, errors = process.communicate(timeout=30)
        return process.returncode, output + errors

    def present(self) -> set[str]:
        return {str(path.relative_to(self.folder)) for path in self.folder.rglob("*") if path.is_file()}

    def downloads(self) -> list[str]:
        log = self.files.parent / "downloads"
        return log.read_text(encoding="utf-8").split() if log.exists() else []


@pytest.fixture
def hub(tmp_path: Path) -> Hub:
    return Hub(tmp_path)


def test_a_mirror_holds_what_serving_reads_once_and_a_marker(hub: Hub) -> None:
    status, said = hub.mirror()
    assert status == 0, said
    assert hub.present() == NEEDED | {MARKER}, "no second copy of the weights, nothing of the download is left behind"
    assert complete(hub.folder) is None, "the gate opens"
    assert hub.folder == hub.cache / "models--acme--tiny" / "snapshots" / REVISION, "where the engine looks when it is offline"


def test_a_second_run_downloads_nothing(hub: Hub) -> None:
    hub.mirror()
    before = hub.downloads()
    status, said = hub.mirror()
    assert status == 0, said
    assert hub.downloads() == before, "a Job that is run again leaves a complete cache alone"
    assert "complete already" in said, "and says so"


def test_a_mirror_that_is_killed_in_the_middle_has_no_marker_and_the_next_goes_on(hub: Hub) -> None:
    hub.settings["die_after"] = 2
    status, _ = hub.mirror()
    assert status == -signal.SIGKILL, "cut off"
    assert complete(hub.folder) == "no marker", "half a cache opens no gate"
    del hub.settings["die_after"]
    status, said = hub.mirror()
    assert status == 0, said
    assert complete(hub.folder) is None, "the rest was fetched"
    assert sorted(hub.downloads()) == sorted(NEEDED), "and nothing twice"


@pytest.mark.parametrize("name", ["model-00002-of-00002.safetensors", "tokenizer.json"])
def test_a_file_that_arrives_damaged_is_deleted_and_the_gate_stays_shut(hub: Hub, name: str) -> None:
    hub.settings["damage"] = [name]
    status, said = hub.mirror()
    assert status == 1, "the Job tries again"
    assert f"{name}: the checksum differs" in said, "large files by SHA-256, small ones by their git blob"
    assert "Traceback" not in said, "in words"
    assert not (hub.folder / name).exists(), "or the next try would keep it"
    assert complete(hub.folder) == "no marker", "nothing is served from it"
    hub.settings["damage"] = []
    assert hub.mirror()[0] == 0, "the next try heals it"
    assert (hub.folder / name).read_bytes() == FILES[name], "with the right content"


def test_a_cache_that_lost_a_file_is_mirrored_again(hub: Hub) -> None:
    hub.mirror()
    (hub.folder / "config.json").unlink()
    assert complete(hub.folder) == "config.json is missing or has another size", "the gate sees it"
    assert hub.mirror()[0] == 0, "and a mirror mends it"
    assert complete(hub.folder) is None, "with one file fetched anew"
    assert hub.downloads().count("config.json") == 2, "and the others kept"


def test_another_commit_than_the_asked_one_is_refused(hub: Hub) -> None:
    hub.settings["sha"] = "d" * 40
    status, said = hub.mirror()
    assert status == 1, "a revision that moved is no revision"
    assert REVISION in said, "what was asked for"
    assert not hub.downloads(), "nothing was fetched"


def test_a_gated_model_needs_the_token_of_the_environment(hub: Hub) -> None:
    hub.settings["token"] = "hf_simulated"
    assert hub.mirror()[0] != 0, "without it the hub refuses"
    status, said = hub.mirror(token="hf_simulated")
    assert status == 0, said
    assert "hf_simulated" not in said, "and it is never printed"


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


def test_the_gate_says_what_it_waits_for_and_opens_when_the_marker_is_there(hub: Hub, monkeypatch: pytest.MonkeyPatch, capfd: Any) -> None:
    pauses: list[float] = []

    def mirrored_meanwhile(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 2:
            assert hub.mirror()[0] == 0, "the Job, on another node"

    monkeypatch.setattr(mirror_weights, "time", SimpleNamespace(sleep=mirrored_meanwhile))
    mirror_weights.wait(hub.cache, MODEL, REVISION)
    said = capfd.readouterr().out
    assert said.count("no marker") == 1, "once, not every five seconds"
    assert len(pauses) == 2, "and not a moment longer"


def test_a_gate_ends_at_once_when_its_pod_is_deleted(hub: Hub) -> None:
    gate = hub.start("--wait")
    assert gate.stdout is not None, "a pipe"
    assert "waiting for" in gate.stdout.readline(), "it waits"
    gate.send_signal(signal.SIGTERM)
    assert gate.wait(timeout=10) == 128 + signal.SIGTERM, "by a handler: process one of a container ignores a signal without one"
    gate.communicate()
