"""What becomes of a resource when its inputs change."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.support.stand_in_aws.kinds import Kind
from tests.support.stand_in_cloud import changes
from tests.support.stand_in_cloud.names import DEFAULTS
from tests.support.stand_in_provider_wire import UNKNOWN, changed


def replacing(kind: Kind, old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """The changed inputs that the real provider answers with a replacement: what the kind lists, and two cases that depend on more."""
    found = changes.replacing(kind, old, new)
    if kind.title == "Cluster" and "encryptionConfig" in old and "encryptionConfig" not in new:
        # Encryption cannot be taken away again; another key is refused by AWS, not answered with a new cluster.
        found.append("encryptionConfig")
    if kind.title == "VpcEndpoint" and new.get("vpcEndpointType") != "Interface" and old.get("privateDnsEnabled") != new.get("privateDnsEnabled"):
        found.append("privateDnsEnabled")
    return found


def updated(kind: Kind, old: Mapping[str, Any], new: Mapping[str, Any], *, preview: bool) -> dict[str, Any]:
    """The state after an update. AWS's own words stay, but for those that change with it."""
    given = {name: value for name, value in new.items() if name != DEFAULTS}
    state = {**old, **given}
    if kind.title == "LaunchTemplate" and _new_version(old, given):
        latest = UNKNOWN if preview else old["latestVersion"] + 1
        state["latestVersion"] = latest
        if given.get("updateDefaultVersion"):
            state["defaultVersion"] = latest
    if kind.title == "Cluster":
        said = old.get("vpcConfig", {})
        state["vpcConfig"] = {name: said[name] for name in ("clusterSecurityGroupId", "vpcId") if name in said} | given.get("vpcConfig", {})
    if kind.title == "NodeGroup" and given.get("version") not in (None, old.get("version")):
        state["releaseVersion"] = UNKNOWN if preview else f"{given['version']}.0-00000000"
    return state


def _new_version(old: Mapping[str, Any], given: Mapping[str, Any]) -> bool:
    """Whatever a launch template says of machines makes a version; its tags and its choice of a default do not."""
    apart = {"tags", "updateDefaultVersion", "defaultVersion", "name", "namePrefix", "region"}
    return any(name not in apart and old.get(name) != given.get(name) for name in changed(dict.fromkeys(given), given)) or any(
        name in old and name not in given for name in MACHINE_INPUTS
    )


MACHINE_INPUTS = (
    "blockDeviceMappings",
    "capacityReservationSpecification",
    "instanceMarketOptions",
    "metadataOptions",
    "tagSpecifications",
    "userData",
)
"""Inputs of a launch template that a program may leave out again."""
