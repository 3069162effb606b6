"""What runs once in a region with real nodes, beside its control plane: service addresses, network policies, the model hub."""

from __future__ import annotations

import socket
import sys
from collections.abc import Mapping
from pathlib import Path

from local.images import HUB_PORT
from local.processes import Daemon, ProcessFailed
from local.region_network import POD_NETWORK, RegionNetwork

NAMES = ("kube-proxy", "network-policies", "hub")
PROJECT_DIRECTORY = Path(__file__).resolve().parent.parent
POLICY_SOCKET = "network-policies.sock"
"""In the region's folder; the enforcer works there and names it without its folder, whose path may be longer than a socket's can be."""


def start(folder: Path, context: str, network: RegionNetwork, node: str, hub: Path, tools: Mapping[str, Path]) -> None:
    """Start what does not run.

    Args:
        folder: the region's.
        context: of the region in its kubeconfig.
        network: where they run. The hub runs outside, at the other end of the link: what a pod asks of it is policed.
        node: name of one of the region's real nodes; service addresses are the same on all.
        hub: folder of the models that the hub has.
        tools: paths of binaries.

    Raises:
        ProcessFailed: another program of this machine has the hub's port on all addresses.
    """
    own = folder / "kubeconfig"
    proxy = [
        str(tools["kube-proxy"]),
        f"--kubeconfig={own}",
        f"--hostname-override={node}",
        "--proxy-mode=nftables",
        f"--cluster-cidr={POD_NETWORK}",
        "--conntrack-max-per-core=0",
        "--conntrack-min=0",
        "--healthz-bind-address=127.0.0.1:10256",
        "--metrics-bind-address=127.0.0.1:10249",
    ]
    policies = [sys.executable, "-m", "local.network_policy.enforcer", str(own), context, "--pod-cidr", str(POD_NETWORK), "--socket", POLICY_SOCKET]
    serve = [sys.executable, "-m", "local.hub", "--folder", str(hub), "--address", network.host_address, "--port", str(HUB_PORT)]
    environment = {"PYTHONPATH": str(PROJECT_DIRECTORY)}
    Daemon("network-policies", folder).start([*network.inside, *policies], environment)
    Daemon("kube-proxy", folder).start([*network.inside, *proxy])
    if Daemon("hub", folder).process() is None:
        need_port(network.host_address)
    Daemon("hub", folder).start([*serve, "--log", str(folder / "hub-requests.log")], environment)


def need_port(address: str, port: int = HUB_PORT) -> None:
    """Be sure that the hub can listen.

    Raises:
        ProcessFailed: somebody else does; the text says what to do.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError as error:
            raise ProcessFailed(
                f"the model hub needs port {port} of {address}, and a program of this machine listens on all its addresses ({error.strerror}): "
                f"ss -ltnp 'sport = :{port}' names it; stop it meanwhile, or LOCAL_NODES=simulated does without"
            ) from error
