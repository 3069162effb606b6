"""What Google says of a resource beside what it was asked for. Plausible, never real: no address here belongs to anyone."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from typing import Any

from tests.support.stand_in_gcp.kinds import Kind
from tests.support.stand_in_gcp.projects import Projects, agent_email, number_of
from tests.support.stand_in_provider_sdk import known_outputs
from tests.support.stand_in_provider_wire import UNKNOWN, at

CREATED = "2026-01-01T00:00:00Z"
VERSION = "1.35.1-gke.1000000"
"""Stands for the version that a release channel would choose; which it is, is not known here."""

NO_CERTIFICATE = base64.b64encode(b"no certificate: no API server is behind the stand-in").decode()

GPU_TAINT = {"key": "nvidia.com/gpu", "value": "present", "effect": "NO_SCHEDULE"}

ControlPlanes = Mapping[str, str]
"""Beginning of a cluster's name to the address (host and port) of a real API server."""

Rule = Callable[[dict[str, Any], Projects, ControlPlanes], dict[str, Any]]


def made(kind: Kind, inputs: Mapping[str, Any], projects: Projects, planes: ControlPlanes) -> tuple[str, dict[str, Any]]:
    """Id and state of a new resource. `inputs` name their project, and their region where they have one."""
    state = {name: value for name, value in inputs.items() if not name.startswith("__")}
    words = {
        **state,
        "cluster_name": str(state.get("cluster", "")).rpartition("/")[2],
        "account_email": f"{state.get('accountId')}@{state['project']}.iam.gserviceaccount.com",
    }
    identity = kind.identity.format(**words)
    if kind.self_link:
        state["selfLink"] = kind.self_link.format(id=identity)
    rule = RULES.get(kind.title)
    state |= rule({**state, "id": identity}, projects, planes) if rule else {}
    return identity, state


def foreseen(kind: Kind, inputs: Mapping[str, Any], resource: Any) -> dict[str, Any]:
    """State of a resource that is only previewed: what Google says is not known yet."""
    state: dict[str, Any] = dict.fromkeys(SAID_BY_MANY & known_outputs(resource), UNKNOWN)
    state |= {name: UNKNOWN for name in SAID_LATER.get(kind.title, ()) if name not in inputs}
    if kind.self_link:
        state["selfLink"] = UNKNOWN
    given = {name: value for name, value in inputs.items() if not name.startswith("__")}
    if kind.title == "Cluster" and isinstance(given.get("controlPlaneEndpointsConfig"), Mapping):
        given["controlPlaneEndpointsConfig"] = _endpoints(given, UNKNOWN)
    return {**state, **given}


SAID_BY_MANY = {"createTime", "creationTimestamp", "updateTime", "etag"}

SAID_LATER: dict[str, tuple[str, ...]] = {
    "Network": ("gatewayIpv4", "networkId", "numericId"),
    "Subnetwork": ("gatewayAddress", "subnetworkId"),
    "ManagedZone": ("managedZoneId", "nameServers"),
    "Cluster": ("controlPlaneEndpointsConfig", "endpoint", "masterAuth", "masterVersion", "nodeVersion", "servicesIpv4Cidr", "selfLink"),
    "NodePool": ("instanceGroupUrls", "managedInstanceGroupUrls", "version", "nodeCount", "operation"),
    "Account": ("email", "member", "name", "uniqueId"),
    "ServiceIdentity": ("email", "member"),
    "CryptoKey": ("primaries",),
    "Bucket": ("projectNumber", "selfLink", "url", "timeCreated", "updated"),
    "AnywhereCache": ("anywhereCacheId", "state", "pendingUpdate"),
    "Secret": ("name",),
    "Repository": ("name", "registryUri"),
}
"""Outputs that are unknown at preview, by kind. Everything that a rule below says is here: a test compares them."""


def _numeric(kind: str, projects: Projects) -> int:
    return int(projects.token(kind, 12), 16)


def _network(_: dict[str, Any], projects: Projects, __: ControlPlanes) -> dict[str, Any]:
    number = str(_numeric("network", projects))
    return {"gatewayIpv4": "", "networkId": number, "numericId": number}


def _subnetwork(state: dict[str, Any], projects: Projects, _: ControlPlanes) -> dict[str, Any]:
    first = str(state["ipCidrRange"]).partition("/")[0].rpartition(".")[0]
    return {"gatewayAddress": f"{first}.1", "subnetworkId": _numeric("subnetwork", projects), "creationTimestamp": CREATED}


def _zone(_: dict[str, Any], projects: Projects, __: ControlPlanes) -> dict[str, Any]:
    return {"managedZoneId": str(_numeric("zone", projects)), "nameServers": ["ns-gcp-private.googledomains.com."], "creationTime": CREATED}


def _endpoints(state: Mapping[str, Any], endpoint: Any) -> dict[str, Any]:
    said = state.get("controlPlaneEndpointsConfig") or {}
    return {**said, "dnsEndpointConfig": {**(said.get("dnsEndpointConfig") or {}), "endpoint": endpoint}}


