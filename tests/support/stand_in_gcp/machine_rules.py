"""Limits of GKE that its description does not write down: clusters, and machines with and without GPUs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from fleet.catalog import SHAPES, accelerator
from tests.support.stand_in_cloud.cloud import Fault
from tests.support.stand_in_provider_wire import UNKNOWN, at

GPU_TAINT = "nvidia.com/gpu"
"""That GKE itself puts on machines with GPUs."""

HYPERDISK_ONLY = ("a3-ultragpu-", "a4-", "a4x-", "c4-", "c4a-", "g4-", "n4-")
PERSISTENT_DISK_ONLY = ("e2-", "n1-", "n2d-", "t2d-")
"""Families by the disks that they start from (documentation of Hyperdisk and of the machine families)."""

POD_NUMBERS = (8, 256)
"""Pods of one machine (documentation of GKE: configure maximum Pods per node)."""

BOOT_DISK_GB = 10


def cluster(inputs: Mapping[str, Any]) -> Iterator[Fault]:
    """Of a cluster."""
    yield from _zones(inputs)
    yield from _pods(inputs, "defaultMaxPodsPerNode")
    if inputs.get("initialNodeCount") in (None, 0) and not inputs.get("nodePools"):
        yield "initialNodeCount", "googleapi: Error 400: Cluster.initial_node_count must be greater than zero., badRequest"
    if isinstance(inputs.get("initialNodeCount"), int) and not inputs.get("removeDefaultNodePool"):
        yield "removeDefaultNodePool", "the stand-in refuses it: GKE's first pool would stay, and nobody here describes it"
    yield from _database(inputs)
    window = at(inputs, "maintenancePolicy.recurringWindow")
    if isinstance(window, Mapping) and not str(window.get("recurrence", UNKNOWN)).startswith(("FREQ=", UNKNOWN)):
        yield "maintenancePolicy.recurringWindow.recurrence", f"{window['recurrence']!r} is no rule of RFC 5545: FREQ=…"


def _database(inputs: Mapping[str, Any]) -> Iterator[Fault]:
    encryption = inputs.get("databaseEncryption")
    if not isinstance(encryption, Mapping):
        return
    wanted = encryption.get("state")
    if wanted not in (UNKNOWN, "ENCRYPTED", "DECRYPTED", "ALL_OBJECTS_ENCRYPTION_ENABLED"):
        yield "databaseEncryption.state", f"{wanted!r} is none of ENCRYPTED, DECRYPTED, ALL_OBJECTS_ENCRYPTION_ENABLED"
    if (wanted == "DECRYPTED") == ("keyName" in encryption):
        yield "databaseEncryption.keyName", "is the key of encryption, and of nothing else"


def node_pool(inputs: Mapping[str, Any]) -> Iterator[Fault]:
    """Of a node pool."""
    yield from _zones(inputs)
    yield from _pods(inputs, "maxPodsPerNode")
    yield from _autoscaling(inputs)
    yield from _surge(inputs)
    machines = inputs.get("nodeConfig")
    if isinstance(machines, Mapping):
        yield from _gpus(machines)
        yield from _taints(machines)
        yield from _disks(machines)
        yield from _capacity(inputs, machines)


def _zones(inputs: Mapping[str, Any]) -> Iterator[Fault]:
    location, zones = inputs.get("location"), inputs.get("nodeLocations")
    if not isinstance(zones, list) or location in (None, UNKNOWN):
        return
    region = location if location.count("-") == 1 else location.rpartition("-")[0]
    for index, zone in enumerate(zones):
        if zone != UNKNOWN and not re.fullmatch(rf"{re.escape(region)}-[a-z]", zone):
            yield f"nodeLocations[{index}]", f'googleapi: Error 400: Location "{zone}" does not exist in region {region}., badRequest'
    if len(set(zones)) != len(zones):
        yield "nodeLocations", "googleapi: Error 400: the same location twice., badRequest"


def _pods(inputs: Mapping[str, Any], name: str) -> Iterator[Fault]:
    pods = inputs.get(name)
    if isinstance(pods, int) and not POD_NUMBERS[0] <= pods <= POD_NUMBERS[1]:
        yield name, f"googleapi: Error 400: {pods} is not between {POD_NUMBERS[0]} and {POD_NUMBERS[1]}., badRequest"


def _autoscaling(inputs: Mapping[str, Any]) -> Iterator[Fault]:
    scaling = inputs.get("autoscaling")
    if not isinstance(scaling, Mapping):
        return
    for total, each in (("totalMinNodeCount", "minNodeCount"), ("totalMaxNodeCount", "maxNodeCount")):
        if scaling.get(total) is not None and (scaling.get("minNodeCount") is not None or scaling.get("maxNodeCount") is not None):
            yield f"autoscaling.{each}", f"conflicts with autoscaling.{total}: limits of all zones together, or of each"
    for least, most in (("totalMinNodeCount", "totalMaxNodeCount"), ("minNodeCount", "maxNodeCount")):
        low, high = scaling.get(least, 0), scaling.get(most)
        if isinstance(low, int) and isinstance(high, int) and (low > high or high < 1):
            yield f"autoscaling.{most}", f"googleapi: Error 400: {high} is less than 1 or than {least} {low}., badRequest"


def _surge(inputs: Mapping[str, Any]) -> Iterator[Fault]:
    surge, gone = at(inputs, "upgradeSettings.maxSurge"), at(inputs, "upgradeSettings.maxUnavailable")
    if isinstance(surge, int) and isinstance(gone, int) and not 1 <= surge + gone <= 20:
        yield "upgradeSettings.maxSurge", f"googleapi: Error 400: maxSurge and maxUnavailable are 1 to 20 together, not {surge + gone}., badRequest"


def _gpus(machines: Mapping[str, Any]) -> Iterator[Fault]:
    machine, said = machines.get("machineType"), machines.get("guestAccelerators")
    if machine in (None, UNKNOWN) or said == UNKNOWN:
        return
    known = [shape for shape in SHAPES if (shape.cloud, shape.machine) == ("gcp", machine)]
    attached = str(machine).startswith("n1-")
    if not said:
        if known and not attached:
            yield "nodeConfig.guestAccelerators", f"{machine} has GPUs built in: they are said all the same, or GKE installs no driver"
        return
    if len(said) != 1:
        yield "nodeConfig.guestAccelerators", "googleapi: Error 400: one kind of GPU on a machine., badRequest"
    one = said[0]
    right = {(accelerator(shape.accelerator).gke_accelerator, shape.gpus) for shape in known}
    if UNKNOWN not in (one.get("type"), one.get("count")) and (one.get("type"), one.get("count")) not in right:
        words = ", ".join(f"{count} {name}" for name, count in sorted(right, key=str)) or "none that the catalogue knows"
        yield "nodeConfig.guestAccelerators", f"googleapi: Error 400: {machine} has {words}, not {one.get('count')} {one.get('type')}., badRequest"
    if not at(one, "gpuDriverInstallationConfig.gpuDriverVersion"):
        path = "nodeConfig.guestAccelerators[0].gpuDriverInstallationConfig"
        yield path, "(rule of the stand-in) GKE would choose a driver, and the difference would replace the pool at every update"


def _taints(machines: Mapping[str, Any]) -> Iterator[Fault]:
    taints = machines.get("taints")
    listed = taints if isinstance(taints, list) else []
    if machines.get("guestAccelerators"):
        for index, taint in enumerate(listed):
            if at(taint, "key") == GPU_TAINT:
                words = f"Found more than one taint with key {GPU_TAINT} and effect {taint.get('effect')}"
                yield f"nodeConfig.taints[{index}]", f"googleapi: Error 400: {words}., badRequest"
    pairs = [(at(taint, "key"), at(taint, "effect")) for taint in listed]
    if len(set(pairs)) != len(pairs):
        yield "nodeConfig.taints", "googleapi: Error 400: Found more than one taint with the same key and effect., badRequest"


def _disks(machines: Mapping[str, Any]) -> Iterator[Fault]:
    machine, kind, gigabytes = str(machines.get("machineType")), at(machines, "bootDisk.diskType"), at(machines, "bootDisk.sizeGb")
    if "bootDisk" in machines and ("diskType" in machines or "diskSizeGb" in machines):
        yield "nodeConfig.diskType", "conflicts with nodeConfig.bootDisk"
    if isinstance(gigabytes, int) and gigabytes < BOOT_DISK_GB:
        yield "nodeConfig.bootDisk.sizeGb", f"googleapi: Error 400: {gigabytes} is less than {BOOT_DISK_GB}., badRequest"
    if kind in (None, UNKNOWN):
        return
    wrong = "pd-" if machine.startswith(HYPERDISK_ONLY) else "hyperdisk-" if machine.startswith(PERSISTENT_DISK_ONLY) else None
    if wrong and kind.startswith(wrong):
        yield "nodeConfig.bootDisk.diskType", f"googleapi: Error 400: {kind} disk type cannot be used by {machine} machine type., badRequest"


def _capacity(inputs: Mapping[str, Any], machines: Mapping[str, Any]) -> Iterator[Fault]:
    affinity = machines.get("reservationAffinity")
    kind = at(affinity, "consumeReservationType")
    if kind == "SPECIFIC_RESERVATION" and not (at(affinity, "key") and at(affinity, "values")):
        yield "nodeConfig.reservationAffinity.values", "googleapi: Error 400: a specific reservation is named., badRequest"
    if kind not in (None, UNKNOWN, "SPECIFIC_RESERVATION") and (at(affinity, "key") or at(affinity, "values")):
        yield "nodeConfig.reservationAffinity.key", f"googleapi: Error 400: {kind} names no reservation., badRequest"
    if machines.get("spot") and machines.get("preemptible"):
        yield "nodeConfig.preemptible", "conflicts with nodeConfig.spot"
    if machines.get("spot") and kind in ("SPECIFIC_RESERVATION", "ANY_RESERVATION_THEN_FAIL"):
        yield "nodeConfig.spot", "googleapi: Error 400: Spot machines are in no reservation., badRequest"
    if machines.get("flexStart"):
        if machines.get("spot"):
            yield "nodeConfig.spot", "googleapi: Error 400: not together with flexStart., badRequest"
        if at(inputs, "management.autoRepair") is not False:
            yield "management.autoRepair", "googleapi: Error 400: machines of flexStart are not repaired: autoRepair is false., badRequest"
        if kind not in (None, UNKNOWN, "NO_RESERVATION"):
            yield "nodeConfig.reservationAffinity", "googleapi: Error 400: flexStart takes no reservation., badRequest"
