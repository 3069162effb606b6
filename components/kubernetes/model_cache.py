"""Weights of one model revision: claims that many nodes mount, the Job that fills them once, and the CronJob that keeps them whole."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pulumi
from pulumi_kubernetes.apiextensions import CustomResource
from pulumi_kubernetes.batch.v1 import CronJob, CronJobSpecArgs, Job, JobSpecArgs, JobTemplateSpecArgs
from pulumi_kubernetes.core.v1 import (
    ConfigMap,
    CSIPersistentVolumeSourceArgs,
    HostPathVolumeSourceArgs,
    ObjectReferenceArgs,
    PersistentVolume,
    PersistentVolumeClaim,
    PersistentVolumeClaimSpecArgs,
    PersistentVolumeSpecArgs,
    PodTemplateSpecArgs,
    TypedLocalObjectReferenceArgs,
    VolumeResourceRequirementsArgs,
)
from pulumi_kubernetes.meta.v1 import ObjectMetaArgs

from components.kubernetes.containers import RELEASE_TIMEOUT
from components.kubernetes.labels import UNAWAITED, cluster_labels, metadata
from components.kubernetes.mirror_pod import SCRIPT_MAP, SHIPPED, driver_annotations, mirror_pod, pulled
from components.kubernetes.policy import MIRROR
from components.references import Made, resolve
from fleet.fleet_plan import CachePlan, ClusterPlan, DriverSource, Hydration, StaticVolumes

MIRROR_RETRIES = 100_000
"""A mirror never gives up (one try in five minutes, for a year): what stops it, a missing token or a hub that is down, is
mended elsewhere, and nobody would start it again."""

KEPT_JOBS = 2
"""Of finished audits: enough to read what the last two said."""

SNAPSHOT_GROUP, SNAPSHOT_KIND = "snapshot.storage.k8s.io", "VolumeSnapshot"
SNAPSHOT_AWAITED = {"pulumi.com/waitFor": "jsonpath={.status.readyToUse}=true"}
"""An annotation: the engine waits until the snapshot can be copied. One that fails is told by the update, not by servers without their disks."""


class MirrorScript(pulumi.ComponentResource):
    """The script of the Job and of the gate, once per cluster.

    Changed in place under one name (docs/adr/0031): a new script restarts no server and repeats no mirror.
    """

    def __init__(self, name: str, plan: ClusterPlan, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("fleet:kubernetes:MirrorScript", name, None, opts)
        ConfigMap(
            f"{name}-{SCRIPT_MAP}",
            metadata=metadata(plan, SCRIPT_MAP, cluster_labels(plan)),
            data={name: Path(__file__).with_name(name).read_text(encoding="utf-8") for name in SHIPPED},
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.register_outputs({})


class ModelCache(pulumi.ComponentResource):
    """Volumes, claims and mirror Job, all final once they exist (docs/adr/0030), and the audit, which changes in place.

    The Job has no time to live: deleted, it would be made again by the next update.
    """

    def __init__(self, name: str, plan: ClusterPlan, cache: CachePlan, made: Made, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("fleet:kubernetes:ModelCache", name, None, opts)
        self._name, self._plan, self._cache, self._made = name, plan, cache, made
        self._labels = {**cluster_labels(plan), **MIRROR, "app.kubernetes.io/instance": cache.name}
        claims = self._static_claims(cache.static) if cache.static else [self._writable_claim()]
        # A server that mounts a disk first would keep it from the mirror on another node, and both would wait for ever.
        awaited = cache.mirror_awaited_seconds is not None
        mirrored = Job(
            f"{name}-mirror",
            metadata=metadata(plan, f"mirror-{cache.name}", self._labels, {} if awaited else UNAWAITED),
            spec=self._job(),
            # A template cannot be changed: a new engine image would mean another Job and all weights again. Metadata as well:
            # an update of labels would make the provider own the labels that Kubernetes put into the template.
            opts=pulumi.ResourceOptions(
                parent=self,
                depends_on=claims,
                ignore_changes=["metadata", "spec"],
                custom_timeouts=pulumi.CustomTimeouts(create=f"{cache.mirror_awaited_seconds}s") if awaited else None,
            ),
        )
        if cache.audit_name and cache.audit_schedule:
            self._audit(cache.audit_name, cache.audit_schedule, claims)
        if cache.hydration:
            self._copies(cache.hydration, [mirrored])
        self.register_outputs({})

    def _writable_claim(self) -> PersistentVolumeClaim:
        """What the mirror writes through; servers mount it as well, unless they read copies of its disk."""
        suffix = "mirror-claim" if self._cache.hydration else "claim"
        return self._claim(suffix, self._cache.mirror_claim, self._cache.access_mode)

    def _copies(self, hydration: Hydration, mirrored: Sequence[pulumi.Resource]) -> None:
        """The disk as it is when the mirror is done, and the claim over copies of it that many nodes mount."""
        snapshot = CustomResource(
            f"{self._name}-snapshot",
            api_version=f"{SNAPSHOT_GROUP}/v1",
            kind=SNAPSHOT_KIND,
            metadata=metadata(self._plan, hydration.snapshot, self._labels, SNAPSHOT_AWAITED),
            spec={"volumeSnapshotClassName": hydration.snapshot_class, "source": {"persistentVolumeClaimName": self._cache.mirror_claim}},
            opts=pulumi.ResourceOptions(
                parent=self,
                depends_on=list(mirrored),
                ignore_changes=["spec"],
                # One that takes longer than the slowest mirror does not come any more.
                custom_timeouts=pulumi.CustomTimeouts(create=f"{self._cache.mirror_awaited_seconds}s"),
            ),
        )
        source = TypedLocalObjectReferenceArgs(api_group=SNAPSHOT_GROUP, kind=SNAPSHOT_KIND, name=hydration.snapshot)
        self._claim("claim", self._cache.name, "ReadOnlyMany", needed=[snapshot], storage_class=hydration.read_only_class, source=source)

    def _audit(self, name: str, schedule: str, claims: Sequence[pulumi.Resource]) -> None:
        CronJob(
            f"{self._name}-audit",
            metadata=metadata(self._plan, name, self._labels),
            spec=CronJobSpecArgs(
                schedule=schedule,
                time_zone="Etc/UTC",
                concurrency_policy="Forbid",
                successful_jobs_history_limit=KEPT_JOBS,
                failed_jobs_history_limit=KEPT_JOBS,
                job_template=JobTemplateSpecArgs(metadata=ObjectMetaArgs(labels=self._labels), spec=self._job("--audit")),
            ),
            opts=pulumi.ResourceOptions(parent=self, depends_on=claims),
        )

    def _static_claims(self, static: StaticVolumes) -> list[pulumi.Resource]:
        """One claim that servers can only read, and one that the mirror alone mounts."""
        serving = self._volume("volume", static.serving_volume, self._cache.name, "ReadOnlyMany", _place(static, self._made, serving=True))
        mirror = self._volume(
            "mirror-volume", static.mirror_volume, self._cache.mirror_claim, "ReadWriteMany", _place(static, self._made, serving=False)
        )
        return [
            self._claim("claim", self._cache.name, "ReadOnlyMany", static.serving_volume, [serving]),
            self._claim("mirror-claim", self._cache.mirror_claim, "ReadWriteMany", static.mirror_volume, [mirror]),
        ]

    def _volume(self, suffix: str, volume: str, claim: str, access: str, place: Mapping[str, Any]) -> PersistentVolume:
        return PersistentVolume(
            f"{self._name}-{suffix}",
            metadata=metadata(self._plan, volume, self._labels, UNAWAITED, namespaced=False),
            spec=PersistentVolumeSpecArgs(
                access_modes=[access],
                capacity={"storage": f"{self._cache.size_gib}Gi"},
                storage_class_name=self._cache.storage_class,
                # The weights belong to whoever made the folder or the bucket, and to other fleets that mount it.
                persistent_volume_reclaim_policy="Retain",
                # For this claim alone, whoever asks first.
                claim_ref=ObjectReferenceArgs(api_version="v1", kind="PersistentVolumeClaim", name=claim, namespace=self._plan.namespace),
                **place,
            ),
            # Its source cannot be changed, and the cluster writes into its reference to the claim.
            opts=pulumi.ResourceOptions(parent=self, ignore_changes=["spec"]),
        )

    def _claim(
        self,
        suffix: str,
        claim: str,
        access: str,
        volume: str | None = None,
        needed: Sequence[pulumi.Resource] = (),
        storage_class: str | None = None,
        source: TypedLocalObjectReferenceArgs | None = None,
    ) -> PersistentVolumeClaim:
        return PersistentVolumeClaim(
            f"{self._name}-{suffix}",
            # Nothing waits for a volume here: a class that binds on first use would wait for its own pod.
            metadata=metadata(self._plan, claim, self._labels, UNAWAITED),
            spec=PersistentVolumeClaimSpecArgs(
                access_modes=[access],
                storage_class_name=storage_class or self._cache.storage_class,
                volume_name=volume,
                data_source=source,
                resources=VolumeResourceRequirementsArgs(requests={"storage": f"{self._cache.size_gib}Gi"}),
            ),
            opts=pulumi.ResourceOptions(
                parent=self,
                depends_on=list(needed),
                # Another class would be a new and empty volume, another size is refused by most classes.
                ignore_changes=["spec"],
                custom_timeouts=pulumi.CustomTimeouts(delete=RELEASE_TIMEOUT),
            ),
        )

    def _job(self, *flags: str) -> JobSpecArgs:
        image = pulled(self._cache.mirror_image, self._plan, self._made)
        pod_metadata = ObjectMetaArgs(labels=self._labels, annotations=driver_annotations(self._cache) or None)
        template = PodTemplateSpecArgs(metadata=pod_metadata, spec=mirror_pod(self._cache, image, *flags))
        return JobSpecArgs(backoff_limit=MIRROR_RETRIES, template=template)


def _place(static: StaticVolumes, made: Made, *, serving: bool) -> dict[str, Any]:
    """Where a volume's files are, as a PersistentVolume says it."""
    source = static.source
    if not isinstance(source, DriverSource):
        # On a node where it is not mounted, a folder of that name must not be made: an empty one would be filled again.
        return {"host_path": HostPathVolumeSourceArgs(path=source.path, type="Directory")}
    handle, options = (source.serving_handle, source.serving_options) if serving else (source.mirror_handle, source.mirror_options)
    volume = CSIPersistentVolumeSourceArgs(
        driver=source.driver, volume_handle=resolve(handle, made), volume_attributes=resolve(source.attributes, made)
    )
    return {"csi": volume, "mount_options": resolve(options, made)}
