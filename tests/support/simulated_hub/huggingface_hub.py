"""A simulation of the model hub's client, found before the real one by PYTHONPATH: it copies from a folder instead of downloading.

SIMULATED_HUB is the folder with the files of the revision and `.hub.json`: {"sha", "large": [names kept outside git],
"die_after": number of files after which the process is killed, "damage": names that arrive with wrong content}.
"""

from __future__ import annotations

import fnmatch
import hashlib
import json
import os
import shutil
import signal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

HUB = Path(os.environ["SIMULATED_HUB"])


def _settings() -> dict[str, Any]:
    return json.loads((HUB / ".hub.json").read_text(encoding="utf-8"))


def _names() -> list[str]:
    return sorted(str(path.relative_to(HUB)) for path in HUB.rglob("*") if path.is_file() and path.name != ".hub.json")


class HfApi:
    def __init__(self, token: str | None = None) -> None:
        self._token = token

    def model_info(self, repo_id: str, *, revision: str, files_metadata: bool) -> SimpleNamespace:
        assert files_metadata, "without it there is nothing to compare with"
        settings = _settings()
        if settings.get("token") != self._token:
            raise PermissionError(f"401 for {repo_id}@{revision}")
        return SimpleNamespace(sha=settings["sha"], siblings=[self._sibling(name, settings) for name in _names()])

    def _sibling(self, name: str, settings: dict[str, Any]) -> SimpleNamespace:
        content = (HUB / name).read_bytes()
        large = name in settings.get("large", [])
        lfs = SimpleNamespace(sha256=hashlib.sha256(content).hexdigest()) if large else None
        blob = hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()
        return SimpleNamespace(rfilename=name, size=len(content), lfs=lfs, blob_id="id of a pointer" if large else blob)


def snapshot_download(repo_id: str, *, revision: str, local_dir: Path, allow_patterns: list[str], token: str | None) -> None:
    settings = _settings()
    assert token == settings.get("token"), f"{repo_id}@{revision} needs a token"
    (local_dir / ".cache" / "huggingface").mkdir(parents=True, exist_ok=True)
    with (HUB.parent / "downloads").open("a", encoding="utf-8") as log:
        for index, name in enumerate(name for name in _names() if any(fnmatch.fnmatch(name, pattern) for pattern in allow_patterns)):
            if index == settings.get("die_after"):
                os.kill(os.getpid(), signal.SIGKILL)
            target = local_dir / name
            if target.exists():
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(HUB / name, target)
            if name in settings.get("damage", []):
                content = bytearray(target.read_bytes())
                content[-1] ^= 1
                target.write_bytes(content)
            log.write(f"{name}\n")
            log.flush()
