"""Quotas of EC2: what a fleet could use at most, and what to do where the account may not."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as tuned
from hypothesis import strategies as st

from fleet import catalog
from fleet.aws import quotas
from fleet.aws.nodes import node_groups
from fleet.aws.quotas import QuotaNeed, needs
from fleet.problems import Problem
from tests.support.aws_fleets import BLOCK, H100, read
from tests.support.aws_regions import region

pytestmark = pytest.mark.pure


def problems(changes: dict[str, Any]) -> list[Problem]:
    return list(quotas.problems(*read(changes)))


def need(code: str, changes: dict[str, Any]) -> QuotaNeed:
    return next(found for found in needs(*read(changes)) if (found.place, found.code) == ("us-east-2", code))


def test_clusters_of_a_region_share_its_limit() -> None:
    found = need("L-DB2E81BA", {"clusters.twin.quotas": {"L-DB2E81BA": 500}, "clusters.us.quotas": {"L-DB2E81BA": 200}})
    assert {line.cluster for line in found.lines} == {"us", "twin"}, "the account has one limit for both"
    assert found.amount == 2 * 4 * 8, "four g6.2xlarge in each"
    assert (found.limit, found.limit_field) == (200, "clusters.us.quotas.L-DB2E81BA"), "the lowest that is stated"
    assert need("L-DB2E81BA", {}).limit is None, "nothing stated, nothing checked"


def test_a_pool_counts_whole_against_each_kind_of_capacity() -> None:
    assert need("L-417A185B", {}).amount == 2 * 16, "two p5.4xlarge on demand"
    assert need("L-C4BD4855", {}).amount == 2 * 16, "or two on spot"
    both = need("L-417A185B", {"pools.h100.capacity": ["reservation", "on_demand"]})
    assert both.amount == 2 * 16, "a reservation counts as machines on demand, and the pool has two in all"
    assert need("L-417A185B", {"pools.h100.capacity": ["reservation"]}).amount == 2 * 16, "EC2 makes no reservation beyond the limit"
    blocks = {found.code for found in needs(*read({"pools.h100": {**H100, "capacity": ["capacity_block"], "reservations": {"us": BLOCK}}}))}
    assert not blocks & {"L-417A185B", "L-C4BD4855"}, "no source says what a block counts against"


def test_the_system_counts_what_its_node_group_may_grow_to() -> None:
    for environment in ("dev", "prod"):
        inputs = region(environment=environment)
        system = node_groups(inputs)[0]
        found = next(need for need in needs(inputs.settings, {"us": inputs.pools}) if need.code == quotas.STANDARD)
        (line,) = found.lines
        assert (line.machine, line.nodes) == (*system.instance_types, system.max_nodes), "as the node group says"


def test_a_limit_that_is_too_low_is_told_with_every_way_out() -> None:
    (problem,) = problems({"clusters.us.quotas": {"L-DB2E81BA": 40}})
    for way in (
        "request-service-quota-increase",
        "pools.l4.max_nodes to 2 or less",
        "pools.l4.machine to g6.xlarge",
        "0.80 US dollars",
        "another region",
    ):
        assert way in problem.remedy, f"{way}: {problem.remedy}"
    for words in ("pool l4 of us 32 (4 × g6.2xlarge)", "pool l4 of twin 32 (4 × g6.2xlarge)"):
        assert words in problem.limit, f"what the sum is made of: {problem.limit}"


def test_a_smaller_machine_is_offered_only_where_every_cluster_of_the_pool_can_buy_it() -> None:
    google = {"clusters.lab": {"cloud": "gcp", "region": "us-central1", "project": "acme-test"}, "models.chat.placements.lab": {}}
    (problem,) = problems({**google, "clusters.us.quotas": {"L-DB2E81BA": 40}})
    assert "pools.l4.machine" not in problem.remedy, f"Google has no g6.xlarge: {problem.remedy}"


@tuned(deadline=None, max_examples=50)
@given(limit=st.integers(0, 80), nodes=st.integers(1, 6))
def test_the_ways_out_of_a_limit_lead_out(limit: int, nodes: int) -> None:
    changes = {"clusters.us.quotas": {"L-DB2E81BA": limit}, "pools.l4.max_nodes": nodes}
    found = problems(changes)
    assert bool(found) == (2 * nodes * 8 > limit), "refused exactly where the sum is above the limit"
    for problem in found:
        for way in problem.remedy.split("; or "):
            if "max_nodes" in way:
                fewer = int(way.removesuffix(" or less").rpartition(" ")[2])
                assert problems({**changes, "pools.l4.max_nodes": fewer}) == [], "fewer machines fit"
                assert problems({**changes, "pools.l4.max_nodes": fewer + 1}), "and one more does not"
            if "machine to" in way:
                machine = way.partition(" to ")[2].partition(" ")[0]
                assert problems({**changes, "pools.l4.machine": machine}) == [], "smaller machines fit"


def test_every_gpu_of_aws_has_a_spot_quota_but_the_one_that_sources_disagree_on() -> None:
    lacking = {
        shape.accelerator for shape in catalog.SHAPES if shape.cloud == "aws" and not catalog.accelerator(shape.accelerator).aws_spot_quota_code
    }
    assert lacking == {"B200"}, "a quota that nobody names is not made up"
    codes = {code for gpu in catalog.ACCELERATORS.values() for code in (gpu.aws_quota_code, gpu.aws_spot_quota_code) if code}
    assert codes <= set(quotas.TITLES), "each is called as the console calls it"
