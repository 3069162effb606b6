"""A model hub for the local target: a folder of models behind the part of the hub's protocol that downloads use.

`python -m local.hub --folder F --address A --port P [--log FILE]` serves `<folder>/<organisation>/<name>/<revision>/files…`.
A revision is the name of its folder; branches do not exist. With a token in HUB_TOKEN every request must carry it.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import sys
import threading
from collections.abc import Iterator
from functools import cache
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from local.hub_models import fill

__all__ = ["Hub", "fill", "main"]

LARGE_BYTES = 10_000_000
LARGE_SUFFIXES = (".safetensors", ".bin")
"""Files that the hub keeps outside git, by size or by kind: they have a SHA-256 there, all others the id of a git blob."""

POINTER_BYTES = 134
"""What git holds of a large file instead of it; readers show the number and nothing more."""

CHUNK_BYTES = 256 * 1024
MODEL = re.compile(r"/api/models/(?P<repository>[^/]+/[^/]+)/(?P<what>revision|tree)/(?P<revision>[^/]+)")
FILE = re.compile(r"/(?P<repository>[^/]+/[^/]+)/resolve/(?P<revision>[^/]+)/(?P<name>.+)")
RANGE = re.compile(r"bytes=(\d+)-(\d*)")


class Hub(ThreadingHTTPServer):
    """A hub of the models in one folder; it serves from `serve_forever` until `shutdown`."""

    daemon_threads = True

    def __init__(self, address: str, port: int, folder: Path, *, log: Path | None = None, token: str | None = None) -> None:
        """Bind the address.

        Args:
            address: of an interface of this machine.
            port: 0 takes a free one.
            folder: of the models; may be filled later.
            log: a line for each request: method, path, status, bytes of content sent.
            token: what every request must carry; default: none is asked for.

        Raises:
            OSError: the address is not of this machine, or the port is taken.
        """
        self.folder, self.token, self._log, self._lock = folder, token, log, threading.Lock()
        super().__init__((address, port), Request)

    @property
    def url(self) -> str:
        """What HF_ENDPOINT must be."""
        return f"http://{self.server_address[0]!s}:{self.server_address[1]}"

    def description(self, repository: str, folder: Path) -> dict[str, Any]:
        """What the hub says of a revision and of every file in it."""
        siblings = [_record(folder / name, folder) for name in _names(folder)]
        return {"id": repository, "modelId": repository, "sha": folder.name, "private": False, "tags": [], "downloads": 0, "siblings": siblings}

    def content(self, path: Path, start: int, end: int) -> Iterator[bytes]:
        """The bytes of a file from start to before end, in pieces."""
        with path.open("rb") as file:
            file.seek(start)
            while start < end and (piece := file.read(min(CHUNK_BYTES, end - start))):
                start += len(piece)
                yield piece

    def note(self, line: str) -> None:
        """Write one line of the log, whole: requests run side by side."""
        if self._log:
            with self._lock, self._log.open("a", encoding="utf-8") as log:
                log.write(f"{line}\n")


class Request(BaseHTTPRequestHandler):
    """One connection of a client."""

    server: Hub  # pyright: ignore[reportIncompatibleVariableOverride]  no other server makes these
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Answer a request for a model's description, its list of files, or a file."""
        path = unquote(urlsplit(self.path).path)
        about, file = MODEL.fullmatch(path), FILE.fullmatch(path)
        found = about or file
        if not found:
            self._refuse(HTTPStatus.NOT_FOUND, "", "this hub serves models alone")
        elif self.server.token and self.headers.get("Authorization") != f"Bearer {self.server.token}":
            self._refuse(HTTPStatus.UNAUTHORIZED, "GatedRepo", f"access to {found['repository']} needs a token")
        elif not self._folder(found["repository"]).is_dir():
            self._refuse(HTTPStatus.NOT_FOUND, "RepoNotFound", f"there is no model {found['repository']}")
        elif not (folder := self._folder(found["repository"]) / found["revision"]).is_dir() or not _inside(folder, self.server.folder):
            self._refuse(HTTPStatus.NOT_FOUND, "RevisionNotFound", f"{found['repository']} has no revision {found['revision']}")
        elif about:
            answer = self.server.description(found["repository"], folder) if about["what"] == "revision" else _tree(folder)
            content = json.dumps(answer).encode()
            self._answer(HTTPStatus.OK, {"Content-Type": "application/json"}, len(content), iter([content]))
        else:
            self._file(folder, folder / found["name"])

    do_HEAD = do_GET  # noqa: N815  likewise

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the base's own names
        """Say nothing on the terminal: the log has its own line."""

    def _folder(self, repository: str) -> Path:
        return self.server.folder / repository

    def _file(self, folder: Path, path: Path) -> None:
        if not path.is_file() or not _inside(path, folder):
            self._refuse(HTTPStatus.NOT_FOUND, "EntryNotFound", f"there is no file {path.name} in this revision")
            return
        size, record = path.stat().st_size, _record(path, folder)
        identity = record["lfs"]["sha256"] if "lfs" in record else record["blobId"]
        headers = {"ETag": f'"{identity}"', "X-Repo-Commit": folder.name, "Accept-Ranges": "bytes", "Content-Type": "application/octet-stream"}
        if "lfs" in record:
            headers |= {"X-Linked-ETag": f'"{identity}"', "X-Linked-Size": str(size)}
        asked = RANGE.fullmatch(self.headers.get("Range", ""))
        start, end = (int(asked[1]), int(asked[2]) + 1 if asked[2] else size) if asked else (0, size)
        if asked and not start < min(end, size):
            self._refuse(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, "", f"{path.name} has {size} bytes")
            return
        end = min(end, size)
        headers |= {"Content-Range": f"bytes {start}-{end - 1}/{size}"} if asked else {}
        self._answer(HTTPStatus.PARTIAL_CONTENT if asked else HTTPStatus.OK, headers, end - start, self.server.content(path, start, end))

    def _refuse(self, status: HTTPStatus, code: str, reason: str) -> None:
        self._answer(status, {"X-Error-Code": code, "X-Error-Message": reason} if code else {}, 0, iter(()))

    def _answer(self, status: HTTPStatus, headers: dict[str, str], size: int, content: Iterator[bytes]) -> None:
        sent = 0
        try:
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(size)}.items():
                self.send_header(name, value)
            self.end_headers()
            for piece in content if self.command == "GET" else ():
                self.wfile.write(piece)
                sent += len(piece)
        except ConnectionError:
            self.close_connection = True  # the client went away; the line in the log says how far it came
        finally:
            if self.command == "GET" and sent != size:
                self.close_connection = True
            self.server.note(f"{self.command} {self.path} {status.value} {sent}")


