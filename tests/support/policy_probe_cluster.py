"""A real API server beside a probed network, with the enforcer between them. No node: tests say what a kubelet would."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from lightkube.config.kubeconfig import KubeConfig
from lightkube.core.client import Client
from lightkube.core.exceptions import ApiError
from lightkube.models.meta_v1 import ObjectMeta
from lightkube.resources.core_v1 import Namespace, Pod, ServiceAccount
from lightkube.resources.networking_v1 import NetworkPolicy

from local import control_plane, kubeconfig
from local.network_policy import announce
from local.network_policy.render import TABLE
from local.processes import Daemon
from local.tools import ensure
from tests.support.local_fleet import eventually, kill
from tests.support.policy_probe import ProbedNetwork, probed_network
from tests.support.policy_probe_objects import POD_RANGE, PODS, PORTS
from tests.support.recording import PROJECT

CONTEXT = "local-policies"
NAMESPACE = "here"
TOOLS = ("etcd", "kube-apiserver")


class PolicyCluster:
    """One API server, one enforcer, one network."""

    def __init__(self, folder: Path, network: ProbedNetwork) -> None:
        self.network = network
        self.enforcer = Daemon("enforcer", folder)
        self.socket = folder / "enforcer.sock"
        self._folder = folder
        self._plugin = announce.install(folder)
        self._nft()
        self.start_api_server()
        self.client = Client(config=KubeConfig.from_file(folder / "kubeconfig").get(context_name=CONTEXT), namespace=NAMESPACE)
        self.client.create(Namespace(metadata=ObjectMeta(name=NAMESPACE)))
        # No controller makes it here, and without it no pod is admitted.
        self.client.create(ServiceAccount(metadata=ObjectMeta(name="default")))

    def start_api_server(self) -> None:
        access = control_plane.start_api_server(self._folder, CONTEXT, ensure(TOOLS))
        kubeconfig.write(self._folder / "kubeconfig", [access])

    def kill_api_server(self) -> None:
        process = Daemon("kube-apiserver", self._folder).process()
        assert process, "the API server runs"
        kill(process)

    def start_enforcer(self) -> None:
        command = [sys.executable, "-m", "local.network_policy.enforcer", str(self._folder / "kubeconfig"), CONTEXT]
        path = f"{self._folder / 'bin'}{os.pathsep}{os.environ['PATH']}"
        self.enforcer.start([*command, "--pod-cidr", POD_RANGE, "--socket", str(self.socket)], {"PYTHONPATH": str(PROJECT), "PATH": path})
        self.enforcer.wait(self.socket.exists, 30)

    def stop_enforcer(self) -> None:
        self.enforcer.stop()
        self.socket.unlink(missing_ok=True)

    def rules(self) -> str:
        """The table in the kernel without its counters; empty where there is none."""
        done = subprocess.run(
            [self._folder / "bin" / "nft", "--stateless", "list", "table", *TABLE.split()], capture_output=True, text=True, check=False
        )
        return done.stdout

    def applied(self) -> int:
        """How often the enforcer handed rules to the kernel because something changed."""
        return sum("applied in" in line for line in self.enforcer.log.read_text(encoding="utf-8").splitlines())

    def pod(self, name: str, labels: dict[str, str] | None = None) -> str:
        """Create a pod without an address; its UID."""
        spec = {"containers": [{"name": "main", "image": "none"}]}
        wanted: Any = Pod.from_dict({"metadata": {"name": name, "labels": labels or {}}, "spec": spec})
        return str(self.client.create(wanted).metadata.uid)

    def status(self, name: str, **status: Any) -> None:
        """What a kubelet would report of a pod."""
        self.client.patch(Pod.Status, name, {"status": status})

    def policy(self, name: str, spec: dict[str, Any]) -> None:
        wanted: Any = NetworkPolicy.from_dict({"metadata": {"name": name}, "spec": spec})
        self.client.create(wanted)

    def plug(self, uid: str, address: str) -> subprocess.CompletedProcess[str]:
        """Run the network plugin as containerd does when a sandbox was given this address."""
        configuration = {"cniVersion": "1.0.0", "name": "region", **announce.chain_entry(self.socket), "prevResult": result(address)}
        arguments = f"IgnoreUnknown=1;K8S_POD_NAMESPACE={NAMESPACE};K8S_POD_NAME=any;K8S_POD_INFRA_CONTAINER_ID=0123;K8S_POD_UID={uid}"
        variables = {"CNI_COMMAND": "ADD", "CNI_CONTAINERID": "0123", "CNI_IFNAME": "eth0", "CNI_PATH": str(self._folder), "CNI_ARGS": arguments}
        return subprocess.run([self._plugin], input=json.dumps(configuration), env=variables, capture_output=True, text=True, check=False)

    def clear(self) -> None:
        """No pods and no policies, and rules that know it."""
        for kind in (NetworkPolicy, Pod):
            for found in self.client.list(kind):
                metadata: Any = found.metadata
                with suppress(ApiError):  # gone already
                    self.client.delete(kind, metadata.name, grace_period=0)
        eventually(lambda: not any(address in self.rules() for address in PODS), "rules without pods")

    def close(self) -> None:
        self.client.close()
        for name in ("enforcer", "kube-apiserver", "etcd"):
            Daemon(name, self._folder).stop()

    def _nft(self) -> None:
        """The enforcer of a region runs in its network namespace. Here the API server is outside, so only its nft is inside."""
        (self._folder / "bin").mkdir()
        command = self._folder / "bin" / "nft"
        command.write_text(f'#!/bin/sh\nexec nsenter --net=/run/netns/{self.network.name} -- {shutil.which("nft")} "$@"\n', encoding="utf-8")
        command.chmod(0o755)


def result(address: str) -> dict[str, Any]:
    """What a plugin that gives addresses hands to the next."""
    return {"cniVersion": "1.0.0", "interfaces": [{"name": "eth0", "sandbox": "/run/netns/x"}], "ips": [{"address": f"{address}/32", "interface": 0}]}


@contextmanager
def policy_cluster(folder: Path) -> Iterator[PolicyCluster]:
    """For as long as the block runs; no process and no network namespace is left of it."""
    with probed_network(PODS, PORTS) as network:
        try:
            cluster = PolicyCluster(folder, network)
            yield cluster
            cluster.close()
        finally:
            for name in ("enforcer", "kube-apiserver", "etcd"):
                Daemon(name, folder).stop()