def _cluster(state: dict[str, Any], projects: Projects, planes: ControlPlanes) -> dict[str, Any]:
    name, digits = state["name"], projects.token("endpoint", 32)
    real = next((address for prefix, address in planes.items() if name.startswith(prefix)), "")
    endpoint = real.removeprefix("https://") or f"gke-{digits}.{state['location']}.gke.invalid"
    for number, purpose in enumerate(("all", "vms", "master", "exkubelet", "inkubelet")):
        rule = f"projects/{state['project']}/global/firewalls/gke-{name}-{digits[:8]}-{purpose}"
        projects.implicit["global", "Firewall", rule] = {"network": state["network"], "owner": state["id"], "number": number}
    return {
        "controlPlaneEndpointsConfig": _endpoints(state, endpoint),
        "endpoint": "",
        "masterAuth": {"clusterCaCertificate": NO_CERTIFICATE, "clientCertificateConfig": {"issueClientCertificate": False}},
        "masterVersion": VERSION,
        "nodeVersion": VERSION,
        "servicesIpv4Cidr": at(state, "ipAllocationPolicy.servicesIpv4CidrBlock") or "10.0.16.0/20",
        "selfLink": f"https://container.googleapis.com/v1/{state['id']}",
    }


def _node_pool(state: dict[str, Any], projects: Projects, _: ControlPlanes) -> dict[str, Any]:
    digits = projects.token("group", 8)
    machines = {**(state.get("nodeConfig") or {})}
    gpus = machines.get("guestAccelerators") or []
    machines["effectiveTaints"] = [*(machines.get("taints") or []), *([GPU_TAINT] if gpus else [])]
    machines["resourceLabels"] = {**(machines.get("resourceLabels") or {}), **labels_of_gke(machines)}
    zones = state.get("nodeLocations") or [f"{state['location']}-a"]
    link = "https://www.googleapis.com/compute/v1/projects/{project}/zones/{zone}/{kind}/gke-{name}-{digits}-grp"
    words = {"project": state["project"], "name": state["name"], "digits": digits}
    return {
        "nodeConfig": machines,
        "instanceGroupUrls": [link.format(**words, zone=zone, kind="instanceGroupManagers") for zone in zones],
        "managedInstanceGroupUrls": [link.format(**words, zone=zone, kind="instanceGroups") for zone in zones],
        "version": state.get("version") or VERSION,
        "nodeCount": state.get("nodeCount", state.get("initialNodeCount", 0)),
        "operation": "",
    }


def labels_of_gke(machines: Mapping[str, Any]) -> dict[str, str]:
    """What GKE itself writes on machines of a pool."""
    gpus = machines.get("guestAccelerators") or []
    model = "spot" if machines.get("spot") else "flex-start" if machines.get("flexStart") else "on-demand"
    accelerator = {"goog-gke-accelerator-type": gpus[0]["type"]} if gpus else {}
    return {**accelerator, "goog-gke-node-pool-provisioning-model": model}


def _account(state: dict[str, Any], projects: Projects, _: ControlPlanes) -> dict[str, Any]:
    email = state["id"].rpartition("/")[2]
    return {"email": email, "member": f"serviceAccount:{email}", "name": state["id"], "uniqueId": str(_numeric("account", projects))}


def _service_identity(state: dict[str, Any], _: Projects, __: ControlPlanes) -> dict[str, Any]:
    email = agent_email(state["service"], state["project"])
    return {"email": email, "member": f"serviceAccount:{email}"}


def _service(state: dict[str, Any], projects: Projects, _: ControlPlanes) -> dict[str, Any]:
    projects.switched_off.discard(state["service"])
    return {}


def _key(state: dict[str, Any], _: Projects, __: ControlPlanes) -> dict[str, Any]:
    return {"primaries": [{"name": f"{state['id']}/cryptoKeyVersions/1", "state": "ENABLED"}]}


def _bucket(state: dict[str, Any], _: Projects, __: ControlPlanes) -> dict[str, Any]:
    return {
        "projectNumber": int(number_of(state["project"])),
        "selfLink": f"https://www.googleapis.com/storage/v1/b/{state['name']}",
        "url": f"gs://{state['name']}",
        "timeCreated": CREATED,
        "updated": CREATED,
    }


def _cache(state: dict[str, Any], _: Projects, __: ControlPlanes) -> dict[str, Any]:
    return {"anywhereCacheId": state["zone"], "state": "running", "pendingUpdate": False, "createTime": CREATED, "updateTime": CREATED}


def _secret(state: dict[str, Any], _: Projects, __: ControlPlanes) -> dict[str, Any]:
    name = f"projects/{number_of(state['project'])}/secrets/{state['secretId']}"
    return {"name": name, "createTime": CREATED}


def _repository(state: dict[str, Any], _: Projects, __: ControlPlanes) -> dict[str, Any]:
    host = f"{state['location']}-docker.pkg.dev"
    words = {"name": state["repositoryId"], "registryUri": f"{host}/{state['project']}/{state['repositoryId']}"}
    return {**words, "createTime": CREATED, "updateTime": CREATED}


RULES: dict[str, Rule] = {
    "Network": _network,
    "Subnetwork": _subnetwork,
    "ManagedZone": _zone,
    "Cluster": _cluster,
    "NodePool": _node_pool,
    "Account": _account,
    "Service": _service,
    "ServiceIdentity": _service_identity,
    "CryptoKey": _key,
    "Bucket": _bucket,
    "AnywhereCache": _cache,
    "Secret": _secret,
    "Repository": _repository,
}
