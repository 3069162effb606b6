"""Daemons that outlive the launcher: started once, found again, never confused with another process of the same number."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

TAIL_LINES = 12
INSISTENCE_SECONDS = 5.0
"""The kernel ends a killed process when it has written what it was writing."""


_STARTED: list[subprocess.Popen[bytes]] = []
"""Handles of daemons this process started: they outlive it, and until then their ends are taken note of."""


def reap() -> None:
    """Take note of the ends of daemons that this process started."""
    for started in _STARTED:
        started.poll()


class ProcessFailed(Exception):
    """A daemon ended, or was not ready in time; the text shows the end of its log."""


@dataclass(frozen=True)
class Daemon:
    """One process of a region, known by its folder: pid file and log."""

    name: str
    directory: Path

    @property
    def log(self) -> Path:
        """Its output; grows until the region is removed."""
        return self.directory / f"{self.name}.log"

    @property
    def _record(self) -> Path:
        return self.directory / f"{self.name}.pid"

    def process(self) -> psutil.Process | None:
        """The running process, or None. A pid that was handed to somebody else has another start time."""
        reap()
        with contextlib.suppress(OSError, ValueError, KeyError, psutil.NoSuchProcess):
            record = json.loads(self._record.read_text(encoding="utf-8"))
            process = psutil.Process(record["pid"])
            if abs(process.create_time() - record["started"]) < 1 and process.status() != psutil.STATUS_ZOMBIE:
                return process
        return None

    def start(self, command: Sequence[str], environment: Mapping[str, str] | None = None) -> None:
        """Start it, unless it runs. In its own session, so that Ctrl-C in the terminal does not reach it."""
        if self.process():
            return
        self.directory.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            process = subprocess.Popen(
                list(command),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self.directory,
                env={**os.environ, **(environment or {})},
                start_new_session=True,
            )
        _STARTED.append(process)
        record = {"pid": process.pid, "started": psutil.Process(process.pid).create_time()}
        partial = self._record.with_suffix(".partial")
        partial.write_text(json.dumps(record), encoding="utf-8")
        partial.replace(self._record)

    def stop(self, patience_seconds: float = 5.0) -> None:
        """Ask it to end, then insist; with no patience, insist at once. Nothing to do where it does not run."""
        process = self.process()
        if process:
            end([process], patience_seconds)
        self._record.unlink(missing_ok=True)

    def wait(self, ready: Callable[[], bool], timeout_seconds: float) -> None:
        """Return when `ready` says so.

        Raises:
            ProcessFailed: the process ended first, or took longer.
        """
        deadline = time.monotonic() + timeout_seconds
        while not ready():
            if not self.process():
                raise ProcessFailed(f"{self.name} ended while starting:\n{self.tail()}")
            if time.monotonic() > deadline:
                raise ProcessFailed(f"{self.name} was not ready after {timeout_seconds:.0f} s:\n{self.tail()}")
            time.sleep(0.1)

    def tail(self) -> str:
        """The end of its log, indented."""
        try:
            lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-TAIL_LINES:]
        except OSError:
            return "  (no log)"
        return "\n".join(f"  {line[:200]}" for line in lines)


def end_strays(directory: Path) -> None:
    """End processes that work below this folder and that no pid file names: a launcher died between start and record."""
    found: list[psutil.Process] = []
    for process in psutil.process_iter(["cwd"]):
        where = process.info["cwd"]
        if where and Path(where).is_relative_to(directory) and process.pid != os.getpid():
            found.append(process)
    end(found)


def end(processes: Sequence[psutil.Process], patience_seconds: float = 5.0) -> None:
    """Ask processes to end, then insist. A zombie has ended: its parent, or an init that reaps nothing, may keep its entry for ever."""
    for ask in (psutil.Process.terminate, psutil.Process.kill) if patience_seconds else (psutil.Process.kill,):
        for process in processes:
            with contextlib.suppress(psutil.NoSuchProcess):
                ask(process)
        deadline = time.monotonic() + (patience_seconds or INSISTENCE_SECONDS)
        while (processes := [process for process in processes if _alive(process)]) and time.monotonic() < deadline:
            time.sleep(0.05)
        if not processes:
            return


def _alive(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
