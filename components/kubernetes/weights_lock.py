"""One writer at a time on a cache, with nothing but its file system: shipped beside the mirror script into pods.

Between nodes there is no other lock that every shared file system keeps: locks of the kernel are silently local on some.
Object stores behind FUSE keep less: what another node makes is seen when it is closed, and times cannot be set (docs/adr/0041).
"""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

POLL_SECONDS = 5
HEARTBEAT_SECONDS = 30
STALE_SECONDS = 300
"""A writer whose heartbeat is older is gone. Ten heartbeats: a node may read the lock's time a minute late from NFS."""
SETTLE_SECONDS = 2
"""Of several that take over one stale lock, the last to write its name has it; the others see so when they look again."""

JUST_WRITTEN = {errno.EPERM, errno.ESTALE}
"""What a mount says of a file that another writes at this moment: Mountpoint does not permit to read it, Cloud Storage FUSE calls what was
opened stale, and what is closed second as well."""


@contextlib.contextmanager
def writing(folder: Path, *, objects: bool = False) -> Iterator[None]:
    """Be the only writer of this revision: a file that only one can make, whose time says that its owner lives (docs/adr/0035).

    With `objects` it is written anew instead, and whoever waits watches whether it changes.
    """
    lock = folder.parent.parent / f".{folder.name}.lock"
    owner = f"{socket.gethostname()} {os.environ.get('POD_UID') or os.getpid()}"
    folder.mkdir(parents=True, exist_ok=True)
    said, watched = "", WatchedLock(lock, owner)
    while holder := watched.holder() if objects else _holder(lock, owner):
        if holder != said:
            print(f"waiting: {holder} writes to this cache ({lock})", flush=True)
            said = holder
        time.sleep(POLL_SECONDS)
    ended = threading.Event()
    beats = threading.Thread(target=_beat, args=(lock, owner, ended, watched.rewrite if objects else os.utime), daemon=True)
    beats.start()
    try:
        yield
    finally:
        ended.set()
        beats.join(HEARTBEAT_SECONDS)  # a last sign of life must not come after the lock is gone
        with contextlib.suppress(OSError):  # what cannot be removed becomes stale
            if _owner(lock) == owner:
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


class WatchedLock:
    """A lock in an object store, as one that wants it sees it.

    No clock of another machine counts: a lock is stale when it did not change while this one watched it. And as two nodes may
    both make it, each unseen by the other, it belongs to the one whose name stands there a moment later.
    """

    def __init__(self, lock: Path, owner: str) -> None:
        self._lock, self._owner = lock, owner
        self._text, self._since = "", time.monotonic()

    def holder(self) -> str | None:
        """Who writes, or None: the lock is ours."""
        try:
            text = self._lock.read_text(encoding="utf-8")
        except FileNotFoundError:
            return self._made()
        except OSError as error:
            if error.errno not in JUST_WRITTEN:
                raise
            return "somebody whose sign of life is just being written"
        now, holder = time.monotonic(), text.partition("\n")[0]
        if text != self._text:
            self._text, self._since = text, now
        age = now - self._since
        if holder != self._owner and age < STALE_SECONDS:
            return holder or "somebody"
        print(f"taking over from {holder or 'somebody'}, without a sign of life for {age:.0f} s", flush=True)
        self._lock.unlink(missing_ok=True)
        return self._made()

    def rewrite(self, lock: Path) -> None:
        """A sign of life: other text of the same owner, in place of what stands there."""
        _write(lock, f"{self._owner}\n{uuid.uuid4().hex}", os.O_TRUNC)

    def _made(self) -> str | None:
        try:
            _write(self._lock, f"{self._owner}\n{uuid.uuid4().hex}")
            time.sleep(SETTLE_SECONDS)
        except OSError as error:
            if error.errno not in {errno.EEXIST, errno.ESTALE}:
                raise
        try:
            holder = _owner(self._lock)
        except OSError as error:
            if error.errno not in {errno.ENOENT, *JUST_WRITTEN}:
                raise
            return "somebody who was as quick"
        return None if holder == self._owner else holder or "somebody"


def _owner(lock: Path) -> str:
    return lock.read_text(encoding="utf-8").partition("\n")[0]


def _write(path: Path, owner: str, how: int = os.O_EXCL) -> None:
    """Make a file that is not there yet; where there is no room for its text, nothing is left for others to wait for."""
    descriptor = os.open(path, os.O_CREAT | how | os.O_WRONLY, 0o664)
    try:
        os.write(descriptor, owner.encode())
    except OSError:
        with contextlib.suppress(OSError):  # a mount refuses to delete what is being written; what hindered the text says more
            path.unlink()
        raise
    finally:
        os.close(descriptor)


def _beat(lock: Path, owner: str, ended: threading.Event, show: Callable[[Path], None]) -> None:
    """Show that the owner lives, and end it where another took over: two writers would undo each other's work."""
    while not ended.wait(HEARTBEAT_SECONDS):
        try:
            lost = not lock.exists() or _owner(lock) != owner
            if not lost and not ended.is_set():
                show(lock)
        except OSError as error:
            print(f"{lock}: {error}: the next heartbeat tries again", file=sys.stderr, flush=True)
            continue
        if lost and not ended.is_set():
            print(f"{lock} is no longer ours: ended, the next try waits for its owner", file=sys.stderr, flush=True)
            os._exit(1)
