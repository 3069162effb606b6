"""One consistent chain from "send no more" to "killed". vLLM aborts every request on SIGTERM unless it is told to drain."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

from fleet.fleet_plan import Drain

PRE_STOP_SECONDS = 20
"""Endpoints and load balancers stop sending within this; a request that arrives during the drain is aborted (KServe: 15)."""

MARGIN_SECONDS = 15
"""Between the engine's own deadline and SIGKILL: Python's exit, and the last bytes to slow readers."""

FLOOR_TOKENS_PER_SECOND = {"interactive": 20, "standard": 10, "batch": 10}
"""The slowest decode that still meets the service level: 50 ms, 100 ms and 100 ms between tokens."""

NOTICE_SECONDS = {"aws": 110, "gcp": 15}
"""What a spot node leaves to a pod: AWS says so 120 s ahead, of which 10 s go by before the pod hears it; Google gives
ordinary pods 15 of its 30 s."""


@dataclass(frozen=True, kw_only=True)
class DrainRefused:
    """Why a model cannot drain on its pool, and what to do."""

    limit: str
    remedy: str


def drain(max_output_tokens: int, slo: str, capacity: Sequence[str], cloud: str) -> Drain | DrainRefused:
    """The chain for a model's longest answer, capped where a spot rung leaves less time.

    An interactive model that needs longer than the notice is refused: its users would see answers cut off. Other service
    levels are capped, their clients retry.

    Args:
        max_output_tokens: the longest answer a drain waits for.
        slo: interactive, standard or batch.
        capacity: rungs of the pool.
        cloud: aws, gcp or existing.
    """
    answer_seconds = max_output_tokens / FLOOR_TOKENS_PER_SECOND[slo]
    timeout = ceil(answer_seconds / 60) * 60
    full = Drain(pre_stop_seconds=PRE_STOP_SECONDS, shutdown_timeout_seconds=timeout, grace_seconds=PRE_STOP_SECONDS + timeout + MARGIN_SECONDS)
    notice = NOTICE_SECONDS.get(cloud)
    if "spot" not in capacity or notice is None or full.grace_seconds <= notice:
        return full
    if slo == "interactive":
        limit = (
            f"answers of up to {max_output_tokens} tokens take {answer_seconds:.0f} s at {FLOOR_TOKENS_PER_SECOND[slo]} tokens per "
            f"second, a spot node in {cloud} leaves {notice} s"
        )
        return DrainRefused(limit=limit, remedy="take spot out of the pool's rungs, lower max_output_tokens, or choose slo: standard")
    pre_stop = min(PRE_STOP_SECONDS, notice // 3)
    margin = min(MARGIN_SECONDS, notice // 3)
    return Drain(pre_stop_seconds=pre_stop, shutdown_timeout_seconds=notice - pre_stop - margin, grace_seconds=notice, capped_by=f"spot on {cloud}")
