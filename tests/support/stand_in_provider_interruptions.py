"""What a test makes go wrong inside a stand-in provider, and when."""

from __future__ import annotations

import subprocess
import threading
from dataclasses import dataclass, field
from typing import Literal

POLL_SECONDS = 0.2
PATIENCE_SECONDS = 60.0

Way = Literal["fail", "hold", "lose", "throttle"]
"""fail: nothing is done, and the engine is told so. hold: it is done, and the answer waits. lose: it is done, and the engine never
learns of it. throttle: the cloud says no some times, the provider tries again by itself, and it is done."""


@dataclass
class Interruption:
    """What happens to the n-th create, update or delete from now on, of those whose URN contains `matching`."""

    operation: str
    nth: int
    message: str | None = None
    way: Way = "hold"
    matching: str = ""
    times: int = 0
    """How often a cloud says no before it does what it is asked."""
    reached: threading.Event = field(default_factory=threading.Event)
    released: threading.Event = field(default_factory=threading.Event)
    urn: str = ""
    seen: int = 0

    def await_reached(self, run: subprocess.Popen[str]) -> None:
        """Return when the engine of this run got that far."""
        while not self.reached.wait(POLL_SECONDS):
            assert run.poll() is None, f"the run ended before {self.operation} {self.nth}:\n{run.communicate()[0]}"


class Interruptions:
    """Everything that is going to go wrong."""

    def __init__(self) -> None:
        self._all: list[Interruption] = []
        self._lock = threading.Lock()

    def add(self, interruption: Interruption) -> Interruption:
        """From now on; earlier operations do not count."""
        with self._lock:
            self._all.append(interruption)
        return interruption

    def due(self, operation: str, urn: str) -> Interruption | None:
        """Count this operation; the interruption that it meets, which then knows its URN."""
        found = None
        with self._lock:
            for one in self._all:
                if one.operation == operation and one.matching in urn:
                    one.seen += 1
                    found = one if found is None and one.seen == one.nth else found
        if found:
            found.urn = urn
            found.reached.set()
        return found

    def heal(self) -> None:
        """No more interruptions; what is held goes on."""
        with self._lock:
            for interruption in self._all:
                interruption.released.set()
            self._all.clear()
