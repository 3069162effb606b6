"""The processes of one region and the flags that make them a control plane: on loopback without root, or in a network of its own."""

from __future__ import annotations

import os
import secrets
import shutil
import ssl
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path

from local.kubeconfig import Access, only, write_private
from local.ports import LOOPBACK, ports
from local.processes import Daemon
from local.region_network import RegionNetwork
from local.stages import stages

API_SERVER = ("etcd", "kube-apiserver")
CONTROLLERS = ("kube-controller-manager", "kube-scheduler", "kwok", "provisioner")
INSIDE_PORTS = {"etcd": 2379, "api": 6443}
"""In a network namespace of its own a region has the usual ones."""

LISTENING = "0A"
"""TCP_LISTEN in the kernel's table."""

READY_TIMEOUT_SECONDS = 90.0
SIMULATED_NODE_GRACE_SECONDS = 600
REAL_NODE_GRACE_SECONDS = 40
"""Kubernetes' own: after this long without a sign of life a node's servers get no requests any more."""

PROJECT_DIRECTORY = Path(__file__).resolve().parent.parent


def missing() -> str | None:
    """What the machine lacks for a control plane, with how to get it; None where nothing is missing."""
    if os.name != "posix":
        return "the local target needs Linux or another POSIX system"
    if shutil.which("openssl") is None:
        return "openssl is not installed; on Debian: apt-get install openssl"
    return None


