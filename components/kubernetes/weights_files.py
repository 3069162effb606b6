"""Files of weights: which ones serving needs, and whether they are what the hub has. Shipped beside the mirror script into pods."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath

CHUNK_BYTES = 16 * 1024 * 1024

FORMATS = (".safetensors", ".bin", ".pt")
"""Weights as the engine looks for them, best first: of several in one folder it reads the first."""

OTHER_FORMATS = (".pth", ".gguf", ".onnx", ".h5", ".msgpack", ".ot", ".tflite")
OTHER_RUNTIMES = ("original", "metal", "onnx", "openvino", "coreml")
"""Folders that hold the same weights once more: gpt-oss-120b would be three times its size."""

Files = dict[str, tuple[int, str | None]]
"""File to size in bytes and SHA-256; markers of the first version have none for small files."""


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


class Seen:
    """What of a file has passed by: its size, its SHA-256, and the id that git gives to a file of the size it should have."""

    def __init__(self, size: int | None) -> None:
        self.size, self._sha256 = 0, hashlib.sha256()
        self._blob = hashlib.sha1(b"blob %d\0" % (size or 0), usedforsecurity=False)

    def update(self, piece: bytes) -> None:
        """The next bytes."""
        self.size += len(piece)
        self._sha256.update(piece)
        self._blob.update(piece)

    @property
    def sha256(self) -> str:
        """Of everything so far."""
        return self._sha256.hexdigest()

    def differs(self, size: int | None, sha256: str | None, blob: str | None) -> str | None:
        """How it differs from what the hub recorded, or None: large files by SHA-256, small ones by the id of their git blob."""
        if size is not None and self.size != size:
            return f"{self.size} bytes instead of {size}"
        same = self.sha256 == sha256 if sha256 else blob is None or size is None or self._blob.hexdigest() == blob
        return None if same else "the checksum differs"


def pieces(path: Path) -> Iterator[bytes]:
    """A file in pieces: weights are larger than memory."""
    with path.open("rb") as file:
        while piece := file.read(CHUNK_BYTES):
            yield piece


def verify(path: Path, size: int | None, sha256: str | None, blob: str | None) -> tuple[int, str]:
    """Size and SHA-256 of a file that is what the hub recorded.

    Raises:
        SystemExit: it differs, and is deleted.
    """
    seen, actual = Seen(size), path.stat().st_size if path.is_file() else 0
    if size is None or actual == size:
        for piece in pieces(path):
            seen.update(piece)
        reason = seen.differs(size, sha256, blob)
    else:
        reason = f"{actual} bytes instead of {size}"
    if reason:
        path.unlink(missing_ok=True)
        raise damaged(path, reason)
    return seen.size, seen.sha256


def settle(path: Path) -> None:
    """Return when a file is on the disk with its name, and not only in this machine's memory: the disk may be copied as soon as the pod ends."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def damaged(path: Path, reason: str) -> SystemExit:
    """What to raise for a file that arrived otherwise than the hub has it, once it is deleted."""
    return SystemExit(f"{path.name}: {reason}; deleted, the next try fetches it again")


def checksum(path: Path) -> str:
    """SHA-256 of a file."""
    seen = Seen(None)
    for piece in pieces(path):
        seen.update(piece)
    return seen.sha256


def copy(source: Path, target: Path, size: int, sha256: str | None) -> None:
    """Copy a file whole or not at all; what was copied before is left alone.

    Raises:
        SystemExit: what was read is not what the marker says.
    """
    if target.is_file() and target.stat().st_size == size:
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    partial, seen = target.with_name(f"{target.name}.partial"), Seen(size)
    with partial.open("wb") as file:
        for piece in pieces(source):
            seen.update(piece)
            file.write(piece)
    reason = seen.differs(size, sha256, None)
    if reason:
        partial.unlink()
        raise SystemExit(f"{source}: {reason}: not copied; the audit of this cache mends it")
    partial.replace(target)
