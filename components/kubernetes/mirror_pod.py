"""The pod that writes a cache, and what of it the gate of serving pods has as well: the script and the weights."""

from __future__ import annotations

import pulumi
from pulumi_kubernetes.core.v1 import (
    ConfigMapVolumeSourceArgs,
    ContainerArgs,
    EnvVarArgs,
    EnvVarSourceArgs,
    ObjectFieldSelectorArgs,
    PersistentVolumeClaimVolumeSourceArgs,
    PodSpecArgs,
    ResourceRequirementsArgs,
    SecretKeySelectorArgs,
    VolumeArgs,
    VolumeMountArgs,
)

from components.kubernetes.containers import container_security, pod_security, writable_mounts, writable_volumes
from components.kubernetes.platform import MIRROR_ACCOUNT
from components.references import Made, resolve
from fleet.fleet_plan import CachePlan, ClusterPlan, DriverSource

SCRIPT = "mirror_weights.py"
SHIPPED = (SCRIPT, "weights_files.py", "weights_lock.py", "weights_objects.py")
"""Files of this folder that run in pods alone."""
SCRIPT_MAP = "mirror-weights"
SCRIPT_FOLDER = "/opt/fleet"
WEIGHTS_FOLDER = "/models"
COPY_FOLDER = "/copy"
"""Where a server's init container puts its own copy of the weights; the engine has it in place of the cache."""


def pulled(image: str, plan: ClusterPlan, made: Made) -> pulumi.Input[str]:
    """Where pods pull an image from: the region's own registry, where it keeps this one."""
    return resolve(plan.pulled_from.get(image, image), made)


def mirror_pod(cache: CachePlan, image: pulumi.Input[str], *flags: str) -> PodSpecArgs:
    """The only pod that may write a cache, and the only one that may hold a token of the hub."""
    token = [
        EnvVarArgs(name="HF_TOKEN", value_from=EnvVarSourceArgs(secret_key_ref=SecretKeySelectorArgs(name=secret, key="token")))
        for secret in [cache.hub_token_secret]
        if secret
    ]
    # By its pod a try knows the lock that an earlier try of the same pod left, and need not wait until that is old.
    pod = field("POD_UID", "metadata.uid")
    return PodSpecArgs(
        restart_policy="OnFailure",
        service_account_name=MIRROR_ACCOUNT,
        automount_service_account_token=False,
        enable_service_links=False,
        security_context=pod_security(),
        containers=[
            ContainerArgs(
                name="mirror",
                image=image,
                command=script_command(cache, *cache.mirror_flags, *flags),
                env=[EnvVarArgs(name="HOME", value="/home/vllm"), EnvVarArgs(name="HF_HUB_DISABLE_TELEMETRY", value="1"), pod, *token],
                resources=ResourceRequirementsArgs(requests={"cpu": "1", "memory": "2Gi"}, limits={"memory": "4Gi"}),
                security_context=container_security(read_only_root=True),
                volume_mounts=[VolumeMountArgs(name="weights", mount_path=WEIGHTS_FOLDER), script_mount(), *writable_mounts()],
            )
        ],
        volumes=[weights_volume(cache.mirror_claim, read_only=False), script_volume(), *writable_volumes()],
    )


def field(variable: str, path: str) -> EnvVarArgs:
    """A variable that holds a field of the pod itself."""
    return EnvVarArgs(name=variable, value_from=EnvVarSourceArgs(field_ref=ObjectFieldSelectorArgs(field_path=path)))


def gate_command(cache: CachePlan) -> list[str]:
    """The script as the gate of a serving pod."""
    return script_command(cache, "--wait", *(["--audit-name", cache.audit_name] if cache.audit_name else []))


def copy_command(cache: CachePlan) -> list[str]:
    """The script as it copies a complete cache to the node's own disks."""
    return script_command(cache, "--copy-to", COPY_FOLDER)


def script_command(cache: CachePlan, *flags: str) -> list[str]:
    """The script for one cache; no shell, so that signals arrive."""
    return ["python3", f"{SCRIPT_FOLDER}/{SCRIPT}", cache.model, cache.revision, "--cache", WEIGHTS_FOLDER, *flags]


def script_volume() -> VolumeArgs:
    """The script as a volume."""
    return VolumeArgs(name="script", config_map=ConfigMapVolumeSourceArgs(name=SCRIPT_MAP))


def script_mount() -> VolumeMountArgs:
    """Where the script lies in a container."""
    return VolumeMountArgs(name="script", mount_path=SCRIPT_FOLDER, read_only=True)


def driver_annotations(cache: CachePlan) -> dict[str, str]:
    """What a pod says of itself so that the driver of its cache serves it."""
    source = cache.static.source if cache.static else None
    return dict(source.pod_annotations) if isinstance(source, DriverSource) else {}


def weights_volume(claim: str, *, read_only: bool) -> VolumeArgs:
    """A claim of a cache as a volume."""
    return VolumeArgs(name="weights", persistent_volume_claim=PersistentVolumeClaimVolumeSourceArgs(claim_name=claim, read_only=read_only))
