"""The client reports what a caller without retries sees: every failure, with its reason, and nothing else."""

from __future__ import annotations

import json
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.engine_processes import client, engine, outcome, snapshot, told

pytestmark = pytest.mark.simulator

STREAM_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"


def _event(content: str, finish: str | None = None) -> bytes:
    choice = {"index": 0, "delta": {"content": content}, "finish_reason": finish}
    return f"data: {json.dumps({'choices': [choice]})}\n\n".encode()


def _request(connection: socket.socket) -> bytes:
    """The body of one request, read to its end: closing a connection with unread bytes would reset it. Empty: no request came."""
    with connection.makefile("rb") as file:
        length = 0
        while (line := file.readline()).strip():
            if line.lower().startswith(b"content-length:"):
                length = int(line.split(b":")[1])
        return file.read(length)


@contextmanager
def _scripted(answer: Callable[[socket.socket], None]) -> Iterator[str]:
    """A server that reads one request from each connection and then does what the script says."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection:
                    if _request(connection):
                        answer(connection)

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
        server.shutdown(socket.SHUT_RDWR)
        thread.join()


@pytest.mark.parametrize("flags", [(), ("--stream",)])
def test_one_answer_is_one_document(tmp_path: Path, flags: tuple[str, ...]) -> None:
    snapshot(tmp_path / "hub", time_to_first_token_milliseconds=50, inter_token_latency_milliseconds=20)
    (tmp_path / "key").write_text("secret\n")
    with engine(tmp_path / "hub", variables={"VLLM_API_KEY": "secret"}) as running:
        line = ["chat", "--url", running.url, "--model", "chat", "--prompt", "one two three", *flags]
        status, report = told(*line, "--api-key-file", str(tmp_path / "key"))
        assert (status, report["ok"], report["status"], report["error"]) == (0, True, 200, "")
        assert report["text"] == "one two three", "the simulated engine says what it is told"
        assert 50 <= report["time_to_first_token_milliseconds"] <= report["total_milliseconds"]
        assert report["total_milliseconds"] >= 90, "three tokens have two gaps"
        status, report = told(*line)
        assert (status, report["ok"], report["status"], report["reason"]) == (1, False, 401, "status")


def test_two_thousand_requests_to_a_steady_server_are_all_answered(tmp_path: Path) -> None:
    snapshot(tmp_path / "hub")
    with engine(tmp_path / "hub", "--max-num-queued-reqs", "28") as running:
        status, report = told("load", "--target", f"{running.url}=chat", "--requests", "2000", "--connections", "8")
        assert (status, report["failed"], report["failure_examples"]) == (0, 0, []), "nothing is lost where nothing happens"
        assert report["answered"] == report["sent"] >= 2000
        assert report["targets"][0]["latency_milliseconds"]["p50"] > 0
        assert report["targets"][0]["first_token_milliseconds"]["p99"] > 0, "half of them were streams"


def test_load_goes_on_until_the_file_exists_and_counts_each_target(tmp_path: Path) -> None:
    snapshot(tmp_path / "hub")
    with engine(tmp_path / "hub") as running:
        line = ["load", "--target", f"{running.url}=chat", "--target", f"{running.url}=other", "--requests", "20", "--connections", "4"]
        process = client(*line, "--until-file", str(tmp_path / "enough"), "--keep-alive=false")
        assert process.stderr is not None
        assert "answered" in process.stderr.readline(), "it is still at work when it tells its progress after 5 s"
        (tmp_path / "enough").touch()
        status, report = outcome(process)
    assert status == 1, "one of the two models does not exist"
    known, unknown = report["targets"]
    assert known["answered"] == known["sent"] > 20, "far more were done in 5 s than asked for at least"
    assert unknown["failed"] == {"status": unknown["sent"]}
    assert len(report["failure_examples"]) == 20, "enough to read, however many there are"
    assert "404" in report["failure_examples"][0]["detail"]


def test_a_terminated_load_still_prints_its_report(tmp_path: Path) -> None:
    snapshot(tmp_path / "hub")
    with engine(tmp_path / "hub") as running:
        process = client("load", "--target", f"{running.url}=chat", "--requests", "1", "--seconds", "600")
        assert process.stderr is not None
        process.stderr.readline()
        process.send_signal(signal.SIGTERM)
        status, report = outcome(process)
    assert (status, report["failed"]) == (0, 0), "the request that its own end cut is no failure of the server"
    assert report["answered"] > 0


def test_streams_that_a_server_cuts_are_counted_and_named(tmp_path: Path) -> None:
    snapshot(tmp_path / "hub", inter_token_latency_milliseconds=100)
    with engine(tmp_path / "hub") as running:
        line = ["load", "--target", f"{running.url}=chat", "--requests", "4", "--connections", "4", "--stream-share", "1", "--max-tokens", "200"]
        process = client(*line)
        running.await_metric("num_requests_running", 4)

        running.signal(signal.SIGTERM)
        running.ended()
        status, report = outcome(process)
    assert status == 1
    assert report["targets"][0]["failed"].get("short_stream") == 4, "without a drain every stream in flight is cut"
    example = report["failure_examples"][0]
    assert example["stream"]
    assert example["remote_address"] == running.url.removeprefix("http://"), "in a cluster it says which pod it was"


@pytest.mark.parametrize(
    ("reason", "sent"),
    [
        ("reset", b""),
        ("status", b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 4\r\nConnection: close\r\n\r\nbusy"),
        ("short_stream", STREAM_HEAD + _event("a")),
        ("short_stream", STREAM_HEAD + _event("a", "stop")),
        ("short_stream", STREAM_HEAD + _event("a") + b"data: [DONE]\n\n"),
        ("short_stream", STREAM_HEAD + b'data: {"error": {"message": "dead"}}\n\ndata: [DONE]\n\n'),
        ("abort", STREAM_HEAD + _event("", "abort") + b"data: [DONE]\n\n"),
        ("", STREAM_HEAD + b": a comment\n\n" + _event("a") + _event("", "stop") + b"data: [DONE]\n\n"),
    ],
)
def test_only_a_complete_answer_counts(reason: str, sent: bytes) -> None:
    with _scripted(lambda connection: connection.sendall(sent)) as url:
        status, report = told("load", "--target", f"{url}=chat", "--requests", "1", "--stream-share", "1")
    failed = report["targets"][0]["failed"]
    assert set(failed) == ({reason} if reason else set()), f"what came was {sent!r}"
    assert status == (1 if reason else 0)


def test_a_closed_port_and_a_silent_server_are_told_apart() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        assert told("chat", "--url", url, "--model", "chat", "--timeout-seconds", "0.3")[1]["reason"] == "timeout"
    assert told("chat", "--url", url, "--model", "chat")[1]["reason"] == "connect"


def test_a_request_on_a_dead_connection_is_a_failure_and_is_not_repeated() -> None:
    body = b'{"choices": [{"message": {"content": "a"}, "finish_reason": "stop"}]}'
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
    requests: list[bytes] = []

    def twice(connection: socket.socket) -> None:
        connection.sendall(answer)
        requests.append(_request(connection))  # read, and then the connection is closed without an answer

    with _scripted(twice) as url:
        _, report = told("load", "--target", f"{url}=chat", "--requests", "6", "--stream-share", "0")
    sent, failed = report["targets"][0]["sent"], report["targets"][0]["failed"]
    assert failed == {"reset": sum(1 for request in requests if request)}, "each request that died with its connection is seen"
    assert report["answered"] + report["failed"] == sent, "and none was sent again in secret"


@pytest.mark.parametrize("flags", [(), ("--udp",)])
def test_a_connection_is_tried(flags: tuple[str, ...]) -> None:
    listener = client("listen", "--port", "0", *flags)
    assert listener.stderr is not None
    address = f"127.0.0.1:{listener.stderr.readline().strip().rsplit(':', 1)[1]}"
    assert told("connect", "--address", address, *flags) == (0, {"connected": True, "error": ""})
    listener.kill()
    listener.communicate()
    status, report = told("connect", "--address", address, "--timeout-seconds", "0.5", *flags)
    assert (status, report["connected"]) == (1, False), "nobody listens there any more"
    assert report["error"]


def test_a_listener_answers_http_as_well() -> None:
    listener = client("listen", "--port", "0")
    assert listener.stderr is not None
    port = int(listener.stderr.readline().strip().rsplit(":", 1)[1])
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert connection.recv(4096).startswith(b"HTTP/1.1 200 OK")
    with socket.create_connection(("127.0.0.1", port)) as silent:
        assert silent.recv(4096) == b"ok\n"
    listener.kill()
    listener.communicate()


@pytest.mark.parametrize(
    "line", [["chat"], ["load", "--target", "nonsense"], ["load", "--requests", "1"], ["connect", "--address", "x"], ["nothing"], []]
)
def test_wrong_input_is_told_apart_from_failures(line: list[str]) -> None:
    process = client(*line)
    _, errors = process.communicate(timeout=10)
    assert process.returncode == 2
    assert errors
