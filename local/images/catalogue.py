"""The images of the local target: what each holds, and how it starts."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from fleet.versions import VLLM
from local.images.archive import Image, write
from local.images.entries import File, Folder
from local.images.interpreter import packages, python
from local.tools.build import MODULES

REGISTRY = "vllm-fleet.local"
"""A name that no registry answers to: an image that is not there is an error, never a download."""

HUB_HOST = f"hub.{REGISTRY}"
"""Name of the model hub, known to the regions' own DNS only."""

HUB_PORT = 443
"""The network policy of the mirror allows no other."""

SEARCH_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

ENGINE_USER = "2000:0"
"""User and group of vLLM's image (docker/Dockerfile of its release: a user `vllm`)."""

UNPRIVILEGED_USER = "65532:65532"
"""What images of single static binaries use, CoreDNS's own among them."""


def _coredns_version() -> str:
    """The version is pinned once, in the module that the binary is built from."""
    module = (MODULES / "coredns" / "go.mod").read_text(encoding="utf-8")
    return re.findall(r"^require github\.com/coredns/coredns v(\S+)", module, re.MULTILINE)[0]


ENGINE_IMAGE = f"{REGISTRY}/engine:{VLLM}"
PAUSE_IMAGE = f"{REGISTRY}/pause:1"
DNS_IMAGE = f"{REGISTRY}/coredns:{_coredns_version()}"
CLIENT_IMAGE = f"{REGISTRY}/client:1"

TOOLS = ("vllm-simulator", "llm-d-inference-sim", "fleet-client", "pause", "coredns")
"""Binaries that the images hold, by their names in local/tools."""


def images(tools: Mapping[str, Path]) -> Sequence[Image]:
    """Every image of the local target.

    Args:
        tools: binaries by name, at least those of `TOOLS`.

    Raises:
        ImageError: the Python that runs this program cannot become part of an image here, or a package is not installed.
        KeyError: a binary is missing from `tools`.
    """
    return (
        _engine(tools),
        _single(PAUSE_IMAGE, "/pause", tools["pause"], "65535:65535"),
        _single(DNS_IMAGE, "/coredns", tools["coredns"], UNPRIVILEGED_USER),
        _single(CLIENT_IMAGE, "/usr/local/bin/fleet-client", tools["fleet-client"], ENGINE_USER),
    )


def archives(tools: Mapping[str, Path], folder: Path) -> dict[str, Path]:
    """Write every image into this folder as an archive.

    Returns:
        The archive of each image, by the image's name.

    Raises:
        ImageError: as `images` does.
        KeyError: a binary is missing from `tools`.
        OSError: a file cannot be read or written.
    """
    written: dict[str, Path] = {}
    for image in images(tools):
        written[image.name] = folder / f"{image.name.removeprefix(f'{REGISTRY}/').replace(':', '-')}.tar"
        write(image, written[image.name])
    return written


def _engine(tools: Mapping[str, Path]) -> Image:
    """The engine's simulator where production has `vllm serve`, and the Python that the mirror and the gate run in."""
    return Image(
        name=ENGINE_IMAGE,
        layers=(
            {**_users(), **python()},
            packages("huggingface_hub"),
            {f"/usr/local/bin/{name}": File(tools[name], 0o755) for name in ("vllm-simulator", "llm-d-inference-sim")},
        ),
        entrypoint=["/usr/local/bin/vllm-simulator"],
        environment={
            "PATH": SEARCH_PATH,
            "HOME": "/home/vllm",
            "HF_ENDPOINT": f"http://{HUB_HOST}:{HUB_PORT}",
            "HF_HUB_DISABLE_TELEMETRY": "1",
            "HF_HUB_DISABLE_XET": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
        },
        user=ENGINE_USER,
        working_directory="/vllm-workspace",
    )


def _users() -> dict[str, File | Folder]:
    """Users and folders as vLLM's image has them, with names looked up in files and in DNS."""
    return {
        "/etc/passwd": File(b"root:x:0:0:root:/root:/sbin/nologin\nvllm:x:2000:0::/home/vllm:/sbin/nologin\n"),
        "/etc/group": File(b"root:x:0:\n"),
        "/etc/nsswitch.conf": File(b"passwd: files\ngroup: files\nhosts: files dns\n"),
        "/home/vllm": Folder(0o775, user=2000),
        "/models": Folder(0o775, user=2000),
        "/root": Folder(0o700),
        "/tmp": Folder(0o1777),  # noqa: S108  a path in the image
        "/vllm-workspace": Folder(0o775),
    }


def _single(name: str, path: str, binary: Path, user: str) -> Image:
    """One static binary and nothing else."""
    return Image(name=name, layers=({path: File(binary, 0o755)},), entrypoint=[path], environment={"PATH": SEARCH_PATH}, user=user)
