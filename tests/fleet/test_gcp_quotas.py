"""Quotas of Compute Engine: how many GPUs a fleet could use at most, and what to do where the project may not."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as tuned
from hypothesis import strategies as st

from fleet import catalog
from fleet.gcp import quotas
from fleet.gcp.quotas import ALL_REGIONS, QuotaNeed, needs
from fleet.problems import Problem
from tests.support.gcp_fleets import A100, read

pytestmark = pytest.mark.pure

L4 = "NVIDIA-L4-GPUS-per-project-region"
A100_GPUS = "NVIDIA-A100-GPUS-per-project-region"
H100_FAMILY = "GPUS-PER-GPU-FAMILY-per-project-region/NVIDIA_H100"
H100 = {"accelerator": "H100", "gpus_per_node": 8, "max_nodes": 2, "capacity": ["spot"]}


def problems(changes: dict[str, Any]) -> list[Problem]:
    return list(quotas.problems(*read(changes)))


def need(code: str, changes: dict[str, Any], place: str = "us-central1 of project acme-test") -> QuotaNeed:
    return next(found for found in needs(*read(changes)) if (found.place, found.code) == (place, code))


def test_clusters_of_a_project_and_region_share_its_limit() -> None:
    found = need(L4, {"clusters.twin.quotas": {L4: 50}, "clusters.us.quotas": {L4: 20}, "clusters.other.quotas": {L4: 1}})
    assert {line.cluster for line in found.lines} == {"us", "twin"}, "neither another region nor another project"
    assert found.amount == 2 * 4, "four L4 in each"
    assert (found.limit, found.limit_field) == (20, "clusters.us.quotas." + L4), "the lowest that is stated"
    assert need(L4, {}).limit is None, "nothing stated, nothing checked"


def test_the_limit_of_all_regions_counts_every_gpu_of_the_project_once() -> None:
    found = need(ALL_REGIONS, {}, "all regions of project acme-test")
    assert {line.cluster for line in found.lines} == {"us", "twin", "east"}, "of every region"
    assert found.amount == 3 * 4 + 2, "a pool with two rungs has its machines once"
    assert need(ALL_REGIONS, {}, "all regions of project acme-other").amount == 4, "and another project its own"


def test_a_pool_counts_whole_against_each_kind_of_capacity() -> None:
    for rungs, code in ((["spot"], "PREEMPTIBLE-"), (["flex_start"], "PREEMPTIBLE-"), (["on_demand"], ""), (["reservation"], "")):
        changes = {"pools.a100": {**A100, "capacity": rungs}}
        codes = {found.code for found in needs(*read(changes)) if "A100" in found.code}
        assert codes == {code + A100_GPUS}, f"{rungs} counts there and nowhere else"
    both = {found.code: found.amount for found in needs(*read({})) if "A100" in found.code}
    assert both == {A100_GPUS: 2, "PREEMPTIBLE-" + A100_GPUS: 2}, "all its machines may come from one rung"


def test_gpus_are_counted_and_not_machines() -> None:
    found = need("PREEMPTIBLE-NVIDIA-H100-GPUS-per-project-region", {"pools.a100": H100})
    assert found.amount == 2 * 8, "two machines of eight"
    assert str(found.lines[0]) == "pool a100 of us 16 (2 × a3-highgpu-8g)", "as a person reads it"


def test_a_limit_by_family_is_asked_for_with_the_family_as_a_dimension() -> None:
    (problem,) = problems({"pools.a100": {**H100, "capacity": ["on_demand"]}, "clusters.us.quotas": {H100_FAMILY: 8}})
    asked = (
        "gcloud beta quotas preferences create --service=compute.googleapis.com --project=acme-test "
        "--quota-id=GPUS-PER-GPU-FAMILY-per-project-region --preferred-value=16 --dimensions=region=us-central1,gpu_family=NVIDIA_H100"
    )
    assert asked in problem.remedy, problem.remedy
    (everywhere,) = problems({"clusters.us.quotas": {ALL_REGIONS: 1}})
    assert "--quota-id=GPUS-ALL-REGIONS-per-project --preferred-value=14;" in everywhere.remedy, f"no dimension: {everywhere.remedy}"


def test_a_limit_that_is_too_low_is_told_with_every_way_out() -> None:
    (problem,) = problems({"clusters.us.quotas": {L4: 4}})
    for way in ("gcloud beta quotas preferences create", "pools.l4.max_nodes to 2 or less", "another region, or on spot machines"):
        assert way in problem.remedy, f"{way}: {problem.remedy}"
    for words in ("pool l4 of us 4 (4 × g2-standard-8)", "pool l4 of twin 4 (4 × g2-standard-8)"):
        assert words in problem.limit, f"what the sum is made of: {problem.limit}"
    wide = {"pools.l4.gpus_per_node": 4, "pools.l4.max_nodes": 1, "clusters.us.quotas": {L4: 4}}
    (fewer,) = problems(wide)
    assert "pools.l4.gpus_per_node to 2, as in g2-standard-24 (gcp, 2 × L4, 2.00 US dollars per hour)" in fewer.remedy, fewer.remedy
    (spot,) = problems({"clusters.us.quotas": {"PREEMPTIBLE-" + A100_GPUS: 1}})
    assert "machines on demand, which have a limit of their own" in spot.remedy, spot.remedy


def test_fewer_gpus_are_offered_only_where_every_cluster_of_the_pool_can_buy_such_machines() -> None:
    limit = {"clusters.us.quotas": {ALL_REGIONS: 8 + 12}, "pools.a100": H100}
    (spot,) = problems(limit)
    assert "pools.a100.gpus_per_node to 4, as in a3-highgpu-4g" in spot.remedy, f"half of the machine is sold as spot: {spot.remedy}"
    (on_demand,) = problems({**limit, "pools.a100": {**H100, "capacity": ["on_demand"]}})
    assert "gpus_per_node" not in on_demand.remedy, f"and not on demand, so the next plan would refuse it: {on_demand.remedy}"
    named = {"accelerator": "L4", "gpus_per_node": 4, "machine": "g2-standard-48", "max_nodes": 1}
    (machine,) = problems({"pools.l4": named, "clusters.us.quotas": {L4: 4}})
    assert "gpus_per_node to 2 and leave pools.l4.machine out" in machine.remedy, f"the machine that is named has four: {machine.remedy}"
    both = {"pools.l4": {"accelerator": "L4", "gpus_per_node": 4, "max_nodes": 1}, "clusters.us.quotas": {L4: 4}}
    aws = {"clusters.lab": {"cloud": "aws", "region": "us-east-2"}, "models.chat.placements.lab": {}}
    (mixed,) = problems({**both, **aws})
    assert "gpus_per_node to 1, as in g2-standard-8" in mixed.remedy, f"AWS sells no machine with two L4: {mixed.remedy}"


@tuned(deadline=None, max_examples=40)
@given(limit=st.integers(0, 40), nodes=st.integers(1, 6), gpus=st.sampled_from([1, 2, 4]), code=st.sampled_from([L4, ALL_REGIONS]))
def test_the_ways_out_of_a_limit_lead_out(limit: int, nodes: int, gpus: int, code: str) -> None:
    changes = {"models.writer.placements": {"other": {}}, "pools.l4.gpus_per_node": gpus, "pools.l4.max_nodes": nodes}
    changes["clusters.us.quotas"] = {code: limit}
    found = problems(changes)
    clusters = 3 if code == ALL_REGIONS else 2
    assert bool(found) == (clusters * nodes * gpus > limit), "refused exactly where the sum is above the limit"
    for problem in found:
        for way in problem.remedy.split("; or "):
            if "max_nodes" in way:
                fewer = int(way.removesuffix(" or less").rpartition(" ")[2])
                assert problems({**changes, "pools.l4.max_nodes": fewer}) == [], "fewer machines fit"
                assert problems({**changes, "pools.l4.max_nodes": fewer + 1}), "and one more does not"
            if "gpus_per_node" in way:
                smaller = int(way.partition(" to ")[2].partition(",")[0])
                assert problems({**changes, "pools.l4.gpus_per_node": smaller}) == [], "smaller machines fit"


def test_every_gpu_of_google_has_both_quotas_and_no_other_gpu_has_one() -> None:
    sold = {shape.accelerator for shape in catalog.SHAPES if shape.cloud == "gcp"}
    for name, gpu in catalog.ACCELERATORS.items():
        assert bool(gpu.gcp_quota) == bool(gpu.gcp_spot_quota) == (name in sold), f"{name}: on demand and what can be taken back"
    assert set(quotas.known()) > {ALL_REGIONS, H100_FAMILY, L4}, "a layer each"
