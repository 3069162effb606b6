"""What a Google Cloud region of a stack file gets wrong that no single field shows: copies of secrets, capacity, quotas."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from fleet import spot_checks
from fleet.fleet_plan import PoolPlan
from fleet.gcp import offerings, quotas, reservations
from fleet.gcp.offerings import SYSTEM_MACHINE
from fleet.problems import Problem
from fleet.settings import GcpCluster, Settings

Pools = Mapping[str, Sequence[PoolPlan]]
"""Cluster name to the pools that are planned in it."""


CHEAPEST_FIRST = ("spot", "on_demand")
"""The order in which GKE would grow rungs by itself."""


def problems(settings: Settings, pools: Pools) -> Iterator[Problem]:
    """Every reason why Google would refuse or strand what the stack file asks of it.

    Zones and addresses are refused where the network is planned (fleet/gcp/network.py), file systems where caches are (fleet/gcp/storage.py).

    Args:
        settings: with default pools.
        pools: of every cluster; pools that were refused already are left out.
    """
    clusters = _clusters(settings)
    for name, cluster in clusters.items():
        yield from _image_credential(f"clusters.{name}.images.credential_arn", cluster)
        yield from _secret_replicas(f"clusters.{name}.secret_replicas", cluster)
    yield from spot_checks.problems(settings, clusters)
    yield from reservations.problems(settings, pools)
    yield from quotas.problems(settings, pools)


def notices(settings: Settings, pools: Pools) -> Iterator[str]:
    """Warnings, one sentence each: what nothing here can know or keep, and is planned all the same."""
    clusters = _clusters(settings)
    for name, cluster in clusters.items():
        yield from _unknown_offerings(name, cluster, pools.get(name, ()))
        yield from _capacity_order(name, cluster, pools.get(name, ()))
        if cluster.gpu_driver == "default" and pools.get(name):
            unknown = "vLLM 0.33 needs driver R580, and whether GKE's default is as new is not known here"
            yield f"clusters.{name}.gpu_driver: {unknown}; leave it out for the newest"
    if settings.environment == "prod":
        yield from _shared_projects(clusters)
    yield from reservations.notices(settings)


def _clusters(settings: Settings) -> dict[str, GcpCluster]:
    return {name: cluster for name, cluster in settings.clusters.items() if isinstance(cluster, GcpCluster)}


def _image_credential(field: str, cluster: GcpCluster) -> Iterator[Problem]:
    """The setting is one of all clouds' images, and its value is an ARN."""
    if cluster.images.credential_arn is not None:
        limit = "names a secret of AWS, and a mirror in Artifact Registry pulls from Docker Hub without an account"
        yield Problem(field=field, value=cluster.images.credential_arn, limit=limit, remedy="remove it here; clusters on AWS may have it")


def _secret_replicas(field: str, cluster: GcpCluster) -> Iterator[Problem]:
    for index, region in enumerate(cluster.secret_replicas):
        each = f"{field}[{index}]"
        if region == cluster.region:
            yield Problem(field=each, value=region, limit="is where the secrets are themselves", remedy="name other regions")
        elif region in cluster.secret_replicas[:index]:
            yield Problem(field=each, value=region, limit="is named twice", remedy="name each once")


def _unknown_offerings(name: str, cluster: GcpCluster, pools: Sequence[PoolPlan]) -> Iterator[str]:
    machines = dict.fromkeys((SYSTEM_MACHINE, *(pool.machine for pool in pools)))
    unknown = [machine for machine in machines if not offerings.knows(machine, cluster.region)]
    if unknown:
        wanted = " OR ".join(f"name={machine}" for machine in unknown)
        command = f'gcloud compute machine-types list --filter="zone:{cluster.region} AND ({wanted})"'
        yield f"cluster {name}: whether the zones of {cluster.region} offer {', '.join(unknown)} is not known here; ask {command}"


def _capacity_order(name: str, cluster: GcpCluster, pools: Sequence[PoolPlan]) -> Iterator[str]:
    several = [pool.name for pool in pools if len(pool.capacity) > 1 and pool.capacity != CHEAPEST_FIRST]
    if several and not cluster.compute_classes:
        yield (
            f"cluster {name}: the order of capacity in pool {', '.join(several)} is not kept, for GKE takes the cheapest kind that it gets; "
            f"clusters.{name}.compute_classes: true keeps it"
        )


def _shared_projects(clusters: Mapping[str, GcpCluster]) -> Iterator[str]:
    """Google names a pod's service account by project, namespace and name: the cluster is no part of it (fleet/gcp/identity.py)."""
    by_project: dict[str, list[str]] = {}
    for name, cluster in clusters.items():
        by_project.setdefault(cluster.project, []).append(name)
    for project, names in by_project.items():
        if len(names) > 1:
            yield (
                f"clusters {', '.join(names)} share project {project}: a pod of one may read what pods of the same service account may in the "
                "others, weights and secrets; projects of their own would separate them"
            )