def _inside(path: Path, folder: Path) -> bool:
    return path.resolve().is_relative_to(folder.resolve())


def _names(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def _tree(folder: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for name in _names(folder):
        record = _record(folder / name, folder)
        large = {"lfs": {"oid": record["lfs"]["sha256"], **record["lfs"]}} if "lfs" in record else {}
        found.append({"type": "file", "path": name, "size": record["size"], "oid": record["blobId"], **large})
    return found


def _record(path: Path, folder: Path) -> dict[str, Any]:
    """What the hub knows of a file without its content."""
    stat = path.stat()
    sha256, blob = _identities(path, stat.st_size, stat.st_mtime_ns)
    large = stat.st_size > LARGE_BYTES or path.name.endswith(LARGE_SUFFIXES)
    lfs = {"lfs": {"sha256": sha256, "size": stat.st_size, "pointerSize": POINTER_BYTES}} if large else {}
    return {"rfilename": str(path.relative_to(folder)), "size": stat.st_size, "blobId": blob, **lfs}


@cache
def _identities(path: Path, size_bytes: int, _modified_nanoseconds: int) -> tuple[str, str]:
    """SHA-256 and id of the git blob; counted again where size or time are others."""
    sha256, blob = hashlib.sha256(), hashlib.sha1(b"blob %d\0" % size_bytes, usedforsecurity=False)
    with path.open("rb") as file:
        while piece := file.read(CHUNK_BYTES):
            sha256.update(piece)
            blob.update(piece)
    return sha256.hexdigest(), blob.hexdigest()


def main(arguments: list[str]) -> None:
    """Serve until ended."""
    parser = argparse.ArgumentParser(prog="python -m local.hub", description="Serve a folder of models as a model hub.")
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--address", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--log", type=Path)
    options = parser.parse_args(arguments)
    Hub(options.address, options.port, options.folder, log=options.log, token=os.environ.get("HUB_TOKEN")).serve_forever()


if __name__ == "__main__":
    main(sys.argv[1:])
