"""What one field cannot know about another: references, combinations, and values that are in the schema but not served yet."""

from __future__ import annotations

from collections.abc import Iterator

from fleet.problems import Problem, nearest
from fleet.settings import AwsCluster, ExistingCluster, GcpCluster, Model, Placement, Settings


def check(settings: Settings) -> list[Problem]:
    """Every problem that can be seen without sizing anything."""
    return [*_references(settings), *_models(settings), *_clusters(settings), *_not_served(settings)]


def placements(settings: Settings, model: Model) -> dict[str, Placement]:
    """Cluster name to placement; a model without `placements` runs in every cluster."""
    if model.placements is None:
        return {name: Placement() for name in settings.clusters}
    return dict(model.placements)


def _references(settings: Settings) -> Iterator[Problem]:
    for name, model in settings.models.items():
        where = f"models.{name}"
        if model.placements is not None and not model.placements:
            yield Problem(field=f"{where}.placements", value={}, limit="a model runs somewhere", remedy="name a cluster, or remove the model")
        for cluster, placement in placements(settings, model).items():
            field = f"{where}.placements.{cluster}"
            if cluster not in settings.clusters:
                yield Problem(field=field, value=cluster, limit="there is no such cluster", remedy=nearest(cluster, settings.clusters))
                continue
            pool = placement.pool or model.pool
            pool_field = f"{field}.pool" if placement.pool else f"{where}.pool"
            if pool is None:
                remedy = f"set {where}.pool, or {field}.pool; {nearest('', settings.pools)}"
                yield Problem(field=pool_field, value=None, limit=f"no pool in cluster {cluster}", remedy=remedy)
            elif pool not in settings.pools:
                yield Problem(field=pool_field, value=pool, limit="there is no such pool", remedy=nearest(pool, settings.pools))
    primary = settings.traffic.primary
    if primary is not None and primary not in settings.clusters:
        yield Problem(field="traffic.primary", value=primary, limit="there is no such cluster", remedy=nearest(primary, settings.clusters))


def _models(settings: Settings) -> Iterator[Problem]:
    for name, model in settings.models.items():
        where = f"models.{name}"
        if name == "vllm":
            limit = "a Service of this name injects VLLM_PORT into every pod, which stops vLLM"
            yield Problem(field=where, value=name, limit=limit, remedy="name it after what clients ask for, for example chat")
        if model.tier is None and model.model is None:
            remedy = f"set {where}.tier, or {where}.model with a revision"
            yield Problem(field=f"{where}.tier", value=None, limit="neither tier nor model says which weights", remedy=remedy)
        for cluster, placement in placements(settings, model).items():
            replicas = placement.replicas or model.replicas
            field = f"{where}.placements.{cluster}.replicas" if placement.replicas else f"{where}.replicas"
            if replicas.max is not None and replicas.max < replicas.min:
                yield Problem(field=f"{field}.max", value=replicas.max, limit=f"is below min, {replicas.min}", remedy="raise max or lower min")
            if settings.environment == "prod" and model.slo == "interactive" and replicas.min < 2:
                limit = "an interactive model in prod runs at least 2 replicas per cluster, so that one can fail or be replaced"
                yield Problem(field=f"{field}.min", value=replicas.min, limit=limit, remedy="set it to 2, or slo: standard")
    for name, pool in settings.pools.items():
        if pool.min_nodes > pool.max_nodes:
            limit = f"is above max_nodes, {pool.max_nodes}"
            yield Problem(field=f"pools.{name}.min_nodes", value=pool.min_nodes, limit=limit, remedy="lower it")
        if len(set(pool.capacity)) != len(pool.capacity):
            yield Problem(field=f"pools.{name}.capacity", value=list(pool.capacity), limit="names a rung twice", remedy="name each once")


