"""What every container of ours has in common: who it runs as, and where it may write."""

from __future__ import annotations

from pulumi_kubernetes.core.v1 import (
    CapabilitiesArgs,
    EmptyDirVolumeSourceArgs,
    PodSecurityContextArgs,
    SeccompProfileArgs,
    SecurityContextArgs,
    VolumeArgs,
    VolumeMountArgs,
)

ENGINE_USER = 2000
ENGINE_GROUP = 0
"""The user the vLLM image documents for running without root; its home is writable for group 0 only."""

RELEASE_TIMEOUT = "2h"
"""How long the deletion of what running servers hold may take: they drain for up to an hour (fleet/drain.py)."""

WRITABLE = {"home": "/home/vllm", "scratch": "/tmp"}  # noqa: S108  the path inside the container, on a volume of its own


def pod_security() -> PodSecurityContextArgs:
    """Pod Security `restricted`, as the engine image's documented user."""
    return PodSecurityContextArgs(
        run_as_non_root=True,
        run_as_user=ENGINE_USER,
        run_as_group=ENGINE_GROUP,
        fs_group=ENGINE_GROUP,
        fs_group_change_policy="OnRootMismatch",
        seccomp_profile=SeccompProfileArgs(type="RuntimeDefault"),
    )


def container_security(*, read_only_root: bool) -> SecurityContextArgs:
    """No privilege to gain, no capability, and on request nothing to write but the volumes."""
    return SecurityContextArgs(
        allow_privilege_escalation=False,
        privileged=False,
        read_only_root_filesystem=read_only_root,
        capabilities=CapabilitiesArgs(drop=["ALL"]),
    )


def writable_volumes() -> list[VolumeArgs]:
    """Home and scratch: compile caches, sockets and configuration are written there."""
    return [VolumeArgs(name=name, empty_dir=EmptyDirVolumeSourceArgs()) for name in WRITABLE]


def writable_mounts() -> list[VolumeMountArgs]:
    """Where these volumes go."""
    return [VolumeMountArgs(name=name, mount_path=path) for name, path in WRITABLE.items()]
