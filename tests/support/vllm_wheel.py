"""The Python files of the pinned vLLM release, unpacked once into the cache: enough for its argument parser, no torch, no GPU."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from fleet.versions import VLLM
from local.cache import cache_directory, make_once

WHEEL_SHA256 = {"0.33.0": "4b6bdec4ab269990bf70d45a3c1e94c3760a27064513760193b26d6f0da883aa"}
"""Of the x86_64 wheel, as downloaded; its Python files are the same on every platform."""

PLATFORM = "manylinux_2_28_x86_64"
WHEEL_MB = 336


class WheelError(Exception):
    """The wheel cannot be had; one line says why."""


def source_dir() -> Path:
    """Folder with the `vllm` package of the pinned release.

    Raises:
        WheelError: no checksum is known for this version, the download failed, or it is another file.
    """
    expected = WHEEL_SHA256.get(VLLM)
    if expected is None:
        raise WheelError(f"no checksum of the vLLM {VLLM} wheel is recorded in {Path(__file__).name}: download it, check it, add its sha256")
    target = cache_directory() / "vllm" / VLLM
    try:
        make_once(target, ("vllm/entrypoints/common/cli_args.py", f"vllm-{VLLM}.dist-info/METADATA"), lambda folder: _fill(folder, expected))
    except (OSError, zipfile.BadZipFile) as error:
        raise WheelError(f"the vLLM {VLLM} wheel cannot be kept in {cache_directory()}: {error}") from error
    return target


def _fill(folder: Path, expected: str) -> None:
    print(f"Fetching the vLLM {VLLM} wheel ({WHEEL_MB} MB, once) for its argument parser.", flush=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as beside:
        wheel = _download(Path(beside))
        with wheel.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
        if found != expected:
            raise WheelError(f"{wheel.name} has sha256 {found}, recorded is {expected}: it is not the file that was checked")
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(folder, [name for name in archive.namelist() if name.endswith(".py") or ".dist-info/" in name])


def _download(folder: Path) -> Path:
    """With pip, so that the user's index and certificates are used; not through pip's own cache, which would keep the wheel."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-cache-dir", "--no-deps"]
    command += ["--only-binary", ":all:", "--platform", PLATFORM, "--dest", str(folder), f"vllm=={VLLM}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    wheels = list(folder.glob("*.whl"))
    if done.returncode or not wheels:
        said = (done.stderr or done.stdout).strip().splitlines() or [f"pip ended with status {done.returncode}"]
        raise WheelError(f"the vLLM {VLLM} wheel cannot be downloaded: {said[-1]}")
    return wheels[0]
