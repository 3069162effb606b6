"""Zones and what they offer: one table, and no answer where it has none."""

from __future__ import annotations

import re

import pytest

from fleet import catalog, shapes
from fleet.aws import offerings
from fleet.aws.network import foreign_partition
from fleet.settings.base import ZONE_ID_PATTERN
from fleet.settings.regions import AWS_REGIONS
from fleet.shapes import NoShape

pytestmark = pytest.mark.pure

MACHINES = (*(shape.machine for shape in catalog.SHAPES if shape.cloud == "aws"), offerings.SYSTEM_MACHINE)
KNOWN = tuple(region for region in AWS_REGIONS if offerings.zones(region))
UNKNOWN = tuple(region for region in AWS_REGIONS if not offerings.zones(region))


def test_every_machine_of_the_catalogue_is_in_the_table() -> None:
    assert [machine for machine in MACHINES if not offerings.knows(machine, "us-east-2")] == [], "a row of the catalogue needs a column"


def test_the_table_has_regions_of_the_stack_file_only_and_misses_the_newest() -> None:
    assert len(KNOWN) == 30, "the snapshot has 30"
    commercial = [region for region in UNKNOWN if not foreign_partition(region)]
    assert commercial == ["ap-east-2", "ap-southeast-6", "ap-southeast-7", "mx-central-1"], "what nobody knows is told, not guessed"


@pytest.mark.parametrize("region", KNOWN)
def test_zones_are_written_as_the_stack_file_writes_them(region: str) -> None:
    zones = offerings.zones(region)
    assert all(re.match(ZONE_ID_PATTERN, zone) for zone in zones), "so that they can be copied there"
    assert list(zones) == sorted(set(zones), key=offerings.zone_number), "by number, each once"
    for machine in MACHINES:
        assert set(offerings.zones_offering(machine, region)) <= set(zones), f"{machine} in zones that exist"


@pytest.mark.parametrize(
    ("machine", "region", "numbers"),
    [
        ("g6.2xlarge", "us-east-2", (1, 2, 3)),
        ("g6.48xlarge", "us-west-2", (1, 2, 3, 4)),
        ("g7e.2xlarge", "us-east-1", (2, 6)),
        ("p6-b200.48xlarge", "us-east-1", (6,)),
        ("p5.4xlarge", "ap-northeast-1", (1,)),
        ("p5.48xlarge", "ap-northeast-1", (1, 4)),
        ("p4d.24xlarge", "eu-west-1", (2,)),
        ("p4de.24xlarge", "us-east-2", ()),
        ("m7i.xlarge", "ca-west-1", ()),
    ],
)
def test_what_a_zone_offers(machine: str, region: str, numbers: tuple[int, ...]) -> None:
    assert tuple(map(offerings.zone_number, offerings.zones_offering(machine, region))) == numbers, "as the snapshot says"


def test_what_the_table_lacks_is_unknown_and_not_refused() -> None:
    assert not offerings.knows("g6.2xlarge", "mx-central-1"), "a region that is newer than the snapshot"
    assert offerings.zones_offering("g6.2xlarge", "mx-central-1") == (), "whose zones nobody knows"
    assert not offerings.knows("g8.xlarge", "us-east-2"), "a machine that is newer than the snapshot"
    assert offerings.zones_offering("g8.xlarge", "us-east-2") == offerings.zones("us-east-2"), "any zone may have it"
    assert not offerings.knows("region", "us-east-2"), "the name of a column that is no machine"
    assert shapes.shape("aws", "L4", 1, "mx-central-1").machine == "g6.2xlarge", "nothing known speaks against it"


def test_no_zone_that_eks_refuses_is_thought_to_be_missing() -> None:
    regions = {offerings.zones(region)[0].partition("-")[0] for region in KNOWN}
    assert {zone.partition("-")[0] for zone in offerings.REFUSED_BY_EKS} <= regions, "each belongs to a region of the table"


@pytest.mark.parametrize("shape", [shape for shape in catalog.SHAPES if shape.cloud == "aws"], ids=lambda shape: shape.machine)
def test_the_catalogue_sells_where_a_zone_offers(shape: catalog.Shape) -> None:
    for region in KNOWN:
        assert shape.sold_in(region) == bool(offerings.zones_offering(shape.machine, region)), f"one truth about {region}"


def test_a_gpu_that_the_region_lacks_is_refused_with_where_it_is_and_what_is_here() -> None:
    with pytest.raises(NoShape) as refused:
        shapes.shape("aws", "L4", 1, "eu-west-1")
    said = str(refused.value)
    assert "g6.2xlarge (aws, 1 × L4, 0.98 US dollars per hour) is not sold in eu-west-1, but in eu-west-2, eu-west-3, eu-central-1 and " in said, (
        "the same GPU elsewhere"
    )
    for machine in ("g2-standard-8", "g5.2xlarge (aws, 1 × A10G, 1.21 US dollars per hour)"):
        assert machine in said, f"{machine} in Google Cloud or here: {said}"
