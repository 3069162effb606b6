"""Whether this machine can run real nodes, and what the user asked for."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

from local.nodes import Kind
from local.real_node import cni_plugins

PACKAGES = {
    "runc": "runc",
    "nft": "nftables",
    "ip": "iproute2",
    "nsenter": "util-linux",
    "unshare": "util-linux",
    "mount": "mount",
    "sysctl": "procps",
}
"""Command to the Debian package that has it."""


INOTIFY_LIMIT = Path("/proc/sys/fs/inotify/max_user_instances")
INOTIFY_INSTANCES_OF_A_NODE, INOTIFY_INSTANCES_OF_A_REGION = 8, 3
"""Seen: six of a kubelet and two of containerd; three of a region's other processes. The usual limit is 128 for all of one user."""


class NoRealNodes(Exception):
    """LOCAL_NODES=real, and this machine cannot; one line says what is missing and how to get it."""


class WrongChoice(Exception):
    """LOCAL_NODES says something that it cannot."""


def kind() -> tuple[Kind, str]:
    """Which nodes to run, and in words why not real ones; LOCAL_NODES decides where it is set.

    Raises:
        NoRealNodes: real ones are asked for and cannot run.
        WrongChoice: the variable says something else.
    """
    asked = os.environ.get("LOCAL_NODES", "")
    if asked not in ("", "simulated", "real"):
        raise WrongChoice(f"LOCAL_NODES is {asked!r}; it is simulated, real, or not set for what this machine can")
    if asked == "simulated":
        return "simulated", "LOCAL_NODES says so"
    lacking = missing()
    if lacking and asked == "real":
        raise NoRealNodes(f"LOCAL_NODES=real, but {lacking}")
    return ("simulated", lacking) if lacking else ("real", "")


def missing() -> str | None:
    """What this machine lacks for real nodes, with the command that mends it; None where nothing is missing."""
    if not sys.platform.startswith("linux"):
        return "real nodes need Linux"
    if os.geteuid() != 0:
        return "real nodes need root: sudo --preserve-env=PATH,HOME make local"
    packages = [package for command, package in PACKAGES.items() if shutil.which(command) is None]
    try:
        cni_plugins()
    except FileNotFoundError:
        packages.append("containernetworking-plugins")
    if packages:
        return f"packages are missing: apt-get install {' '.join(dict.fromkeys(packages))}"
    return _kernel()


def watches_missing(nodes: int, regions: int, in_use: int) -> str | None:
    """Words where so many nodes would exhaust what the kernel lets one user watch; a kubelet beyond that ends at once.

    Args:
        nodes: real ones to start.
        regions: in which they are.
        in_use: instances of this user now (`watches_in_use`).
    """
    needed = nodes * INOTIFY_INSTANCES_OF_A_NODE + regions * INOTIFY_INSTANCES_OF_A_REGION
    limit = int(INOTIFY_LIMIT.read_text(encoding="utf-8"))
    if in_use + needed <= limit:
        return None
    return (
        f"{nodes} real nodes need {needed} inotify instances, {in_use} of {limit} are in use: "
        f"sysctl -w fs.inotify.max_user_instances={max(1024, 2 * (in_use + needed))}"
    )


def watches_in_use() -> int:
    """Inotify instances that processes of this user hold."""
    count = 0
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it ends meanwhile, or is somebody else's
            if process.stat().st_uid == os.geteuid():
                count += sum(_target(entry.path) == "anon_inode:inotify" for entry in os.scandir(process / "fd"))
    return count


def _target(link: str) -> str:
    """Where a link of a process leads; empty for one that it has closed meanwhile."""
    try:
        return str(Path(link).readlink())
    except OSError:
        return ""


def _kernel() -> str | None:
    """Try what is needed in namespaces that are gone at once: a container may be root and still not be allowed."""
    nat = 'chain nat { type nat hook postrouting priority 100; oifname "lo" masquerade; }'
    rules = f"table inet probe {{ {nat}; chain forward {{ type filter hook forward priority 0; ct state established accept; }}; }}"
    attempts = {
        "network, process and mount namespaces (CAP_SYS_ADMIN)": ["unshare", "--net", "--pid", "--fork", "--mount", "--mount-proc", "true"],
        "nftables with NAT and connection tracking": ["unshare", "--net", "nft", rules],
        "virtual network links (veth)": ["unshare", "--net", "ip", "link", "add", "probe0", "type", "veth", "peer", "name", "probe1"],
    }
    for feature, command in attempts.items():
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            said = done.stderr.strip().splitlines()
            return (
                f"the kernel does not offer {feature}: {said[-1] if said else f'exit status {done.returncode}'}; LOCAL_NODES=simulated does without"
            )
    if "overlay" not in Path("/proc/filesystems").read_text(encoding="utf-8"):
        return "the kernel does not offer overlay file systems: modprobe overlay"
    return None
