"""Process one of a real node: starts its daemons, starts again what ends, and takes everything with it when it ends.

`python -m local.node_init FOLDER` runs in a PID and a mount namespace of its own, so that the kernel ends every process
and undoes every mount of the node with it, however the launcher ended. `daemons.json` in the folder says what to run; a
daemon is held back as long as `hold/<name>` exists.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

PRIVATE = ("/run", "/var/log")
"""Where container runtimes and kubelets leave sockets, names of network namespaces and links to logs, whatever they are told."""

DEVICE_PLUGINS = Path("/var/lib/kubelet/device-plugins")
"""The one folder that a kubelet cannot be told: its plugins' sockets are there. The machine has an empty one at most."""

NODE, REGION = Path("/run/node"), Path("/run/region")
"""The node's folder and its region's, by names short enough for the sockets in them: Linux allows 107 characters."""

PERIOD_SECONDS = 0.2
RESTART_SECONDS = 1.0
"""As a service manager would: a daemon that ends at once must not take a whole core."""


class Node:
    """The daemons of one node."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._commands: dict[str, list[str]] = json.loads((folder / "daemons.json").read_text(encoding="utf-8"))
        self._running: dict[str, int] = {}
        self._not_before: dict[str, float] = {}

    def watch(self) -> None:
        """Keep every daemon running that is not held, for ever."""
        while True:
            self._reap()
            for name, command in self._commands.items():
                held = (self._folder / "hold" / name).exists()
                pid = self._running.get(name)
                if held and pid:
                    os.kill(pid, signal.SIGKILL)
                elif not held and not pid and time.monotonic() >= self._not_before.get(name, 0.0):
                    self._start(name, command)
            time.sleep(PERIOD_SECONDS)

    def _start(self, name: str, command: list[str]) -> None:
        log = os.open(self._folder / f"{name}.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        nothing = os.open(os.devnull, os.O_RDONLY)
        actions = [(os.POSIX_SPAWN_DUP2, nothing, 0), (os.POSIX_SPAWN_DUP2, log, 1), (os.POSIX_SPAWN_DUP2, log, 2)]
        self._running[name] = os.posix_spawnp(command[0], command, os.environ, file_actions=actions, setpgroup=0)
        os.close(log)
        os.close(nothing)

    def _reap(self) -> None:
        """Take note of ended daemons, and of the orphans of containers, whose parent this is."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if not pid:
                return
            for name, running in list(self._running.items()):
                if running == pid:
                    print(f"{name} ended with {os.waitstatus_to_exitcode(status)}", flush=True)
                    del self._running[name]
                    self._not_before[name] = time.monotonic() + RESTART_SECONDS


def main(arguments: list[str]) -> None:
    """Run until killed: the kernel ends the rest of the namespace."""
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    folder = Path(arguments[0])
    for path in PRIVATE:
        _mount("-t", "tmpfs", "tmpfs", path)
    (folder / "device-plugins").mkdir(exist_ok=True)
    for source, target in ((folder, NODE), (folder.parents[1], REGION), (folder / "device-plugins", DEVICE_PLUGINS)):
        target.mkdir(parents=True, exist_ok=True)
        _mount("--bind", str(source), str(target))
    Node(NODE).watch()


def _mount(*arguments: str) -> None:
    subprocess.run(["mount", *arguments], check=True)


if __name__ == "__main__":
    main(sys.argv[1:])
