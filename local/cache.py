"""Folders kept outside the checkout between runs. Each is absent or whole, however a run that made it ended."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

Say = Callable[[str], None]


def cache_directory() -> Path:
    """Where built tools and downloads are kept: $FLEET_CACHE, or `vllm-fleet` in the user's cache folder."""
    chosen = os.environ.get("FLEET_CACHE")
    return Path(chosen).absolute() if chosen else Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "vllm-fleet"


def make_once(target: Path, contents: Iterable[str], make: Callable[[Path], None], say: Say = print) -> bool:
    """Have a folder with these contents, made by one run while all others wait for it.

    Args:
        target: the folder; its name must change with everything that decides its contents.
        contents: paths in it without which it is not whole.
        make: fills the empty folder it is given; may raise, then nothing is kept.
        say: told when another run is being waited for.

    Returns:
        Whether it was made now.

    Raises:
        OSError: the cache cannot be written.
    """
    expected = [target / name for name in contents]
    if all(path.exists() for path in expected):
        return False
    target.parent.mkdir(parents=True, exist_ok=True)
    with _locked(target.parent / "lock", lambda: say(f"Another run is making {target.parent.name}; waiting for it.")):
        for left in target.parent.glob("making-*"):  # only the holder of the lock makes one, so its maker was killed
            shutil.rmtree(left, ignore_errors=True)
        if all(path.exists() for path in expected):
            return False
        with tempfile.TemporaryDirectory(dir=target.parent, prefix="making-", ignore_cleanup_errors=True) as temporary:
            whole = Path(temporary) / "whole"
            whole.mkdir()
            make(whole)
            if target.exists():
                shutil.rmtree(target)
            whole.replace(target)
    return True


@contextmanager
def _locked(path: Path, busy: Callable[[], None]) -> Iterator[None]:
    """The kernel lets go of this lock when its holder dies."""
    with path.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            busy()
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
