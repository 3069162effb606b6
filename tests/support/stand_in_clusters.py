"""API servers that answer one question, the identity of the cluster, and a kubeconfig with a context for each."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import yaml

TOKEN = "stand-in-token-that-must-not-be-in-any-state"


class StandInClusters:
    """One server for all clusters: the first part of the path says which. `uids` may be changed at any time."""

    def __init__(self, folder: Path, names: Iterable[str]) -> None:
        self.uids = {name: f"{index}0000000-0000-4000-8000-000000000000" for index, name in enumerate(names, 1)}
        self.kubeconfig = folder / "kubeconfig"
        uids = self.uids

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                _, cluster, path = self.path.split("/", 2)
                right = path == "api/v1/namespaces/kube-system" and self.headers["Authorization"] == f"Bearer {TOKEN}"
                metadata = {"name": "kube-system", "uid": uids.get(cluster)}
                body = json.dumps({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}).encode() if right else b"{}"
                self.send_response(200 if right else 403)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002  named by the base class
                """Stay quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self._write()

    def _write(self) -> None:
        names = [(f"local-{name}", f"http://127.0.0.1:{self._server.server_port}/{name}") for name in self.uids]
        document = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": names[0][0],
            "clusters": [{"name": name, "cluster": {"server": server}} for name, server in names],
            "users": [{"name": name, "user": {"token": TOKEN}} for name, _ in names],
            "contexts": [{"name": name, "context": {"cluster": name, "user": name}} for name, _ in names],
        }
        self.kubeconfig.write_text(yaml.safe_dump(document), encoding="utf-8")

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
