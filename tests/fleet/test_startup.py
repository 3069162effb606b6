"""Start-up budgets: no timeout is shorter than what it waits for."""

from __future__ import annotations

from dataclasses import replace
from math import ceil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet import Settings, plan
from fleet.fleet_plan import RolloutPlan, Startup
from fleet.stack_file import read
from fleet.startup import (
    LOAD_GIB_PER_SECOND,
    LONGEST_IMAGE_PULL_SECONDS,
    LONGEST_NODE_SECONDS,
    MINIMUM_DEADLINE_SECONDS,
    MIRROR_GIB_PER_SECOND,
    StartupInputs,
    startup,
    steps,
)
from tests.support.published_starts import STARTS, PublishedStart
from tests.support.startup_residuals import expected, probe_seconds

pytestmark = pytest.mark.pure

PROJECT = Path(__file__).resolve().parents[2]
SURGE = RolloutPlan(max_surge=1, max_unavailable=0, disruption_max_unavailable=1, min_ready_seconds=15)
EIGHT_B = StartupInputs(checkpoint_gib=15, layers=32, load_gib_per_second=0.47, replicas=2, rollout=SURGE, longest_grace_seconds=275)
INPUTS = st.builds(
    StartupInputs,
    checkpoint_gib=st.floats(0.5, 1500),
    layers=st.integers(1, 200),
    load_gib_per_second=st.sampled_from(list(LOAD_GIB_PER_SECOND.values())),
    replicas=st.integers(1, 100),
    rollout=st.builds(
        RolloutPlan,
        max_surge=st.integers(0, 4),
        max_unavailable=st.integers(0, 4),
        disruption_max_unavailable=st.just(1),
        min_ready_seconds=st.integers(0, 60),
    ).filter(lambda one: one.max_surge + one.max_unavailable > 0),
    longest_grace_seconds=st.integers(15, 3600),
)


def allowed_seconds(found: Startup) -> int:
    """What the kubelet surely gives: its first probe may come as soon as the container runs."""
    return found.probe_period_seconds * (found.probe_failure_threshold - 1)


@pytest.mark.parametrize(
    ("checkpoint_gib", "layers", "seconds"),
    [(15, 32, 600), (61, 64, 600), (66, 80, 620), (131, 80, 890), (380, 126, 2060)],
)
def test_the_probe_allows_twice_the_expected_load_and_engine_start(checkpoint_gib: float, layers: int, seconds: int) -> None:
    found = startup(replace(EIGHT_B, checkpoint_gib=checkpoint_gib, layers=layers))
    assert allowed_seconds(found) == seconds, "2 × (GiB ÷ 0.47 + 73 + 1.14 × layers), at least ten minutes"


@pytest.mark.parametrize("start", [start for start in STARTS if "process" in start.seconds], ids=lambda start: start.name)
def test_no_published_start_would_have_been_restarted_by_its_probe(start: PublishedStart) -> None:
    published = sum(seconds for step, seconds in start.seconds.items() if step != "image pull")
    assert probe_seconds(start) >= published, "a probe that ends a start which others waited for is too short"
    assert probe_seconds(start) >= 2 * sum(seconds for step, seconds in expected(start).items() if step != "image pull"), "twice the expected"


def test_the_newest_start_with_every_step_is_met_within_a_tenth() -> None:
    newest = next(start for start in STARTS if "0.26" in start.name)
    assert sum(expected(newest).values()) == pytest.approx(sum(newest.seconds.values()), rel=0.1), "Qwen3-32B on an H100"


def test_the_steps_are_the_whole_start_and_each_can_be_checked() -> None:
    found = startup(EIGHT_B)
    assert [step.name for step in found.steps] == ["image pull", "process", "weights", "compile", "graph capture"], "in their order"
    assert sum(step.seconds for step in found.steps) == found.total_seconds, "nothing beside them"
    for step in steps(61.03, 64, 0.47):
        assert step.formula, f"{step.name} says how it is computed"


