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


def _cache(settings: Settings, name: str, model: Model) -> Iterator[Problem]:
    kind, field = model.cache.kind, f"models.{name}.cache.kind"
    if kind is None:
        return
    for cluster_name in settings.clusters if model.placements is None else model.placements:
        cluster = settings.clusters.get(cluster_name)
        if isinstance(cluster, ExistingCluster) and kind != "shared":
            elsewhere = "use bucket in a cloud, shared in an existing cluster, or leave it out"
            yield _unserved(field, kind, f"cluster {cluster_name} exists already: use shared, or leave it out" if kind == "bucket" else elsewhere)
        elif isinstance(cluster, AwsCluster) and kind == "hyperdisk_ml":
            limit = f"is a disk of Google Cloud, and cluster {cluster_name} is on AWS"
            yield Problem(field=field, value=kind, limit=limit, remedy="use bucket, or place the model in Google Cloud")
        elif cluster and kind == "volume":
            shared = "bucket or hyperdisk_ml" if isinstance(cluster, GcpCluster) else "bucket"
            yield from _one_server(settings, name, model, cluster_name, shared)


def _one_server(settings: Settings, name: str, model: Model, cluster: str, shared: str) -> Iterator[Problem]:
    """A disk is mounted by one node at a time: more servers than one, now or during a rollout, would wait for it for ever.

    Args:
        settings: of the fleet.
        name: of the model.
        model: its settings.
        cluster: where it is placed.
        shared: kinds of that cluster that many servers read at once.
    """
    placed = model.placements.get(cluster) if model.placements else None
    replicas = placed.replicas if placed and placed.replicas else model.replicas
    where = f"models.{name}.placements.{cluster}" if placed and placed.replicas else f"models.{name}"
    disk, bucket = f"a volume of cluster {cluster} is a disk that one node has at a time", f"set models.{name}.cache.kind to {shared}"
    if settings.environment == "prod" and model.slo == "interactive":
        limit = f"{disk}, so one server runs from it, and an interactive model in prod runs at least 2"
        yield Problem(field=f"models.{name}.cache.kind", value="volume", limit=limit, remedy=f"use {shared}")
        return
    most = max(replicas.min, replicas.max or replicas.min)
    if most > 1:
        field = f"{where}.replicas.{'min' if replicas.min == most else 'max'}"
        yield Problem(field=field, value=most, limit=f"{disk}, so one server runs from it", remedy=f"set it to 1, or {bucket}")
    if model.rollout and (model.rollout.max_surge, model.rollout.max_unavailable) != (0, 1):
        asked = {"max_surge": model.rollout.max_surge, "max_unavailable": model.rollout.max_unavailable}
        limit = f"{disk}: the old server must be gone before the new one starts"
        yield Problem(field=f"models.{name}.rollout", value=asked, limit=limit, remedy=f"leave it out, or {bucket}")


def _unserved(field: str, value: object, remedy: str) -> Problem:
    return Problem(field=field, value=value, limit="is not served yet", remedy=remedy)
