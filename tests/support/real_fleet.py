"""A fleet with real pods for tests, traffic against it, and looks into its containers from outside."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
from lightkube.core.client import Client
from lightkube.core.exceptions import ApiError
from lightkube.models.meta_v1 import DeleteOptions, ObjectMeta
from lightkube.resources.core_v1 import Pod, PodEviction, Service

from components.kubernetes.policy import ENGINE_PORT
from local import control_groups, hub, region_network
from local.chaos import Chaos
from local.real_node import RealNode, group_prefix
from local.region_network import RegionNetwork
from local.region_spec import load
from tests.support.local_fleet import LocalFleet, eventually

REAL: Mapping[str, Any] = {
    "name": "real",
    "environment": "local",
    "read_only_root": True,
    "clusters": {
        name: {
            "cloud": "existing",
            "kubeconfig": "kubeconfig",
            "context": f"local-{name}",
            "region": name,
            "gpu_labels": labels,
            "cache_folder": "/models",
        }
        for name, labels in (("east", "eks"), ("west", "gke"))
    },
    "pools": {"l4": {"accelerator": "L4", "max_nodes": 6}, "t4": {"accelerator": "T4", "max_nodes": 2}},
    "models": {
        "chat": {"tier": "small", "pool": "l4", "slo": "interactive", "replicas": {"min": 2}},
        "labels": {"tier": "mini-int4", "placements": {"east": {"pool": "t4"}}},
    },
}
"""Two regions; the L4 machines of each are shared by two real nodes, so that one can be drained."""


@dataclass(frozen=True)
class Report:
    """What a load client counted."""

    told: Mapping[str, Any]

    @property
    def sent(self) -> int:
        return int(self.told["sent"])

    @property
    def failed(self) -> int:
        return int(self.told["failed"])

    @property
    def words(self) -> str:
        """For messages: the counts and the first failures."""
        examples = [
            f"{example['at']} {example['reason']} {example['detail']} {example['remote_address']}" for example in self.told["failure_examples"] or []
        ]
        return f"{self.failed} of {self.sent} failed in {self.told['seconds']:.0f} s; " + "; ".join(examples[:5])


class RealFleet(LocalFleet):
    """A fleet whose pods run."""

    def __init__(self, folder: Path, settings: Mapping[str, Any] = REAL) -> None:
        super().__init__(folder, "real", settings, real_nodes_per_pool=2)
        self._kept: dict[tuple[str, int], Client] = {}

    def client(self, region: str) -> Client:
        """The same one as long as the kubeconfig is: a new connection for every look would keep two cores busy."""
        key = (region, self.state.kubeconfig.stat().st_mtime_ns)
        if key not in self._kept:
            self._kept[key] = super().client(region)
        return self._kept[key]

    def network(self, region: str) -> RegionNetwork:
        found = region_network.found(self.state.region(region))
        assert found, f"region {region} has a network"
        return found

    def chaos(self, region: str) -> Chaos:
        cluster = next(cluster for cluster in self.plan().clusters if cluster.name == region)
        return Chaos(self.state, cluster, self.said.append)

    def publish(self, repository: str, revision: str, **simulator: float) -> None:
        """A model on the hub whose simulated engine behaves so (simulator.json)."""
        extra = {repository: {"simulator.json": json.dumps(simulator).encode()}}
        hub.fill(self.state.hub, [(repository, revision)], extra)

    def pods(self, region: str, model: str) -> list[Pod]:
        labels: dict[str, Any] = {"app.kubernetes.io/instance": model, "app.kubernetes.io/name": "vllm"}
        found = self.client(region).list(Pod, labels=labels)
        return [pod for pod in found if pod.metadata and not pod.metadata.deletionTimestamp]

    def container(self, region: str, pod: Pod, container: str = "engine") -> psutil.Process:
        """The first process of a pod's container, as this machine sees it."""
        statuses = [*(pod.status.containerStatuses or []), *(pod.status.initContainerStatuses or [])] if pod.status else []
        identifier = next(str(status.containerID).removeprefix("containerd://") for status in statuses if status.name == container)
        found = control_groups.processes(group_prefix(self.state.region(region)), identifier)
        return min(found, key=lambda process: process.create_time())

    def address(self, region: str, model: str) -> str:
        """URL of a model's Service by its address."""
        service = self.client(region).get(Service, model)
        assert service.spec, "a Service has a spec"
        return f"http://{service.spec.clusterIP}:{ENGINE_PORT}"

    def node(self, region: str, name: str) -> RealNode:
        spec = load(self.state.region(region))
        assert spec, "the region was started"
        return next(node for node in spec.real_nodes(self.state.region(region)) if node.spec.name == name)

    def connects(self, region: str, address: str) -> bool:
        """Whether a process of the region's nodes, to which no policy applies, can connect to HOST:PORT."""
        command = [*self.network(region).inside, str(self.tools["fleet-client"]), "connect", f"--address={address}"]
        return subprocess.run(command, capture_output=True, check=False).returncode == 0

    @contextmanager
    def traffic(
        self, region: str, models: Sequence[str], *, requests: int, connections: int = 8, pause_milliseconds: int = 0
    ) -> Iterator[list[Report]]:
        """Continuous requests through the models' Services, half of them streamed, during the block and until there are enough.

        The caller runs in the region's namespace, as a process of a node does, and opens a connection for each request: it
        follows the Service's endpoints as a new caller does. Yields a list that holds the report once the block is left.
        """
        stop = self.state.root / f"stop-traffic-{region}"
        stop.unlink(missing_ok=True)
        targets = [f"--target={self.address(region, model)}={model}" for model in models]
        command = [*self.network(region).inside, str(self.tools["fleet-client"]), "load", *targets, f"--requests={requests}"]
        command += [f"--connections={connections}", f"--until-file={stop}", "--keep-alive=false", f"--pause-milliseconds={pause_milliseconds}"]
        reports: list[Report] = []
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as client:
            try:
                time.sleep(1)  # requests are on their way before anything happens to the servers
                yield reports
            finally:
                stop.touch()
                output, _ = client.communicate(timeout=180)
        reports.append(Report(json.loads(output)))

    def gpus(self, region: str, node: str) -> dict[str, bool]:
        """Identifiers of a real node's GPUs and whether they are healthy."""
        lines = self.node(region, node).gpus.read_text(encoding="utf-8").splitlines()
        return {identifier: health == "Healthy" for identifier, _, health in (line.partition(" ") for line in lines)}

    def nodes_of(self, region: str) -> list[str]:
        spec = load(self.state.region(region))
        assert spec, "the region was started"
        return [node.name for node in spec.nodes]

    def downloads(self, region: str) -> int:
        """Files of weights that the hub has sent to a region."""
        log = self.state.region(region) / "hub-requests.log"
        lines = log.read_text(encoding="utf-8").splitlines() if log.exists() else []
        return sum("GET" in line and ".safetensors " in line and "/resolve/" in line for line in lines)


