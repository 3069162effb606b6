"""When Google may upgrade a cluster: a window that GKE accepts."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from fleet.gcp.plan import MaintenancePlan
from fleet.problems import Problem
from fleet.settings import GcpCluster

LEAST_HOURS, PERIOD_DAYS = 48, 32
"""GKE takes a window only where it leaves this many hours in any this many days, in pieces of four hours or more (its documentation of
maintenance windows, read 2026-11)."""

WEEK_DAYS = 7
FIRST_DAY = datetime(2026, 1, 1, tzinfo=UTC)
"""Before every fleet: a window counts from its first day, and which that is changes nothing."""


def window(cluster: GcpCluster) -> MaintenancePlan:
    """The cluster's window as RFC 3339 and RFC 5545 write it."""
    asked = cluster.maintenance
    start = FIRST_DAY + timedelta(hours=asked.start_hour)
    return MaintenancePlan(
        start_time=_written(start),
        end_time=_written(start + timedelta(hours=asked.hours)),
        recurrence=f"FREQ=WEEKLY;BYDAY={','.join(asked.days)}",
    )


def problems(cluster_name: str, cluster: GcpCluster) -> Iterator[Problem]:
    """Why GKE would not take the window."""
    asked, where = cluster.maintenance, f"clusters.{cluster_name}.maintenance"
    for index, day in enumerate(asked.days):
        if day in asked.days[:index]:
            yield Problem(field=f"{where}.days[{index}]", value=day, limit="is named twice", remedy="name each once")
    days = len(set(asked.days))
    weeks = PERIOD_DAYS // WEEK_DAYS  # whole ones: the period may begin on any day, and what is left of it may hold none of the window
    hours = weeks * days * asked.hours
    if hours < LEAST_HOURS:
        limit = f"leaves {hours} hours for certain in {PERIOD_DAYS} days, and GKE asks for {LEAST_HOURS}"
        remedy = f"set it to {LEAST_HOURS // (weeks * days)} or more, or name more days"
        yield Problem(field=f"{where}.hours", value=asked.hours, limit=limit, remedy=remedy)


def _written(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
