"""The address plan: no two networks of a fleet overlap, and what exists never moves."""

from __future__ import annotations

from ipaddress import IPv4Network
from itertools import combinations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet import naming
from fleet.network import REGION_NUMBERS, SLOTS, addresses, block, collisions, slot
from fleet.problems import Problem
from fleet.settings import AwsCluster, Cluster, ExistingCluster, GcpCluster, Settings
from fleet.settings.regions import AWS_REGIONS, GCP_REGIONS
from fleet.stack_file import parse

pytestmark = pytest.mark.pure

PINNED = 80
PINNED_HASH = "f4aeb60c"

BASE = parse({"name": "test", "clusters": {"a": {"cloud": "existing", "context": "a"}}, "models": {"chat": {"tier": "small"}}})


def aws(region: str = "us-east-2", network_cidr: str | None = None) -> AwsCluster:
    return AwsCluster.model_validate({"cloud": "aws", "region": region}).model_copy(update={"network_cidr": network_cidr})


def gcp(region: str = "us-central1", **changes: str) -> GcpCluster:
    return GcpCluster.model_validate({"cloud": "gcp", "region": region, "project": "acme-test", **changes})


def fleet(clusters: dict[str, Cluster]) -> Settings:
    return BASE.model_copy(update={"clusters": clusters})


def ranges(clusters: dict[str, Cluster]) -> dict[str, str]:
    return addresses(fleet(clusters))[0]


def refused(clusters: dict[str, Cluster]) -> list[Problem]:
    return addresses(fleet(clusters))[1]


def told(clusters: dict[str, Cluster]) -> list[Problem]:
    return list(collisions(fleet(clusters)))


PLACES: st.SearchStrategy[Cluster] = st.one_of(st.sampled_from(AWS_REGIONS).map(aws), st.sampled_from(GCP_REGIONS).map(gcp))
NAMES = st.integers(0, 999).map("c{}".format)
FLEETS = st.dictionaries(NAMES, PLACES, min_size=1, max_size=8)


def test_every_region_of_the_stack_file_has_a_number() -> None:
    assert set(REGION_NUMBERS) == {*AWS_REGIONS, *GCP_REGIONS}, "a cluster in any of them needs addresses"


def test_numbers_given_once_stay() -> None:
    given_out = list(REGION_NUMBERS)[:PINNED]
    assert naming.short_hash(*given_out) == PINNED_HASH, "a new region is appended: another order would replace networks that exist"
    assert [REGION_NUMBERS[region] for region in given_out] == list(range(1, PINNED + 1)), "numbers are places, from 1"


def test_blocks_lie_side_by_side_in_the_private_range() -> None:
    blocks = [block(region) for region in REGION_NUMBERS]
    assert all(found.subnet_of(IPv4Network("10.0.0.0/8")) for found in blocks), "nobody on the internet has them"
    assert not any(one.overlaps(other) for one, other in combinations(blocks, 2)), "regions can be connected"
    assert str(block("us-east-2")) == "10.68.0.0/15", "region 34"


@given(FLEETS)
def test_a_cluster_gets_a_quarter_of_its_regions_block(clusters: dict[str, Cluster]) -> None:
    for name, cidr in ranges(clusters).items():
        network = IPv4Network(cidr)
        assert network.prefixlen == 17, "room for every zone"
        assert network.subnet_of(block(clusters[name].region or "")), "never in another region's block"


@given(clusters=FLEETS, name=NAMES, cluster=PLACES, seed=st.randoms())
def test_neither_order_nor_another_cluster_moves_a_network(clusters: dict[str, Cluster], name: str, cluster: Cluster, seed: Any) -> None:
    before = ranges(clusters)
    shuffled = list(({name: cluster} | clusters).items())
    seed.shuffle(shuffled)
    after = ranges(dict(shuffled))
    assert {key: after[key] for key in before} == before, "moving one would replace it and everything in it"


@given(FLEETS)
def test_networks_overlap_exactly_where_it_is_said(clusters: dict[str, Cluster]) -> None:
    found, problems = addresses(fleet(clusters))[0], told(clusters)
    assert refused(clusters) == [], "what the plan chose itself refuses nothing"
    overlaps = sum(IPv4Network(found[one]).overlaps(IPv4Network(found[other])) for one, other in combinations(found, 2))
    assert len(problems) == overlaps, "each pair once, and no pair without reason"
    reordered = told(dict(reversed(clusters.items())))
    assert {problem.message for problem in problems} == {problem.message for problem in reordered}, "the words do not depend on the order either"


def test_two_clusters_of_a_region_that_got_the_same_range_are_told_of_a_free_one() -> None:
    assert slot("a") == slot("b"), "otherwise the test shows nothing"
    (problem,) = told({"b": aws(), "a": aws()})
    assert problem.field == "clusters.b.network_cidr", "the later name, whatever the order"
    assert "cluster a has 10.69.0.0/17 as well" in problem.limit, "both are named"
    assert "does not exist yet" in problem.remedy, "writing it on the one that exists would replace its network"
    free = problem.remedy.rpartition(" ")[2]
    mended: dict[str, Cluster] = {"a": aws(), "b": aws(network_cidr=free)}
    assert told(mended) + refused(mended) == [], "and the remedy works"


def test_the_remedy_works_even_in_a_full_region() -> None:
    names: dict[int, str] = {}
    for letter in "abcdefghijklmnop":
        names.setdefault(slot(letter), letter)
    assert len(names) == SLOTS, "a name for each slot"
    full: dict[str, Cluster] = {name: aws() for name in names.values()}
    assert told(full) == [], "four fit"
    (problem,) = told({**full, "z": aws()})
    mended = {**full, "z": aws(), problem.field.split(".")[1]: aws(network_cidr=problem.remedy.rpartition(" ")[2])}
    assert told(mended) + refused(mended) == [], "the spare block that no region has"


def test_two_clusters_of_google_cloud_are_told_apart_by_a_range_of_their_own() -> None:
    (problem,) = told({"a": gcp(), "b": gcp()})
    assert problem.field == "clusters.b.network_cidr", "as on AWS"
    assert told({"a": gcp(), "b": gcp(network_cidr=problem.remedy.rpartition(" ")[2])}) == [], "the range that is proposed is free"


def test_a_written_range_wins_and_is_the_one_to_change() -> None:
    taken = ranges({"here": aws("eu-west-1")})["here"]
    clusters: dict[str, Cluster] = {"a": aws(network_cidr=taken), "here": aws("eu-west-1")}
    assert ranges(clusters)["a"] == taken, "as written"
    (problem,) = refused(clusters)
    assert problem.field == "clusters.a.network_cidr", "the computed one cannot be in the wrong"
    assert "cluster here" in problem.limit, "and the other is named"


def test_services_of_a_cluster_keep_their_range() -> None:
    (problem,) = refused({"a": aws(network_cidr="172.20.0.0/17")})
    assert (problem.field, problem.value) == ("clusters.a.network_cidr", "172.20.0.0/17"), "EKS gives these addresses to Services"
    assert "172.20.0.0/16" in problem.limit, "whose they are"
    assert not refused({"a": gcp(network_cidr="172.20.0.0/17")}), "on Google they have addresses of the cluster's own network"


def test_an_existing_cluster_has_its_own_network() -> None:
    here = ExistingCluster.model_validate({"cloud": "existing", "context": "here"})
    assert ranges({"here": here, "us": aws()}) == {"us": "10.69.0.0/17"}, "nothing is planned for it"
