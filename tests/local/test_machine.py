"""What a machine lacks for real nodes, in one line with the command that mends it, before anything is made."""

from __future__ import annotations

import ctypes
import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from local import launch, machine, region_network, region_services
from local.paths import State
from local.processes import ProcessFailed
from tests.support.local_fleet import PROJECT

pytestmark = pytest.mark.pods


@contextmanager
def inotify() -> Iterator[int]:
    descriptor = ctypes.CDLL(None).inotify_init()
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def test_this_machine_lacks_nothing() -> None:
    assert machine.missing() is None, "the tier's own tests would be skipped otherwise"
    assert machine.kind() == ("real", ""), "what the machine can is what a user gets who asks for nothing"


def test_without_root_the_reason_names_the_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    kind, why = machine.kind()
    assert kind == "simulated", "it falls back"
    assert "sudo" in why, "and says what would change that"


def test_a_missing_package_is_named_with_the_command_that_installs_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for command in ("ip", "nsenter", "unshare", "mount", "sysctl"):
        (tmp_path / command).symlink_to("/bin/true")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert machine.missing() == "packages are missing: apt-get install runc nftables", "exactly what is missing"


@pytest.mark.parametrize(
    ("capability", "words"),
    [("sys_admin", "namespaces (CAP_SYS_ADMIN)"), ("net_admin", "nftables")],
)
def test_a_root_that_may_not_make_namespaces_or_rules_is_told_which_feature_is_absent(capability: str, words: str) -> None:
    """As in a container: user 0 without the capability, for real."""
    program = "import json; from local import machine; print(json.dumps(machine.missing()))"
    command = ["setpriv", f"--bounding-set=-{capability}", f"--inh-caps=-{capability}", sys.executable, "-c", program]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=True)
    said = json.loads(done.stdout)
    assert words in (said or ""), "the feature is named"
    assert "LOCAL_NODES=simulated" in said, "and the way to do without"


def test_asking_for_real_nodes_where_there_can_be_none_is_refused_and_another_word_is_wrong_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setenv("LOCAL_NODES", "real")
    with pytest.raises(machine.NoRealNodes, match="LOCAL_NODES=real, but real nodes need root"):
        machine.kind()
    done = subprocess.run(
        [sys.executable, "-m", "local", "up"],
        cwd=PROJECT,
        env={**os.environ, "LOCAL_NODES": "docker"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2, "wrong input"
    assert done.stderr.strip() == "error: LOCAL_NODES is 'docker'; it is simulated, real, or not set for what this machine can", "one line"


def test_a_fleet_keeps_its_kind_until_it_is_removed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    state = State(tmp_path / "state")
    launch.keep_kind(state, "simulated")
    assert launch.chosen_kind(state)[0] == "simulated", "a fleet of simulated pods is not half replaced"
    monkeypatch.setenv("LOCAL_NODES", "real")
    with pytest.raises(machine.NoRealNodes, match="`make local-down` first"):
        launch.chosen_kind(state)


def test_a_folder_that_nodes_could_not_see_is_refused() -> None:
    with pytest.raises(machine.NoRealNodes, match="choose another --directory"):
        launch.chosen_kind(State(Path("/run/fleet")))


def test_more_nodes_than_the_kernel_lets_a_user_watch_for_are_refused_with_the_command_that_raises_it() -> None:
    limit = int(machine.INOTIFY_LIMIT.read_text())
    assert machine.watches_missing(0, 0, limit) is None, "what runs needs nothing more"
    more = max(1024, 2 * (limit + 1))
    assert machine.watches_missing(8, 2, limit - 69) == (
        f"8 real nodes need 70 inotify instances, {limit - 69} of {limit} are in use: sysctl -w fs.inotify.max_user_instances={more}"
    ), "the numbers and the way out; a kubelet beyond the limit would end at once, again and again"
    with inotify():
        assert machine.watches_in_use() >= 1, "counted from what processes hold"


def test_an_address_range_that_somebody_took_meanwhile_is_left_to_them(tmp_path: Path) -> None:
    folder = tmp_path / "east"
    try:
        first = region_network.ensure(folder)
        assert region_network.ensure(folder) == first, "a second run finds the same network"
        region_network.remove(folder)
        subprocess.run(["ip", "link", "add", "fleettaken", "type", "veth", "peer", "name", "fleettaken2"], check=True)
        subprocess.run(["ip", "address", "add", f"{first.host_address}/24", "dev", "fleettaken"], check=True)
        for device in ("fleettaken", "fleettaken2"):
            subprocess.run(["ip", "link", "set", device, "up"], check=True)
        second = region_network.ensure(folder)
        assert second.host_address != first.host_address, "the block is another's now"
    finally:
        subprocess.run(["ip", "link", "delete", "fleettaken"], check=False)
        region_network.remove(folder)


def test_a_web_server_on_the_hubs_port_is_named_before_anything_waits_for_the_hub() -> None:
    with socket.create_server(("", 0)) as taken:
        port = int(taken.getsockname()[1])
        with pytest.raises(ProcessFailed, match=f"ss -ltnp 'sport = :{port}' names it; stop it meanwhile"):
            region_services.need_port("127.0.0.1", port)
    region_services.need_port("127.0.0.1", port)
