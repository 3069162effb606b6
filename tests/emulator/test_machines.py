"""What machines can move and hold, beside what EC2 reports of them."""

from __future__ import annotations

import gzip
import json
from importlib.util import find_spec
from pathlib import Path

import pytest

from fleet import catalog
from fleet.aws import launch
from fleet.aws.launch import EBS_MB_PER_SECOND

pytestmark = pytest.mark.emulator

AWS = {shape.machine: shape for shape in catalog.SHAPES if shape.cloud == "aws"}


def test_limits_of_volumes_are_those_that_ec2_reports() -> None:
    module = find_spec("moto")
    assert module is not None and module.origin is not None, "its snapshot of EC2's instance types is read, not the emulator"  # noqa: PT018
    reported = json.loads(gzip.decompress((Path(module.origin).parent / "ec2/resources/instance_types.json.gz").read_bytes()))
    largest = launch.GP3_MOST_MIB_PER_SECOND * 2**20 / 1e6
    found = {machine: reported[machine]["EbsInfo"]["EbsOptimizedInfo"]["MaximumThroughputInMBps"] for machine in AWS}
    assert {machine: most for machine, most in found.items() if most < largest} == EBS_MB_PER_SECOND, "every machine that is slower than a volume"
    assert {machine: reported[machine]["InstanceStorageInfo"]["TotalSizeInGB"] for machine in AWS} == {
        machine: shape.local_nvme_gb for machine, shape in AWS.items()
    }, "and the disks that autoscaling counts on"
