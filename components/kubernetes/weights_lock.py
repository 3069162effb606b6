"""One writer at a time on a cache, with nothing but its file system: shipped beside the mirror script into pods.

Between nodes there is no other lock that every shared file system keeps: locks of the kernel are silently local on some.
"""

from __future__ import annotations

import contextlib
import os
import socket
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

POLL_SECONDS = 5
HEARTBEAT_SECONDS = 30
STALE_SECONDS = 300
"""A writer whose heartbeat is older is gone. Ten heartbeats: a node may read the lock's time a minute late from NFS."""
SETTLE_SECONDS = 2
"""Of several that take over one stale lock, the last to write its name has it; the others see so when they look again."""


@contextlib.contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Be the only writer of this revision: a file that only one can make, whose time says that its owner lives (docs/adr/0035)."""
    lock = folder.parent.parent / f".{folder.name}.lock"
    owner = f"{socket.gethostname()} {os.environ.get('POD_UID') or os.getpid()}"
    folder.mkdir(parents=True, exist_ok=True)
    said = ""
    while holder := _holder(lock, owner):
        if holder != said:
            print(f"waiting: {holder} writes to this cache ({lock})", flush=True)
            said = holder
        time.sleep(POLL_SECONDS)
    ended = threading.Event()
    threading.Thread(target=_beat, args=(lock, owner, ended), daemon=True).start()
    try:
        yield
    finally:
        ended.set()
        with contextlib.suppress(OSError):  # what cannot be removed becomes stale
            if lock.read_text(encoding="utf-8") == owner:
                lock.unlink()


def _holder(lock: Path, owner: str) -> str | None:
    """Who writes, or None: the lock is ours. Times are compared on the folder's own clock, never with this node's."""
    with contextlib.suppress(FileExistsError):
        _write(lock, owner)
        return None
    ours = lock.with_name(f"{lock.name}.{uuid.uuid4().hex}")
    _write(ours, owner)
    try:
        holder, age = lock.read_text(encoding="utf-8"), ours.stat().st_mtime - lock.stat().st_mtime
        if holder != owner and age < STALE_SECONDS:
            return holder or "somebody"
        print(f"taking over from {holder or 'somebody'}, whose last sign of life is {age:.0f} s old", flush=True)
        ours.replace(lock)
        time.sleep(SETTLE_SECONDS)
        holder = lock.read_text(encoding="utf-8")
    except FileNotFoundError:
        return "somebody who is just done"
    finally:
        ours.unlink(missing_ok=True)
    return None if holder == owner else holder


def _write(path: Path, owner: str) -> None:
    """Make a file that is not there yet; where there is no room for its text, nothing is left for others to wait for."""
    descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o664)
    try:
        os.write(descriptor, owner.encode())
    except OSError:
        path.unlink()
        raise
    finally:
        os.close(descriptor)


def _beat(lock: Path, owner: str, ended: threading.Event) -> None:
    """Show that the owner lives, and end it where another took over: two writers would undo each other's work."""
    while not ended.wait(HEARTBEAT_SECONDS):
        try:
            lost = not lock.exists() or lock.read_text(encoding="utf-8") != owner
            if not lost:
                os.utime(lock)
        except OSError as error:
            print(f"{lock}: {error}: the next heartbeat tries again", file=sys.stderr, flush=True)
            continue
        if lost and not ended.is_set():
            print(f"{lock} is no longer ours: ended, the next try waits for its owner", file=sys.stderr, flush=True)
            os._exit(1)
