"""The network of one region with real nodes: a network namespace of its own, and one link to this machine.

Everything of a region lives in its namespace: control plane, nodes, pods, rules. Cutting the link is what the loss of a
region looks like from outside; removing the namespace removes all that was in it.
"""

from __future__ import annotations

import hashlib
import ipaddress
import json
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

NODE_NETWORK = ipaddress.IPv4Network("10.127.0.0/16")
POD_NETWORK = ipaddress.IPv4Network("10.128.0.0/16")
SERVICE_NETWORK = ipaddress.IPv4Network("10.96.0.0/16")
"""Only inside a region, and so the same in each. A node has a /24 of the pod network."""

LINK_NETWORK = ipaddress.IPv4Network("198.18.0.0/15")
"""Links between this machine and its regions: the range that RFC 2544 sets aside for tests, a /30 each."""

LAST_RESORT_METRIC = 4096

NAMESPACES = Path("/run/netns")


class NetworkFailed(Exception):
    """A region's network cannot be made; the text says what is in the way."""


@dataclass(frozen=True, kw_only=True)
class RegionNetwork:
    """Names and addresses of one region's network; derived from its folder, so that every run finds the same."""

    namespace: str
    device: str
    """The end of the link on this machine; the other end is `uplink`."""
    host_address: str
    address: str
    """Of the region, reachable from this machine: its API server listens there."""

    @property
    def inside(self) -> tuple[str, ...]:
        """What starts a command inside the region; the process keeps its number."""
        return ("nsenter", f"--net={NAMESPACES / self.namespace}", "--")

    @property
    def exists(self) -> bool:
        """Whether the namespace is there; a reboot removes it."""
        return (NAMESPACES / self.namespace).exists()


def ensure(folder: Path) -> RegionNetwork:
    """The network of the region in this folder, made where it is missing.

    Raises:
        NetworkFailed: no free address range, or the kernel refuses.
    """
    network = _named(folder, _link(folder))
    if not network.exists:
        _remove_device(network.device)  # of a namespace that went away half made
        _run(["ip", "netns", "add", network.namespace])
    if not _device_exists(network.device):
        peer = ["peer", "name", "uplink", "netns", network.namespace]
        _run(["ip", "link", "add", network.device, "type", "veth", *peer])
    # While the link is down its route is gone, and what is meant for the region must not leave this machine by another.
    _run(["ip", "route", "replace", "unreachable", _block(network), "metric", str(LAST_RESORT_METRIC)])
    _run(["ip", "address", "replace", f"{network.host_address}/30", "dev", network.device])
    restore(network)
    _configure(network)
    return network


def found(folder: Path) -> RegionNetwork | None:
    """The network of this folder's region, if a run has made it."""
    kept = _kept(folder)
    return _named(folder, kept) if kept else None


def cut(network: RegionNetwork) -> None:
    """Take the link down: the region goes on by itself and nobody outside can reach it."""
    _run(["ip", "link", "set", network.device, "down"])


def restore(network: RegionNetwork) -> None:
    """Bring the link up again."""
    _run(["ip", "link", "set", network.device, "up"])


def remove(folder: Path) -> None:
    """Remove namespace, link and everything in them; nothing of it need be there."""
    network = found(folder)
    if network is None:
        return
    _remove_device(network.device)
    if _block(network) in _unreachable():
        _run(["ip", "route", "delete", "unreachable", _block(network), "metric", str(LAST_RESORT_METRIC)])
    if network.exists:
        _run(["ip", "netns", "delete", network.namespace])


def is_cut(network: RegionNetwork) -> bool:
    """Whether its link is down."""
    flags = Path("/sys/class/net", network.device, "flags")
    return not flags.exists() or not int(flags.read_text(encoding="utf-8"), 16) & 1


def node_address(index: int) -> str:
    """Address of the region's node of this number, from 1."""
    return str(NODE_NETWORK[index])


def pod_range(index: int) -> str:
    """Addresses of the pods of the node of this number, from 1."""
    return str(list(POD_NETWORK.subnets(new_prefix=24))[index])


