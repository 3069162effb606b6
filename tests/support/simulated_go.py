"""A simulated Go compiler on an otherwise empty PATH: it writes small scripts instead of binaries, or fails, or never ends."""

from __future__ import annotations

import stat
import sys
from collections.abc import Sequence
from pathlib import Path

SCRIPT = """#!{python}
import os, sys
folder, arguments = {folder!r}, sys.argv[1:]
if arguments[0] == "env":
    print(open(os.path.join(folder, "version")).read(), "linux", "amd64", sep="\\n")
    sys.exit()
out = arguments[arguments.index("-o") + 1]
with open(os.path.join(folder, "builds"), "a") as log:
    log.write(os.path.basename(out) + "\\n")
open(out, "w").write("half a binary")
behaviour = open(os.path.join(folder, "behaviour")).read()
if behaviour == "fail":
    print("first line", *(f"noise {{number}}" for number in range(40)), "undefined: missing", sep="\\n")
    sys.exit(2)
if behaviour == "hang":
    open(os.path.join(folder, "started"), "w").write("x")  # a named pipe: returns when the test reads
    open(os.path.join(folder, "never")).read()
open(out, "w").write("a whole binary")
os.chmod(out, 0o755)
"""


class SimulatedGo:
    """Its folder goes on PATH; `behaviour` is read anew by every build."""

    def __init__(self, folder: Path, version: str = "go1.26.8") -> None:
        self.folder = folder
        folder.mkdir()
        self.version(version)
        self.behave("build")
        executable(folder / "go", SCRIPT.format(python=sys.executable, folder=str(folder)))

    def version(self, version: str) -> None:
        """What `go env GOVERSION` says."""
        (self.folder / "version").write_text(version)

    def behave(self, behaviour: str) -> None:
        """Build, fail or hang."""
        (self.folder / "behaviour").write_text(behaviour)

    @property
    def builds(self) -> Sequence[str]:
        """Every binary it was asked for, in order."""
        log = self.folder / "builds"
        return log.read_text().split() if log.exists() else []


def executable(path: Path, text: str) -> Path:
    """A script that can be run."""
    path.write_text(text)
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path
