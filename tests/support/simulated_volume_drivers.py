"""A simulation of the volume drivers that EKS installs: a volume for every claim of their classes, without a disk or a file system."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Mapping
from typing import Any

import httpx2

from tests.support.api_server import ApiServer

DISKS, FILES = "ebs.csi.aws.com", "efs.csi.aws.com"
ZONE = "topology.kubernetes.io/zone"
CHOSEN = "volume.kubernetes.io/selected-node"
"""The scheduler writes the node it means into a claim whose class binds on first use."""

PERIOD_SECONDS = 0.3
CREATED, CONFLICT = 201, 409
"""A claim that is not bound yet gets its volume once."""


class SimulatedDrivers:
    """Follows the claims of one cluster until `stop`; a server that is away is waited for."""

    def __init__(self, server: ApiServer) -> None:
        self._server = server
        self.refused: list[str] = []
        """What the server said of volumes that it did not take."""
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._follow, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Follow no longer."""
        self._over.set()
        self._thread.join()

    def _follow(self) -> None:
        while not self._over.wait(PERIOD_SECONDS):
            with contextlib.suppress(httpx2.HTTPError):  # what is away or gone by now is asked for again
                self._pass()

    def _pass(self) -> None:
        classes = {one["metadata"]["name"]: one for one in self._server.items("/apis/storage.k8s.io/v1/storageclasses")}
        ours = {name: one for name, one in classes.items() if one["provisioner"] in (DISKS, FILES)}
        for claim in self._server.items("/api/v1/persistentvolumeclaims"):
            wanted = ours.get(claim["spec"].get("storageClassName", ""))
            node = claim["metadata"].get("annotations", {}).get(CHOSEN)
            if wanted and "volumeName" not in claim["spec"] and (node or wanted["volumeBindingMode"] == "Immediate"):
                answer = self._server.create("/api/v1/persistentvolumes", self._volume(claim, wanted, node))
                if answer.status_code not in (CREATED, CONFLICT):
                    self.refused.append(answer.text)
        for volume in self._server.items("/api/v1/persistentvolumes"):
            if volume["spec"].get("storageClassName") in ours and volume["status"].get("phase") == "Released":
                self._server.delete(f"/api/v1/persistentvolumes/{volume['metadata']['name']}")

    def _volume(self, claim: Mapping[str, Any], wanted: Mapping[str, Any], node: str | None) -> dict[str, Any]:
        meta, driver = claim["metadata"], wanted["provisioner"]
        spec: dict[str, Any] = {
            "accessModes": claim["spec"]["accessModes"],
            "capacity": claim["spec"]["resources"]["requests"],
            "storageClassName": wanted["metadata"]["name"],
            "persistentVolumeReclaimPolicy": wanted["reclaimPolicy"],
            "claimRef": {key: meta[key] for key in ("namespace", "name", "uid")} | {"kind": "PersistentVolumeClaim", "apiVersion": "v1"},
            "csi": {"driver": driver, "volumeHandle": f"simulated-{meta['uid']}"},
        }
        if driver == DISKS and node:
            zone = self._server.get(f"/api/v1/nodes/{node}")["metadata"]["labels"][ZONE]
            term = {"matchExpressions": [{"key": ZONE, "operator": "In", "values": [zone]}]}
            spec["nodeAffinity"] = {"required": {"nodeSelectorTerms": [term]}}
        annotations = {"pv.kubernetes.io/provisioned-by": driver}
        return {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": f"pvc-{meta['uid']}", "annotations": annotations}, "spec": spec}
