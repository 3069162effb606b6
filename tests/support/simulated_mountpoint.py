"""A simulation, inside one Python process, of what Mountpoint for Amazon S3 allows in a mounted bucket (its doc/SEMANTICS.md, 1.22).

Installed in a process of its own as its `sitecustomize`, over an ordinary folder that stands for the mount. It refuses what Mountpoint
refuses, with Mountpoint's error: renaming, links, times, modes, truncation, opening what exists without truncating it, writes that are
not in order, writes after `fsync`, reading what this process is writing. A folder goes with its last file.

Not simulated: other clients see a file here while it is written, there after it is closed; seeks of Python's own file objects; latency,
permissions of the role, the second in which metadata may be old.
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

VARIABLE = "SIMULATED_MOUNTPOINT"
REFUSED = {
    **dict.fromkeys(("os.rename",), errno.ENOSYS),
    **dict.fromkeys(("os.link", "os.symlink", "os.utime", "os.chmod", "os.chown", "os.truncate", "os.rmdir"), errno.EPERM),
    **dict.fromkeys(("os.setxattr", "fcntl.flock", "fcntl.lockf"), errno.ENOSYS),
}
"""Python's audit events to the errors of Mountpoint's file system."""


def environment(mount: Path, folder: Path) -> dict[str, str]:
    """What a Python process needs to see this folder as a mounted bucket; `folder` is a scratch one."""
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(Path(__file__).read_text(encoding="utf-8") + f"\ninstall(os.environ[{VARIABLE!r}])\n", encoding="utf-8")
    return {"PYTHONPATH": str(folder), VARIABLE: str(mount)}


def install(mount: str) -> None:
    """From here on this process has the mount's semantics below that folder."""
    root = os.path.realpath(mount)
    written: dict[int, str] = {}
    flushed: set[int] = set()
    emptied: set[str] = set()

    def below(path: Any, folder: int = -1) -> str | None:
        if isinstance(path, int):
            path = f"/proc/self/fd/{path}"
        elif folder >= 0:
            path = Path(f"/proc/self/fd/{folder}", os.fsdecode(path))
        whole = os.path.realpath(os.fsdecode(path))
        return whole if whole.startswith(f"{root}/") else None

    def audit(event: str, arguments: tuple[Any, ...]) -> None:
        if event in REFUSED:
            for path in arguments[:2]:
                if isinstance(path, str | bytes | os.PathLike | int) and path != -1 and (found := below(path)) and found not in emptied:
                    raise OSError(REFUSED[event], f"simulated Mountpoint: {event}", found)
        elif event == "open" and not isinstance(arguments[0], int) and (found := below(arguments[0])):
            _opened(found, arguments[2], written)

    sys.addaudithook(audit)
    _replace_writing(below, written, flushed)
    _replace_unlink(root, below, written, emptied)


def _opened(path: str, flags: int, written: Mapping[int, str]) -> None:
    reading = flags & os.O_ACCMODE == os.O_RDONLY
    if path in written.values():
        raise OSError(errno.EPERM, "simulated Mountpoint: is being written", path)
    if flags & (os.O_SYNC | os.O_DSYNC):
        raise OSError(errno.EINVAL, "simulated Mountpoint: O_SYNC", path)
    if not reading and Path(path).exists() and not flags & (os.O_TRUNC | os.O_EXCL):
        raise OSError(errno.EPERM, "simulated Mountpoint: only truncation replaces a file", path)


def _replace_writing(below: Callable[..., str | None], written: dict[int, str], flushed: set[int]) -> None:
    """Calls on descriptors, which cause no audit event."""
    opened, closed, wrote, synced = os.open, os.close, os.write, os.fsync

    def open_(path: Any, flags: int, *arguments: Any, **options: Any) -> int:
        descriptor = opened(path, flags, *arguments, **options)
        if flags & os.O_ACCMODE != os.O_RDONLY and (found := below(path)):
            written[descriptor] = found
        return descriptor

    def close(descriptor: int) -> None:
        written.pop(descriptor, None)
        flushed.discard(descriptor)
        closed(descriptor)

    def write(descriptor: int, content: Any) -> int:
        if descriptor in flushed:
            raise OSError(errno.EIO, "simulated Mountpoint: write after fsync", written[descriptor])
        return wrote(descriptor, content)

    def fsync(descriptor: int) -> None:
        synced(descriptor)
        if descriptor in written:
            flushed.add(descriptor)

    def in_order(original: Callable[..., Any]) -> Callable[..., Any]:
        def refused(descriptor: int, *arguments: Any) -> Any:
            if descriptor in written:
                raise OSError(errno.EINVAL, "simulated Mountpoint: out of order", written[descriptor])
            return original(descriptor, *arguments)

        return refused

    os.open, os.close, os.write, os.fsync = open_, close, write, fsync
    for name in ("lseek", "pwrite", "ftruncate", "posix_fallocate"):
        setattr(os, name, in_order(getattr(os, name)))


def _replace_unlink(root: str, below: Callable[..., str | None], written: Mapping[int, str], emptied: set[str]) -> None:
    """Deletion, after which more may be gone than was asked for."""
    removed = os.unlink

    def unlink(path: Any, *, dir_fd: int | None = None) -> None:
        found = below(path, -1 if dir_fd is None else dir_fd)
        if found in written.values():
            raise OSError(errno.EPERM, "simulated Mountpoint: is being written", found)
        removed(path, dir_fd=dir_fd)
        folder = Path(found or root)
        while found and (folder := folder.parent) != Path(root) and not any(folder.iterdir()):
            emptied.add(str(folder))
            folder.rmdir()
            emptied.discard(str(folder))

    os.unlink = os.remove = unlink
