"""The simulated engine and its client as processes on loopback, and the snapshots of models that they load."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import struct
import subprocess
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from local.tools import ensure

MODEL, REVISION = "org/tiny", "0123456789abcdef0123456789abcdef01234567"
TENSORS = {"__metadata__": {"format": "pt"}, "a": {"dtype": "F16", "shape": [4], "data_offsets": [0, 8]}}
PATIENCE_SECONDS = 30

LONG: dict[str, Any] = {"stream": True, "ignore_eos": True, "max_tokens": 100}
"""Fields of a request for a stream of exactly a hundred tokens."""


@cache
def binaries() -> dict[str, Path]:
    """The simulated engine, the client, the sandbox's process and the third-party simulator of answers, built where they are missing."""
    return ensure(("vllm-simulator", "fleet-client", "pause", "llm-d-inference-sim"))


def weights(header: Mapping[str, Any] = TENSORS, data: bytes = b"weights.") -> bytes:
    """A safetensors file."""
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def snapshot(cache_folder: Path, **pace: float) -> Path:
    """A whole model in a cache as huggingface_hub lays it out; `pace` is what its simulator.json says."""
    folder = cache_folder / f"models--{MODEL.replace('/', '--')}" / "snapshots" / REVISION
    folder.mkdir(parents=True)
    (folder / "config.json").write_text("{}", encoding="utf-8")
    (folder / "model.safetensors").write_bytes(weights())
    (folder / "simulator.json").write_text(json.dumps({"start_seconds": 0.0} | pace), encoding="utf-8")
    return folder


def command(*flags: str) -> list[str]:
    """A command line of the simulated engine on a free port."""
    return [str(binaries()["vllm-simulator"]), MODEL, "--served-model-name", "chat", "--revision", REVISION, "--port", "0", *flags]


def environment(cache_folder: Path, variables: Mapping[str, str] | None = None) -> dict[str, str]:
    """What the image and the plan give to the container."""
    given = {"HF_HUB_CACHE": str(cache_folder), "HF_HUB_OFFLINE": "1", "SIMULATOR_BINARY": str(binaries()["llm-d-inference-sim"])}
    return given | dict(variables or {})


@dataclass
class Engine:
    """A simulated engine that is ready."""

    process: subprocess.Popen[str]
    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def ended(self) -> int:
        """Its exit status, once it has ended."""
        return self.process.wait(PATIENCE_SECONDS)

    def child(self) -> int:
        """The process identifier of its simulator of answers."""
        return int(Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text(encoding="ascii").split()[0])

    def get(self, path: str, *, timeout: float = PATIENCE_SECONDS, key: str = "") -> tuple[int, str]:
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)) as connection:
            connection.request("GET", path, headers=_headers(key))
            answer = connection.getresponse()
            return answer.status, answer.read().decode()

    def ask(self, *, path: str = "/v1/chat/completions", key: str = "", text: str = "one two three", **fields: Any) -> tuple[int, dict[str, Any]]:
        """A chat completion that is not streamed."""
        with self.request(path=path, key=key, text=text, **fields) as answer:
            return answer.status, json.loads(answer.read())

    @contextlib.contextmanager
    def request(self, **fields: Any) -> Iterator[http.client.HTTPResponse]:
        """A chat completion whose answer has begun; the fields are those of `sent`."""
        with self.sent(**fields) as connection:
            yield connection.getresponse()

    @contextlib.contextmanager
    def sent(
        self, *, path: str = "/v1/chat/completions", key: str = "", text: str = "one two three", **fields: Any
    ) -> Iterator[http.client.HTTPConnection]:
        """A chat completion that nobody has waited for yet."""
        body = json.dumps({"model": "chat", "messages": [{"role": "user", "content": text}]} | fields)
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_SECONDS)) as connection:
            connection.request("POST", path, body, {"Content-Type": "application/json"} | _headers(key))
            yield connection

    def await_metric(self, name: str, value: int) -> None:
        """Returns once the gauge of the served model has the value."""
        until = time.monotonic() + PATIENCE_SECONDS
        while f'vllm:{name}{{model_name="chat"}} {value}\n' not in self.get("/metrics")[1]:
            assert time.monotonic() < until, f"{name} does not become {value}"


def _headers(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"} if key else {}


@contextlib.contextmanager
def started(cache_folder: Path, *flags: str, variables: Mapping[str, str] | None = None) -> Iterator[subprocess.Popen[str]]:
    """A simulated engine that may still load; killed at the end."""
    process = subprocess.Popen(command(*flags), env=environment(cache_folder, variables), stderr=subprocess.PIPE, text=True)
    with process:
        try:
            yield process
        finally:
            process.kill()


def ready(process: subprocess.Popen[str]) -> Engine:
    """Waits until it says where it listens."""
    assert process.stderr is not None
    said = []
    for line in process.stderr:
        said.append(line)
        if " ready at " in line:
            return Engine(process, int(line.split(" ready at ")[1].split()[0].rsplit(":", 1)[1]))
    raise AssertionError(f"it ended with {process.wait()}: {''.join(said)}")


@contextlib.contextmanager
def engine(cache_folder: Path, *flags: str, variables: Mapping[str, str] | None = None) -> Iterator[Engine]:
    """A simulated engine that serves."""
    with started(cache_folder, *flags, variables=variables) as process:
        yield ready(process)


def refused(cache_folder: Path, *flags: str, variables: Mapping[str, str] | None = None) -> tuple[int, str]:
    """Exit status and errors of a simulated engine that does not come to serve."""
    done = subprocess.run(
        command(*flags), env=environment(cache_folder, variables), check=False, capture_output=True, text=True, timeout=PATIENCE_SECONDS
    )
    return done.returncode, done.stderr


def events(answer: http.client.HTTPResponse) -> Iterator[dict[str, Any]]:
    """The events of a stream, up to [DONE].

    Raises:
        ConnectionError: the stream ended without it.
    """
    while line := answer.readline().decode():
        if line.strip() == "data: [DONE]":
            return
        if line.startswith("data: "):
            yield json.loads(line.removeprefix("data: "))
    raise ConnectionError("the stream was cut")


def first_text(stream: Iterator[dict[str, Any]]) -> str:
    """The first text of a stream, once it has come."""
    return next(text for event in stream if (text := event["choices"][0]["delta"].get("content")))


def finish(stream: Iterator[dict[str, Any]]) -> str:
    """Why a stream ended, once it has."""
    return [reason for event in stream for choice in event["choices"] if (reason := choice["finish_reason"])][-1]


def client(*words: str, **options: Any) -> subprocess.Popen[str]:
    """The client, whose one JSON document comes on standard output."""
    return subprocess.Popen(
        [str(binaries()["fleet-client"]), *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={"PATH": os.defpath}, **options
    )


def told(*words: str) -> tuple[int, dict[str, Any]]:
    """Exit status and document of a client that ends by itself."""
    return outcome(client(*words))


def outcome(process: subprocess.Popen[str]) -> tuple[int, dict[str, Any]]:
    said, errors = process.communicate(timeout=2 * PATIENCE_SECONDS)
    assert said, errors
    return process.returncode, json.loads(said)
