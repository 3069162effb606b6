"""Ctrl-C while the engine works: it ends what it has begun and saves its state, a second one ends everything at once."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

Say = Callable[[str], None]


@contextmanager
def asks_first(stop_engine: Callable[[], None], say: Say) -> Iterator[None]:
    """Within the block the first SIGINT asks the engine to stop; the block goes on until it has.

    Args:
        stop_engine: send SIGINT to the engine. Not called where the terminal has sent it to the engine as well: the engine
            takes a second one as "at once".
        say: told what happens.

    Raises:
        KeyboardInterrupt: after the block, if it was interrupted; inside it at the second SIGINT.
    """
    if threading.current_thread() is not threading.main_thread():  # only there signals can be handled
        yield
        return
    interrupted = False

    def handle(_: int, __: FrameType | None) -> None:
        nonlocal interrupted
        if interrupted:
            threading.excepthook = lambda _: None  # threads of the SDK read pipes that the way out closes
            raise KeyboardInterrupt
        interrupted = True
        say("Interrupted: the engine ends what it has begun. Once more stops at once.")
        if not _from_terminal():
            stop_engine()

    before = signal.signal(signal.SIGINT, handle)
    try:
        yield
    except Exception:
        if interrupted:  # the engine reports that it was cancelled
            raise KeyboardInterrupt from None
        raise
    finally:
        signal.signal(signal.SIGINT, before)
    if interrupted:
        raise KeyboardInterrupt


def _from_terminal() -> bool:
    """Whether Ctrl-C in a terminal reaches this process, and with it the engine."""
    try:
        return os.tcgetpgrp(sys.stdin.fileno()) == os.getpgrp()
    except (OSError, ValueError):
        return False
