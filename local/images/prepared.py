"""The containerd root that every local node starts from: made once with all images unpacked, then copied by hard links."""

from __future__ import annotations

import hashlib
import os
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from local.cache import Say, cache_directory, make_once
from local.images.archive import Image, write
from local.images.catalogue import PAUSE_IMAGE, images
from local.images.containerd import SNAPSHOTTER, importing_configuration
from local.images.daemon import running
from local.images.libraries import ImageError

CONTENT = "io.containerd.content.v1.content"
METADATA = "io.containerd.metadata.v1.bolt"
SNAPSHOTS = f"io.containerd.snapshotter.v1.{SNAPSHOTTER}"
KEPT = (CONTENT, METADATA, SNAPSHOTS)
"""Folders of containerd's root that hold images; a node makes the others itself, its own identity among them."""

IMMUTABLE = (f"{CONTENT}/blobs", f"{SNAPSHOTS}/snapshots")
"""Files in these never change once they are there: containerd and the kernel only read and unlink them."""

MANAGED, PINNED = "io.cri-containerd.image=managed", "io.cri-containerd.pinned=pinned"
"""Labels by which containerd's CRI plugin knows an image for its own, and one that the kubelet must not collect."""

RUN = Path("/run")
"""Only root can write there, and it is empty after a restart."""

UNUSED_SECONDS = 24 * 3600
"""A root that nobody asked for this long is removed when another is made: each change of a binary makes one of 300 MB."""


def prepared_root(tools: Mapping[str, Path], say: Say = print) -> Path:
    """A containerd root with all images of the local target imported and unpacked, from the cache or made now.

    Args:
        tools: binaries by name: those of `catalogue.TOOLS`, and containerd, ctr, containerd-shim-runc-v2.
        say: told when it is made, and when another run is waited for.

    Raises:
        ImageError: an image cannot be made here, or containerd refused it; nothing is kept then.
        OSError: the cache cannot be written.
        KeyError: a binary is missing from `tools`.
    """
    wanted = images(tools)
    target = cache_directory() / "nodes" / _key(tools, wanted)
    make_once(target, KEPT, lambda empty: _fill(tools, wanted, empty, say), say)
    os.utime(target)
    return target


def copy_root(prepared: Path, target: Path) -> None:
    """Make a node's containerd root from the prepared one: immutable files by hard links where they are on one file system.

    Raises:
        FileExistsError: the target exists; a node keeps its root over restarts.
        OSError: the target cannot be written.
    """
    if target.exists():
        raise FileExistsError(f"{target} exists: remove the node first, a root in use cannot be replaced")
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f"{target.name}.partial")
    if partial.exists():
        shutil.rmtree(partial)
    _copy_folder(prepared, partial, {str(prepared / folder) for folder in IMMUTABLE}, link=False)
    partial.replace(target)


def _key(tools: Mapping[str, Path], wanted: Sequence[Image]) -> str:
    """Changes with whatever decides the contents: the images, containerd, and the code of this package."""
    files = [*sorted(Path(__file__).parent.glob("*.py")), tools["containerd"], tools["ctr"]]
    digests = [*(hashlib.sha256(path.read_bytes()).hexdigest() for path in files), *(image.fingerprint() for image in wanted)]
    return hashlib.sha256("\n".join(digests).encode()).hexdigest()[:16]


def _fill(tools: Mapping[str, Path], wanted: Sequence[Image], root: Path, say: Say) -> None:
    if os.geteuid() != 0:
        raise ImageError(f"unpacking images needs root, this is user {os.geteuid()}: run it as root")
    _remove_unused(root.parents[1])
    archive = root.with_name("image.tar")
    with _run_folder(root.parents[1]) as folder:
        address = folder / "socket"
        with running(tools, importing_configuration(root, folder / "state", address), folder, address) as containerd:
            for image in wanted:
                say(f"Making image {image.name}.")
                write(image, archive)
                labels = ["--label", MANAGED, *(["--label", PINNED] if image.name == PAUSE_IMAGE else [])]
                containerd.ctr("images", "import", "--snapshotter", SNAPSHOTTER, *labels, str(archive))
            known = containerd.ctr("images", "list", "--quiet").split()
    if missing := {image.name for image in wanted} - set(known):
        raise ImageError(f"containerd took the archives of {', '.join(sorted(missing))} and does not list them: {known}")
    for path in root.iterdir():
        if path.name not in KEPT:
            shutil.rmtree(path)


@contextmanager
def _run_folder(nodes: Path) -> Iterator[Path]:
    """A folder for sockets: their paths are limited to some hundred characters, the cache's may be longer.

    Its name is the cache's, whose lock is held: what is there was left by a run that was killed.
    """
    folder = _run_path(nodes)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def _run_path(nodes: Path) -> Path:
    return RUN / f"vllm-fleet-{hashlib.sha256(str(nodes).encode()).hexdigest()[:8]}"


def _remove_unused(folder: Path) -> None:
    """Nodes keep what they have linked."""
    for path in folder.iterdir():
        if path.is_dir() and not path.name.startswith("making-") and time.time() - path.stat().st_mtime > UNUSED_SECONDS:
            shutil.rmtree(path)


def _copy_folder(source: Path, target: Path, immutable: set[str], *, link: bool) -> None:
    target.mkdir()
    with os.scandir(source) as entries:
        for entry in entries:
            to = target / entry.name
            if entry.is_dir(follow_symlinks=False):
                _copy_folder(Path(entry.path), to, immutable, link=link or entry.path in immutable)
            elif not (link and _linked(entry.path, to)):
                shutil.copy2(entry.path, to, follow_symlinks=False)
                _same_owner(entry.path, to)
    _same_owner(str(source), target)
    shutil.copystat(source, target)


def _linked(source: str, target: Path) -> bool:
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError:  # another file system, one without links, or the limit of links to a file: copying tells what else is wrong
        return False
    return True


def _same_owner(source: str, target: Path) -> None:
    """Before the mode is copied for a folder: a change of owner takes the set-user bit away."""
    about = os.lstat(source)
    os.chown(target, about.st_uid, about.st_gid, follow_symlinks=False)
