"""Reservations in no cloud's cluster, and machines that cannot stay: told once, whatever clouds a fleet has."""

from __future__ import annotations

from typing import Any

import pytest

from fleet import plan
from fleet.problems import PlanError
from fleet.reservations import clusters_of, entries, notices, problems
from fleet.settings import AwsCluster, GcpCluster, Settings
from fleet.stack_file import parse
from tests.support.stack_files import changed, small

pytestmark = pytest.mark.pure

BLOCK = {"id": "cr-0123456789abcdef0", "zone": "use2-az2"}
RESERVED = {"id": "my-reservation", "zone": "europe-west4-a"}


def settings(changes: dict[str, Any]) -> Settings:
    return parse(changed(small(), changes))


@pytest.mark.parametrize(
    ("changes", "field", "limit", "remedy"),
    [
        ({"pools.l4.reservations": {"uss": BLOCK}}, "pools.l4.reservations.uss", "no such cluster", "'us'"),
        ({"pools.l4.reservations": {"here": BLOCK}}, "pools.l4.reservations.here", "exists already", "remove"),
        ({"pools.l4.capacity": ["capacity_block"], "pools.l4.min_nodes": 1}, "pools.l4.min_nodes", "capacity_block begin and end", "on_demand"),
        ({"pools.l4.capacity": ["flex_start"], "pools.l4.min_nodes": 1}, "pools.l4.min_nodes", "flex_start begin and end", "on_demand"),
    ],
)
def test_what_no_cloud_could_use_is_refused(changes: dict[str, Any], field: str, limit: str, remedy: str) -> None:
    (found,) = problems(settings(changes))
    assert found.field == field, found.message
    assert limit in found.limit, found.message
    assert remedy in found.remedy, found.message


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"pools.l4.capacity": ["capacity_block", "on_demand"], "pools.l4.min_nodes": 1},
        {"pools.l4.capacity": ["flex_start"]},
        {"pools.l4.capacity": ["reservation"], "pools.l4.reservations": {"us": BLOCK, "eu": RESERVED}},
    ],
)
def test_what_a_cloud_may_use_is_left_to_it(changes: dict[str, Any]) -> None:
    assert [problem.message for problem in problems(settings(changes))] == [], "a rule that refuses too much is as wrong"


def test_each_cloud_sees_the_entries_of_its_own_clusters() -> None:
    both = settings({"pools.l4.reservations": {"us": BLOCK, "eu": RESERVED, "here": BLOCK, "gone": BLOCK}})
    assert [entry.field for entry in entries(both, AwsCluster)] == ["pools.l4.reservations.us"], "AWS"
    assert [entry.field for entry in entries(both, GcpCluster)] == ["pools.l4.reservations.eu"], "Google Cloud"


def test_what_is_paid_for_and_not_used_is_told_by_the_cloud_that_has_it() -> None:
    idle = settings({"pools.l4.reservations": {"us": BLOCK, "eu": RESERVED}, "models.chat.placements": {"us": {}}})
    assert clusters_of(idle, "l4") == ["us"], "where the model runs"
    assert list(notices(idle, AwsCluster)) == [], "used"
    (notice,) = notices(idle, GcpCluster)
    assert "my-reservation in cluster eu" in notice, "not used"


def test_a_plan_tells_each_mistake_once() -> None:
    with pytest.raises(PlanError) as refused:
        plan(settings({"pools.l4.reservations": {"uss": BLOCK}}))
    assert [problem.field for problem in refused.value.problems] == ["pools.l4.reservations.uss"], "not once for each cloud"
