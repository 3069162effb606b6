"""A simulation of the one thing a cluster is asked before it is written to: who are you? Real HTTP on loopback, no Kubernetes."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import yaml

TOKEN = "token-that-must-never-leave-the-kubeconfig"


@dataclass
class SimulatedCluster:
    """What the server answers for namespaces, and what it was asked."""

    uid: str
    address: str = ""
    status: int = 200
    body: bytes | None = None
    """Instead of the namespace."""
    namespaces: dict[str, dict[str, str]] = field(default_factory=dict)
    """Beside kube-system: name to labels."""
    asked: list[tuple[str, str | None]] = field(default_factory=list)
    """(path, Authorization header)"""


class Handler(BaseHTTPRequestHandler):
    cluster: SimulatedCluster

    def do_GET(self) -> None:
        cluster = self.cluster
        cluster.asked.append((self.path, self.headers.get("Authorization")))
        name = self.path.rpartition("/")[2]
        known = {"kube-system": {}} | cluster.namespaces
        status = 404 if cluster.status == 200 and name not in known else cluster.status
        namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "uid": cluster.uid, "labels": known.get(name)}}
        refusal = {"apiVersion": "v1", "kind": "Status", "status": "Failure", "message": f"status {status}", "code": status}
        body = cluster.body or json.dumps(namespace if status == 200 else refusal).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the name that the standard library gives it
        """Quiet."""


@contextmanager
def running(uid: str) -> Iterator[SimulatedCluster]:
    """Serve until the end of the block."""
    cluster = SimulatedCluster(uid=uid)
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("ThisHandler", (Handler,), {"cluster": cluster}))
    server.daemon_threads = True
    cluster.address = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield cluster
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def write_kubeconfig(path: Path, addresses: dict[str, str]) -> Path:
    """A kubeconfig with a context for each address."""
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": name, "cluster": {"server": address}} for name, address in addresses.items()],
        "users": [{"name": "somebody", "user": {"token": TOKEN}}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": "somebody"}} for name in addresses],
    }
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    return path