def _clusters(settings: Settings) -> Iterator[Problem]:
    contexts: dict[tuple[str, str], str] = {}
    for name, cluster in settings.clusters.items():
        where = f"clusters.{name}"
        if isinstance(cluster, AwsCluster) and not cluster.endpoint.public_cidrs and cluster.runner != "in_vpc":
            limit = "nobody outside its network could reach this cluster's API server, and the same run creates objects inside it"
            remedy = f"list the runner's addresses in {where}.endpoint.public_cidrs, or run inside the network and set {where}.runner: in_vpc"
            yield Problem(field=f"{where}.endpoint.public_cidrs", value=[], limit=limit, remedy=remedy)
        if isinstance(cluster, ExistingCluster):
            twin = contexts.setdefault((cluster.kubeconfig, cluster.context), name)
            if twin != name:
                limit = f"is cluster {twin} as well: both would own the same objects"
                yield Problem(field=f"{where}.context", value=cluster.context, limit=limit, remedy="name another context, or remove one")
            if settings.environment == "prod" and cluster.cluster_uid is None:
                limit = "prod writes only to a cluster whose identity is known"
                remedy = "kubectl get namespace kube-system -o jsonpath={.metadata.uid}, and write it here"
                yield Problem(field=f"{where}.cluster_uid", value=None, limit=limit, remedy=remedy)


def _not_served(settings: Settings) -> Iterator[Problem]:
    """Values the schema has from the start because renaming a field later breaks users, and that nothing acts on yet."""
    if settings.traffic.mode != "active-active":
        yield _unserved("traffic.mode", settings.traffic.mode, "active-active")
    if settings.traffic.primary is not None:
        yield _unserved("traffic.primary", settings.traffic.primary, "leave it out")
    if settings.domain is not None:
        yield _unserved("domain", settings.domain, "leave it out; clients use each cluster's Services")
    for name, cluster in settings.clusters.items():
        if cluster.weight != 100:
            yield _unserved(f"clusters.{name}.weight", cluster.weight, "leave it at 100")
        if cluster.drained:
            yield _unserved(f"clusters.{name}.drained", value=True, remedy="leave it out")
        if isinstance(cluster, AwsCluster | GcpCluster) and cluster.images.mirror:
            yield _unserved(f"clusters.{name}.images.mirror", value=True, remedy="leave it out")
        if isinstance(cluster, AwsCluster) and cluster.flow_logs:
            yield _unserved(f"clusters.{name}.flow_logs", value=True, remedy="leave it out")
    for name, model in settings.models.items():
        if model.autoscaling.enabled:
            yield _unserved(f"models.{name}.autoscaling.enabled", value=True, remedy="leave it out; replicas.min servers run")
        yield from _cache_not_served(settings, name, model)


def _cache_not_served(settings: Settings, name: str, model: Model) -> Iterator[Problem]:
    kind = model.cache.kind
    if kind in ("volume", "node_local"):
        yield _unserved(f"models.{name}.cache.kind", kind, "use bucket in a cloud, shared in an existing cluster, or leave it out")
        return
    for cluster_name in placements(settings, model):
        cluster = settings.clusters.get(cluster_name)
        if isinstance(cluster, ExistingCluster):
            if kind == "bucket":
                yield _unserved(f"models.{name}.cache.kind", kind, f"cluster {cluster_name} exists already: use shared, or leave it out")
            elif "cache" not in cluster.storage_classes:
                limit = f"model {name} needs a storage class that many nodes can mount"
                remedy = "set it to one of that cluster, for example storage_classes: {cache: nfs}"
                yield Problem(field=f"clusters.{cluster_name}.storage_classes.cache", value=None, limit=limit, remedy=remedy)
        elif cluster is not None and kind == "shared":
            yield _unserved(f"models.{name}.cache.kind", kind, f"cluster {cluster_name} has a bucket: use bucket, or leave it out")


def _unserved(field: str, value: object, remedy: str) -> Problem:
    return Problem(field=field, value=value, limit="is not served yet", remedy=remedy)
