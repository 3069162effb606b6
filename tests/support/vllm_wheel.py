"""The Python files of the pinned vLLM release, unpacked once into the cache: 4 MB of them are loaded, no torch, no GPU."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from fleet.versions import VLLM
from local.tools.find import cache_directory

WHEEL_SHA256 = {"0.33.0": "4b6bdec4ab269990bf70d45a3c1e94c3760a27064513760193b26d6f0da883aa"}
"""Of the x86_64 wheel; its Python files are the same on every platform."""

PLATFORM = "manylinux_2_28_x86_64"
CHUNK_BYTES = 1 << 20


class WheelError(Exception):
    """The wheel cannot be had; one line says why."""


def source_dir() -> Path:
    """Folder with the `vllm` package of the pinned release.

    Raises:
        WheelError: no checksum is known for this version, the download failed, or it is another file.
    """
    target = cache_directory() / "vllm" / VLLM
    if target.exists():
        return target
    expected = WHEEL_SHA256.get(VLLM)
    if expected is None:
        raise WheelError(f"no checksum of the vLLM {VLLM} wheel is recorded in {Path(__file__).name}")
    target.parent.mkdir(parents=True, exist_ok=True)
    print(f"Fetching the vLLM {VLLM} wheel (336 MB) for its argument parser.", flush=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        wheel = _download(Path(folder))
        if _sha256(wheel) != expected:
            raise WheelError(f"the downloaded {wheel.name} is not the recorded file")
        unpacked = Path(folder) / "unpacked"
        with zipfile.ZipFile(wheel) as archive:
            members = [name for name in archive.namelist() if name.endswith(".py") or ".dist-info/" in name]
            archive.extractall(unpacked, members)
        if target.exists():  # another run was faster
            return target
        shutil.move(unpacked, target)
    return target


def _download(folder: Path) -> Path:
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps", "--only-binary", ":all:"]
    command += ["--platform", PLATFORM, "--dest", str(folder), f"vllm=={VLLM}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise WheelError(f"the vLLM {VLLM} wheel cannot be downloaded: {(done.stderr or done.stdout).strip().splitlines()[-1]}")
    return next(folder.glob("*.whl"))


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()