def test_the_progress_deadline_of_the_largest_models_is_above_the_usual_half_hour() -> None:
    small, large = startup(EIGHT_B), startup(replace(EIGHT_B, checkpoint_gib=380))
    assert small.progress_deadline_seconds >= MINIMUM_DEADLINE_SECONDS, "Kubernetes' 600 s are below any cold start"
    assert large.progress_deadline_seconds > 2000, "a 405B model is allowed 2,000 s by its probe alone"


@given(inputs=INPUTS)
def test_no_timeout_is_shorter_than_what_it_waits_for(inputs: StartupInputs) -> None:
    found, rollout = startup(inputs), inputs.rollout
    mirror = inputs.checkpoint_gib / MIRROR_GIB_PER_SECOND
    load = inputs.checkpoint_gib / inputs.load_gib_per_second + found.engine_seconds
    assert allowed_seconds(found) >= 2 * load, "a slow start is no failed one"
    assert found.engine_ready_timeout_seconds == allowed_seconds(found), "the engine gives up when the probe does"
    assert found.total_seconds <= found.image_pull_seconds + load + 1, "the expected time is the sum of its parts"
    one_server = LONGEST_NODE_SECONDS + LONGEST_IMAGE_PULL_SECONDS + allowed_seconds(found) + rollout.min_ready_seconds
    assert found.progress_deadline_seconds > inputs.longest_grace_seconds + mirror + one_server, "the longest time in which nothing moves"
    assert found.progress_deadline_seconds > rollout.min_ready_seconds, "Kubernetes refuses it otherwise"
    rounds = ceil(inputs.replicas / (rollout.max_surge + rollout.max_unavailable))
    assert found.update_timeout_seconds > found.progress_deadline_seconds, "Kubernetes says what is wrong before Pulumi gives up"
    # With surge 0 each round first waits for the old servers to end; with surge 1 it may, for their GPUs.
    assert found.update_timeout_seconds > rounds * (inputs.longest_grace_seconds + one_server), "all rounds of an update"


@given(inputs=INPUTS, more=st.floats(0.1, 500))
def test_more_weights_or_replicas_never_shorten_a_limit(inputs: StartupInputs, more: float) -> None:
    one = startup(inputs)
    for other in (startup(replace(inputs, checkpoint_gib=inputs.checkpoint_gib + more)), startup(replace(inputs, replicas=inputs.replicas + 1))):
        assert other.progress_deadline_seconds >= one.progress_deadline_seconds, "a longer start"
        assert other.update_timeout_seconds >= one.update_timeout_seconds, "a longer update"


def test_every_server_of_the_shipped_stacks_is_given_the_time_its_rollout_needs() -> None:
    for path in sorted(PROJECT.glob("Pulumi.*.yaml")):
        for cluster in plan(read(path), directory=PROJECT).clusters:
            for pool in cluster.pools:
                servers = [model for model in cluster.models if model.pool == pool.name]
                grace = max(server.drain.grace_seconds for server in servers)
                for server in servers:
                    waited = grace + allowed_seconds(server.startup) + LONGEST_NODE_SECONDS
                    assert server.startup.progress_deadline_seconds > waited, f"{server.name} may wait for the GPU of any server on {pool.name}"
                    assert server.startup.engine_ready_timeout_seconds == int(server.env["VLLM_ENGINE_READY_TIMEOUT_S"]), "the engine is told"


def test_what_a_start_reads_is_the_checkpoint_and_not_what_is_left_of_it() -> None:
    values = {
        "name": "test",
        "clusters": {"lab": {"cloud": "existing", "context": "lab", "storage_classes": {"cache": "nfs"}}},
        "pools": {"h100": {"accelerator": "H100", "max_nodes": 4}},
        "models": {"one": {"model": "Qwen/Qwen3-32B", "pool": "h100"}, "two": {"model": "Qwen/Qwen3-32B", "quantization": "fp8", "pool": "h100"}},
    }
    one, two = plan(Settings.model_validate(values)).clusters[0].models
    assert one.startup.weights_seconds == two.startup.weights_seconds, "fp8 while loading still reads 16 bits"
    assert two.memory.weights_gib < one.memory.weights_gib, "though it keeps fewer"
