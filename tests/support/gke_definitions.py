"""Kinds that a GKE cluster brings: pictures of disks and ComputeClasses, as far as this program uses them.

Fields and rules after the definitions of kubernetes-csi/external-snapshotter client v8.7.0 and Google's reference "ComputeClass" with the Go
types behind it (as of 2026-11-25); fields that this program does not use are not there, so a server that refuses them says less than Google's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tests.support.api_server import ApiServer
from tests.support.local_fleet import eventually

DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"

TEXT: Mapping[str, Any] = {"type": "string"}
YES_OR_NO: Mapping[str, Any] = {"type": "boolean"}
STANDARD = dict.fromkeys(("apiVersion", "kind"), TEXT) | {"metadata": {"type": "object"}}


def _whole(properties: Mapping[str, Any], required: Sequence[str] = (), **rules: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, **({"required": list(required)} if required else {}), **rules}


def _either(*names: str) -> list[dict[str, Any]]:
    return [{"required": [name]} for name in names]


_SOURCES = ("persistentVolumeClaimName", "volumeSnapshotContentName")

_SNAPSHOT = _whole(
    {
        **STANDARD,
        "spec": _whole(
            {
                "volumeSnapshotClassName": {**TEXT, "minLength": 1},
                "source": _whole(dict.fromkeys(_SOURCES, TEXT), oneOf=_either(*_SOURCES)),
            },
            required=["source"],
        ),
        "status": _whole({"readyToUse": YES_OR_NO, "boundVolumeSnapshotContentName": TEXT, "creationTime": {**TEXT, "format": "date-time"}}),
    },
    required=["spec"],
)

_SNAPSHOT_CLASS = _whole(
    {
        **STANDARD,
        "driver": TEXT,
        "deletionPolicy": {**TEXT, "enum": ["Delete", "Retain"]},
        "parameters": {"type": "object", "additionalProperties": TEXT},
    },
    required=["driver", "deletionPolicy"],
)

_COMPUTE_CLASS = _whole(
    {
        **STANDARD,
        "spec": _whole(
            {
                "description": TEXT,
                "priorities": {"type": "array", "items": _whole({"nodepools": {"type": "array", "items": TEXT}}), "default": []},
                "activeMigration": _whole({"optimizeRulePriority": {**YES_OR_NO, "default": False}}, required=["optimizeRulePriority"]),
                "nodePoolAutoCreation": _whole({"enabled": {**YES_OR_NO, "default": False}}, required=["enabled"], default={"enabled": False}),
                "whenUnsatisfiable": {**TEXT, "enum": ["ScaleUpAnyway", "DoNotScaleUp"], "default": "DoNotScaleUp"},
            },
            required=["whenUnsatisfiable"],
        ),
    },
    required=["spec"],
)


def _definition(group: str, kind: str, plural: str, scope: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    version: dict[str, Any] = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    if "status" in schema["properties"]:
        version["subresources"] = {"status": {}}
    # Without it no server takes a definition of a group that belongs to Kubernetes itself.
    approved = {"api-approved.kubernetes.io": "https://github.com/kubernetes-csi/external-snapshotter/pull/814"} if group.endswith(".k8s.io") else {}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{group}", "annotations": approved},
        "spec": {"group": group, "scope": scope, "names": {"kind": kind, "plural": plural}, "versions": [version]},
    }


ALL = (
    _definition("snapshot.storage.k8s.io", "VolumeSnapshot", "volumesnapshots", "Namespaced", _SNAPSHOT),
    _definition("snapshot.storage.k8s.io", "VolumeSnapshotClass", "volumesnapshotclasses", "Cluster", _SNAPSHOT_CLASS),
    _definition("cloud.google.com", "ComputeClass", "computeclasses", "Cluster", _COMPUTE_CLASS),
)


def install(server: ApiServer) -> None:
    """Make them, and wait until the server lists objects of each: it refuses for a moment after it knows their names."""
    for definition in ALL:
        server.create(DEFINITIONS, definition).raise_for_status()
    eventually(lambda: _served(server), "a server that lists the kinds of GKE")


def _served(server: ApiServer) -> bool:
    wanted = {definition["spec"]["names"]["kind"] for definition in ALL}
    kinds = [kind for kind in server.kinds() if kind.kind in wanted]
    return len(kinds) == len(wanted) and all(server.answers(kind.path()) for kind in kinds)
