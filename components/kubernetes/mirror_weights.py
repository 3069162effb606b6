"""Fill a weights cache once: run by the mirror Job inside the engine image, and by serving pods with `--wait` as their gate.

Layout: what huggingface_hub expects under HF_HUB_CACHE, without symlinks, which object stores do not have:
`models--organisation--name/snapshots/<commit>/…`. The marker is written last, so a cache without it is not complete.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import sys
import time
from pathlib import Path

MARKER = ".complete.json"
POLL_SECONDS = 5
CHUNK_BYTES = 16 * 1024 * 1024


def snapshot(cache: Path, model: str, revision: str) -> Path:
    """Folder of one revision."""
    return cache / f"models--{model.replace('/', '--')}" / "snapshots" / revision


def complete(folder: Path) -> str | None:
    """Why the folder is not complete, or None: the marker is there and every file it lists has its size."""
    marker = folder / MARKER
    if not marker.is_file():
        return "no marker"
    try:
        files = json.loads(marker.read_text(encoding="utf-8"))["files"]
    except (ValueError, KeyError, TypeError):
        return "the marker is damaged"
    for name, (size, _) in files.items():
        path = folder / name
        if not path.is_file() or path.stat().st_size != size:
            return f"{name} is missing or has another size"
    return None


def mirror(cache: Path, model: str, revision: str) -> None:
    """Download the revision, compare every file with what the hub says of it, and write the marker.

    Raises:
        SystemExit: a file differs from the hub's size or checksum; it is deleted, so that the next try fetches it again.
    """
    from huggingface_hub import HfApi, snapshot_download  # pyright: ignore[reportMissingImports]  only the engine image has it

    folder = snapshot(cache, model, revision)
    if complete(folder) is None:
        print(f"{model}@{revision} is complete already")
        return
    (folder / MARKER).unlink(missing_ok=True)
    token = os.environ.get("HF_TOKEN")
    info = HfApi(token=token).model_info(model, revision=revision, files_metadata=True)
    snapshot_download(model, revision=revision, local_dir=folder, token=token)
    files: dict[str, tuple[int, str | None]] = {}
    for sibling in info.siblings or []:
        digest = sibling.lfs.sha256 if sibling.lfs else None
        verify(folder / sibling.rfilename, sibling.size, digest)
        files[sibling.rfilename] = ((folder / sibling.rfilename).stat().st_size, digest)
    shutil.rmtree(folder / ".cache", ignore_errors=True)
    partial = folder / f"{MARKER}.partial"
    partial.write_text(json.dumps({"model": model, "revision": revision, "files": files}), encoding="utf-8")
    partial.replace(folder / MARKER)
    print(f"{model}@{revision}: {len(files)} files")


def verify(path: Path, size: int | None, sha256: str | None) -> None:
    """Compare one file with the hub's record of it.

    Raises:
        SystemExit: it differs.
    """
    actual = path.stat().st_size if path.is_file() else None
    reason = None if size is None or actual == size else f"{actual} bytes instead of {size}"
    if reason is None and sha256 is not None and checksum(path) != sha256:
        reason = "the checksum differs"
    if reason:
        path.unlink(missing_ok=True)
        raise SystemExit(f"{path.name}: {reason}; deleted, the next try fetches it again")


def checksum(path: Path) -> str:
    """SHA-256 of a file, read in pieces: weights are larger than memory."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def wait(cache: Path, model: str, revision: str) -> None:
    """Return when the cache is complete; the start-up probe of the pod bounds the wait."""
    folder, said = snapshot(cache, model, revision), ""
    while reason := complete(folder):
        if reason != said:
            print(f"waiting for {model}@{revision}: {reason}", flush=True)
            said = reason
        time.sleep(POLL_SECONDS)


def main(arguments: list[str] | None = None) -> None:
    """`mirror_weights.py MODEL REVISION [--cache FOLDER] [--wait]`."""
    parser = argparse.ArgumentParser()
    parser.add_argument("model")
    parser.add_argument("revision")
    parser.add_argument("--cache", type=Path, default=Path("/models"))
    parser.add_argument("--wait", action="store_true")
    options = parser.parse_args(arguments)
    (wait if options.wait else mirror)(options.cache, options.model, options.revision)


if __name__ == "__main__":
    sys.exit(main())
