"""A containerd of one's own for a while: it ends with the process that started it, and its mounts with it."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from local.images.libraries import ImageError
from local.processes import end

READY_SECONDS = 30.0
STOP_SECONDS = 15.0
TAIL_LINES = 12

# Killed with its parent, in a namespace whose processes die with the first one and whose mounts nobody else sees.
PRIVATE = ("setpriv", "--pdeathsig", "KILL", "unshare", "--mount", "--propagation", "private", "--pid", "--fork", "--kill-child", "--mount-proc")
NAMESPACE = "k8s.io"
"""containerd's own namespace, not Kubernetes' nor the kernel's: where its CRI plugin keeps images and containers."""


@dataclass(frozen=True)
class Containerd:
    """A containerd that answers on this socket."""

    client: Path
    address: Path

    def ctr(self, *arguments: str) -> str:
        """What `ctr` prints for these arguments.

        Raises:
            ImageError: it failed; the text holds what it said.
        """
        command = [str(self.client), "--address", str(self.address), "--namespace", NAMESPACE, *arguments]
        done = subprocess.run(command, check=False, stdin=subprocess.DEVNULL, capture_output=True, text=True)
        if done.returncode:
            raise ImageError(f"ctr {' '.join(arguments)[:200]} failed (exit status {done.returncode}): {_tail(done.stderr)}")
        return done.stdout


@contextmanager
def running(tools: Mapping[str, Path], configuration: str, folder: Path, address: Path) -> Iterator[Containerd]:
    """Run containerd with this configuration, which names `address`; stop it cleanly at the end.

    The calling thread must live as long: the kernel ends the daemon with it, also where it is killed.

    Args:
        tools: binaries by name: containerd, ctr, containerd-shim-runc-v2.
        configuration: text of its configuration file.
        folder: for that file and the log.
        address: the socket in the configuration.

    Raises:
        ImageError: it cannot be started, or ended before it was ready; the text shows the end of its log.
    """
    file, log = folder / "containerd.toml", folder / "containerd.log"
    file.write_text(configuration, encoding="utf-8")
    environment = {**os.environ, "PATH": f"{tools['containerd-shim-runc-v2'].parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"}
    with log.open("wb") as output:
        try:
            process = subprocess.Popen(
                [*PRIVATE, str(tools["containerd"]), "--config", str(file)],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=environment,
                start_new_session=True,  # Ctrl-C is for this program, which then stops containerd in order
            )
        except FileNotFoundError as error:
            raise ImageError(f"{error.filename} is not on PATH: install it (Debian: util-linux)") from error
    try:
        _await_ready(process, address, log)
        yield Containerd(tools["ctr"], address)
    finally:
        _stop(process)


def _await_ready(process: subprocess.Popen[bytes], address: Path, log: Path) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while not _answers(address):
        if process.poll() is not None:
            raise ImageError(f"containerd ended while starting:\n{_tail(log.read_text(encoding='utf-8', errors='replace'))}")
        if time.monotonic() > deadline:
            raise ImageError(f"containerd was not ready after {READY_SECONDS:.0f} s:\n{_tail(log.read_text(encoding='utf-8', errors='replace'))}")
        time.sleep(0.02)


def _answers(address: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as connection, contextlib.suppress(FileNotFoundError, ConnectionRefusedError):
        connection.connect(str(address))
        return True
    return False


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Ask containerd itself: `unshare` would end without passing the request on, and the daemon would be killed half way."""
    with contextlib.suppress(psutil.NoSuchProcess):
        end(psutil.Process(process.pid).children(), STOP_SECONDS)
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _tail(text: str) -> str:
    return "\n".join(f"  {line[:300]}" for line in text.splitlines()[-TAIL_LINES:])
