"""Engine arguments and environment, as far as they can be judged without vLLM's own parser (that is test_real_parser.py)."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet import engine, plan
from fleet.fleet_plan import ModelPlan
from fleet.stack_file import read

pytestmark = pytest.mark.pure

PROJECT = Path(__file__).resolve().parents[2]
LEVELS = st.sampled_from(["interactive", "standard", "batch"])
CONCURRENCY = st.floats(min_value=1.0, max_value=5000.0)


@pytest.fixture(scope="module")
def servers() -> list[ModelPlan]:
    plans = [plan(read(path), directory=PROJECT) for path in sorted(PROJECT.glob("Pulumi.*.yaml"))]
    return [model for planned in plans for cluster in planned.clusters for model in cluster.models]


def test_the_model_comes_first_and_no_flag_twice(servers: list[ModelPlan]) -> None:
    for server in servers:
        flags = [word for word in server.argv if word.startswith("--")]
        assert server.argv[0] == server.model, "a list-valued flag before the model would swallow it"
        assert len(set(flags)) == len(flags), f"the last of two wins without a word: {flags}"


def test_clients_see_the_models_key_and_the_revision_is_pinned(servers: list[ModelPlan]) -> None:
    for server in servers:
        pairs = set(pairwise(server.argv))
        assert ("--served-model-name", server.name) in pairs, "the name in the stack file is the name that clients use"
        assert ("--revision", server.revision) in pairs, "a branch can move under a running fleet"


def test_no_secret_stands_in_the_arguments_or_the_plain_environment(servers: list[ModelPlan]) -> None:
    for server in servers:
        words = " ".join([*server.argv, *server.env])
        assert not any(name in words.upper() for name in ("API-KEY", "API_KEY", "TOKEN ", "HF_TOKEN", "PASSWORD")), "a secret comes from a Secret"


def test_the_engine_ends_each_answer_within_what_a_drain_waits_for(servers: list[ModelPlan]) -> None:
    for server in servers:
        limits = [after for flag, after in pairwise(server.argv) if flag == "--override-generation-config"]
        assert len(limits) == 1, "without a limit an answer may go on to the end of the context, long after the drain"
        assert ("--shutdown-timeout", str(server.drain.shutdown_timeout_seconds)) in set(pairwise(server.argv)), "the drain of the same plan"


def test_weights_are_read_offline_from_where_the_cache_is_mounted(servers: list[ModelPlan]) -> None:
    for server in servers:
        assert server.env["HF_HUB_OFFLINE"] == "1", "a serving pod never asks the hub"
        assert server.env["HF_HUB_CACHE"] == engine.WEIGHTS_PATH, "the path that the pod mounts"
        assert server.env["HOME"] == engine.HOME, "the user without root writes below its own home only"
        assert server.env["VLLM_CACHE_ROOT"].startswith(f"{engine.HOME}/"), "likewise"


def test_connections_outlive_those_of_every_load_balancer() -> None:
    assert engine.KEEP_ALIVE_SECONDS > 620, "Google's external load balancer keeps idle ones 600 s, and asks for 20 more"


@given(concurrency=CONCURRENCY, slo=LEVELS, seqs=st.none() | st.integers(min_value=1, max_value=4096))
def test_the_queue_limit_leaves_room_for_all_that_can_run_and_some_that_wait(concurrency: float, slo: str, seqs: int | None) -> None:
    limit = engine.queue_limit(concurrency, slo, seqs)
    assert limit >= min(concurrency, seqs or 1024), "the flag counts running requests too: less would refuse what fits"
    assert limit >= engine.MINIMUM_IN_FLIGHT, "a small server still takes a burst"


@given(concurrency=CONCURRENCY, seqs=st.integers(min_value=1, max_value=4096))
def test_the_less_a_client_minds_waiting_the_more_may_wait(concurrency: float, seqs: int) -> None:
    limits = [engine.queue_limit(concurrency, slo, seqs) for slo in ("interactive", "standard", "batch")]
    assert limits == sorted(limits), "interactive clients are sent elsewhere first"


@given(concurrency=CONCURRENCY, more=st.floats(min_value=0.0, max_value=1000.0), slo=LEVELS)
def test_more_memory_never_shortens_the_queue(concurrency: float, more: float, slo: str) -> None:
    assert engine.queue_limit(concurrency + more, slo) >= engine.queue_limit(concurrency, slo), "more can run"


@pytest.mark.parametrize(
    ("asked", "bfloat16", "rendered"),
    [
        (None, False, "half"),
        ("auto", False, "half"),
        ("float32", False, "float32"),
        (None, True, None),
        ("half", True, "half"),
        ("auto", True, "auto"),
    ],
)
def test_a_gpu_without_bfloat16_is_told_half_by_name(asked: str | None, bfloat16: bool, rendered: str | None) -> None:
    assert engine.load_time_dtype(asked, bfloat16=bfloat16) == rendered, "a T4 left to itself converts and only warns"


@pytest.mark.parametrize(
    ("asked", "checkpoint", "rendered"),
    [
        (None, "awq", None),
        ("awq", "awq", None),
        ("fp8", "fp8", None),
        ("fp8", None, "fp8_per_tensor"),
        ("fp8_per_block", None, "fp8_per_block"),
        (None, None, None),
    ],
)
def test_quantisation_is_rendered_only_where_the_checkpoint_does_not_say_it(asked: str | None, checkpoint: str | None, rendered: str | None) -> None:
    assert engine.load_time_quantization(asked, checkpoint) == rendered, "the checkpoint's own config.json is enough"


def test_an_answer_count_never_exceeds_the_places_in_the_queue(servers: list[ModelPlan]) -> None:
    for server in servers:
        limit = int(dict(pairwise(server.argv))["--max-num-queued-reqs"])
        assert int(server.env["VLLM_MAX_N_SEQUENCES"]) <= limit, "such a request would be told to try again for ever"
