"""The simulated engine behaves as vLLM does at start, under load and at shutdown. Its processes are real, its model is not."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.engine_processes import LONG, Engine, engine, events, finish, ready, refused, snapshot, started, weights

pytestmark = pytest.mark.simulator

ANSWER_LIMIT = '{"max_new_tokens":7}'


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


@pytest.fixture
def serving(hub: Path) -> Iterator[Engine]:
    with engine(hub, "--max-model-len", "100", "--override-generation-config", ANSWER_LIMIT) as running:
        yield running


def test_nothing_listens_until_the_weights_are_read(hub: Path) -> None:
    pipe = next(hub.glob("**/model.safetensors"))
    pipe.unlink()
    os.mkfifo(pipe)
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        port = reserved.getsockname()[1]
    with started(hub, "--port", str(port)) as process:
        with pipe.open("wb") as file:  # opens once the engine opens it
            with pytest.raises(ConnectionRefusedError):
                socket.create_connection(("127.0.0.1", port))
            file.write(weights())
        assert ready(process).get("/health")[0] == 200, "a probe is refused while it loads and answered afterwards"


def test_the_model_says_how_long_the_start_takes(tmp_path: Path) -> None:
    snapshot(tmp_path / "hub", start_seconds=1.0)
    began = time.monotonic()
    with engine(tmp_path / "hub", variables={"SIMULATOR_START_SECONDS": "60"}):
        assert 1.0 <= time.monotonic() - began < 20, "the snapshot's figure comes before the variable's"


def test_a_model_that_is_not_in_the_cache_ends_the_start(hub: Path) -> None:
    status, said = refused(hub, "--revision", "f" * 40)
    assert status == 1
    assert f"org/tiny at {'f' * 40} is not in the cache" in said, "the engine is offline and downloads nothing"


@pytest.mark.parametrize(
    ("damaged", "said"),
    [
        (weights()[:-1], "not fully covered"),
        (weights() + b"x", "not fully covered"),
        (weights()[:20], "ends inside its header"),
        (b"abc", "ends before the length"),
        (b"\xff" * 16, "header too large"),
        (weights({"a": {"data_offsets": [4, 8]}}), "leave a gap or overlap"),
        (weights()[:8] + b"}" + weights()[9:], "invalid JSON"),
    ],
)
def test_damaged_weights_end_the_start_and_are_named(hub: Path, damaged: bytes, said: str) -> None:
    file = next(hub.glob("**/model.safetensors"))
    file.write_bytes(damaged)
    status, text = refused(hub)
    assert status == 1, "a pod with half a model must not become ready"
    assert said in text
    assert str(file) in text, "whoever mends it needs the file's name"


def test_a_missing_shard_ends_the_start(hub: Path) -> None:
    file = next(hub.glob("**/model.safetensors"))
    (file.parent / "model.safetensors.index.json").write_text('{"weight_map": {"a": "model.safetensors", "b": "other.safetensors"}}')
    status, said = refused(hub)
    assert status == 1
    assert "other.safetensors" in said


def test_a_start_that_takes_longer_than_vllm_waits_fails(tmp_path: Path) -> None:
    snapshot(tmp_path / "hub", start_seconds=600)
    status, said = refused(tmp_path / "hub", variables={"VLLM_ENGINE_READY_TIMEOUT_S": "1"})
    assert status == 1
    assert "VLLM_ENGINE_READY_TIMEOUT_S=1" in said


def test_a_termination_while_it_loads_ends_it(hub: Path) -> None:
    pipe = next(hub.glob("**/model.safetensors"))
    pipe.unlink()
    os.mkfifo(pipe)
    with started(hub) as process, pipe.open("wb"):
        process.terminate()
        assert process.wait(20) == 130, "Python's status for the exception that vLLM raises"


@pytest.mark.parametrize(("flags", "status"), [(("--max-modellen", "4"), 2), (("--shutdown-timeout", "-1"), 1), (("--uds", "/run/x"), 1)])
def test_a_bad_command_line_ends_as_vllm_does(hub: Path, flags: tuple[str, ...], status: int) -> None:
    assert refused(hub, *flags)[0] == status


def test_an_unknown_variable_stops_it_where_vllm_was_told_to_check(hub: Path) -> None:
    status, said = refused(hub, "--fail-on-environ-validation", variables={"VLLM_PORT_80_TCP": "1"})
    assert status == 1
    assert "VLLM_PORT_80_TCP" in said


@pytest.mark.parametrize("flags", [(), ("--api-key", "first", "second")])
def test_keys_guard_what_vllm_guards(hub: Path, flags: tuple[str, ...]) -> None:
    with engine(hub, *flags, variables={"VLLM_API_KEY": "variable"}) as running:
        assert running.get("/v1/models") == (401, '{"error":"Unauthorized"}')
        assert running.ask(key="wrong")[0] == 401
        assert {key: running.ask(key=key)[0] for key in ("first", "second", "variable")} == (
            {"first": 200, "second": 200, "variable": 401} if flags else {"first": 401, "second": 401, "variable": 200}
        ), "the command line's keys replace the variable's"
        assert [running.get(path)[0] for path in ("/health", "/metrics", "/version")] == [200, 200, 200], "probes and scrapes have no key"
        assert running.ask(path="/invocations")[0] == 200, "vLLM leaves this open, which is why a gateway must not"


def test_the_models_and_the_metrics_are_those_that_clients_and_scrapes_expect(serving: Engine) -> None:
    assert '"id":"chat"' in serving.get("/v1/models")[1]
    assert '"max_model_len":100' in serving.get("/v1/models")[1], "the limit of the command line"
    assert serving.ask()[0] == 200
    assert 'vllm:num_requests_running{model_name="chat"}' in serving.get("/metrics")[1]
    assert serving.ask(model="other")[0] == 404
    assert serving.get("/docs")[0] == 404


def test_an_answer_is_never_longer_than_the_configuration_allows(serving: Engine) -> None:
    _, whole = serving.ask(text="one two three")
    assert whole["choices"][0]["message"]["content"] == "one two three"
    for asked, given in ((None, 7), (90, 7), (5, 5)):
        limit: dict[str, Any] = {} if asked is None else {"max_tokens": asked}
        _, answer = serving.ask(ignore_eos=True, **limit)
        assert answer["usage"]["completion_tokens"] == given, f"max_new_tokens is 7 and {asked} were asked for"
        assert answer["choices"][0]["finish_reason"] == "length"
    _, echoed = serving.ask(text="word " * 50)
    assert echoed["usage"]["completion_tokens"] == 7, "also where nobody asks for a length"


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("fields", [{"text": "word " * 101}, {"text": "word " * 50, "max_tokens": 60}])
def test_more_than_the_context_holds_is_refused_before_anything_is_sent(serving: Engine, fields: dict[str, Any], stream: bool) -> None:
    status, answer = serving.ask(stream=stream, **fields)
    assert status == 400, "a stream that has begun could not say so any more"
    assert "maximum context length is 100 tokens" in answer["error"]["message"]


def test_requests_beyond_the_queue_limit_are_told_to_go_elsewhere(slow_hub: Path) -> None:
    with engine(slow_hub, "--max-num-queued-reqs", "3", "--max-num-seqs", "1") as running:
        with running.sent(**LONG) as first, running.sent(**LONG) as second:
            running.await_metric("num_requests_running", 1)
            running.await_metric("num_requests_waiting", 1)
            status, answer = running.ask(n=2)
            assert status == 503, "one runs, one waits, and each of two answers takes a place"
            assert answer["error"]["type"] == "Service Unavailable"
            assert answer["error"]["code"] == 503
            with running.sent(**LONG) as third:
                running.await_metric("num_requests_waiting", 2)
                assert running.ask()[0] == 503, "running and waiting together are three"
                assert [finish(events(one.getresponse())) for one in (first, second, third)] == ["length"] * 3, "what was accepted is answered"
        assert running.ask()[0] == 200, "the places are free again"


def test_idle_connections_stay_open_as_long_as_the_plan_says(hub: Path) -> None:
    with engine(hub, variables={"VLLM_HTTP_TIMEOUT_KEEP_ALIVE": "1"}) as running, socket.create_connection(("127.0.0.1", running.port)) as connection:
        connection.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
        assert connection.recv(4096).startswith(b"HTTP/1.1 200")
        connection.settimeout(10)
        began = time.monotonic()
        assert connection.recv(1) == b"", "closed by the server"
        assert 0.5 < time.monotonic() - began < 9
