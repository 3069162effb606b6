"""Values that the schema has from the start, because renaming a field later breaks users, and that nothing acts on yet."""

from __future__ import annotations

from collections.abc import Iterator

from fleet.problems import Problem
from fleet.settings import AwsCluster, Cluster, ExistingCluster, GcpCluster, Model, Settings


def problems(settings: Settings) -> Iterator[Problem]:
    """Each by name: a value that is accepted and ignored would be worse than a refusal."""
    if settings.traffic.mode != "active-active":
        yield _unserved("traffic.mode", settings.traffic.mode, "active-active, or leave it out")
    if settings.traffic.primary is not None:
        yield _unserved("traffic.primary", settings.traffic.primary, "leave it out")
    if settings.domain is not None:
        yield _unserved("domain", settings.domain, "leave it out; clients use each cluster's Services")
    for name, cluster in settings.clusters.items():
        yield from _cluster(f"clusters.{name}", cluster)
    for name, model in settings.models.items():
        if model.autoscaling.enabled:
            yield _unserved(f"models.{name}.autoscaling.enabled", value=True, remedy="leave it out; replicas.min servers run")
        yield from _cache(settings, name, model)


def _cluster(where: str, cluster: Cluster) -> Iterator[Problem]:
    if cluster.weight != 100:
        yield _unserved(f"{where}.weight", cluster.weight, "leave it at 100")
    if cluster.drained:
        yield _unserved(f"{where}.drained", value=True, remedy="leave it out")
    if isinstance(cluster, AwsCluster | GcpCluster) and cluster.images.mirror:
        yield _unserved(f"{where}.images.mirror", value=True, remedy="leave it out")
    if isinstance(cluster, AwsCluster) and cluster.flow_logs:
        yield _unserved(f"{where}.flow_logs", value=True, remedy="leave it out")


def _cache(settings: Settings, name: str, model: Model) -> Iterator[Problem]:
    kind, field = model.cache.kind, f"models.{name}.cache.kind"
    if kind in ("volume", "node_local"):
        yield _unserved(field, kind, "use bucket in a cloud, shared in an existing cluster, or leave it out")
        return
    for cluster_name in settings.clusters if model.placements is None else model.placements:
        cluster = settings.clusters.get(cluster_name)
        if isinstance(cluster, ExistingCluster) and kind == "bucket":
            yield _unserved(field, kind, f"cluster {cluster_name} exists already: use shared, or leave it out")
        elif isinstance(cluster, AwsCluster | GcpCluster) and kind == "shared":
            yield _unserved(field, kind, f"cluster {cluster_name} has a bucket: use bucket, or leave it out")


def _unserved(field: str, value: object, remedy: str) -> Problem:
    return Problem(field=field, value=value, limit="is not served yet", remedy=remedy)
