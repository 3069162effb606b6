"""What a fleet could use at most of a limit that a cloud sets, and what to do where the limit is below: the same on every cloud."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from fleet.fleet_plan import PoolPlan
from fleet.placement import pool_plan
from fleet.problems import Problem, nearest
from fleet.settings import Pool, Settings


@dataclass(frozen=True, kw_only=True)
class Line:
    """One group of machines that counts against a quota."""

    cluster: str
    pool: str | None
    """None: the machines of the system."""
    machine: str
    nodes: int
    """At most."""
    per_node: int
    """Units of the quota."""

    @property
    def amount(self) -> int:
        """Units of all its machines."""
        return self.nodes * self.per_node

    def __str__(self) -> str:
        name = f"pool {self.pool}" if self.pool else "the system"
        return f"{name} of {self.cluster} {self.amount} ({self.nodes} × {self.machine})"


@dataclass(frozen=True, kw_only=True)
class QuotaNeed:
    """What all clusters that share a limit could use of it together."""

    place: str
    """Where the limit holds, in words."""
    code: str
    title: str
    """As the console calls the quota."""
    unit: str
    """What is counted: virtual CPUs or GPUs."""
    lines: tuple[Line, ...]
    limit: int | None
    """The lowest that the stack file states; None where it states none."""
    limit_field: str
    """Where that stands, or would."""
    request: str
    """The command that asks the cloud for as much as is needed."""

    @property
    def amount(self) -> int:
        """Units at the maximum of every pool."""
        return total(self.lines)


Smaller = Callable[[Line, int], str | None]
"""What a pool could set so that each of its machines counts so many units at most; None where there is nothing."""


def total(lines: Iterable[Line]) -> int:
    """Units of all of them."""
    return sum(line.amount for line in lines)


def grouped(entries: Iterable[tuple[tuple[str, ...], str, Line]]) -> Iterator[tuple[tuple[str, ...], str, tuple[Line, ...]]]:
    """Lines by the place whose limit they share and by code, in the order of both."""
    ordered = sorted(entries, key=lambda entry: entry[:2])
    for (place, code), found in groupby(ordered, key=lambda entry: entry[:2]):
        yield place, code, tuple(line for _, _, line in found)


def lowest(stated: Mapping[str, Mapping[str, int]], code: str) -> tuple[int | None, str]:
    """The lowest limit that clusters state for a code, and its field.

    Args:
        stated: limits by code, by name of each cluster that shares the limit: one at least.
        code: of the quota.
    """
    found = [(limits[code], name) for name, limits in stated.items() if code in limits]
    limit, name = min(found) if found else (None, next(iter(stated)))
    return limit, f"clusters.{name}.quotas.{code}"


def unknown_codes(cluster: str, stated: Iterable[str], known: Iterable[str]) -> Iterator[Problem]:
    """Codes that limit nothing of the fleet, with the nearest that could."""
    choices = tuple(known)
    for code in stated:
        if code not in choices:
            limit, longer = "is no quota that machines of the fleet count against", [choice for choice in choices if choice.startswith(f"{code}/")]
            remedy = nearest("", longer) if longer else nearest(code, choices)
            yield Problem(field=f"clusters.{cluster}.quotas.{code}", value=code, limit=limit, remedy=remedy)


def can_be_bought(settings: Settings, pools: Mapping[str, Sequence[PoolPlan]], name: str, pool: Pool) -> bool:
    """Whether every cluster that has the pool of this name could have this one instead, by every rung of it."""
    users = [cluster for cluster, planned in pools.items() if any(plan.name == name for plan in planned)]
    return all(isinstance(pool_plan(name, pool, user, settings.clusters[user], {}), PoolPlan) for user in users)


def exceeded(need: QuotaNeed, *, cloud: str, smaller: Smaller, elsewhere: str) -> Iterator[Problem]:
    """The problem of a limit that the fleet could pass, with every way out.

    Args:
        need: what could be used.
        cloud: who grants more, in words.
        smaller: what the pool could set instead of its machine.
        elsewhere: the way out that uses another limit.
    """
    if need.limit is None or need.amount <= need.limit:
        return
    together = ", ".join(str(line) for line in need.lines)
    limit = f"the fleet could run {need.amount} {need.unit} of {need.title} in {need.place}: {together}"
    ways = [f"ask {cloud} for more and write here what it grants: {need.request}", *_without_more(need, need.limit, smaller, elsewhere)]
    yield Problem(field=need.limit_field, value=need.limit, limit=limit, remedy="; or ".join(ways))


def _without_more(need: QuotaNeed, limit: int, smaller: Smaller, elsewhere: str) -> Iterator[str]:
    """What the largest pool could do under the limit as it is."""
    line = max((line for line in need.lines if line.pool), key=lambda line: line.amount, default=None)
    if line is None:
        return
    of_pool = [each for each in need.lines if each.pool == line.pool]
    left = limit - need.amount + total(of_pool)
    fewer = left // sum(each.per_node for each in of_pool)
    if fewer > 0:
        yield f"set pools.{line.pool}.max_nodes to {fewer} or less"
    instead = smaller(line, left // sum(each.nodes for each in of_pool))
    if instead:
        yield instead
    yield elsewhere
