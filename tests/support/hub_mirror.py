"""The mirror script as it runs in a pod, against the local hub with the real client of the hub; the hub's faults are made here."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from components.kubernetes import mirror_weights
from components.kubernetes.mirror_pod import SCRIPT, SHIPPED
from components.kubernetes.mirror_weights import snapshot
from local.hub import Hub
from local.hub_models import fill

MODEL, REVISION = "acme/tiny", "c" * 40
SHARD, OTHER_SHARD, SMALL = "model-00002-of-00002.safetensors", "model-00001-of-00002.safetensors", "tokenizer.json"
NEEDED = {SHARD, OTHER_SHARD, SMALL, "README.md", "config.json", "generation_config.json", "model.safetensors.index.json"}
PATIENCE_SECONDS = 60


class FaultyHub(Hub):
    """The local hub with faults to switch on, by names of files."""

    def __init__(self, folder: Path) -> None:
        super().__init__("127.0.0.1", 0, folder / "hub", log=folder / "requests")
        self.damaged: set[str] = set()
        self.cut_once: dict[str, int] = {}
        """Name to bytes after which the connection breaks, the first time."""
        self.stalled: str | None = None
        self.reached, self.released = threading.Event(), threading.Event()
        self.answers_for = REVISION

    def description(self, repository: str, folder: Path) -> dict[str, Any]:
        return super().description(repository, folder) | {"sha": self.answers_for}

    def content(self, path: Path, start: int, end: int) -> Iterator[bytes]:
        sent = 0
        for piece in super().content(path, start, end):
            yield bytes([piece[0] ^ 1]) + piece[1:] if path.name in self.damaged else piece
            sent += len(piece)
            if sent > self.cut_once.get(path.name, end):
                del self.cut_once[path.name]
                raise ConnectionResetError
            if path.name == self.stalled:
                self.reached.set()
                self.released.wait(PATIENCE_SECONDS)


class Mirror:
    """One model on the hub, and one cache for it."""

    def __init__(self, folder: Path, cache: Path | None = None) -> None:
        self.hub = FaultyHub(folder)
        fill(self.hub.folder, [(MODEL, REVISION)])
        self._home, self._script, self._requests = folder / "home", mounted_script(folder / "fleet"), folder / "requests"
        self.cache = cache or folder / "cache"
        self._started: list[subprocess.Popen[str]] = []
        self._serving = threading.Thread(target=self.hub.serve_forever, args=(0.05,))
        self._serving.start()

    def close(self) -> None:
        self.hub.released.set()
        for process in self._started:
            process.kill()
            process.communicate()
        self.hub.shutdown()
        self._serving.join()
        self.hub.server_close()

    @property
    def folder(self) -> Path:
        return snapshot(self.cache, MODEL, REVISION)

    @property
    def lock(self) -> Path:
        return self.folder.parent.parent / f".{REVISION}.lock"

    def start(
        self, *flags: str, pod: str = "one", revision: str = REVISION, hub: str | None = None, token: str | None = None, before: Sequence[str] = ()
    ) -> subprocess.Popen[str]:
        inherited = {key: value for key, value in os.environ.items() if not key.startswith("HF_")}
        own = {"HF_ENDPOINT": hub or self.hub.url, "HOME": str(self._home), "POD_UID": pod, "PYTHONDONTWRITEBYTECODE": "1"}
        own |= {"HF_TOKEN": token} if token else {}
        command = [*before, sys.executable, str(self._script), MODEL, revision, "--cache", str(self.cache), *flags]
        process = subprocess.Popen(command, env=inherited | own, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self._started.append(process)
        return process

    def run(self, *flags: str, **how: Any) -> tuple[int, str]:
        process = self.start(*flags, **how)
        output, errors = process.communicate(timeout=PATIENCE_SECONDS)
        return process.returncode, output + errors

    def killed_in_the_middle_of(self, name: str, *flags: str) -> None:
        """A try that is killed while the hub sends this file."""
        self.hub.stalled = name
        process = self.start(*flags)
        assert self.hub.reached.wait(PATIENCE_SECONDS), f"{name} is being fetched"
        process.send_signal(signal.SIGKILL)
        process.communicate()
        self.hub.stalled = None
        self.hub.released.set()

    def present(self) -> set[str]:
        return {str(path.relative_to(self.folder)) for path in self.folder.rglob("*") if path.is_file()}

    def requests(self) -> list[str]:
        return self._requests.read_text(encoding="utf-8").splitlines() if self._requests.exists() else []

    def fetched(self) -> Counter[str]:
        """How often each file was asked for."""
        return Counter(line.split()[1].partition(f"/resolve/{REVISION}/")[2] for line in self.requests() if line.startswith(f"GET /{MODEL}/resolve/"))

    def original(self, name: str) -> bytes:
        return (self.hub.folder / MODEL / REVISION / name).read_bytes()

    def spoil(self, name: str) -> None:
        """One bit is another, as a bad disk has it: size and name stay."""
        content = bytearray((self.folder / name).read_bytes())
        content[len(content) // 2] ^= 1
        (self.folder / name).write_bytes(content)


def mounted_script(folder: Path) -> Path:
    """The shipped files as the kubelet mounts a ConfigMap: links to a folder that is exchanged as a whole."""
    data = folder / "..2026_01_01"
    data.mkdir(parents=True)
    (folder / "..data").symlink_to(data.name)
    for name in SHIPPED:
        shutil.copyfile(Path(mirror_weights.__file__).with_name(name), data / name)
        (folder / name).symlink_to(f"..data/{name}")
    return folder / SCRIPT
