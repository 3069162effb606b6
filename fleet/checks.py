"""What one field cannot know about another: references, combinations and limits that depend on the environment."""

from __future__ import annotations

from collections.abc import Iterator

from fleet import catalog, unserved
from fleet.aws.storage_prices import STORAGE_PRICES
from fleet.problems import Problem, nearest
from fleet.settings import AwsCluster, ExistingCluster, Model, Placement, Settings

MACHINES = frozenset(shape.machine for shape in catalog.SHAPES)


def check(settings: Settings) -> list[Problem]:
    """Every problem that can be seen without sizing anything."""
    return [*_references(settings), *_models(settings), *_pools(settings), *_clusters(settings), *_rest(settings), *unserved.problems(settings)]


def placements(settings: Settings, model: Model) -> dict[str, Placement]:
    """Cluster name to placement; a model without `placements` runs in every cluster."""
    if model.placements is None:
        return dict.fromkeys(settings.clusters, Placement())
    return dict(model.placements)


def _references(settings: Settings) -> Iterator[Problem]:
    for name, model in settings.models.items():
        where = f"models.{name}"
        if model.placements is not None and not model.placements:
            remedy = "name a cluster, or leave placements out for all of them"
            yield Problem(field=f"{where}.placements", value={}, limit="a model runs somewhere", remedy=remedy)
        without: list[str] = []
        for cluster, placement in placements(settings, model).items():
            field = f"{where}.placements.{cluster}"
            pool = placement.pool or model.pool
            if cluster not in settings.clusters:
                yield Problem(
                    field=field, value=cluster, limit="there is no such cluster", remedy=nearest(cluster, settings.clusters), unknown_in="clusters"
                )
            elif pool is None:
                without.append(cluster)
            elif pool not in settings.pools:
                pool_field = f"{field}.pool" if placement.pool else f"{where}.pool"
                yield Problem(field=pool_field, value=pool, limit="there is no such pool", remedy=nearest(pool, settings.pools), unknown_in="pools")
        if model.pool is not None and model.pool not in settings.pools and all(each.pool for each in placements(settings, model).values()):
            yield Problem(
                field=f"{where}.pool", value=model.pool, limit="there is no such pool", remedy=nearest(model.pool, settings.pools), unknown_in="pools"
            )
        if without:
            yield _no_pool(settings, where, without)
    primary = settings.traffic.primary
    if primary is not None and primary not in settings.clusters:
        yield Problem(
            field="traffic.primary",
            value=primary,
            limit="there is no such cluster",
            remedy=nearest(primary, settings.clusters),
            unknown_in="clusters",
        )


def _no_pool(settings: Settings, where: str, clusters: list[str]) -> Problem:
    limit = f"nothing says on which GPUs it runs in {', '.join(clusters)}"
    choices = nearest("", settings.pools) if settings.pools else "pools defines none, and only a model with a tier has a default one"
    return Problem(field=f"{where}.pool", value=None, limit=limit, remedy=f"set {where}.pool, or {where}.placements.{clusters[0]}.pool ({choices})")


def _models(settings: Settings) -> Iterator[Problem]:
    for name, model in settings.models.items():
        where = f"models.{name}"
        if name == "vllm":
            limit = "a Service of this name injects VLLM_PORT into every pod, which stops vLLM"
            yield Problem(field=where, value=name, limit=limit, remedy="name it after what clients ask for, for example chat")
        chosen = {f"{where}.replicas": model.replicas} if model.placements is None else {}
        for cluster, placement in (model.placements or {}).items():
            field = f"{where}.placements.{cluster}.replicas" if placement.replicas else f"{where}.replicas"
            chosen[field] = placement.replicas or model.replicas
        for field, replicas in chosen.items():
            if replicas.max is not None and replicas.max < replicas.min:
                remedy = f"write {replicas.min} or more, or lower min"
                yield Problem(field=f"{field}.max", value=replicas.max, limit=f"is below min, {replicas.min}", remedy=remedy)
            if settings.environment == "prod" and model.slo == "interactive" and replicas.min < 2:
                limit = "an interactive model in prod runs at least 2 replicas per cluster, so that one can fail or be replaced"
                yield Problem(field=f"{field}.min", value=replicas.min, limit=limit, remedy="set it to 2, or slo: standard")


def _pools(settings: Settings) -> Iterator[Problem]:
    for name, pool in settings.pools.items():
        if pool.accelerator not in catalog.ACCELERATORS:
            remedy = nearest(pool.accelerator, catalog.ACCELERATORS)
            yield Problem(
                field=f"pools.{name}.accelerator", value=pool.accelerator, limit="is not in the catalogue", remedy=remedy, unknown_in="accelerators"
            )
        if pool.min_nodes > pool.max_nodes:
            limit = f"is above max_nodes, {pool.max_nodes}"
            yield Problem(field=f"pools.{name}.min_nodes", value=pool.min_nodes, limit=limit, remedy=f"write {pool.max_nodes} or less")
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
                remedy = "write here what this prints: kubectl get namespace kube-system -o jsonpath={.metadata.uid}"
                yield Problem(field=f"{where}.cluster_uid", value=None, limit=limit, remedy=remedy)
            yield from _weights_storage(settings, name, cluster)


def _weights_storage(settings: Settings, name: str, cluster: ExistingCluster) -> Iterator[Problem]:
    storage_class = cluster.storage_classes.get("cache")
    if cluster.cache_folder and storage_class:
        limit = f"storage_classes.cache names {storage_class} as well, and weights lie in one of the two"
        remedy = f"remove cache_folder, or clusters.{name}.storage_classes.cache"
        yield Problem(field=f"clusters.{name}.cache_folder", value=cluster.cache_folder, limit=limit, remedy=remedy)
    models = [model for model, entry in settings.models.items() if name in placements(settings, entry)]
    if models and not storage_class and not cluster.cache_folder:
        limit = f"the weights of {', '.join(models[:5])} need a storage class or a folder that many nodes can mount"
        remedy = f"set it to one of that cluster, for example storage_classes: {{cache: nfs}}, or set clusters.{name}.cache_folder to such a folder"
        yield Problem(field=f"clusters.{name}.storage_classes.cache", value=None, limit=limit, remedy=remedy)


def _rest(settings: Settings) -> Iterator[Problem]:
    priced = {*MACHINES, *STORAGE_PRICES}
    for name in settings.prices:
        if name not in priced:
            limit = "no machine of the catalogue and no price of storage has this name"
            yield Problem(field=f"prices.{name}", value=name, limit=limit, remedy=nearest(name, priced))
    names = [entry.risk for entry in settings.accepted_risks]
    for index, name in enumerate(names):
        if name in names[:index]:
            yield Problem(field=f"accepted_risks[{index}].risk", value=name, limit="is accepted twice", remedy="keep one of the two reasons")
