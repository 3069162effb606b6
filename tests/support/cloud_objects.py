"""What a fleet in clouds has inside its clusters, as its state and its API servers have it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from tests.support.api_server import ApiServer
from tests.support.cloud_cluster import CloudClusters, in_cluster
from tests.support.cloud_machines import MachineGroup, machines

RELEASE = "kubernetes:helm.sh/v3:Release"
OF_CLUSTERS = ("aws:eks/", "gcp:container/")
"""How types begin of clusters, their machines, identities and access."""

PATIENCE_SECONDS, SETTLING_SECONDS = 90.0, 2.0


def objects(fleet: CloudClusters, region: str) -> list[dict[str, Any]]:
    """Everything that the program itself put into a cluster, as the state has it."""
    return [
        {key: value for key, value in resource["inputs"].items() if not key.startswith("__")}
        for resource in fleet.resources()
        if resource["type"].startswith("kubernetes:") and resource["type"] != RELEASE and of(resource, region)
    ]


def of(resource: dict[str, Any], region: str) -> bool:
    """Whether a resource of the state is a region's."""
    name = str(resource["urn"].rpartition("::")[2])
    return name == region or name.startswith((f"{region}-", f"{region}."))


def paths(server: ApiServer, made: Iterable[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Objects by where the server has them."""
    kinds = {(kind.group_version, kind.kind): kind for kind in server.kinds()}
    return {kinds[one["apiVersion"], one["kind"]].path(one["metadata"].get("namespace"), one["metadata"]["name"]): one for one in made}


def uids(fleet: CloudClusters, region: str) -> dict[str, str]:
    """Path to UID of everything that the program put into a cluster, and name to UID of every pod: another object has another."""
    server = fleet.server(region)
    found = {place: server.get(place) for place in paths(server, objects(fleet, region))}
    found |= {f"pod {pod['metadata']['name']}": pod for pod in server.items("/api/v1/pods")}
    return {name: one["metadata"]["uid"] for name, one in found.items()}


def pods(server: ApiServer, instance: str) -> list[dict[str, Any]]:
    """Pods of one model, mirror or release that nobody ended."""
    found = [pod for pod in server.items("/api/v1/pods") if pod["metadata"].get("labels", {}).get("app.kubernetes.io/instance") == instance]
    return [pod for pod in found if "deletionTimestamp" not in pod["metadata"]]


def groups(fleet: CloudClusters, region: str) -> dict[str, MachineGroup]:
    """Node to what it is a machine of."""
    return {name: group for name, (group, _) in machines(fleet.cluster(region)).items()}


def volume(server: ApiServer, claim: str) -> dict[str, Any]:
    """The volume that a claim has."""
    bound = server.get(f"/api/v1/namespaces/vllm/persistentvolumeclaims/{claim}")
    assert bound["status"]["phase"] == "Bound", f"{claim} has its volume"
    return server.get(f"/api/v1/persistentvolumes/{bound['spec']['volumeName']}")


def zones(found: dict[str, Any], key: str) -> set[str]:
    """Zones that a volume lies in, by the key that its driver knows them by."""
    (term,) = found["spec"]["nodeAffinity"]["required"]["nodeSelectorTerms"]
    (expression,) = term["matchExpressions"]
    assert expression["key"] == key, "as the driver says it of its machines"
    return set(expression["values"])


def settled(server: ApiServer) -> set[str]:
    """Everything there is, once every namespace has what controllers put into it and nothing more has come for a while."""
    found = server.everything()
    names = {name.partition(" /")[2] for name in found if name.startswith("namespaces ")}
    whole = all({f"serviceaccounts {name}/default", f"configmaps {name}/kube-root-ca.crt"} <= found for name in names)
    time.sleep(SETTLING_SECONDS)
    return found if whole and server.everything() == found else set()


def kept(fleet: CloudClusters, region: str) -> set[str]:
    """Definitions outlive the release that brought them: with one would go every object of its kind."""
    found: set[str] = set()
    for manifest in in_cluster(fleet.cluster(region)).manifests:
        group, _, version = manifest.api_version.partition("/")
        if manifest.needs:
            found |= {f"customresourcedefinitions /{manifest.kind.lower()}s.{group}", f"apiservices /{version}.{group}"}
    return found


def assert_gone(fleet: CloudClusters, region: str, before: set[str]) -> None:
    """Nothing of the program is left in a cluster, when there was time for it to go, but definitions."""
    server = fleet.server(region)
    left = eventually_empty(lambda: server.everything() - before - kept(fleet, region))
    assert not left, f"{region} still has {sorted(left)}"
    assert kept(fleet, region) <= server.everything(), "definitions are kept on purpose"


def assert_inside_first(resources: Sequence[dict[str, Any]], said: Sequence[str], region: str) -> None:
    """What was inside a cluster went while the cluster was there, with its machines, identities and access."""
    order = [tuple(line.split()[1:]) for line in said if line.split()[:1] == ["deleted"]]
    ours = [resource for resource in resources if of(resource, region)]
    inside = [order.index(_title(one)) for one in ours if one["type"].startswith("kubernetes:")]
    needed = [order.index(_title(one)) for one in ours if one["type"].startswith(OF_CLUSTERS)]
    assert max(inside) < min(needed), f"{region}: objects go while cluster, machines, identities and access are there"


def eventually_empty(leftovers: Callable[[], set[str]]) -> set[str]:
    """What is still there when there was time for it to go."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while (left := leftovers()) and time.monotonic() < deadline:
        time.sleep(0.2)
    return left


def _title(resource: dict[str, Any]) -> tuple[str, str]:
    """As progress names it."""
    return resource["type"].rpartition(":")[2], resource["urn"].rpartition("::")[2]