def ready(pod: Pod) -> bool:
    """Whether a pod answers."""
    conditions = (pod.status.conditions or []) if pod.status else []
    return any(condition.type == "Ready" and condition.status == "True" for condition in conditions)


def all_ready(fleet: RealFleet, region: str, model: str, count: int, timeout_seconds: float = 90) -> list[Pod]:
    """Wait until a model has exactly so many pods and all answer."""

    def found() -> list[Pod]:
        pods = fleet.pods(region, model)
        return pods if len(pods) == count and all(map(ready, pods)) else []

    return eventually(found, f"{count} Ready servers of {model} in {region}", timeout_seconds)


def restarts(pod: Pod) -> int:
    """How often a pod's engine was started again."""
    statuses = (pod.status.containerStatuses or []) if pod.status else []
    return sum(status.restartCount for status in statuses)


def evict(client: Client, pod: Pod, *, dry_run: bool = False) -> bool:
    """Ask for an eviction as a node's drain does; False where the disruption budget does not allow it now. A dry run only asks."""
    assert pod.metadata
    assert pod.metadata.name
    try:
        wanted = PodEviction(
            metadata=ObjectMeta(name=pod.metadata.name, namespace=pod.metadata.namespace),
            deleteOptions=DeleteOptions(dryRun=["All"]) if dry_run else None,
        )
        client.create(wanted, pod.metadata.name)
    except ApiError as error:
        if error.status.code == 429:
            return False
        raise
    return True
