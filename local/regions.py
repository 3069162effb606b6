"""Regional control planes on loopback: etcd, API server, controller manager, scheduler, KWOK and a provisioner each.

`start` makes what is missing and leaves what runs, whatever state an interrupted run left. A region keeps its data and
with it the UID of kube-system until `stop`; one region shares nothing with another.
"""

from __future__ import annotations

import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import httpx2
import yaml
from lightkube.config.kubeconfig import KubeConfig
from lightkube.core.client import Client
from lightkube.core.exceptions import ApiError
from lightkube.resources.core_v1 import Namespace, Node

from local import control_plane, kubeconfig, nodes, provisioner
from local.control_plane import ORDER
from local.paths import State
from local.processes import Daemon, ProcessFailed, end_strays

Say = Callable[[str], None]

WATCH_SECONDS = 1.0

_Result = TypeVar("_Result")


class RegionFailed(Exception):
    """A control plane could not be brought up; the text shows the end of the log that says why."""


@dataclass(frozen=True, kw_only=True)
class RegionSpec:
    """One region: its name, its context in the kubeconfig, its nodes, and how long simulated pods take to become Ready."""

    name: str
    context: str
    nodes: tuple[nodes.NodeSpec, ...]
    ready_seconds: float


def start(state: State, regions: Sequence[RegionSpec], tools: Mapping[str, Path], say: Say) -> dict[str, str]:
    """Bring every region up, side by side; returns region to UID of kube-system.

    A region that an earlier run started and that is no longer asked for comes up as well: the update that removes its
    objects has to reach them. `retire` ends it afterwards.

    Raises:
        RegionFailed: with the log's end of the process that did not come up.
    """
    state.regions.mkdir(parents=True, exist_ok=True, mode=0o700)
    everything = [*regions, *_left_over(state, regions)]
    with ThreadPoolExecutor(max_workers=len(everything)) as workers:
        accesses = list(workers.map(lambda spec: _guarded(_api_server, state, spec, tools), everything))
        kubeconfig.write(state.kubeconfig, accesses)
        list(workers.map(lambda spec: _guarded(_controllers, state, spec, tools), everything))
    # One after the other: msgspec, which decodes the client's answers, crashes the interpreter when two threads meet a type
    # for the first time together.
    uids = [_guarded(_fill, state, spec, tools) for spec in regions]
    for spec in regions:
        say(f"Region {spec.name}: control plane ready, {sum(node.gpus > 0 for node in spec.nodes)} GPU nodes.")
    return {spec.name: uid for spec, uid in zip(regions, uids, strict=True)}


@contextmanager
def kept_alive(state: State, regions: Sequence[RegionSpec], tools: Mapping[str, Path], say: Say) -> Iterator[None]:
    """Within the block, start again what ends: an update that waits for a scheduler which is gone would wait for its deadline."""
    over = threading.Event()

    def watch() -> None:
        while not over.wait(WATCH_SECONDS):
            for spec in regions:
                folder = state.region(spec.name)
                dead = [name for name in ORDER if Daemon(name, folder).process() is None]
                if not dead:
                    continue
                say(f"Region {spec.name}: {', '.join(dead)} ended; starting it again.")
                try:
                    _guarded(_api_server, state, spec, tools)
                    _guarded(_controllers, state, spec, tools)
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
    for name in reversed(ORDER):
        Daemon(name, folder).stop()
    end_strays(folder)
    shutil.rmtree(folder)
    say(f"Region {folder.name}: stopped.")


def _left_over(state: State, regions: Sequence[RegionSpec]) -> list[RegionSpec]:
    """Regions of an earlier run that these do not name. One without a kubeconfig never got as far as holding an object."""
    names = {spec.name for spec in regions}
    folders = [folder for folder in sorted(state.regions.iterdir()) if folder.name not in names and (folder / "kubeconfig").exists()]
    ready_seconds = regions[0].ready_seconds
    contexts = [yaml.safe_load((folder / "kubeconfig").read_text(encoding="utf-8"))["current-context"] for folder in folders]
    return [
        RegionSpec(name=folder.name, context=context, nodes=(), ready_seconds=ready_seconds)
        for folder, context in zip(folders, contexts, strict=True)
    ]


def running(state: State) -> dict[str, dict[str, bool]]:
    """Region to process to whether it runs."""
    if not state.regions.exists():
        return {}
    return {folder.name: {name: Daemon(name, folder).process() is not None for name in ORDER} for folder in sorted(state.regions.iterdir())}


def _guarded(step: Callable[[State, RegionSpec, Mapping[str, Path]], _Result], state: State, spec: RegionSpec, tools: Mapping[str, Path]) -> _Result:
    try:
        return step(state, spec, tools)
    except (ProcessFailed, subprocess.CalledProcessError, ApiError, httpx2.HTTPError, OSError) as error:
        raise RegionFailed(f"region {spec.name}: {error}") from error


def _api_server(state: State, spec: RegionSpec, tools: Mapping[str, Path]) -> kubeconfig.Access:
    return control_plane.start_api_server(state.region(spec.name), spec.context, tools)


def _controllers(state: State, spec: RegionSpec, tools: Mapping[str, Path]) -> None:
    control_plane.start_controllers(state.region(spec.name), state.kubeconfig, spec.context, spec.ready_seconds, tools)


def _fill(state: State, spec: RegionSpec, _: Mapping[str, Path]) -> str:
    """Storage class and nodes, as an administrator would have made them; returns the cluster's UID."""
    with Client(config=KubeConfig.from_file(state.kubeconfig).get(context_name=spec.context)) as client:
        provisioner.storage_class(client)
        nodes.apply(client, spec.nodes)
        Daemon("kwok", state.region(spec.name)).wait(lambda: _nodes_ready(client), control_plane.READY_TIMEOUT_SECONDS)
        found = client.get(Namespace, "kube-system").metadata
    if found is None or found.uid is None:
        raise ProcessFailed("kube-system has no UID")
    return found.uid


def _nodes_ready(client: Client) -> bool:
    conditions = [node.status.conditions or [] if node.status else [] for node in client.list(Node)]
    return all(any(condition.type == "Ready" and condition.status == "True" for condition in found) for found in conditions)