def add_node_address(network: RegionNetwork, index: int) -> None:
    """Give the region the address of a node; all its nodes share one network stack."""
    _run([*network.inside, "ip", "address", "replace", f"{node_address(index)}/32", "dev", "lo"])


def identity(folder: Path) -> str:
    """Eight characters that tell this folder's devices, namespaces and control groups from those of other fleets on this machine."""
    return hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:8]


def _named(folder: Path, link: ipaddress.IPv4Network) -> RegionNetwork:
    host, region = link.hosts()
    return RegionNetwork(
        namespace=f"fleet-{identity(folder)}-{folder.name}"[:64], device=f"fleet{identity(folder)}", host_address=str(host), address=str(region)
    )


def _configure(network: RegionNetwork) -> None:
    inside = network.inside
    _run([*inside, "ip", "link", "set", "lo", "up"])
    _run([*inside, "ip", "link", "set", "uplink", "up"])
    _run([*inside, "ip", "address", "replace", f"{network.address}/30", "dev", "uplink"])
    _run([*inside, "sysctl", "-qw", "net.ipv4.ip_forward=1", "net.ipv4.conf.all.rp_filter=0", "net.ipv4.conf.default.rp_filter=0"])
    # Without a route the kernel would refuse a process of a node before kube-proxy's rules see the address of a Service.
    _run([*inside, "ip", "route", "replace", str(SERVICE_NETWORK), "dev", "uplink"])
    rules = f"""table ip fleet_uplink
flush table ip fleet_uplink
table ip fleet_uplink {{
  chain postrouting {{
    type nat hook postrouting priority srcnat;
    ip saddr {POD_NETWORK} oifname "uplink" masquerade
  }}
}}
"""
    _run([*inside, "nft", "-f", "-"], rules)


def _link(folder: Path) -> ipaddress.IPv4Network:
    """The /30 of this region's link: the one it had, or the first that nothing on this machine overlaps."""
    kept = _kept(folder)
    taken = _routed(f"fleet{identity(folder)}", str(kept))
    if kept and not any(kept.overlaps(route) for route in taken):
        return kept
    start = int(identity(folder), 16) % 4096  # two fleets that start at once do not try the same one first
    blocks = list(LINK_NETWORK.subnets(new_prefix=30))
    for block in blocks[start:] + blocks[:start]:
        if not any(block.overlaps(route) for route in taken):
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "link").write_text(str(block), encoding="utf-8")
            return block
    raise NetworkFailed(f"every block of {LINK_NETWORK} is routed on this machine already: LOCAL_NODES=simulated needs none")


def _kept(folder: Path) -> ipaddress.IPv4Network | None:
    try:
        return ipaddress.IPv4Network((folder / "link").read_text(encoding="utf-8").strip())
    except (OSError, ValueError):
        return None


def _block(network: RegionNetwork) -> str:
    return str(ipaddress.IPv4Interface(f"{network.address}/30").network)


def _unreachable() -> set[str]:
    """Blocks of regions whose packets this machine keeps to itself."""
    return {route["dst"] for route in _routes() if route.get("type") == "unreachable"}


def _routes() -> list[dict[str, str]]:
    found: list[dict[str, str]] = json.loads(_run(["ip", "-json", "-4", "route", "show", "table", "all"]) or "[]")
    return found


def _routed(except_device: str, except_block: str) -> list[ipaddress.IPv4Network]:
    own = ("unreachable", except_block)
    others = [route for route in _routes() if route.get("dev") != except_device and (route.get("type"), route["dst"]) != own]
    found = [route["dst"] for route in others if route["dst"] != "default" and route.get("type") != "broadcast"]
    return [network for network in (ipaddress.IPv4Network(text, strict=False) for text in found) if network.prefixlen]


def _device_exists(name: str) -> bool:
    return Path("/sys/class/net", name).exists()


def _remove_device(name: str) -> None:
    if _device_exists(name):
        _run(["ip", "link", "delete", name])


def _run(command: Sequence[str], text: str | None = None) -> str:
    done = subprocess.run(list(command), input=text, capture_output=True, text=True, check=False)
    if done.returncode:
        raise NetworkFailed(f"{' '.join(command)}: {done.stderr.strip() or f'exit status {done.returncode}'}")
    return done.stdout
