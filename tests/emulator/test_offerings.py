"""The catalogue and its zones against moto: an emulator of AWS whose answers are a snapshot of EC2's own.

It says what EC2 offered when the snapshot was made, not what it offers today.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from fleet import catalog
from fleet.aws import offerings
from fleet.settings.regions import AWS_REGIONS

pytestmark = pytest.mark.emulator

SHAPES = tuple(shape for shape in catalog.SHAPES if shape.cloud == "aws")
MACHINES = (*(shape.machine for shape in SHAPES), offerings.SYSTEM_MACHINE)

GPU_MIB = {
    "T4": 16384,
    "L4": 22888,
    "A10G": 22888,
    "A100-40GB": 40960,
    "A100-80GB": 81920,
    "L40S": 45776,
    "H100": 81920,
    "H200": 144384,
    "RTX-PRO-6000": 98304,
    "B200": 183359,
}
"""As EC2 describes one GPU: the marketing size, above what PyTorch sees."""


@pytest.fixture(scope="module", autouse=True)
def emulated() -> Iterator[None]:
    with mock_aws():
        yield


@pytest.fixture(scope="module")
def described() -> dict[str, Any]:
    """Machine to what DescribeInstanceTypes says of it."""
    pages = boto3.client("ec2", region_name="us-east-1").get_paginator("describe_instance_types").paginate(InstanceTypes=list(MACHINES))
    return {found["InstanceType"]: found for page in pages for found in page["InstanceTypes"]}


def offered(region: str) -> dict[str, set[str]]:
    """Machine to the ids of the zones that offer it, for every machine of EC2."""
    found: dict[str, set[str]] = defaultdict(set)
    pages = boto3.client("ec2", region_name=region).get_paginator("describe_instance_type_offerings")
    for page in pages.paginate(LocationType="availability-zone-id"):
        for entry in page["InstanceTypeOfferings"]:
            found[entry["InstanceType"]].add(entry["Location"])
    return found


@pytest.mark.parametrize("region", [region for region in AWS_REGIONS if offerings.zones(region)])
def test_every_zone_of_the_table_offers_what_it_says_and_nothing_else(region: str) -> None:
    found = offered(region)
    assert set(offerings.zones(region)) == set().union(*found.values()), "the zones that exist"
    wrong = {
        machine: sorted(found.get(machine, ())) for machine in MACHINES if set(offerings.zones_offering(machine, region)) != found.get(machine, set())
    }
    assert wrong == {}, "a wrong digit puts subnets where no machine is, or leaves out where one is"


def test_the_table_leaves_out_no_region_that_the_snapshot_has() -> None:
    unknown = [region for region in AWS_REGIONS if not offerings.zones(region)]
    assert [region for region in unknown if offered(region)] == [], "nobody is sent to ask for what could be known"


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.machine)
def test_a_machine_of_the_catalogue_is_what_ec2_describes(shape: catalog.Shape, described: dict[str, Any]) -> None:
    found = described[shape.machine]
    (gpus,) = found["GpuInfo"]["Gpus"]
    assert found["VCpuInfo"]["DefaultVCpus"] == shape.vcpus, "virtual CPUs, which quotas count"
    assert found["MemoryInfo"]["SizeInMiB"] == shape.memory_gib * 1024, "memory, which decides whether weights load"
    assert (gpus["Count"], gpus["MemoryInfo"]["SizeInMiB"]) == (shape.gpus, GPU_MIB[shape.accelerator]), "GPUs and their memory"
    assert found["InstanceStorageInfo"]["TotalSizeInGB"] == shape.local_nvme_gb, "disks of its own, which caches use"
    assert ("capacity-block" in found["SupportedUsageClasses"]) == shape.capacity_blocks, "whether blocks of it are sold"
    assert ("on-demand" in found["SupportedUsageClasses"]) == shape.on_demand, "whether one can simply be started"
    assert "spot" in found["SupportedUsageClasses"], "a rung of spot is offered for every pool"
    assert found["ProcessorInfo"]["SupportedArchitectures"] == ["x86_64"], "the node images are built for it"


def test_what_pytorch_sees_of_a_gpu_is_below_what_ec2_says() -> None:
    for name, mib in GPU_MIB.items():
        total_mib = catalog.accelerator(name).total_gib * 1024
        assert 0.9 * mib < total_mib < mib, f"{name}: driver and ECC take some, not most"


def test_the_systems_machine_is_what_quotas_count(described: dict[str, Any]) -> None:
    found = described[offerings.SYSTEM_MACHINE]
    assert found["VCpuInfo"]["DefaultVCpus"] == offerings.SYSTEM_MACHINE_VCPUS, "against the limit of standard machines"
    assert "GpuInfo" not in found, "it carries what needs no GPU"
    assert found["ProcessorInfo"]["SupportedArchitectures"] == ["x86_64"], "its node image is built for it"