def start_api_server(folder: Path, context: str, tools: Mapping[str, Path], network: RegionNetwork | None = None) -> Access:
    """Etcd and the API server, on loopback or in a region's own network; returns how to reach it.

    Raises:
        ProcessFailed: one of them did not come up.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    etcd, server = Daemon("etcd", folder), Daemon("kube-apiserver", folder)
    if not (etcd.process() and server.process()):
        # Those that lost their API server wait longer and longer before they try again: two minutes were seen.
        _stop_controllers(folder)
    chosen = INSIDE_PORTS if network else ports(folder, in_use_by_us=bool(etcd.process() or server.process()))
    address, inside = (network.address, network.inside) if network else (LOOPBACK, ())
    # Only root gets into a region, and whoever can write to its etcd can run pods as root: it stays on that loopback.
    etcd_url, api_url = f"http://{LOOPBACK}:{chosen['etcd']}", f"https://{address}:{chosen['api']}"
    token, key = _credentials(folder)
    _forget_another_address(folder, address)
    etcd.start(
        [
            *inside,
            str(tools["etcd"]),
            f"--data-dir={folder / 'etcd'}",
            "--unsafe-no-fsync",
            f"--listen-client-urls={etcd_url}",
            f"--advertise-client-urls={etcd_url}",
            f"--listen-peer-urls=http://{LOOPBACK}:0",
            "--log-level=warn",
        ]
    )
    etcd.wait(lambda: _listens(etcd, chosen["etcd"]) if network else _answers(f"{etcd_url}/health"), READY_TIMEOUT_SECONDS)
    flags = _api_server_flags(folder, f"{address}:{chosen['api']}", etcd_url, key)
    server.start([*inside, str(tools["kube-apiserver"]), *flags, *(_real_node_flags(folder) if network else ["--endpoint-reconciler-type=none"])])
    certificate = folder / "certificates" / "apiserver.crt"
    server.wait(lambda: certificate.exists() and _answers(f"{api_url}/readyz", certificate, token), READY_TIMEOUT_SECONDS)
    return Access(context=context, server=api_url, certificate=certificate, token=token)


def start_controllers(
    folder: Path,
    shared: Path,
    context: str,
    ready_seconds: float,
    tools: Mapping[str, Path],
    *,
    names: Sequence[str] = CONTROLLERS,
    network: RegionNetwork | None = None,
) -> None:
    """Those of controller manager, scheduler, KWOK and provisioner that are named. A control plane that moved or slowed down restarts them."""
    own = folder / "kubeconfig"
    written = only(shared, [context])  # one region's change must not restart the other's processes
    stage_file = folder / "stages.yaml"
    text = stages(ready_seconds)
    if not own.exists() or own.read_text(encoding="utf-8") != written:
        _stop_controllers(folder)
        write_private(own, written)
    if not stage_file.exists() or stage_file.read_text(encoding="utf-8") != text:
        Daemon("kwok", folder).stop()
        stage_file.write_text(text, encoding="utf-8")
    key = folder / "service-account.key"
    grace_seconds = REAL_NODE_GRACE_SECONDS if network else SIMULATED_NODE_GRACE_SECONDS
    manager = ["--controllers=*,-nodeipam,-cloud-node-lifecycle-controller", f"--node-monitor-grace-period={grace_seconds}s", "--leader-elect=false"]
    commands = {
        "kube-controller-manager": [
            str(tools["kube-controller-manager"]),
            f"--kubeconfig={own}",
            f"--service-account-private-key-file={key}",
            f"--root-ca-file={folder / 'certificates' / 'apiserver.crt'}",
            "--use-service-account-credentials=false",
            "--secure-port=0",
            *manager,
        ],
        "kube-scheduler": [str(tools["kube-scheduler"]), f"--kubeconfig={own}", "--leader-elect=false", "--secure-port=0"],
        "kwok": [
            str(tools["kwok"]),
            f"--kubeconfig={own}",
            f"--config={stage_file}",
            "--manage-all-nodes=false",
            "--manage-nodes-with-annotation-selector=kwok.x-k8s.io/node=fake",
            "--cidr=10.0.0.0/16",
            "--node-ip=10.0.0.1",
            "--node-lease-duration-seconds=40",
            "--server-address=",
        ],
        "provisioner": [sys.executable, "-m", "local.provisioner", str(own), context],
    }
    for name in names:
        command = commands[name]
        Daemon(name, folder).start([*(network.inside if network else ()), *command], {"PYTHONPATH": str(PROJECT_DIRECTORY)})


def _stop_controllers(folder: Path) -> None:
    for name in reversed(CONTROLLERS):
        Daemon(name, folder).stop()


def _forget_another_address(folder: Path, address: str) -> None:
    """The certificate names the address; the API server makes a new one where it finds none."""
    kept = folder / "address"
    if not kept.exists() or kept.read_text(encoding="utf-8") != address:
        shutil.rmtree(folder / "certificates", ignore_errors=True)
        kept.write_text(address, encoding="utf-8")


def _real_node_flags(folder: Path) -> list[str]:
    """The API server asks kubelets for logs with a certificate that they trust; one certificate is its own authority."""
    certificate, key = folder / "kubelet-client.crt", folder / "kubelet-client.key"
    if not certificate.exists():
        command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "3650", "-subj", "/O=system:masters/CN=kube-apiserver"]
        command += ["-addext", "extendedKeyUsage=clientAuth", "-keyout", str(key), "-out", str(certificate)]
        subprocess.run(command, check=True, capture_output=True)
        key.chmod(0o600)
    return [
        "--endpoint-reconciler-type=lease",
        f"--kubelet-client-certificate={certificate}",
        f"--kubelet-client-key={key}",
        "--kubelet-preferred-address-types=InternalIP",
    ]


def _api_server_flags(folder: Path, where: str, etcd_url: str, key: Path) -> list[str]:
    address, _, port = where.partition(":")
    return [
        f"--etcd-servers={etcd_url}",
        f"--bind-address={address}",
        f"--advertise-address={address}",
        f"--secure-port={port}",
        f"--cert-dir={folder / 'certificates'}",
        f"--token-auth-file={folder / 'tokens.csv'}",
        "--authorization-mode=RBAC",
        "--service-cluster-ip-range=10.96.0.0/16",
        "--allow-privileged",
        f"--service-account-issuer=https://localhost:{port}/",
        f"--service-account-key-file={key}",
        f"--service-account-signing-key-file={key}",
    ]


def _credentials(folder: Path) -> tuple[str, Path]:
    """A random administrator token and the key of service accounts, kept for the life of the region."""
    tokens, key = folder / "tokens.csv", folder / "service-account.key"
    if not tokens.exists() or not tokens.read_text(encoding="utf-8").strip():
        write_private(tokens, f"{secrets.token_urlsafe(32)},admin,admin,system:masters\n")
    if not key.exists() or not key.stat().st_size:
        made = subprocess.run(["openssl", "genrsa", "2048"], check=True, capture_output=True, text=True)
        write_private(key, made.stdout)
    return tokens.read_text(encoding="utf-8").partition(",")[0], key


def _listens(daemon: Daemon, port: int) -> bool:
    """Whether a daemon in another network accepts connections: nobody here can ask it, the kernel's table of its network tells."""
    process = daemon.process()
    try:
        sockets = Path(f"/proc/{process.pid}/net/tcp").read_text(encoding="ascii").splitlines()[1:] if process else []
    except OSError:  # it ended meanwhile
        return False
    return any(columns[1].endswith(f":{port:04X}") and columns[3] == LISTENING for columns in map(str.split, sockets))


def _answers(url: str, certificate: Path | None = None, token: str = "") -> bool:
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"} if token else {})  # noqa: S310  loopback
    try:  # the certificate may be half written
        trust = ssl.create_default_context(cafile=str(certificate)) if certificate else None
        with urllib.request.urlopen(request, timeout=5, context=trust) as answer:  # noqa: S310  loopback
            return bool(answer.status == 200)
    except (OSError, urllib.error.URLError):
        return False
