"""How the simulated engine ends, as vLLM does: drained, cut, hung or dead. Its processes are real, its model is not."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import time
from http.client import HTTPException
from pathlib import Path
from typing import Any

import pytest

from tests.support.engine_processes import LONG, binaries, command, engine, environment, events, finish, first_text, ready, snapshot

pytestmark = pytest.mark.simulator

GIVEN_AN_ORPHAN = """
import ctypes, os, sys
PR_SET_CHILD_SUBREAPER = 36  # orphans come to this process as they come to a container's first one; it outlives an exec
assert ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1) == 0
if os.fork() == 0:
    if os.fork() == 0:
        print(os.getpid(), flush=True)
        sys.stdin.read()
    os._exit(0)
os.wait()
os.execv(sys.argv[1], sys.argv[1:])
"""

LONG_WHOLE: dict[str, Any] = {**LONG, "stream": False}


@pytest.fixture
def hub(tmp_path: Path) -> Path:
    """A cache with one small model that answers at once."""
    snapshot(tmp_path / "hub")
    return tmp_path / "hub"


@pytest.fixture
def slow_hub(tmp_path: Path) -> Path:
    """A cache with one small model: a stream of a hundred tokens takes two seconds."""
    snapshot(tmp_path / "hub", inter_token_latency_milliseconds=20)
    return tmp_path / "hub"


def test_a_drain_cuts_no_stream_and_aborts_what_arrives_meanwhile(slow_hub: Path) -> None:
    with (
        engine(slow_hub, "--shutdown-timeout", "60") as running,
        running.request(**LONG) as stream,
        running.sent(**LONG_WHOLE) as whole,
    ):
        incoming = events(stream)
        running.await_metric("num_requests_running", 2)
        running.signal(signal.SIGTERM)
        status, answer = running.ask()
        while answer["choices"][0]["finish_reason"] != "abort":  # until the signal has arrived
            status, answer = running.ask()
        assert status == 200
        assert answer["choices"][0]["message"]["content"] == "", "vLLM accepts it and aborts it at once"
        with running.request(stream=True) as late:
            assert finish(events(late)) == "abort", "a stream as well"
        assert running.get("/health")[0] == 200, "a readiness probe does not notice the drain"
        assert finish(incoming) == "length", "the stream in flight went on to its end"
        assert whole.getresponse().status == 200, "and the answer that is not streamed as well"
        began = time.monotonic()
        assert running.ended() == 0
        assert time.monotonic() - began < 10, "it does not wait for the rest of its 60 s"


@pytest.mark.parametrize(("flags", "least"), [((), 0.0), (("--shutdown-timeout", "1"), 1.0)])
def test_what_may_not_be_waited_for_is_cut(tmp_path: Path, flags: tuple[str, ...], least: float) -> None:
    snapshot(tmp_path / "hub", inter_token_latency_milliseconds=500)
    with engine(tmp_path / "hub", *flags) as running, running.request(**LONG) as stream:
        incoming = events(stream)
        first_text(incoming)
        began = time.monotonic()
        running.signal(signal.SIGTERM)
        with pytest.raises((ConnectionError, HTTPException)):
            finish(incoming)
        assert running.ended() == 0
        assert least <= time.monotonic() - began < 20, "the whole stream would have taken 50 s"


def test_a_hang_answers_nothing_and_ignores_a_termination_until_it_is_over(slow_hub: Path) -> None:
    with engine(slow_hub, "--shutdown-timeout", "60") as running, running.request(**LONG) as stream:
        incoming = events(stream)
        first_text(incoming)
        running.signal(signal.SIGUSR1)
        while True:  # until the signal has arrived
            try:
                running.get("/health", timeout=0.5)
            except TimeoutError:
                break
        running.signal(signal.SIGTERM)
        with pytest.raises(TimeoutError):
            running.get("/metrics", timeout=0.5)
        assert running.process.poll() is None, "a process that hangs does not even notice that it should end"
        running.signal(signal.SIGUSR2)
        assert finish(incoming) == "length", "the stream goes on where it stood"
        assert running.ended() == 0, "the termination is remembered"


def test_a_dead_engine_is_told_by_the_health_check_and_ends_the_server(hub: Path) -> None:
    with engine(hub) as running:
        os.kill(running.child(), signal.SIGKILL)
        seen = set()
        while running.process.poll() is None:
            try:
                seen.add(running.get("/health")[0])
            except ConnectionError:
                break
        assert 503 in seen, "the kubelet sees it before the process is gone"
        assert running.ended() == 1


def test_the_simulator_of_answers_dies_with_the_engine(hub: Path) -> None:
    with engine(hub) as running:
        watched = os.pidfd_open(running.child())
        running.signal(signal.SIGKILL)
        assert select.select([watched], [], [], 10)[0], "a process that nobody owns would keep the memory"
        os.close(watched)


@pytest.mark.parametrize("name", ["pause", "vllm-simulator"])
def test_the_first_process_of_a_container_takes_ended_orphans(hub: Path, name: str) -> None:
    line = [str(binaries()[name]), *command()[1:]] if name != "pause" else [str(binaries()[name])]
    with subprocess.Popen(
        [sys.executable, "-c", GIVEN_AN_ORPHAN, *line],
        env=environment(hub),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        orphan = Path(f"/proc/{process.stdout.readline().strip()}")
        if name != "pause":
            ready(process)
        assert orphan.exists(), "it lives until its standard input ends"
        process.stdin.close()
        until = time.monotonic() + 10
        while orphan.exists():
            assert time.monotonic() < until, "a zombie for as long as the pod lives"
        process.terminate()
        assert process.wait(10) == 0
