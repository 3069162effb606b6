"""Regions and fleets on one machine: the end of one is nothing that the others notice."""

from __future__ import annotations

from pathlib import Path

import pytest

from local import real_node
from local.node_init import DEVICE_PLUGINS
from tests.support.real_fleet import RealFleet

pytestmark = pytest.mark.pods


def test_the_removal_of_a_region_takes_no_gpu_from_the_nodes_of_others(fleet: RealFleet) -> None:
    real_node.remove_mount_point()  # with which the removal of any region ends
    for region in ("east", "west"):
        kubelet = fleet.node(region, "l4-0").daemons("fleet-kubelet")[0].pid
        mounts = {line.split()[4] for line in Path(f"/proc/{kubelet}/mountinfo").read_text(encoding="utf-8").splitlines()}
        assert str(DEVICE_PLUGINS) in mounts, "the kernel unmounts in every namespace what is removed in one, and the kubelet would lose its plugin"
