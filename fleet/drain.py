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

SPOT_NOTICE_SECONDS = {"aws": 110, "gcp": 15}
"""What a spot node leaves to a pod: AWS says so 120 s ahead, of which 10 s go by before the pod hears it; Google gives
ordinary pods 15 of its 30 s."""

LONGEST_GRACE_SECONDS = 3600
"""Google's load balancers keep a draining connection, and any answer at all, no longer than this."""


@dataclass(frozen=True, kw_only=True)
class DrainRefused:
    """Why a model cannot drain on its pool, and what to do."""

    limit: str
    remedy: str


def drain(max_output_tokens: int, slo: str, capacity: Sequence[str], cloud: str) -> Drain | DrainRefused:
    """The chain for a model's longest answer, shortened where the node or the load balancer leaves less time.

    An interactive model whose longest answer does not fit is refused: its users would see answers cut off. Other service
    levels are cut at what there is, their clients ask again.

    Args:
        max_output_tokens: the longest answer a drain waits for.
        slo: interactive, standard or batch.
        capacity: rungs of the pool.
        cloud: aws, gcp or existing.
    """
    answer_seconds = ceil(max_output_tokens / FLOOR_TOKENS_PER_SECOND[slo])
    full = _chain(ceil(answer_seconds / 60) * 60)
    most_seconds, reason = _most(capacity, cloud)
    if full.grace_seconds <= most_seconds:
        return full
    capped = _within(most_seconds, reason)
    cut_off = capped.shutdown_timeout_seconds < answer_seconds or capped.pre_stop_seconds < PRE_STOP_SECONDS
    if slo == "interactive" and cut_off:
        return _refused(max_output_tokens, answer_seconds, most_seconds, reason)
    return capped


def _chain(timeout_seconds: int) -> Drain:
    grace = PRE_STOP_SECONDS + timeout_seconds + MARGIN_SECONDS
    return Drain(pre_stop_seconds=PRE_STOP_SECONDS, shutdown_timeout_seconds=timeout_seconds, grace_seconds=grace)


def _most(capacity: Sequence[str], cloud: str) -> tuple[int, str]:
    """The longest grace period that is really given, and by whom."""
    if "spot" in capacity and cloud in SPOT_NOTICE_SECONDS:
        return SPOT_NOTICE_SECONDS[cloud], f"spot on {cloud}"
    return LONGEST_GRACE_SECONDS, "connection draining of load balancers"


def _within(most_seconds: int, reason: str) -> Drain:
    """The chain that fills the time; where that is very short, each part gets a third."""
    pre_stop, margin = min(PRE_STOP_SECONDS, most_seconds // 3), min(MARGIN_SECONDS, most_seconds // 3)
    timeout = most_seconds - pre_stop - margin
    return Drain(pre_stop_seconds=pre_stop, shutdown_timeout_seconds=timeout, grace_seconds=most_seconds, capped_by=reason)


def _refused(max_output_tokens: int, answer_seconds: int, most_seconds: int, reason: str) -> DrainRefused:
    rate = FLOOR_TOKENS_PER_SECOND["interactive"]
    possible = (most_seconds - PRE_STOP_SECONDS - MARGIN_SECONDS) * rate
    remedies = [f"lower max_output_tokens to {possible}"] if possible > 0 else []
    remedies += ["take spot out of the pool's rungs"] if reason.startswith("spot") else []
    limit = (
        f"answers of up to {max_output_tokens} tokens take {answer_seconds} s at {rate} tokens per second, {reason} leaves {most_seconds} s in all"
    )
    return DrainRefused(limit=limit, remedy=", or ".join([*remedies, "choose slo: standard, whose answers may be cut off"]))
