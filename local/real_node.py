"""One real node of a region: a kubelet with a container runtime and a device plugin, in namespaces of their own.

Its pods' network is that of the region. Everything it makes, mounts included, ends with its first process.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from local import control_groups, region_network, region_services
from local.images import containerd_configuration, copy_root
from local.network_policy import announce
from local.node_init import DEVICE_PLUGINS, NODE, REGION
from local.nodes import NodeSpec
from local.processes import Daemon
from local.region_network import RegionNetwork

CNI_FOLDERS = (Path("/usr/lib/cni"), Path("/opt/cni/bin"))
DNS_ADDRESS = str(region_network.SERVICE_NETWORK[10])
FIRST_KUBELET_PORT = 10250
PATIENCE_SECONDS = 10.0


STATE, SOCKET = Path("/run/containerd"), Path("/run/containerd.sock")
"""In the node's own /run, which is gone with it: a runtime that starts anew finds no task."""

OWN_NAMESPACES = ("unshare", "--pid", "--fork", "--kill-child=KILL", "--mount", "--propagation", "private", "--mount-proc", "--")


@dataclass(frozen=True, kw_only=True)
class RealNode:
    """A node of one region, kept in a folder of its own below the region's."""

    region: Path
    spec: NodeSpec
    index: int
    """From 1; decides its addresses."""

    @property
    def folder(self) -> Path:
        """Runtime, pods, logs and the list of its GPUs."""
        return self.region / "nodes" / self.spec.name

    @property
    def control_group(self) -> str:
        """Below the root of every hierarchy."""
        return f"{group_prefix(self.region)}/{self.spec.name}"

    @property
    def gpus(self) -> Path:
        """What the device plugin advertises: a line for each GPU with its health."""
        return self.folder / "gpus"

    def start(self, network: RegionNetwork, tools: Mapping[str, Path], prepared: Path) -> None:
        """Start it, unless it runs as it should; what an earlier run left is used again.

        Raises:
            OSError: a folder or control group cannot be made.
            NetworkFailed: it cannot have its address.
        """
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        commands, told = json.dumps(self._commands(tools)), self.folder / "daemons.json"
        same_images = _says(self.folder / "prepared", prepared.name)
        if self.daemon().process():
            if same_images and _says(told, commands) and self._gpus_written() == self.spec.gpus:
                return
            self.stop()
        region_network.add_node_address(network, self.index)
        control_groups.ensure(self.control_group)
        root = self.folder / "containerd"
        if not (same_images and root.exists()):
            shutil.rmtree(root, ignore_errors=True)
            copy_root(prepared, root)
            (self.folder / "prepared").write_text(prepared.name, encoding="utf-8")
        DEVICE_PLUGINS.mkdir(parents=True, exist_ok=True)
        self._write_network()
        self._write_gpus()
        told.write_text(commands, encoding="utf-8")
        search = f"{tools['containerd-shim-runc-v2'].parent}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        init = [sys.executable, "-m", "local.node_init", str(self.folder)]
        self.daemon().start([*network.inside, *OWN_NAMESPACES, *init], {"PYTHONPATH": str(region_services.PROJECT_DIRECTORY), "PATH": search})

    def stop(self) -> None:
        """End it with everything that runs on it, as a power cut does."""
        stop(self.folder)

    def daemon(self) -> Daemon:
        """Its first process, as the launcher knows it."""
        return Daemon("node", self.folder)

    def daemons(self, name: str) -> list[psutil.Process]:
        """Its running daemons of this name, as this machine sees them."""
        first = self.daemon().process()
        with contextlib.suppress(psutil.NoSuchProcess):
            return [process for process in (first.children(recursive=True) if first else []) if process.name() == name]
        return []

    def hold(self, name: str) -> None:
        """End one of its daemons and keep it from starting until `release`."""
        holds = self.folder / "hold"
        holds.mkdir(exist_ok=True)
        (holds / name).touch()

    def release(self, name: str) -> None:
        """Let a held daemon start again."""
        (self.folder / "hold" / name).unlink(missing_ok=True)

    def set_gpu_health(self, number: int, *, healthy: bool) -> str:
        """Say that a GPU works or does not; returns its identifier."""
        lines = self.gpus.read_text(encoding="utf-8").splitlines()
        identifier = lines[number].split(" ", 1)[0]
        lines[number] = f"{identifier} {'Healthy' if healthy else 'Unhealthy'}"
        self._write_whole(self.gpus, lines)
        return identifier

    def _commands(self, tools: Mapping[str, Path]) -> dict[str, list[str]]:
        plugins = (cni_plugins(), NODE / "cni-plugins")
        text = containerd_configuration(NODE / "containerd", STATE, SOCKET, plugins, NODE / "cni")
        (self.folder / "containerd.toml").write_text(text, encoding="utf-8")
        taints = [f"--taint={taint.key}={taint.value}:{taint.effect}" for taint in self.spec.taints]
        kubelet = [
            str(tools["fleet-kubelet"]),
            f"--node={self.spec.name}",
            f"--address={region_network.node_address(self.index)}",
            f"--port={FIRST_KUBELET_PORT + self.index}",
            f"--root={NODE / 'kubelet'}",
            f"--kubeconfig={REGION / 'kubeconfig'}",
            f"--socket={SOCKET}",
            f"--cgroup=/{self.control_group}",
            f"--dns={DNS_ADDRESS}",
            f"--client-ca={REGION / 'kubelet-client.crt'}",
            f"--vcpus={self.spec.vcpus}",
            f"--memory-gib={int(self.spec.memory_gib)}",
            *taints,
        ]
        commands = {"containerd": [str(tools["containerd"]), f"--config={NODE / 'containerd.toml'}"], "kubelet": kubelet}
        if self.spec.gpus:
            commands["device-plugin"] = [str(tools["device-plugin"]), f"--file={NODE / 'gpus'}", f"--folder={DEVICE_PLUGINS}"]
        return commands

    def _write_network(self) -> None:
        folder = self.folder / "cni"
        folder.mkdir(exist_ok=True)
        addresses = {"type": "host-local", "dataDir": str(NODE / "addresses"), "ranges": [[{"subnet": region_network.pod_range(self.index)}]]}
        plugin = {"type": "ptp", "ipMasq": False, "ipam": {**addresses, "routes": [{"dst": "0.0.0.0/0"}]}}
        announcement = announce.chain_entry(REGION / region_services.POLICY_SOCKET)
        network = {"cniVersion": "1.0.0", "name": "fleet", "plugins": [plugin, announcement]}
        executables = self.folder / "cni-plugins"
        executables.mkdir(exist_ok=True)
        announce.install(executables)
        (folder / "10-fleet.conflist").write_text(json.dumps(network), encoding="utf-8")

    def _write_gpus(self) -> None:
        """Identifiers as NVIDIA's, from the node's name: the same after a restart."""
        if self.spec.gpus and self._gpus_written() != self.spec.gpus:
            names = [hashlib.sha256(f"{self.spec.name}/{number}".encode()).hexdigest() for number in range(self.spec.gpus)]
            self._write_whole(self.gpus, [f"GPU-{name[:8]}-{name[8:12]}-{name[12:16]}-{name[16:20]}-{name[20:32]} Healthy" for name in names])

    def _gpus_written(self) -> int:
        return len(self.gpus.read_text(encoding="utf-8").splitlines()) if self.gpus.exists() else 0

    @staticmethod
    def _write_whole(path: Path, lines: Sequence[str]) -> None:
        partial = path.with_suffix(".partial")
        partial.write_text("\n".join(lines) + "\n", encoding="utf-8")
        partial.replace(path)


