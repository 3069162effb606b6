"""Weights into a place that takes files written once from start to end, as a bucket behind FUSE does: no renaming, no going back,
no times to set (docs/adr/0041). Shipped beside the mirror script into pods.

What was written when a process ends becomes the file, however little it is: nothing here counts on a file because it is there.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from http import HTTPStatus
from pathlib import Path
from typing import Any

if __package__:
    from components.kubernetes.weights_files import Files, Seen, damaged, pieces
else:  # in a pod
    from weights_files import Files, Seen, damaged, pieces  # pyright: ignore[reportMissingImports]

WRITERS = 4
"""Files at once. Each holds one piece of the hub's answer in memory, and the mount one part of 8 MiB for each."""

BROKEN_CONNECTIONS = 5
"""In a row, without a byte in between, until a file is given up."""

PAUSE_SECONDS = 1


class EndedError(Exception):
    """Another file failed, or the process is told to stop: this one is given up as well."""


def fetch(folder: Path, model: str, revision: str, siblings: Mapping[str, Any]) -> Files:
    """Files of the hub into the folder, each compared while it is written; what an earlier try left whole is kept.

    Raises:
        SystemExit: a file differs from the hub's size or checksum, or is larger than the hub gives out this way.
        OSError: of the hub or of the folder.
    """
    from huggingface_hub import constants, hf_hub_url
    from huggingface_hub.utils import build_hf_headers

    # Weights do not get smaller, and a compressed answer cannot be continued.
    headers = {**build_hf_headers(token=os.environ.get("HF_TOKEN")), "Accept-Encoding": "identity"}
    ended = threading.Event()

    def one(name: str) -> tuple[int, str]:
        path, size = folder / name, siblings[name].size
        told = (size, siblings[name].lfs.sha256 if siblings[name].lfs else None, siblings[name].blob_id)
        seen = Seen(size)
        if path.is_file() and path.stat().st_size == size:
            for piece in pieces(path):
                seen.update(piece)
            if not seen.differs(*told):
                return seen.size, seen.sha256
        if (size or 0) > constants.MAX_HTTP_DOWNLOAD_SIZE:
            raise SystemExit(f"{name}: {size} bytes; the hub gives files above {constants.MAX_HTTP_DOWNLOAD_SIZE} only to clients that need a disk")
        seen = Seen(size)
        write(path, _watched(content(hf_hub_url(model, name, revision=revision), headers, size), seen, ended))
        reason = seen.differs(*told)
        if reason:
            path.unlink(missing_ok=True)
            raise damaged(path, reason)
        return seen.size, seen.sha256

    with ThreadPoolExecutor(WRITERS) as pool:
        started = {name: pool.submit(one, name) for name in siblings}
        try:
            for future in wait(started.values(), return_when=FIRST_EXCEPTION).done:
                future.result()
            return {name: future.result() for name, future in started.items()}
        finally:
            ended.set()
            pool.shutdown(wait=False, cancel_futures=True)


def _watched(chunks: Iterable[bytes], seen: Seen, ended: threading.Event) -> Iterator[bytes]:
    for chunk in chunks:
        if ended.is_set():
            raise EndedError
        seen.update(chunk)
        yield chunk


def write(path: Path, chunks: Iterable[bytes]) -> None:
    """Write a file, new or in place of another, from start to end; it is there for others when this returns.

    One thread opens, writes and closes it: a mount completes what is closed by whoever opened it. What was there is deleted first:
    Cloud Storage FUSE would fetch it to be changed, and keep the new one on the machine's disk until it is whole.
    """
    path.unlink(missing_ok=True)
    path.parent.mkdir(parents=True, exist_ok=True)  # an object store forgets a folder with its last file
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o664)
    try:
        for chunk in chunks:
            rest = memoryview(chunk)
            while rest:
                rest = rest[os.write(descriptor, rest) :]
        os.fsync(descriptor)  # errors of the upload are told here, or when it is closed
    finally:
        os.close(descriptor)


def content(url: str, headers: Mapping[str, str], size: int | None) -> Iterator[bytes]:
    """A file of the hub from start to end; where the connection breaks, the rest is asked for.

    Raises:
        OSError: the hub refuses, or the connection broke too often.
    """
    from huggingface_hub import constants
    from huggingface_hub.errors import HfHubHTTPError
    from huggingface_hub.utils import hf_raise_for_status, http_stream_backoff

    transport: tuple[type[Exception], ...] = HfHubHTTPError.__bases__  # another library in the client's next major version
    received, broken = 0, 0
    while True:
        asked = {**headers, "Range": f"bytes={received}-"} if received else dict(headers)
        try:
            with http_stream_backoff("GET", url, headers=asked, timeout=constants.HF_HUB_DOWNLOAD_TIMEOUT, retry_on_exceptions=()) as response:
                hf_raise_for_status(response)
                # A server that does not know ranges starts again.
                skipped = received if response.status_code != HTTPStatus.PARTIAL_CONTENT else 0
                for chunk in response.iter_bytes(constants.DOWNLOAD_CHUNK_SIZE):
                    fresh = chunk[skipped:]
                    skipped -= len(chunk) - len(fresh)
                    received, broken = received + len(fresh), 0
                    yield fresh
                return
        except HfHubHTTPError:
            raise
        except transport:
            broken += 1
            if broken > BROKEN_CONNECTIONS:
                raise
            if received == size:
                return
            time.sleep(PAUSE_SECONDS)
