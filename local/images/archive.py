"""An OCI image as one archive, made from files of this machine: the same inputs give the same bytes."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import platform
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from local.images.entries import Entry, Folder, Layer, Link

COMPRESSION_LEVEL = 1
"""Of gzip. An archive is read once, on the machine that wrote it: level 6 takes three times as long for a tenth less."""

ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
"""Machine names of the kernel → architectures of the OCI image specification."""

OCI = "application/vnd.oci.image"
EPOCH = "1970-01-01T00:00:00Z"


@dataclass(frozen=True, kw_only=True)
class Image:
    """What an archive holds, and how a container of it starts by default. Fields are those of the OCI image configuration."""

    name: str
    layers: Sequence[Layer]
    entrypoint: Sequence[str]
    environment: Mapping[str, str]
    user: str
    """User and group by number, "2000:0": kubelet cannot tell from a name that a user is not root."""
    working_directory: str = "/"

    def fingerprint(self) -> str:
        """Digest of everything that decides the archive's contents: contents of files, not their names on this machine."""
        digest = hashlib.sha256(_json(_configuration(self, [])) + self.name.encode())
        for layer in self.layers:
            for path, entry in sorted(layer.items()):
                digest.update(f"\n{path} {entry.fingerprint()}".encode())
            digest.update(b"\n")
        return digest.hexdigest()


def write(image: Image, archive: Path) -> None:
    """Write the image as an OCI layout in a tar archive, as `ctr images import` reads it.

    Raises:
        OSError: a source cannot be read, or the archive cannot be written.
        ValueError: an entry's path is not absolute, or no OCI architecture is known for this machine.
    """
    with tarfile.open(archive, "w", format=tarfile.USTAR_FORMAT) as layout:
        present: set[str] = {"/"}
        layers: list[dict[str, Any]] = []
        unpacked: list[str] = []
        for layer in image.layers:
            content, digest = _layer(layer, present)
            unpacked.append(digest)
            layers.append(_add_blob(layout, f"{OCI}.layer.v1.tar+gzip", content))
        configuration = _add_blob(layout, f"{OCI}.config.v1+json", _json(_configuration(image, unpacked)))
        document = {"schemaVersion": 2, "mediaType": f"{OCI}.manifest.v1+json", "config": configuration, "layers": layers}
        manifest = _add_blob(layout, f"{OCI}.manifest.v1+json", _json(document))
        manifest["annotations"] = {"io.containerd.image.name": image.name}
        index = {"schemaVersion": 2, "mediaType": f"{OCI}.index.v1+json", "manifests": [manifest]}
        _add(layout, "index.json", _json(index))
        _add(layout, "oci-layout", _json({"imageLayoutVersion": "1.0.0"}))


def _configuration(image: Image, unpacked: Sequence[str]) -> dict[str, Any]:
    machine = platform.machine()
    if machine not in ARCHITECTURES:
        raise ValueError(f"{image.name}: no OCI architecture is known for machine {machine!r}; known are: {', '.join(ARCHITECTURES)}")
    return {
        "created": EPOCH,
        "architecture": ARCHITECTURES[machine],
        "os": "linux",
        "config": {
            "User": image.user,
            "Env": [f"{name}={value}" for name, value in sorted(image.environment.items())],
            "Entrypoint": list(image.entrypoint),
            "WorkingDir": image.working_directory,
        },
        "rootfs": {"type": "layers", "diff_ids": list(unpacked)},
    }


def _layer(layer: Layer, present: set[str]) -> tuple[bytes, str]:
    """One layer, compressed, and its digest uncompressed; `present` are the folders of the layers below."""
    unpacked = io.BytesIO()
    with tarfile.open(fileobj=unpacked, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for path, entry in _with_folders(layer, present):
            _add_entry(tar, path, entry)
    content = unpacked.getvalue()
    return gzip.compress(content, COMPRESSION_LEVEL, mtime=0), f"sha256:{hashlib.sha256(content).hexdigest()}"


def _with_folders(layer: Layer, present: set[str]) -> Iterator[tuple[str, Entry]]:
    """Entries in order, each after the folders that lead to it; a folder of a lower layer keeps its owner and mode."""
    for path, entry in sorted(layer.items()):
        if not path.startswith("/"):
            raise ValueError(f"path {path!r} in an image is not absolute")
        for parent in reversed(PurePosixPath(path).parents):
            if str(parent) not in present:
                present.add(str(parent))
                yield str(parent), Folder()
        if isinstance(entry, Folder):
            present.add(path)
        yield path, entry


def _add_entry(tar: tarfile.TarFile, path: str, entry: Entry) -> None:
    about = tarfile.TarInfo(path.removeprefix("/"))  # names no user and no time, so that every machine writes the same
    about.mode = entry.mode
    if isinstance(entry, Folder):
        about.type, about.uid, about.gid = tarfile.DIRTYPE, entry.user, entry.group
        tar.addfile(about)
    elif isinstance(entry, Link):
        about.type, about.linkname = tarfile.SYMTYPE, entry.target
        tar.addfile(about)
    elif (content := entry.content()) is not None:
        about.size = len(content)
        tar.addfile(about, io.BytesIO(content))


def _add_blob(layout: tarfile.TarFile, media_type: str, content: bytes) -> dict[str, Any]:
    digest = hashlib.sha256(content).hexdigest()
    _add(layout, f"blobs/sha256/{digest}", content)
    return {"mediaType": media_type, "digest": f"sha256:{digest}", "size": len(content)}


def _add(layout: tarfile.TarFile, name: str, content: bytes) -> None:
    about = tarfile.TarInfo(name)
    about.size = len(content)
    layout.addfile(about, io.BytesIO(content))


def _json(document: dict[str, Any]) -> bytes:
    return json.dumps(document, sort_keys=True).encode()
