"""The control groups under which a node's pods run, in either version of the kernel's interface."""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path

import psutil

ROOT = Path("/sys/fs/cgroup")
CONTROLLERS = ("cpu", "cpuset", "memory", "pids")
"""What the kubelet needs, in version 2 handed down from the root."""


def ensure(name: str) -> None:
    """Make a group of this name (a path below the root) in every hierarchy.

    Raises:
        OSError: the kernel refuses.
    """
    for hierarchy in _hierarchies():
        group = hierarchy
        for part in Path(name).parts:
            if hierarchy == ROOT:
                _hand_down(group)
            group /= part
            group.mkdir(exist_ok=True)
            _inherit_cpuset(group)


def remove(name: str, patience_seconds: float = 5.0) -> None:
    """Remove a group with all below it; their processes must have ended, and the kernel takes a moment to notice."""
    deadline = time.monotonic() + patience_seconds
    for hierarchy in _hierarchies():
        top = hierarchy / name
        while top.exists():
            for folder, _, _ in os.walk(top, topdown=False):
                with contextlib.suppress(OSError):
                    Path(folder).rmdir()
            if time.monotonic() > deadline:
                break
            if top.exists():
                time.sleep(0.05)


def processes(name: str, leaf: str | None = None) -> list[psutil.Process]:
    """Running processes in the groups below this one; with a leaf, in the group of that name only."""
    found: list[psutil.Process] = []
    top = _hierarchies()[0] / name
    for members in top.rglob("cgroup.procs"):
        if leaf is None or members.parent.name == leaf:
            for pid in members.read_text(encoding="utf-8").split():
                with contextlib.suppress(psutil.NoSuchProcess):
                    found.append(psutil.Process(int(pid)))
    return found


def left(prefix: str) -> list[Path]:
    """Groups at the top of a hierarchy whose name starts so."""
    return [group for hierarchy in _hierarchies() for group in hierarchy.glob(f"{prefix}*") if group.is_dir()]


def _hierarchies() -> list[Path]:
    """One in version 2; in version 1 one for each controller, and the unified one beside them."""
    if (ROOT / "cgroup.controllers").exists():
        return [ROOT]
    return [folder for folder in sorted(ROOT.iterdir()) if folder.is_dir() and not folder.is_symlink() and (folder / "cgroup.procs").exists()]


def _hand_down(group: Path) -> None:
    offered = (group / "cgroup.controllers").read_text(encoding="utf-8").split()
    wanted = " ".join(f"+{name}" for name in CONTROLLERS if name in offered)
    (group / "cgroup.subtree_control").write_text(wanted, encoding="utf-8")


def _inherit_cpuset(group: Path) -> None:
    """In version 1 a new cpuset is empty, and a process can join none that is."""
    for setting in ("cpuset.cpus", "cpuset.mems"):
        own, parent = group / setting, group.parent / setting
        if own.exists() and parent.exists() and not own.read_text(encoding="utf-8").strip():
            own.write_text(parent.read_text(encoding="utf-8"), encoding="utf-8")
