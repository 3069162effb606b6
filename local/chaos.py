"""Break something in a fleet with real pods, one thing at a time, and mend it again.

What is broken stays so until `restore`, or until the part of the system whose task it is has mended it.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Mapping

import psutil
from lightkube.config.kubeconfig import KubeConfig
from lightkube.core.client import Client
from lightkube.resources.core_v1 import Pod

from fleet.fleet_plan import ClusterPlan
from local import control_groups, region_network, region_spec
from local.paths import State
from local.processes import Daemon
from local.real_node import RealNode, group_prefix

Say = Callable[[str], None]


class NothingToBreak(Exception):
    """The fleet has no such thing; the text says what it has."""


class Chaos:
    """One region of a fleet with real pods."""

    def __init__(self, state: State, cluster: ClusterPlan, say: Say) -> None:
        """Find the region.

        Raises:
            NothingToBreak: it does not run, or its pods are simulated.
        """
        self._folder, self._cluster, self._say, self._state = state.region(cluster.name), cluster, say, state
        spec, network = region_spec.load(self._folder), region_network.found(self._folder)
        if spec is None or network is None or not spec.real:
            raise NothingToBreak(f"region {cluster.name} has no real pods here: `make local` starts it, on Linux as root")
        self._nodes = {node.spec.name: node for node in spec.real_nodes(self._folder)}
        self._network = network

    def pod(self, model: str) -> None:
        """Delete one of a model's pods at once, without its grace period."""
        name = self._pod(model)[0]
        with self._client() as client:
            client.delete(Pod, name, grace_period=0)
        self._say(f"Pod {name} is deleted without its grace period; its Deployment makes another.")

    def engine(self, model: str) -> None:
        """Kill the engine of one of a model's pods: SIGKILL, as the kernel does when memory runs out."""
        name, process = self._engine(model)
        process.kill()
        self._say(f"The engine of pod {name} is killed; its kubelet starts the container again.")

    def hang(self, model: str) -> None:
        """Stop the engine of one of a model's pods where it is: it accepts connections and answers nothing."""
        name, process = self._engine(model)
        process.send_signal(signal.SIGSTOP)
        self._say(f"The engine of pod {name} hangs; its readiness probe takes it out of the Service, its liveness probe ends it.")

    def gpu(self, node: str) -> None:
        """A node's first healthy GPU becomes unhealthy."""
        found = self._node(node)
        lines = found.gpus.read_text(encoding="utf-8").splitlines() if found.gpus.exists() else []
        healthy = [number for number, line in enumerate(lines) if line.endswith(" Healthy")]
        if not healthy:
            raise NothingToBreak(f"node {node} has no healthy GPU")
        identifier = found.set_gpu_health(healthy[0], healthy=False)
        self._say(f"{identifier} on {node} is unhealthy: no new pod gets it; the pod that has it goes on, as with NVIDIA's plugin.")

    def kubelet(self, node: str) -> None:
        """Stop a node's kubelet: containers go on, nobody starts or ends any."""
        self._node(node).hold("kubelet")
        self._say(f"The kubelet of {node} is stopped; after 40 s without a sign of life the node is NotReady.")

    def containerd(self, node: str) -> None:
        """Kill a node's container runtime; the node's service manager starts it again."""
        for process in self._node(node).daemons("containerd"):
            process.kill()
        self._say(f"The container runtime of {node} is killed; its containers go on, and it is started again.")

    def node(self, node: str) -> None:
        """End a node with everything on it, as a power cut does. `make local`, or `restore`, starts it again."""
        self._node(node).stop()
        self._say(f"Node {node} is off.")

    def api_server(self) -> None:
        """End the region's API server; serving does not need it."""
        Daemon("kube-apiserver", self._folder).stop()
        self._say(f"The API server of {self._cluster.name} is off.")

    def link(self) -> None:
        """Cut the region off from everything outside of it."""
        region_network.cut(self._network)
        self._say(f"The link of region {self._cluster.name} is cut.")

    def restore(self) -> None:
        """Mend the link, GPUs, held daemons and hanging engines. Nodes and API servers are the launcher's to start."""
        region_network.restore(self._network)
        for node in self._nodes.values():
            for name in ("kubelet", "containerd", "device-plugin"):
                node.release(name)
            count = len(node.gpus.read_text(encoding="utf-8").splitlines()) if node.gpus.exists() else 0
            for number in range(count):
                node.set_gpu_health(number, healthy=True)
        for process in control_groups.processes(group_prefix(self._folder)):
            if process.status() == psutil.STATUS_STOPPED:
                process.send_signal(signal.SIGCONT)
        self._say(f"Region {self._cluster.name} is restored.")

    def _node(self, name: str) -> RealNode:
        if name not in self._nodes:
            raise NothingToBreak(f"region {self._cluster.name} has no real node {name!r}; it has {', '.join(self._nodes)}")
        return self._nodes[name]

    def _client(self) -> Client:
        config = KubeConfig.from_file(self._state.kubeconfig).get(context_name=self._cluster.context)
        return Client(config=config, namespace=self._cluster.namespace)

    def _pod(self, model: str) -> tuple[str, str]:
        """Name of a running pod of the model and the identifier of its engine's container."""
        models = [found.name for found in self._cluster.models]
        if model not in models:
            raise NothingToBreak(f"region {self._cluster.name} has no model {model!r}; it has {', '.join(models)}")
        with self._client() as client:
            for pod in client.list(Pod, labels={"app.kubernetes.io/instance": model, "app.kubernetes.io/name": "vllm"}):
                statuses = (pod.status.containerStatuses or []) if pod.status else []
                if pod.metadata and pod.metadata.name and not pod.metadata.deletionTimestamp and statuses and statuses[0].containerID:
                    return pod.metadata.name, statuses[0].containerID.removeprefix("containerd://")
        raise NothingToBreak(f"model {model} has no running pod in region {self._cluster.name}")

    def _engine(self, model: str) -> tuple[str, psutil.Process]:
        name, container = self._pod(model)
        running = control_groups.processes(group_prefix(self._folder), container)
        if not running:
            raise NothingToBreak(f"the engine of pod {name} does not run at the moment")
        return name, min(running, key=lambda process: process.create_time())


ON_MODELS: Mapping[str, Callable[[Chaos, str], None]] = {"pod": Chaos.pod, "engine": Chaos.engine, "hang": Chaos.hang}
ON_NODES: Mapping[str, Callable[[Chaos, str], None]] = {
    "gpu": Chaos.gpu,
    "kubelet": Chaos.kubelet,
    "containerd": Chaos.containerd,
    "node": Chaos.node,
}
ON_REGIONS: Mapping[str, Callable[[Chaos], None]] = {"api-server": Chaos.api_server, "link": Chaos.link, "restore": Chaos.restore}
"""What `python -m local chaos` can break, by what it needs to be told beside the region."""


def break_something(state: State, cluster: ClusterPlan, what: str, target: str | None, say: Say) -> None:
    """Do one of the above.

    Raises:
        NothingToBreak: there is no such thing, or the target is missing.
    """
    chaos = Chaos(state, cluster, say)
    if what in ON_REGIONS:
        ON_REGIONS[what](chaos)
        return
    kind = "model" if what in ON_MODELS else "node"
    if target is None:
        raise NothingToBreak(f"`{what}` needs the name of a {kind}: python -m local chaos {what} {cluster.name} {kind.upper()}")
    (ON_MODELS.get(what) or ON_NODES[what])(chaos, target)


def actions() -> list[str]:
    """Everything that can be asked for."""
    return [*ON_MODELS, *ON_NODES, *ON_REGIONS]
