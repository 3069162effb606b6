"""Regional control planes, on loopback with simulated nodes or in networks of their own with real ones.

`start` makes what is missing and leaves what runs, whatever state an interrupted run left. A region keeps its data and
with it the UID of kube-system until `stop`; one region shares nothing with another.
"""

from __future__ import annotations

import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TypeVar

import httpx2
from lightkube.config.kubeconfig import KubeConfig
from lightkube.core.client import Client
from lightkube.core.exceptions import ApiError
from lightkube.resources.core_v1 import Namespace

from local import cluster_dns, control_groups, control_plane, kubeconfig, nodes, provisioner, real_node, region_network, region_services, region_spec
from local.control_plane import API_SERVER, CONTROLLERS
from local.images import prepared_root
from local.paths import State
from local.processes import Daemon, ProcessFailed, end_strays
from local.region_network import NetworkFailed
from local.region_spec import RegionSpec

Say = Callable[[str], None]

WATCH_SECONDS = 1.0

_Result = TypeVar("_Result")


class RegionFailed(Exception):
    """A control plane could not be brought up; the text shows the end of the log that says why."""


def start(state: State, regions: Sequence[RegionSpec], tools: Mapping[str, Path], say: Say) -> dict[str, str]:
    """Bring every region up, side by side; returns region to UID of kube-system.

    A region that an earlier run started and that is no longer asked for comes up as well: the update that removes its
    objects has to reach them. `retire` ends it afterwards.

    Raises:
        RegionFailed: with the log's end of the process that did not come up.
    """
    state.regions.mkdir(parents=True, exist_ok=True, mode=0o700)
    everything = [*regions, *_left_over(state, regions)]
    prepared = prepared_root(tools, say) if any(spec.real for spec in everything) else None
    with ThreadPoolExecutor(max_workers=len(everything)) as workers:
        accesses = list(workers.map(lambda spec: _guarded(spec, partial(_api_server, state, spec, tools)), everything))
        kubeconfig.write(state.kubeconfig, accesses)
        list(workers.map(lambda spec: _guarded(spec, partial(_controllers, state, spec, tools)), everything))
    # One after the other: msgspec, which decodes the client's answers, crashes the interpreter when two threads meet a type
    # for the first time together.
    for spec in everything:
        _guarded(spec, partial(_register, state, spec))
        if prepared:
            _guarded(spec, partial(_start_nodes, state, spec, tools, prepared))
    uids = [_guarded(spec, partial(_await_nodes, state, spec)) for spec in regions]
    for spec in regions:
        count = f"{sum(node.gpus for node in spec.nodes)} GPUs on {len(spec.real_nodes(state.root))} real nodes" if spec.real else ""
        say(f"Region {spec.name}: control plane ready, {count or f'{sum(node.gpus > 0 for node in spec.nodes)} GPU nodes'}.")
    return {spec.name: uid for spec, uid in zip(regions, uids, strict=True)}


@contextmanager
def kept_alive(state: State, regions: Sequence[RegionSpec], tools: Mapping[str, Path], say: Say) -> Iterator[None]:
    """Within the block, start again what ends: an update that waits for a scheduler which is gone would wait for its deadline."""
    over = threading.Event()

    def watch() -> None:
        while not over.wait(WATCH_SECONDS):
            for spec in regions:
                folder = state.region(spec.name)
                dead = [name for name in spec.daemons if Daemon(name, folder).process() is None]
                dead += [node.spec.name for node in spec.real_nodes(folder) if node.daemon().process() is None]
                if not dead:
                    continue
                say(f"Region {spec.name}: {', '.join(dead)} ended; starting it again.")
                try:
                    _guarded(spec, partial(_api_server, state, spec, tools))
                    _guarded(spec, partial(_controllers, state, spec, tools))
                    if spec.real:
                        _guarded(spec, partial(_start_nodes, state, spec, tools, prepared_root(tools, say)))
                except RegionFailed as error:
                    say(f"It does not come up again: {error}")
                    return

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join(control_plane.READY_TIMEOUT_SECONDS)


def retire(state: State, kept: Sequence[RegionSpec], say: Say) -> None:
    """End and remove the regions that are no longer asked for, once nothing of the stack is left in them."""
    names = {spec.name for spec in kept}
    left = [folder for folder in sorted(state.regions.iterdir()) if folder.name not in names]
    for folder in left:
        _remove(folder, say)
    if left:
        kubeconfig.write_private(state.kubeconfig, kubeconfig.only(state.kubeconfig, [spec.context for spec in kept]))


def stop(state: State, say: Say) -> None:
    """End every process in order and remove the folders; works on whatever is there."""
    if state.regions.exists():
        for folder in sorted(state.regions.iterdir()):
            _remove(folder, say)
        shutil.rmtree(state.regions)
    state.kubeconfig.unlink(missing_ok=True)