def _says(path: Path, text: str) -> bool:
    return path.exists() and path.read_text(encoding="utf-8") == text


def stop(folder: Path) -> None:
    """End the node in this folder: without its first process the kernel ends all others, and then reports that one's end."""
    process = Daemon("node", folder).process()
    if process:
        with contextlib.suppress(psutil.NoSuchProcess):
            first = process.children()
            for one in (*first, process):
                one.kill()
            psutil.wait_procs([*first, process], timeout=PATIENCE_SECONDS)
    Daemon("node", folder).stop()


def remove_mount_point() -> None:
    """Remove the folder that only ever is a mount point, unless a kubelet of this machine or a node of another region uses it."""
    # The kernel would remove it all the same, and unmount it in every mount namespace: those kubelets would lose their GPUs.
    if any(_mounts(process, DEVICE_PLUGINS) for process in Path("/proc").glob("[0-9]*")):
        return
    for folder in (DEVICE_PLUGINS, DEVICE_PLUGINS.parent):
        with contextlib.suppress(OSError):  # not empty, or not there
            folder.rmdir()


def _mounts(process: Path, folder: Path) -> bool:
    try:
        return f" {folder} " in (process / "mountinfo").read_text(encoding="utf-8")
    except OSError:  # it ended meanwhile
        return False


def group_prefix(region: Path) -> str:
    """Name of the control group of all nodes of a region."""
    return f"vllm-fleet-{region_network.identity(region)}"


def cni_plugins() -> Path:
    """Folder of the CNI plugins, where distributions and upstream put them.

    Raises:
        FileNotFoundError: neither is there.
    """
    for folder in CNI_FOLDERS:
        if (folder / "ptp").exists() and (folder / "host-local").exists():
            return folder
    raise FileNotFoundError(f"the CNI plugins ptp and host-local are in none of {', '.join(map(str, CNI_FOLDERS))}")
