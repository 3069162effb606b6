"""Fill a weights cache once: run by the mirror Job inside the engine image, and by serving pods with `--wait` as their gate.

Layout: what huggingface_hub expects under HF_HUB_CACHE, without symlinks, which object stores do not have:
`models--organisation--name/snapshots/<commit>/…`. The marker is written last, so a cache without it is not complete.
Every version of this script reads the markers of all earlier ones: it changes under caches and servers that stay.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import signal
import sys
import time
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

MARKER = ".complete.json"
POLL_SECONDS = 5
CHUNK_BYTES = 16 * 1024 * 1024

FORMATS = (".safetensors", ".bin", ".pt")
"""Weights as the engine looks for them, best first: of several in one folder it reads the first."""

OTHER_FORMATS = (".pth", ".gguf", ".onnx", ".h5", ".msgpack", ".ot", ".tflite")
OTHER_RUNTIMES = ("original", "metal", "onnx", "openvino", "coreml")
"""Folders that hold the same weights once more: gpt-oss-120b would be three times its size."""


def snapshot(cache: Path, model: str, revision: str) -> Path:
    """Folder of one revision."""
    return cache / f"models--{model.replace('/', '--')}" / "snapshots" / revision


def complete(folder: Path) -> str | None:
    """Why the folder is not complete, or None: the marker is there and every file it lists has its size."""
    marker = folder / MARKER
    if not marker.is_file():
        return "no marker"
    try:
        sizes = {str(name): int(size) for name, (size, _) in json.loads(marker.read_text(encoding="utf-8"))["files"].items()}
    except (ValueError, KeyError, TypeError, AttributeError):
        return "the marker is damaged"
    if not sizes:
        return "the marker lists no file"
    for name, size in sizes.items():
        path = folder / name
        if not path.is_file() or path.stat().st_size != size:
            return f"{name} is missing or has another size"
    return None


def mirror(cache: Path, model: str, revision: str) -> None:
    """Download the revision, compare every file with what the hub says of it, and write the marker.

    Raises:
        SystemExit: the hub answers for another commit or has no weights, or a file differs from the hub's size or
            checksum; such a file is deleted, so that the next try fetches it again.
    """
    from huggingface_hub import HfApi, snapshot_download  # pyright: ignore[reportMissingImports]  only the engine image has it

    folder = snapshot(cache, model, revision)
    if complete(folder) is None:
        print(f"{model}@{revision} is complete already")
        return
    (folder / MARKER).unlink(missing_ok=True)
    token = os.environ.get("HF_TOKEN")
    info = HfApi(token=token).model_info(model, revision=revision, files_metadata=True)
    if info.sha != revision:
        raise SystemExit(f"{model}: the hub answers for commit {info.sha} instead of {revision}")
    siblings = {sibling.rfilename: sibling for sibling in info.siblings or []}
    names = wanted(siblings)
    snapshot_download(model, revision=revision, local_dir=folder, allow_patterns=names, token=token)
    files: dict[str, tuple[int, str | None]] = {}
    for name in names:
        sibling = siblings[name]
        digest = sibling.lfs.sha256 if sibling.lfs else None
        verify(folder / name, sibling.size, digest, sibling.blob_id)
        files[name] = ((folder / name).stat().st_size, digest)
    shutil.rmtree(folder / ".cache", ignore_errors=True)
    partial = folder / f"{MARKER}.partial"
    partial.write_text(json.dumps({"model": model, "revision": revision, "files": files}), encoding="utf-8")
    partial.replace(folder / MARKER)
    print(f"{model}@{revision}: {len(files)} files")


def wanted(names: Iterable[str]) -> list[str]:
    """The files that serving reads: everything small, and the weights once.

    Raises:
        SystemExit: none of them are weights.
    """
    found = sorted(name for name in names if PurePosixPath(name).parts[0] not in OTHER_RUNTIMES and not name.endswith(OTHER_FORMATS))
    folders = {PurePosixPath(name).parent for name in found}
    best = {folder: _best(name for name in found if PurePosixPath(name).parent == folder) for folder in folders}
    if best.get(PurePosixPath()) is None:
        raise SystemExit(f"no weights that the engine reads ({', '.join(FORMATS)}) among {len(found)} files")
    return [name for name in found if not name.endswith(FORMATS) or name.endswith(str(best[PurePosixPath(name).parent]))]


def _best(names: Iterable[str]) -> str | None:
    present = {suffix for name in names for suffix in FORMATS if name.endswith(suffix)}
    return next((suffix for suffix in FORMATS if suffix in present), None)


def verify(path: Path, size: int | None, sha256: str | None, blob: str | None) -> None:
    """Compare one file with the hub's record of it: large files have a SHA-256, small ones the id of their git blob.

    Raises:
        SystemExit: it differs.
    """
    actual = path.stat().st_size if path.is_file() else None
    reason = None
    if actual is None or (size is not None and actual != size):
        reason = f"{actual or 0} bytes instead of {size}"
    elif (sha256 is not None and checksum(path) != sha256) or (sha256 is None and blob is not None and git_blob(path) != blob):
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


def git_blob(path: Path) -> str:
    """The id git gives to a file of this content; only small files are kept in git itself."""
    content = path.read_bytes()
    return hashlib.sha1(b"blob %d\0%b" % (len(content), content), usedforsecurity=False).hexdigest()


def wait(cache: Path, model: str, revision: str) -> None:
    """Return when the cache is complete. Nothing bounds the wait but the rollout's own deadline: weights take as long as they take."""
    folder, said = snapshot(cache, model, revision), ""
    while reason := complete(folder):
        if reason != said:
            print(f"waiting for {model}@{revision}: {reason}", flush=True)
            said = reason
        time.sleep(POLL_SECONDS)


def main(arguments: list[str] | None = None) -> None:
    """`mirror_weights.py MODEL REVISION [--cache FOLDER] [--wait]`."""
    # Process one of a container ignores a signal without a handler, and a waiting pod would outlive its whole grace period.
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    parser = argparse.ArgumentParser()
    parser.add_argument("model")
    parser.add_argument("revision")
    parser.add_argument("--cache", type=Path, default=Path("/models"))
    parser.add_argument("--wait", action="store_true")
    options = parser.parse_args(arguments)
    (wait if options.wait else mirror)(options.cache, options.model, options.revision)


if __name__ == "__main__":
    sys.exit(main())
