"""What containerd is told: for a node of a region, and for the run that fills the root every node starts from."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from local.images.catalogue import PAUSE_IMAGE

SNAPSHOTTER = "overlayfs"

UNUSED_PLUGINS = (
    "io.containerd.differ.v1.erofs",
    "io.containerd.http.v1.pprof",
    "io.containerd.monitor.container.v1.restart",
    "io.containerd.mount-handler.v1.erofs",
    "io.containerd.snapshotter.v1.blockfile",
    "io.containerd.snapshotter.v1.erofs",
    "io.containerd.snapshotter.v1.native",
    "io.containerd.tracing.processor.v1.otlp",
)
"""Other ways to store a container's files, a debugger's door, containerd's own restarts (the kubelet's task), traces."""

SOCKET_PATH_CHARACTERS = 106
"""The longest that containerd accepts (pkg/shim `socketPathLimit`, one less than the kernel's)."""

SHIM_NAME_CHARACTERS = 64
"""A shim's socket is named by a SHA-256 digest."""

Value = str | bool | Sequence[str]


def containerd_configuration(root: Path, state: Path, socket: Path, cni_binaries: Sequence[Path], cni_configuration: Path) -> str:
    """Configuration of a node's containerd, as text of its configuration file.

    The shim must lie on the PATH of the containerd process, and `runc` too.

    Args:
        root: what survives a restart: images, snapshots, metadata. Made by `copy_root`.
        state: what a restart of the machine empties: sockets of shims, mounts of containers.
        socket: where the kubelet and `ctr` reach it.
        cni_binaries: folders of the network plugins.
        cni_configuration: folder with the node's network configuration.

    Raises:
        ValueError: `state` or `socket` is longer than a Unix socket's path allows.
    """
    tables: dict[str, Mapping[str, Value]] = {
        "io.containerd.cri.v1.images": {"snapshotter": SNAPSHOTTER},
        "io.containerd.cri.v1.images'.'pinned_images": {"sandbox": PAUSE_IMAGE},
        "io.containerd.cri.v1.runtime": {
            # Without CAP_SYS_RESOURCE a score below the parent's cannot be set, and runc would end every container.
            "restrict_oom_score_adj": True,
            "enable_unprivileged_ports": True,
        },
        "io.containerd.cri.v1.runtime'.'containerd'.'runtimes'.'runc": {"runtime_type": "io.containerd.runc.v2"},
        # The kubelet's driver is cgroupfs: no systemd is needed on the machine.
        "io.containerd.cri.v1.runtime'.'containerd'.'runtimes'.'runc'.'options": {"SystemdCgroup": False, "Root": str(state / "runc")},
        "io.containerd.cri.v1.runtime'.'cni": {
            "bin_dirs": [str(folder) for folder in cni_binaries],
            "conf_dir": str(cni_configuration),
            "use_internal_loopback": True,
        },
        "io.containerd.nri.v1.nri": {"disable": True},
    }
    return _document(root, state, socket, UNUSED_PLUGINS, tables)


def importing_configuration(root: Path, state: Path, socket: Path) -> str:
    """Configuration of a containerd that only takes images in: it runs no container."""
    unused = ("io.containerd.grpc.v1.cri", "io.containerd.cri.v1.images", "io.containerd.cri.v1.runtime", "io.containerd.nri.v1.nri")
    return _document(root, state, socket, (*UNUSED_PLUGINS, *unused), {})


def _document(root: Path, state: Path, socket: Path, unused: Sequence[str], tables: Mapping[str, Mapping[str, Value]]) -> str:
    _check_length("socket", socket, ".ttrpc")
    _check_length("state", state, f"/s/{'0' * SHIM_NAME_CHARACTERS}")
    places: dict[str, Mapping[str, Value]] = {
        "io.containerd.server.v1.grpc": {"address": str(socket)},
        "io.containerd.server.v1.ttrpc": {"address": f"{socket}.ttrpc"},
        # Otherwise below /run/containerd, shared by all that run on the machine.
        "io.containerd.shim.v1.manager": {"socket_dir": str(state / "s")},
    }
    # A JSON string, list or boolean is one of TOML as well.
    lines = ["version = 4", f"root = {json.dumps(str(root))}", f"state = {json.dumps(str(state))}", f"disabled_plugins = {json.dumps(list(unused))}"]
    for table, values in {**places, **tables}.items():
        lines += ["", f"[plugins.'{table}']", *(f"{key} = {json.dumps(value)}" for key, value in values.items())]
    return "\n".join([*lines, ""])


def _check_length(field: str, path: Path, appended: str) -> None:
    longest = SOCKET_PATH_CHARACTERS - len(appended)
    if len(str(path)) > longest:
        raise ValueError(f"{field} {path} has {len(str(path))} characters, Unix sockets allow {longest} here: choose a shorter path")
