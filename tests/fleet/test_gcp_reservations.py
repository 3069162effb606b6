"""Reservations on Google Cloud: an entry that its pool could not use, where the cluster is, is refused with what to write instead."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from fleet.fleet_plan import PoolPlan
from fleet.gcp import offerings
from fleet.gcp.reservations import notices, problems
from fleet.placement import pool_plan
from fleet.problems import Problem
from fleet.settings import Settings
from fleet.stack_file import parse
from tests.support.stack_files import changed, small

pytestmark = pytest.mark.pure

H100 = {"accelerator": "H100", "gpus_per_node": 8, "max_nodes": 2}
RESERVED = {"id": "my-reservation", "zone": "europe-west4-b"}
ACCEPTED: dict[str, Any] = {
    "pools.h100": {**H100, "capacity": ["reservation", "on_demand"], "reservations": {"eu": RESERVED}},
    "models.chat.placements": {"eu": {"pool": "h100"}},
}


def read(changes: dict[str, Any]) -> tuple[Settings, dict[str, list[PoolPlan]]]:
    settings = parse(changed(changed(small(), deepcopy(ACCEPTED)), changes))
    found = [pool_plan(name, pool, "eu", settings.clusters["eu"], {}) for name, pool in settings.pools.items()]
    return settings, {"eu": [plan for plan in found if not isinstance(plan, Problem)]}


def test_the_fleet_that_the_table_breaks_is_accepted_as_it_is() -> None:
    assert list(problems(*read({}))) == [], "otherwise every row would prove nothing"
    assert list(notices(read({})[0])) == [], "and says nothing"


@pytest.mark.parametrize(
    ("changes", "field", "limit", "remedy"),
    [
        ({"pools.h100.reservations": {"eu": {**RESERVED, "id": "x" * 64}}}, "pools.h100.reservations.eu.id", "at most 63", "reservations list"),
        ({"pools.h100.capacity": ["on_demand"]}, "pools.h100.reservations.eu", "does not name reservation", "add the rung"),
        (
            {"pools.h100.reservations": {"eu": {**RESERVED, "zone": "us-central1-a"}}},
            "pools.h100.reservations.eu.zone",
            "no zone that the cluster uses in europe-west4",
            "europe-west4-b",
        ),
        (
            {"clusters.eu.zones": ["europe-west4-a", "europe-west4-c"]},
            "pools.h100.reservations.eu.zone",
            "no zone that the cluster uses in europe-west4",
            "add europe-west4-b",
        ),
    ],
)
def test_an_entry_that_could_not_be_used_is_refused(changes: dict[str, Any], field: str, limit: str, remedy: str) -> None:
    (found,) = problems(*read(changes))
    assert found.field == field, found.message
    assert limit in found.limit, found.message
    assert remedy in found.remedy, found.message
    assert "\n" not in found.message, "one line"


def test_a_zone_without_the_machine_is_refused_with_those_that_have_it() -> None:
    having = offerings.zones_offering("a3-highgpu-8g", "europe-west4")
    without = sorted(set(offerings.zones("europe-west4")) - set(having))
    assert having, "otherwise the region would have been refused before"
    for zone in without:
        (found,) = problems(*read({"pools.h100.reservations": {"eu": {**RESERVED, "zone": zone}}}))
        assert "does not offer a3-highgpu-8g" in found.limit, found.message
        assert all(other in found.remedy for other in having), found.message


def test_entries_of_other_clusters_are_left_to_others() -> None:
    others = {"us": {"id": "cr-0123456789abcdef0", "zone": "use2-az2"}, "here": RESERVED, "gone": RESERVED}
    assert list(problems(*read({"pools.h100.reservations": others}))) == [], "each is told once"


def test_a_rung_without_an_entry_takes_what_is_open_to_all() -> None:
    assert list(problems(*read({"pools.h100.reservations": {}, "pools.h100.capacity": ["reservation"]}))) == [], "Google has such reservations"


def test_what_is_paid_for_and_not_used_is_told() -> None:
    (notice,) = notices(read({"models.chat.placements": {"us": {}}})[0])
    assert "reservation my-reservation in cluster eu" in notice, "which and where"
