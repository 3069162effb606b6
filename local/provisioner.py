"""A storage class whose claims are bound at once: what a file system's provisioner does, without a file system.

`python -m local.provisioner KUBECONFIG CONTEXT` runs beside each control plane and follows its claims.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import httpx2
from lightkube.config.kubeconfig import KubeConfig
from lightkube.core.client import Client
from lightkube.core.exceptions import ApiError
from lightkube.models.core_v1 import HostPathVolumeSource, ObjectReference, PersistentVolumeSpec
from lightkube.models.meta_v1 import ObjectMeta
from lightkube.resources.core_v1 import PersistentVolume, PersistentVolumeClaim
from lightkube.resources.storage_v1 import StorageClass

CLASS_NAME = "fleet-shared"
PROVISIONER = "local.vllm-fleet/folder"
PERIOD_SECONDS = 0.5


def storage_class(client: Client) -> None:
    """Register the class, as a cluster's administrator would."""
    found = StorageClass(metadata=ObjectMeta(name=CLASS_NAME), provisioner=PROVISIONER, reclaimPolicy="Delete", volumeBindingMode="Immediate")
    client.apply(found, field_manager="vllm-fleet-local", force=True)


def reconcile(client: Client) -> None:
    """One pass: a volume for every claim of the class without one, and none for a claim that is gone."""
    claims = {
        claim.metadata.uid: claim
        for claim in client.list(PersistentVolumeClaim, namespace="*")
        if claim.metadata and claim.spec and claim.spec.storageClassName == CLASS_NAME
    }
    volumes = [volume for volume in client.list(PersistentVolume) if volume.spec and volume.spec.storageClassName == CLASS_NAME]
    served = {volume.spec.claimRef.uid for volume in volumes if volume.spec and volume.spec.claimRef}
    for uid, claim in claims.items():
        if uid not in served:
            client.create(_volume(claim))
    for volume in volumes:
        owner = volume.spec.claimRef.uid if volume.spec and volume.spec.claimRef else None
        if owner not in claims and volume.metadata and volume.metadata.name:
            client.delete(PersistentVolume, volume.metadata.name)


def _volume(claim: PersistentVolumeClaim) -> PersistentVolume:
    meta, spec = claim.metadata, claim.spec
    if meta is None or spec is None or spec.resources is None:
        raise ValueError("a claim without metadata or resources cannot come from an API server")
    return PersistentVolume(
        metadata=ObjectMeta(name=f"folder-{meta.uid}"),
        spec=PersistentVolumeSpec(
            accessModes=spec.accessModes,
            capacity=spec.resources.requests,
            claimRef=ObjectReference(apiVersion="v1", kind="PersistentVolumeClaim", name=meta.name, namespace=meta.namespace, uid=meta.uid),
            hostPath=HostPathVolumeSource(path=f"/simulated/{meta.uid}"),
            persistentVolumeReclaimPolicy="Delete",
            storageClassName=CLASS_NAME,
        ),
    )


def main(arguments: list[str]) -> None:
    """Follow the claims until ended; an API server that is away is waited for."""
    kubeconfig, context = arguments
    config = KubeConfig.from_file(Path(kubeconfig)).get(context_name=context)
    client = Client(config=config)
    while True:
        try:
            reconcile(client)
        except (ApiError, httpx2.HTTPError) as error:
            print(f"{type(error).__name__}: {error}", flush=True)
        time.sleep(PERIOD_SECONDS)


if __name__ == "__main__":
    main(sys.argv[1:])
