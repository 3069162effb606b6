"""A simulation of the volume drivers that clouds install: a volume for every claim of their classes, without a disk or a file system.

In GKE also of the controller that takes pictures of disks: each is ready as soon as the disk that it shows has its volume.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Mapping
from typing import Any

import httpx2

from tests.support.api_server import ApiServer

ZONE, GOOGLE_ZONE = "topology.kubernetes.io/zone", "topology.gke.io/zone"

DISKS: Mapping[str, str] = {"ebs.csi.aws.com": ZONE, "pd.csi.storage.gke.io": GOOGLE_ZONE}
"""Driver of disks to the key that it knows a machine's zone by: a disk is where its machine is."""

FILES = ("efs.csi.aws.com", "filestore.csi.storage.gke.io")

MULTI_ZONE = "enable-multi-zone-provisioning"
"""Parameter of a class whose volumes are a disk in each of its zones. The driver makes them from a picture alone."""

CHOSEN = "volume.kubernetes.io/selected-node"
"""The scheduler writes the node it means into a claim whose class binds on first use."""

SNAPSHOTS = "/apis/snapshot.storage.k8s.io/v1/volumesnapshots"

PERIOD_SECONDS = 0.3
CREATED, CONFLICT = 201, 409
"""A claim that is not bound yet gets its volume once."""

Objects = dict[tuple[str, str], dict[str, Any]]
"""By namespace and name."""


class SimulatedDrivers:
    """Follows the claims of one cluster until `stop`; a server that is away is waited for."""

    def __init__(self, server: ApiServer, *, snapshots: bool = False) -> None:
        self._server = server
        self._snapshots = snapshots
        self.refused: list[str] = []
        """What the server said of volumes that it did not take, and what no driver makes."""
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
        ours = {name: one for name, one in classes.items() if one["provisioner"] in (*DISKS, *FILES)}
        claims = {_place(claim): claim for claim in self._server.items("/api/v1/persistentvolumeclaims")}
        pictures = {_place(one): one for one in self._server.items(SNAPSHOTS)} if self._snapshots else {}
        for claim in claims.values():
            wanted = ours.get(claim["spec"].get("storageClassName", ""))
            node = claim["metadata"].get("annotations", {}).get(CHOSEN)
            due = wanted and "volumeName" not in claim["spec"] and (node or wanted["volumeBindingMode"] == "Immediate")
            if wanted and due and _has_content(claim, pictures):
                self._make(claim, wanted, node)
        for picture in pictures.values():
            self._take(picture, claims)
        for volume in self._server.items("/api/v1/persistentvolumes"):
            if volume["spec"].get("storageClassName") in ours and volume["status"].get("phase") == "Released":
                self._server.delete(f"/api/v1/persistentvolumes/{volume['metadata']['name']}")

    def _make(self, claim: Mapping[str, Any], wanted: Mapping[str, Any], node: str | None) -> None:
        if wanted.get("parameters", {}).get(MULTI_ZONE) and "dataSource" not in claim["spec"]:
            self.refused.append(f"{claim['metadata']['name']}: disks in several zones are made from a picture alone")
            return
        answer = self._server.create("/api/v1/persistentvolumes", self._volume(claim, wanted, node))
        if answer.status_code not in (CREATED, CONFLICT):
            self.refused.append(answer.text)

    def _take(self, picture: Mapping[str, Any], claims: Objects) -> None:
        namespace, name = _place(picture)
        claim = claims.get((namespace, picture["spec"]["source"]["persistentVolumeClaimName"]))
        if "status" not in picture and claim and claim["status"].get("phase") == "Bound":
            said = {"readyToUse": True, "boundVolumeSnapshotContentName": f"snapcontent-{picture['metadata']['uid']}"}
            path = f"/apis/snapshot.storage.k8s.io/v1/namespaces/{namespace}/volumesnapshots/{name}"
            self._server.report(path, said).raise_for_status()

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
        if driver in DISKS:
            term = {"matchExpressions": [{"key": DISKS[driver], "operator": "In", "values": self._zones(wanted, node)}]}
            spec["nodeAffinity"] = {"required": {"nodeSelectorTerms": [term]}}
        annotations = {"pv.kubernetes.io/provisioned-by": driver}
        return {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": f"pvc-{meta['uid']}", "annotations": annotations}, "spec": spec}

    def _zones(self, wanted: Mapping[str, Any], node: str | None) -> list[str]:
        """That of the machine, or where no machine waits, all that the class names."""
        if node:
            return [self._server.get(f"/api/v1/nodes/{node}")["metadata"]["labels"][DISKS[wanted["provisioner"]]]]
        return list(wanted["allowedTopologies"][0]["matchLabelExpressions"][0]["values"])


def _place(made: Mapping[str, Any]) -> tuple[str, str]:
    return made["metadata"]["namespace"], made["metadata"]["name"]


def _has_content(claim: Mapping[str, Any], pictures: Objects) -> bool:
    """Whether what a claim is to be filled from is there; most begin empty."""
    source = claim["spec"].get("dataSource")
    if source is None:
        return True
    picture = pictures.get((claim["metadata"]["namespace"], source["name"]), {})
    return bool(picture.get("status", {}).get("readyToUse"))
