"""Free ports on loopback, chosen once per region and kept, so that a restarted control plane is found where it was."""

from __future__ import annotations

import json
import socket
from pathlib import Path

LOOPBACK = "127.0.0.1"
NAMES = ("etcd", "api", "kubelet")


def ports(directory: Path, *, in_use_by_us: bool) -> dict[str, int]:
    """Port by name; kept ones are chosen again only where something else has taken one meanwhile."""
    path = directory / "ports.json"
    try:
        kept = {str(name): int(port) for name, port in json.loads(path.read_text(encoding="utf-8")).items()}
    except (OSError, ValueError, AttributeError):
        kept = {}
    if set(kept) == set(NAMES) and (in_use_by_us or all(_free(port) for port in kept.values())):
        return kept
    chosen = _choose(len(NAMES))
    directory.mkdir(parents=True, exist_ok=True)
    found: dict[str, int] = dict(zip(NAMES, chosen, strict=True))
    path.write_text(json.dumps(found), encoding="utf-8")
    return found


def _free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
        return True


def _choose(count: int) -> list[int]:
    """Ask the kernel for all at once: one closed before the next is asked for may be given out twice."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for one in sockets:
            one.bind((LOOPBACK, 0))
        return [int(one.getsockname()[1]) for one in sockets]
    finally:
        for one in sockets:
            one.close()
