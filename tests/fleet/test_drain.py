"""Drain: one chain whose parts fit into each other, and that is long enough or says why not."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet.drain import FLOOR_TOKENS_PER_SECOND, LONGEST_GRACE_SECONDS, MARGIN_SECONDS, PRE_STOP_SECONDS, DrainRefused, drain
from fleet.fleet_plan import Drain

pytestmark = pytest.mark.pure

TOKENS = st.integers(min_value=1, max_value=2_000_000)
LEVELS = st.sampled_from(["interactive", "standard", "batch"])
CLOUDS = st.sampled_from(["aws", "gcp", "existing"])
RUNGS = st.lists(st.sampled_from(["on_demand", "spot", "reservation", "capacity_block", "flex_start"]), min_size=1, unique=True)


def test_the_longest_answer_of_an_interactive_model_decides_the_chain() -> None:
    found = drain(4096, "interactive", ("on_demand",), "aws")
    expected = Drain(pre_stop_seconds=20, shutdown_timeout_seconds=240, grace_seconds=275)
    assert found == expected, "4096 tokens at 20 a second are 205 s, rounded up to a minute"


@pytest.mark.parametrize(
    ("tokens", "slo", "capacity", "cloud", "chain"),
    [
        (4096, "standard", ("on_demand",), "aws", (20, 420, 455)),
        (1, "interactive", ("on_demand",), "gcp", (20, 60, 95)),
        (1, "interactive", ("spot",), "aws", (20, 60, 95)),
        (1300, "interactive", ("spot", "on_demand"), "aws", (20, 75, 110)),
        (4096, "batch", ("spot", "on_demand"), "aws", (20, 75, 110)),
        (4096, "batch", ("spot",), "gcp", (5, 5, 15)),
        (4096, "batch", ("spot",), "existing", (20, 420, 455)),
        (131072, "batch", ("on_demand",), "aws", (20, 3565, 3600)),
    ],
)
def test_the_chain_is_as_long_as_the_answer_needs_and_the_place_allows(
    tokens: int, slo: str, capacity: tuple[str, ...], cloud: str, chain: tuple[int, int, int]
) -> None:
    found = drain(tokens, slo, capacity, cloud)
    assert isinstance(found, Drain), f"refused: {found}"
    assert (found.pre_stop_seconds, found.shutdown_timeout_seconds, found.grace_seconds) == chain, "each part is decided by the one before"


def test_a_chain_that_was_shortened_says_by_what() -> None:
    found = drain(4096, "batch", ("spot",), "aws")
    assert isinstance(found, Drain), "batch is cut, not refused"
    assert found.capped_by == "spot on aws", "a reader of the plan sees why"
    whole = drain(4096, "batch", ("on_demand",), "aws")
    assert isinstance(whole, Drain), "nothing limits it"
    assert whole.capped_by is None, "nothing was shortened"


def test_an_interactive_model_that_a_spot_node_would_cut_off_is_refused_with_a_length_that_would_do() -> None:
    found = drain(4096, "interactive", ("spot", "on_demand"), "aws")
    assert isinstance(found, DrainRefused), "its users would see answers cut off"
    assert "take 205 s" in found.limit, "what it needs"
    assert "leaves 110 s" in found.limit, "what there is"
    named = re.search(r"lower max_output_tokens to (\d+)", found.remedy)
    assert named, "what would do"
    possible = int(named.group(1))
    assert isinstance(drain(possible, "interactive", ("spot",), "aws"), Drain), "the remedy, applied, is accepted"
    assert isinstance(drain(possible + 20, "interactive", ("spot",), "aws"), DrainRefused), "and it is the largest that is"


def test_where_no_length_would_do_none_is_suggested() -> None:
    found = drain(16, "interactive", ("spot",), "gcp")
    assert isinstance(found, DrainRefused), "15 s are too short for the pre-stop alone"
    assert "max_output_tokens" not in found.remedy, "there is no such length"
    assert "take spot out" in found.remedy, "this helps"


@given(tokens=TOKENS, slo=LEVELS, capacity=RUNGS, cloud=CLOUDS)
def test_the_parts_of_every_chain_fit_into_its_grace(tokens: int, slo: str, capacity: list[str], cloud: str) -> None:
    found = drain(tokens, slo, capacity, cloud)
    if isinstance(found, DrainRefused):
        assert slo == "interactive", "only what people wait for is refused"
        return
    assert found.pre_stop_seconds > 0, "endpoints must go first"
    assert found.shutdown_timeout_seconds > 0, "0 means abort at once"
    margin = found.grace_seconds - found.pre_stop_seconds - found.shutdown_timeout_seconds
    assert margin > 0, "the engine ends by itself before it is killed"
    assert found.grace_seconds <= LONGEST_GRACE_SECONDS, "nothing waits longer"
    if found.capped_by is None:
        assert (found.pre_stop_seconds, margin) == (PRE_STOP_SECONDS, MARGIN_SECONDS), "nothing is shortened without saying so"


@given(tokens=TOKENS, slo=LEVELS, capacity=RUNGS, cloud=CLOUDS)
def test_a_drain_that_says_nothing_waits_for_the_longest_answer(tokens: int, slo: str, capacity: list[str], cloud: str) -> None:
    found = drain(tokens, slo, capacity, cloud)
    needed = tokens / FLOOR_TOKENS_PER_SECOND[slo]
    if isinstance(found, Drain) and (found.capped_by is None or slo == "interactive"):
        assert found.shutdown_timeout_seconds >= needed, "an answer at the slowest rate that meets the service level is not cut off"


@given(tokens=TOKENS, slo=LEVELS, capacity=RUNGS, cloud=CLOUDS)
def test_a_shorter_answer_is_never_refused_where_a_longer_one_is_accepted(tokens: int, slo: str, capacity: list[str], cloud: str) -> None:
    if isinstance(drain(tokens, slo, capacity, cloud), Drain):
        shorter = drain(max(1, tokens // 2), slo, capacity, cloud)
        longer = drain(tokens, slo, capacity, cloud)
        assert isinstance(shorter, Drain), "it needs less"
        assert isinstance(longer, Drain), "as before"
        assert shorter.grace_seconds <= longer.grace_seconds, "and waits no longer"
