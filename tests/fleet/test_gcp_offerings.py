"""The table of Google's offerings: complete, without contradictions, and in words where it knows nothing."""

from __future__ import annotations

import pytest

from fleet.catalog import SHAPES
from fleet.gcp import offerings
from fleet.settings.regions import GCP_REGIONS

pytestmark = pytest.mark.pure

MACHINES = sorted({shape.machine for shape in SHAPES if shape.cloud == "gcp"})
L4 = """asia-east1 asia-northeast1 asia-northeast3 asia-south1 asia-southeast1 europe-west1 europe-west2 europe-west3 europe-west4 europe-west6
me-central2 northamerica-northeast1 northamerica-northeast2 us-central1 us-east1 us-east4 us-west1 us-west4"""
A100_40 = """us-central1 us-east1 us-west1 us-west3 us-west4 europe-west4 asia-northeast1 asia-northeast3 asia-southeast1 me-west1"""
A100_80 = "us-central1 us-east4 us-east5 europe-west4 asia-southeast1"


def test_every_region_of_the_stack_file_has_its_zones() -> None:
    for region in GCP_REGIONS:
        zones = offerings.zones(region)
        assert len(zones) >= 3, f"{region}: a region of Google has three zones at least"
        assert all(zone.startswith(f"{region}-") for zone in zones), "whose names begin with its own"
    assert offerings.zones("mars-north1") == (), "a region that is in no row is not known"


@pytest.mark.parametrize("machine", [*MACHINES, offerings.SYSTEM_MACHINE])
def test_a_machine_is_offered_in_zones_that_exist(machine: str) -> None:
    for region in GCP_REGIONS:
        assert set(offerings.zones_offering(machine, region)) <= set(offerings.zones(region)), f"{machine} in {region}"
    if machine.startswith("g4-"):
        assert not offerings.knows(machine, "us-central1"), "no table says where it is"
        assert offerings.zones_offering(machine, "us-central1") == offerings.zones("us-central1"), "so it may be everywhere"
        assert not offerings.regions_offering(machine) | offerings.regions_without(machine), "and nothing is claimed"
    else:
        assert offerings.regions_offering(machine) | offerings.regions_without(machine) == set(GCP_REGIONS), "either, everywhere"
        assert not offerings.regions_offering(machine) & offerings.regions_without(machine), "never both"


@pytest.mark.parametrize(("machine", "regions"), [("g2-standard-8", L4), ("a2-highgpu-1g", A100_40), ("a2-ultragpu-8g", A100_80)])
def test_the_regions_are_those_of_an_independent_price_table(machine: str, regions: str) -> None:
    assert offerings.regions_offering(machine) == set(regions.split()), "two sources that were made apart say the same"


def test_zones_that_googles_own_reference_repository_uses_are_in_the_table() -> None:
    for machine, zones in (
        ("g2-standard-24", "us-central1-a us-central1-b us-central1-c us-east4-a us-east4-c"),
        ("a3-highgpu-8g", "us-central1-a us-central1-c"),
    ):
        for zone in zones.split():
            assert zone in offerings.zones_offering(machine, zone.rpartition("-")[0]), f"{machine} in {zone}"
    assert offerings.zones_offering("g2-standard-24", "us-east4") == ("us-east4-a", "us-east4-c"), "and no zone that it leaves out"


def test_a_small_h100_machine_is_not_where_only_the_large_one_is() -> None:
    assert offerings.zones_offering("a3-highgpu-1g", "europe-west8") == ("europe-west8-c",), "one GPU is sold here"
    assert offerings.zones_offering("a3-highgpu-8g", "europe-west8") == (), "and eight are not"
