"""Real connections between network namespaces that are laid out as a region of the local target: the kernel says who reaches whom.

The ends of all connections are sockets of this process, each made in the namespace it belongs to.
"""

from __future__ import annotations

import ctypes
import errno
import itertools
import os
import secrets
import selectors
import socket
import subprocess
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

GATEWAY = "169.254.1.1"
QUIET_SECONDS = 0.3
"""How long a packet that must be dropped is given to arrive: it would take less than a millisecond."""
PATIENCE_SECONDS = 5.0
"""How long one that must arrive is waited for, on a machine that does other things as well."""
FIRST_SOURCE_PORT = 20000
PREFIX = "policy-probe"
NEW_NETWORK = 0x40000000
NAMESPACES = Path("/run/netns")


@dataclass(frozen=True, order=True)
class Probe:
    """One attempt to connect."""

    source: str
    destination: str
    port: int
    protocol: str


class ProbedNetwork:
    """One namespace that routes between all others, as a region does, and one namespace per address."""

    def __init__(self, addresses: Sequence[str], ports: Mapping[str, Sequence[int]]) -> None:
        self.name = f"{PREFIX}-{os.getpid()}-{secrets.token_hex(2)}"
        self._ends = {address: f"{self.name}-{index}" for index, address in enumerate(addresses)}
        self._ports = ports
        self._sockets = ExitStack()
        self._listeners: list[socket.socket] = []
        # Every probe has a source port of its own: the kernel takes a repeated one for the connection that was let through before.
        self._source_ports = {address: itertools.count(FIRST_SOURCE_PORT) for address in addresses}

    @property
    def namespaces(self) -> list[str]:
        return [self.name, *self._ends.values()]

    def make(self) -> None:
        for name in self.namespaces:
            _ip("netns", "add", name)
        routes = ["link set lo up"]
        for index, (address, end) in enumerate(self._ends.items()):
            device = f"end{index}"
            routes += [f"link add {device} type veth peer name eth0 netns {end}", f"link set {device} up"]
            routes += [f"address add {GATEWAY}/32 dev {device}", f"route add {address}/32 dev {device}"]
        _ip("-n", self.name, "-batch", "-", script="\n".join(routes))
        for address, end in self._ends.items():
            own = [f"address add {address}/32 dev eth0", "link set lo up", "link set eth0 up"]
            _ip("-n", end, "-batch", "-", script="\n".join([*own, f"route add {GATEWAY} dev eth0", f"route add default via {GATEWAY}"]))
        with inside(self.name):
            Path("/proc/sys/net/ipv4/ip_forward").write_text("1", encoding="utf-8")
        for address, end in self._ends.items():
            with inside(end):
                self._listen(address)

    def remove(self) -> None:
        """Whatever is there of it."""
        self._sockets.close()
        for name in self.namespaces:
            if (NAMESPACES / name).exists():
                _ip("netns", "delete", name)

    def load(self, rules: str) -> None:
        """Hand nftables these rules in the routing namespace."""
        _ip("netns", "exec", self.name, "nft", "-f", "-", script=rules)

    def reached(self, probes: Iterable[Probe], expected: Iterable[Probe] = ()) -> set[Probe]:
        """Which probes were answered: a handshake over TCP, an echo over UDP. Those expected are waited for longer than the others."""
        with ExitStack() as opened, selectors.DefaultSelector() as selector:
            for listener in self._listeners:
                selector.register(listener, selectors.EVENT_READ)
            for probe in sorted(probes):
                client = opened.enter_context(self._client(probe))
                selector.register(client, selectors.EVENT_WRITE if probe.protocol == "TCP" else selectors.EVENT_READ, probe)
            return self._collect(selector, set(expected), opened)

    def _collect(self, selector: selectors.BaseSelector, expected: set[Probe], opened: ExitStack) -> set[Probe]:
        start, found = time.monotonic(), set[Probe]()
        while (waited := time.monotonic() - start) < (QUIET_SECONDS if expected <= found else PATIENCE_SECONDS):
            for key, _ in selector.select(QUIET_SECONDS - min(waited, QUIET_SECONDS - 0.01)):
                ready = key.fileobj
                assert isinstance(ready, socket.socket)
                if key.data is None:
                    _answer(ready, opened)
                    continue
                problem = ready.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
                assert problem == 0, f"{key.data}: {errno.errorcode[problem]}, but everything probed is listened to and nothing rejects"
                found.add(key.data)
                selector.unregister(ready)
        return found

    def _client(self, probe: Probe) -> socket.socket:
        end = self._ends[probe.source]
        with inside(end):
            client = socket.socket(socket.AF_INET, _KINDS[probe.protocol])
        client.setblocking(False)
        client.bind((probe.source, next(self._source_ports[probe.source])))
        result = client.connect_ex((probe.destination, probe.port))
        assert result in {0, errno.EINPROGRESS}, f"{probe}: {errno.errorcode[result]}"
        if probe.protocol == "UDP":
            client.send(b"?")
        return client

    def _listen(self, address: str) -> None:
        for protocol, ports in self._ports.items():
            for port in ports:
                listener = self._sockets.enter_context(socket.socket(socket.AF_INET, _KINDS[protocol]))
                listener.setblocking(False)
                listener.bind((address, port))
                if protocol == "TCP":
                    listener.listen(1024)
                self._listeners.append(listener)


_KINDS = {"TCP": socket.SOCK_STREAM, "UDP": socket.SOCK_DGRAM}


@contextmanager
def probed_network(addresses: Sequence[str], ports: Mapping[str, Sequence[int]]) -> Iterator[ProbedNetwork]:
    """A network for as long as the block runs; nothing is left of it, however the block ends."""
    _remove_left_over()
    network = ProbedNetwork(addresses, ports)
    try:
        network.make()
        yield network
    finally:
        network.remove()


@contextmanager
def inside(namespace: str) -> Iterator[None]:
    """This thread in another network namespace; a socket made there stays there."""
    own = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    other = os.open(NAMESPACES / namespace, os.O_RDONLY)
    try:
        _enter(other)
        yield
    finally:
        _enter(own)
        os.close(own)
        os.close(other)


def _enter(descriptor: int) -> None:
    library = ctypes.CDLL(None, use_errno=True)  # os.setns is newer than the oldest Python we support
    if library.setns(descriptor, NEW_NETWORK) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"setns: {os.strerror(number)}; entering a network namespace needs root")


def _remove_left_over() -> None:
    """What runs that were killed could not remove: the name says whose it was."""
    for found in NAMESPACES.glob(f"{PREFIX}-*"):
        if not psutil.pid_exists(int(found.name.removeprefix(f"{PREFIX}-").partition("-")[0])):
            _ip("netns", "delete", found.name)


def _answer(listener: socket.socket, opened: ExitStack) -> None:
    if listener.type == socket.SOCK_STREAM:
        opened.enter_context(listener.accept()[0])
    else:
        text, caller = listener.recvfrom(64)
        listener.sendto(text, caller)


def _ip(*arguments: str, script: str | None = None) -> None:
    done = subprocess.run(["ip", *arguments], input=script, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"ip {' '.join(arguments)}: {done.stderr}\n{script or ''}"
