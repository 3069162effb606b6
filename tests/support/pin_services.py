"""A model hub and an image registry on loopback that speak the real protocols: what the lock command talks to in tests."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

INDEX_TYPE = "application/vnd.oci.image.index.v1+json"
PLATFORM_DIGEST = f"sha256:{'0' * 64}"
"""What a registry answers to a client that does not say it understands indexes."""


@dataclass
class Services:
    """What the services know, and what they were asked. Each test changes the parts it is about."""

    commits: dict[str, str] = field(default_factory=dict)
    """Repository to the commit of `main`."""
    old_commits: dict[str, list[str]] = field(default_factory=dict)
    gated: dict[str, str] = field(default_factory=dict)
    """Repository to the token that opens it."""
    digests: dict[str, str] = field(default_factory=dict)
    """"repository:tag" to the digest of the index."""
    manifests: dict[str, bytes] = field(default_factory=dict)
    """"repository:tag" to manifest bytes that are answered without a digest header."""
    refuse_with: dict[str, tuple[int, dict[str, str]]] = field(default_factory=dict)
    """Path to an answer of this status and headers."""
    bodies: dict[str, bytes] = field(default_factory=dict)
    """Path to a body of status 200."""
    challenge: str = 'Bearer realm="{base}/token",service="registry.test",scope="repository:{repository}:pull"'
    silent: threading.Event = field(default_factory=threading.Event)
    """Requests under /silent wait for it."""
    requests: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)
    base: str = ""

    def asked(self, prefix: str) -> list[tuple[str, str, dict[str, str]]]:
        """Requests (method, path, headers) whose path starts so."""
        return [request for request in self.requests if request[1].startswith(prefix)]


class Handler(BaseHTTPRequestHandler):
    services: Services

    def do_GET(self) -> None:
        self._answer_request()

    def do_HEAD(self) -> None:
        self._answer_request()

    def _answer_request(self) -> None:
        services, path = self.services, urlsplit(self.path).path
        services.requests.append((self.command, self.path, {key.lower(): value for key, value in self.headers.items()}))
        if path.startswith("/silent"):
            services.silent.wait(30)
            return
        if path in services.refuse_with:
            status, headers = services.refuse_with[path]
            self._send(status, b"", headers)
        elif path in services.bodies:
            self._send(200, services.bodies[path])
        elif path.startswith("/api/models/"):
            self._hub(path.removeprefix("/api/models/"))
        elif path == "/token":
            scope = parse_qs(urlsplit(self.path).query)["scope"][0]
            self._json({"token": f"for {scope}"})
        elif path.startswith("/v2/"):
            self._registry(path.removeprefix("/v2/"))
        else:
            self._send(404)

    def _hub(self, rest: str) -> None:
        repository, _, revision = rest.partition("/revision/")
        if repository not in self.services.commits:  # the real hub hides what does not exist behind 401
            self._send(401, headers={"X-Error-Code": "RepoNotFound"})
        elif repository in self.services.gated and self.headers.get("Authorization") != f"Bearer {self.services.gated[repository]}":
            self._send(403, headers={"X-Error-Code": "GatedRepo"})
        elif revision == "main":
            self._json({"id": repository, "sha": self.services.commits[repository], "siblings": []})
        elif revision in [self.services.commits[repository], *self.services.old_commits.get(repository, [])]:
            self._json({"id": repository, "sha": revision})
        else:
            self._send(404, headers={"X-Error-Code": "RevisionNotFound"})

    def _registry(self, rest: str) -> None:
        repository, _, tag = rest.partition("/manifests/")
        if self.headers.get("Authorization") != f"Bearer for repository:{repository}:pull":
            header = self.services.challenge.format(base=self.services.base, repository=repository)
            self._send(401, headers={"WWW-Authenticate": header})
            return
        name = f"{repository}:{tag}"
        if name in self.services.manifests:
            self._send(200, self.services.manifests[name])
        elif name in self.services.digests:
            understood = INDEX_TYPE in self.headers.get("Accept", "")
            self._send(200, headers={"Docker-Content-Digest": self.services.digests[name] if understood else PLATFORM_DIGEST})
        else:
            self._send(404)

    def _json(self, value: Any) -> None:
        self._send(200, json.dumps(value).encode())

    def _send(self, status: int, body: bytes = b"", headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the name that the standard library gives it
        """Quiet."""


@contextmanager
def running() -> Iterator[Services]:
    """Serve until the end of the block; `base` is the address of both services."""
    services = Services()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("ThisHandler", (Handler,), {"services": services}))
    server.daemon_threads = True
    services.base = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield services
    finally:
        services.silent.set()
        server.shutdown()
        thread.join()
        server.server_close()


def digest_of(content: bytes) -> str:
    """The digest that content has by definition."""
    return f"sha256:{sha256(content).hexdigest()}"