def _remove(folder: Path, say: Say) -> None:
    """Works on whatever is there, from nodes down to etcd, and after a reboot, which ends processes and networks."""
    for node in sorted(folder.glob("nodes/*")):
        real_node.stop(node)
    for name in (*reversed(region_services.NAMES), *reversed(CONTROLLERS), *reversed(API_SERVER)):
        Daemon(name, folder).stop(patience_seconds=0)  # its data goes with it
    end_strays(folder)
    region_network.remove(folder)
    control_groups.remove(real_node.group_prefix(folder))
    shutil.rmtree(folder)
    real_node.remove_mount_point()
    say(f"Region {folder.name}: stopped.")


def _left_over(state: State, regions: Sequence[RegionSpec]) -> list[RegionSpec]:
    """Regions of an earlier run that these do not name. One without a kubeconfig never got as far as holding an object."""
    names = {spec.name for spec in regions}
    folders = [folder for folder in sorted(state.regions.iterdir()) if folder.name not in names and (folder / "kubeconfig").exists()]
    return [spec for folder in folders if (spec := region_spec.load(folder))]


def running(state: State) -> dict[str, dict[str, bool]]:
    """Region to process to whether it runs."""
    if not state.regions.exists():
        return {}
    found: dict[str, dict[str, bool]] = {}
    for folder in sorted(state.regions.iterdir()):
        spec = region_spec.load(folder)
        names = spec.daemons if spec else (*API_SERVER, *CONTROLLERS)
        found[folder.name] = {name: Daemon(name, folder).process() is not None for name in names}
        found[folder.name] |= {node.spec.name: node.daemon().process() is not None for node in (spec.real_nodes(folder) if spec else ())}
    return found


def _guarded(spec: RegionSpec, step: Callable[[], _Result]) -> _Result:
    try:
        return step()
    except (ProcessFailed, NetworkFailed, subprocess.CalledProcessError, ApiError, httpx2.HTTPError, OSError) as error:
        raise RegionFailed(f"region {spec.name}: {error}") from error


def _api_server(state: State, spec: RegionSpec, tools: Mapping[str, Path]) -> kubeconfig.Access:
    folder = state.region(spec.name)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    spec.save(folder)
    was_away = not all(Daemon(name, folder).process() for name in API_SERVER)
    access = control_plane.start_api_server(folder, spec.context, tools, region_network.ensure(folder) if spec.real else None)
    if was_away:
        # Like the controllers, those that lost their API server try again after a minute; anew they do at once, and harm nothing.
        Daemon("kube-proxy", folder).stop()
        for kubelet in (process for node in spec.real_nodes(folder) for process in node.daemons("fleet-kubelet")):
            kubelet.kill()
    return access


def _controllers(state: State, spec: RegionSpec, tools: Mapping[str, Path]) -> None:
    folder = state.region(spec.name)
    network = region_network.found(folder) if spec.real else None
    control_plane.start_controllers(folder, state.kubeconfig, spec.context, spec.ready_seconds, tools, names=spec.controllers, network=network)


def _register(state: State, spec: RegionSpec) -> None:
    """Storage class, nodes and DNS, as an administrator would have made them."""
    network = region_network.found(state.region(spec.name)) if spec.real else None
    with _client(state, spec) as client:
        if spec.class_claims:
            provisioner.storage_class(client)
        nodes.apply(client, spec.nodes)
        if network:
            cluster_dns.apply(client, network.host_address)


def _start_nodes(state: State, spec: RegionSpec, tools: Mapping[str, Path], prepared: Path) -> None:
    folder = state.region(spec.name)
    found, network = spec.real_nodes(folder), region_network.found(folder)
    if not found or not network:
        return
    for left in folder.glob("nodes/*"):
        if left.name not in {node.spec.name for node in found}:
            real_node.stop(left)
            shutil.rmtree(left)
    for node in found:
        node.start(network, tools, prepared)
    region_services.start(folder, spec.context, network, found[0].spec.name, state.hub, tools)


def _await_nodes(state: State, spec: RegionSpec) -> str:
    """Until all nodes are Ready; returns the cluster's UID."""
    folder, deadline = state.region(spec.name), time.monotonic() + control_plane.READY_TIMEOUT_SECONDS
    with _client(state, spec) as client:
        while late := nodes.late(client, spec.nodes):
            if time.monotonic() > deadline:
                logs = [Daemon("kubelet", node.folder).tail() for node in spec.real_nodes(folder) if node.spec.name in late]
                raise ProcessFailed("\n".join([f"not Ready after {control_plane.READY_TIMEOUT_SECONDS:.0f} s: nodes {', '.join(late)}", *logs[:1]]))
            time.sleep(0.1)
        found = client.get(Namespace, "kube-system").metadata
    if found is None or found.uid is None:
        raise ProcessFailed("kube-system has no UID")
    return found.uid


def _client(state: State, spec: RegionSpec) -> Client:
    return Client(config=KubeConfig.from_file(state.kubeconfig).get(context_name=spec.context))
