"""Weights of one model revision: a claim that many nodes mount, and the Job that fills it once, outside the serving graph."""

from __future__ import annotations

from pathlib import Path

import pulumi
from pulumi_kubernetes.batch.v1 import Job, JobSpecArgs
from pulumi_kubernetes.core.v1 import (
    ConfigMap,
    ConfigMapVolumeSourceArgs,
    ContainerArgs,
    EnvVarArgs,
    EnvVarSourceArgs,
    PersistentVolumeClaim,
    PersistentVolumeClaimSpecArgs,
    PersistentVolumeClaimVolumeSourceArgs,
    PodSpecArgs,
    PodTemplateSpecArgs,
    ResourceRequirementsArgs,
    SecretKeySelectorArgs,
    VolumeArgs,
    VolumeMountArgs,
    VolumeResourceRequirementsArgs,
)
from pulumi_kubernetes.meta.v1 import ObjectMetaArgs

from components.kubernetes.containers import RELEASE_TIMEOUT, container_security, pod_security, writable_mounts, writable_volumes
from components.kubernetes.labels import UNAWAITED, cluster_labels, metadata
from components.kubernetes.platform import MIRROR_ACCOUNT
from components.kubernetes.policy import MIRROR
from fleet.fleet_plan import CachePlan, ClusterPlan

SCRIPT = "mirror_weights.py"
SCRIPT_MAP = "mirror-weights"
SCRIPT_FOLDER = "/opt/fleet"
WEIGHTS_FOLDER = "/models"

MIRROR_RETRIES = 100_000
"""A mirror never gives up (one try in five minutes, for a year): what stops it, a missing token or a hub that is down, is
mended elsewhere, and nobody would start it again."""


class MirrorScript(pulumi.ComponentResource):
    """The script of the Job and of the gate, once per cluster.

    Changed in place under one name (docs/adr/0031): a new script restarts no server and repeats no mirror.
    """

    def __init__(self, name: str, plan: ClusterPlan, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("fleet:kubernetes:MirrorScript", name, None, opts)
        text = Path(__file__).with_name(SCRIPT).read_text(encoding="utf-8")
        ConfigMap(
            f"{name}-{SCRIPT_MAP}",
            metadata=metadata(plan, SCRIPT_MAP, cluster_labels(plan)),
            data={SCRIPT: text},
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.register_outputs({})


class ModelCache(pulumi.ComponentResource):
    """Claim and mirror Job, both final once they exist (docs/adr/0030): no other change may empty or repeat them.

    The Job has no time to live: deleted, it would be made again by the next update.
    """

    def __init__(self, name: str, plan: ClusterPlan, cache: CachePlan, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("fleet:kubernetes:ModelCache", name, None, opts)
        labels = {**cluster_labels(plan), **MIRROR, "app.kubernetes.io/instance": cache.name}
        claim = PersistentVolumeClaim(
            f"{name}-claim",
            # Nothing waits for a volume here: a class that binds on first use would wait for its own pod.
            metadata=metadata(plan, cache.name, labels, UNAWAITED),
            spec=PersistentVolumeClaimSpecArgs(
                access_modes=["ReadWriteMany"],
                storage_class_name=cache.storage_class,
                resources=VolumeResourceRequirementsArgs(requests={"storage": f"{cache.size_gib}Gi"}),
            ),
            opts=pulumi.ResourceOptions(
                parent=self,
                # Another class would be a new and empty volume, another size is refused by most classes.
                ignore_changes=["spec"],
                custom_timeouts=pulumi.CustomTimeouts(delete=RELEASE_TIMEOUT),
            ),
        )
        Job(
            f"{name}-mirror",
            metadata=metadata(plan, f"mirror-{cache.name}", labels, UNAWAITED),
            spec=JobSpecArgs(
                backoff_limit=MIRROR_RETRIES,
                template=PodTemplateSpecArgs(metadata=ObjectMetaArgs(labels=labels), spec=_mirror_pod(cache)),
            ),
            # A template cannot be changed: a new engine image would mean another Job and all weights again. Metadata as well:
            # an update of labels would make the provider own the labels that Kubernetes put into the template.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[claim], ignore_changes=["metadata", "spec"]),
        )
        self.register_outputs({})


def script_volume() -> VolumeArgs:
    """The script as a volume."""
    return VolumeArgs(name="script", config_map=ConfigMapVolumeSourceArgs(name=SCRIPT_MAP))


def script_mount() -> VolumeMountArgs:
    """Where the script lies in a container."""
    return VolumeMountArgs(name="script", mount_path=SCRIPT_FOLDER, read_only=True)


def script_command(cache: CachePlan, *flags: str) -> list[str]:
    """The script for one cache; no shell, so that signals arrive."""
    return ["python3", f"{SCRIPT_FOLDER}/{SCRIPT}", cache.model, cache.revision, "--cache", WEIGHTS_FOLDER, *flags]


def weights_volume(cache: CachePlan, *, read_only: bool) -> VolumeArgs:
    """The claim as a volume."""
    claim = PersistentVolumeClaimVolumeSourceArgs(claim_name=cache.name, read_only=read_only)
    return VolumeArgs(name="weights", persistent_volume_claim=claim)


def _mirror_pod(cache: CachePlan) -> PodSpecArgs:
    token = [
        EnvVarArgs(name="HF_TOKEN", value_from=EnvVarSourceArgs(secret_key_ref=SecretKeySelectorArgs(name=secret, key="token")))
        for secret in [cache.hub_token_secret]
        if secret
    ]
    return PodSpecArgs(
        restart_policy="OnFailure",
        service_account_name=MIRROR_ACCOUNT,
        automount_service_account_token=False,
        enable_service_links=False,
        security_context=pod_security(),
        containers=[
            ContainerArgs(
                name="mirror",
                image=cache.mirror_image,
                command=script_command(cache),
                env=[EnvVarArgs(name="HOME", value="/home/vllm"), EnvVarArgs(name="HF_HUB_DISABLE_TELEMETRY", value="1"), *token],
                resources=ResourceRequirementsArgs(requests={"cpu": "1", "memory": "2Gi"}, limits={"memory": "4Gi"}),
                security_context=container_security(read_only_root=True),
                volume_mounts=[VolumeMountArgs(name="weights", mount_path=WEIGHTS_FOLDER), script_mount(), *writable_mounts()],
            )
        ],
        volumes=[weights_volume(cache, read_only=False), script_volume(), *writable_volumes()],
    )
