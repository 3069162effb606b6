"""What a fleet with real pods leaves behind: nothing, however it ended. The machine is compared before and after."""

from __future__ import annotations

import json
import re
import subprocess
from ipaddress import IPv4Interface
from pathlib import Path

import psutil
import pytest

from local import control_groups, real_node, region_network
from local.control_groups import ROOT
from tests.support.local_fleet import eventually, kill
from tests.support.real_fleet import REAL, RealFleet

pytestmark = pytest.mark.pods

OF_A_FLEET = re.compile(r"fleet-?[0-9a-f]{8}|policy-[0-9a-f]{8}|cni-")
LEFT_BY_RUNTIMES = (Path("/run/containerd"), Path("/var/log/pods"), Path("/var/log/containers"))

SETTINGS = {
    **REAL,
    "clusters": {"east": REAL["clusters"]["east"]},
    "models": {"chat": {"tier": "small", "pool": "l4", "replicas": {"min": 1}, "rollout": {"max_surge": 1, "max_unavailable": 0}}},
}


def machine(fleet: RealFleet) -> dict[str, set[str]]:
    """What a region makes on a machine, by kind, without what other fleets that run at the same time have made."""
    own = region_network.identity(fleet.state.region("east"))
    found = {
        "network namespaces": set(_told(["ip", "netns", "list"])),
        "devices": {link["ifname"] for link in json.loads("".join(_told(["ip", "-json", "link"])))},
        "routes": {route for route in _told(["ip", "-4", "route"]) if not route.startswith("unreachable")},
        "rules": set(_told(["nft", "list", "ruleset"])),
        "mounts": {line.split(" ")[4] for line in Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines()},
        "control groups": {str(path) for path in ROOT.glob("*/vllm-fleet-*")},
        "folders": {str(path) for path in LEFT_BY_RUNTIMES if path.exists()},
    }
    return {kind: {one for one in some if own in one or not OF_A_FLEET.search(one)} for kind, some in found.items()}


def _told(command: list[str]) -> list[str]:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()


def _everything_gone(fleet: RealFleet, before: dict[str, set[str]], host_address: str) -> None:
    assert not fleet.state.root.exists(), "no folder is left"
    assert not fleet.everything_running(), "no process is left"
    block = str(IPv4Interface(f"{host_address}/30").network)
    assert not [route for route in _told(["ip", "-4", "route"]) if block in route], "nothing is kept from leaving this machine any more"
    after = machine(fleet)
    assert {kind: found - before[kind] for kind, found in after.items() if found - before[kind]} == {}, "the machine is as it was"


def test_local_down_leaves_the_machine_as_it_was_after_kill_9_of_the_launcher_and_after_a_reboot(tmp_path: Path) -> None:
    fleet = RealFleet(tmp_path, SETTINGS)
    before = machine(fleet)
    try:
        run = fleet.launcher()
        eventually(lambda: fleet.processes("fleet-kubelet"), "a kubelet", 120)
        kill(psutil.Process(run.pid))
        run.communicate()
        code, output = fleet.launched()
        assert code == 0, f"it goes on from nodes that were half started:\n{output}"
        assert "1 of 1 models answered" in output, "the model answers through its Service"
        host_address = fleet.network("east").host_address
        _reboot(fleet)
    finally:
        code, output = fleet.launched("down")
    assert code == 0, output
    assert "could not be destroyed in order" not in output, "the control plane came up again for that, and the nodes ended their pods"
    _everything_gone(fleet, before, host_address)


def _reboot(fleet: RealFleet) -> None:
    """A simulated one: the processes, networks, mounts and control groups of the fleet are taken away, its folder stays."""
    folder, network = fleet.state.region("east"), fleet.network("east")
    for node in folder.glob("nodes/*"):
        real_node.stop(node)
    for process in [process for process in psutil.process_iter() if str(fleet.state.root) in " ".join(_words(process))]:
        kill(process)
    subprocess.run(["ip", "link", "delete", network.device], check=True)
    subprocess.run(["ip", "netns", "delete", network.namespace], check=True)
    control_groups.remove(real_node.group_prefix(folder))


def _words(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return []
