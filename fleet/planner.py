"""Settings become a plan, or every reason why not: the table of contents of the product."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from fleet import catalog, checks, cost, default_pools, naming, network, notices, placement, reservations, risks, rollout
from fleet.aws import checks as aws_checks
from fleet.caches import cache_plan
from fleet.caches import problems as cache_problems
from fleet.fleet_plan import CachePlan, ClusterPlan, FleetPlan, ModelPlan, PoolPlan
from fleet.gcp import checks as gcp_checks
from fleet.lock import Lock
from fleet.model_server import ServerInputs, model_plan
from fleet.problems import PlanError, Problem
from fleet.region_plans import with_region
from fleet.resolve import ResolvedModel, resolve
from fleet.settings import Cluster, ExistingCluster, Replicas, Settings

NAMESPACE = "vllm"
"""One namespace per cluster; a stack owns its clusters, so two environments never share one."""


def plan(settings: Settings, *, stack: str | None = None, lock: Lock | None = None, directory: Path = Path()) -> FleetPlan:
    """The fleet these settings describe, every number decided.

    Args:
        settings: a read stack file.
        stack: name of the stack, for the plan's title; default: the environment.
        lock: known revisions and digests; default: the shipped `fleet.lock.json`.
        directory: where `config:` paths of models start.

    Raises:
        PlanError: with all problems at once.
    """
    lock = lock or Lock.shipped()
    written, settings = settings, default_pools.with_pools(settings)
    problems = checks.check(settings)
    models, refused = _resolved(settings, lock, directory)
    problems += refused
    networks, refused = network.addresses(settings)
    problems += refused
    clusters: list[ClusterPlan] = []
    for name, cluster in settings.clusters.items():
        planned, refused = _cluster(settings, name, cluster, models, lock, networks.get(name))
        clusters.append(planned)
        problems += refused
    pools = {cluster.name: cluster.pools for cluster in clusters}
    problems += reservations.problems(settings)
    problems += aws_checks.problems(settings, pools)
    problems += gcp_checks.problems(settings, pools)
    problems += cost.budget_problems(settings, clusters) if not problems else []
    unresolved = risks.unresolved(clusters)
    refused, warnings = risks.judge(settings, unresolved)
    problems += refused
    if problems:
        raise PlanError({problem.message: problem for problem in problems}.values())  # clusters share pools, and pools their mistakes
    return FleetPlan(
        name=settings.name,
        environment=settings.environment,
        owner=settings.owner,
        stack=stack or settings.environment,
        clusters=tuple(clusters),
        usd_per_hour=cost.fleet_cost(clusters),
        unresolved=tuple(unresolved.values()),
        accepted_risks=tuple((accepted.risk, accepted.reason) for accepted in settings.accepted_risks),
        warnings=(
            *warnings,
            *notices.notices(written, settings),
            *(problem.message for problem in network.collisions(settings)),
            *aws_checks.notices(settings, pools),
            *gcp_checks.notices(settings, pools),
            *(f"{model.name} in {cluster.name}: {note}" for cluster in clusters for model in cluster.models for note in model.notes),
        ),
    )


def _resolved(settings: Settings, lock: Lock, directory: Path) -> tuple[dict[str, ResolvedModel], list[Problem]]:
    models: dict[str, ResolvedModel] = {}
    problems: list[Problem] = []
    for name, entry in settings.models.items():
        found = resolve(name, entry, lock, directory)
        if isinstance(found, Problem):
            problems.append(found)
            continue
        models[name] = found
        if found.gated and settings.secrets.hub_token is None:
            limit = f"the hub gives {found.repository} (models.{name}) only to accounts that accepted its licence"
            remedy = "make a Secret with a token of such an account under the key token, and write its name here"
            problems.append(Problem(field="secrets.hub_token", value=None, limit=limit, remedy=remedy))
    return models, problems


def _cluster(
    settings: Settings, name: str, cluster: Cluster, models: dict[str, ResolvedModel], lock: Lock, network_cidr: str | None
) -> tuple[ClusterPlan, list[Problem]]:
    problems: list[Problem] = []
    placed = _placed(settings, name, models)
    pools: dict[str, PoolPlan] = {}
    for pool_name in sorted({pool_name for _, pool_name, _, _ in placed}):
        found = placement.pool_plan(pool_name, settings.pools[pool_name], name, cluster, dict(settings.prices))
        if isinstance(found, Problem):
            problems.append(found)
        else:
            pools[pool_name] = found
    problems += _twins(name, cluster, pools.values())
    placed = [entry for entry in placed if entry[1] in pools]
    rollouts, refused = _rollouts(settings, pools, placed)
    problems += refused
    servers: list[ModelPlan] = []
    caches: dict[str, CachePlan] = {}
    for model, pool_name, replicas, field in placed:
        if model.tensor_parallel > pools[pool_name].gpus_per_node:
            continue  # the rollout refused it already
        inputs = ServerInputs(
            settings=settings, cluster_name=name, cluster=cluster, model=model, pool=pools[pool_name], replicas=replicas, field=field, lock=lock
        )
        problems += cache_problems(inputs)
        server = model_plan(inputs, rollouts.get((pool_name, model.name)))
        if isinstance(server, list):
            problems += server
            continue
        servers.append(server)
        caches[server.cache] = cache_plan(inputs)
    existing = cluster if isinstance(cluster, ExistingCluster) else None
    region = cluster.region or (existing.context if existing else name)
    planned = ClusterPlan(
        name=name,
        cloud=cluster.cloud,
        region=region,
        identifier=naming.cluster_identifier(settings.environment, name, _identity(cluster)),
        namespace=NAMESPACE,
        state=cluster.state,
        protect=settings.environment == "prod" and cluster.state == "active" and existing is None,
        kubeconfig=existing.kubeconfig if existing else None,
        context=existing.context if existing else None,
        cluster_uid=existing.cluster_uid if existing else None,
        tags={"fleet": settings.name, "environment": settings.environment, "owner": settings.owner, "cluster": name},
        pools=tuple(pools.values()),
        caches=tuple(caches[key] for key in sorted(caches)),
        models=tuple(servers),
    )
    if network_cidr and not problems:
        return with_region(settings, cluster, planned, network_cidr)
    return planned, problems


def _placed(settings: Settings, cluster: str, models: dict[str, ResolvedModel]) -> list[tuple[ResolvedModel, str, Replicas, str]]:
    """Models placed in this cluster with pool, replicas and the path of the replicas; what `checks` refused is left out."""
    found: list[tuple[ResolvedModel, str, Replicas, str]] = []
    for name, model in models.items():
        entry = settings.models[name]
        chosen = checks.placements(settings, entry).get(cluster)
        if chosen is None:
            continue
        pool = chosen.pool or entry.pool
        if pool in settings.pools and settings.pools[pool].accelerator in catalog.ACCELERATORS:
            path = f"models.{name}.placements.{cluster}.replicas" if chosen.replicas else f"models.{name}.replicas"
            found.append((model, pool, chosen.replicas or entry.replicas, path))
    return found


def _rollouts(
    settings: Settings, pools: dict[str, PoolPlan], placed: Sequence[tuple[ResolvedModel, str, Replicas, str]]
) -> tuple[dict[tuple[str, str], rollout.RolloutPlan], list[Problem]]:
    found: dict[tuple[str, str], rollout.RolloutPlan] = {}
    problems: list[Problem] = []
    for name, pool in pools.items():
        demands = [
            rollout.Demand(
                model=model.name,
                tensor_parallel=model.tensor_parallel,
                min_replicas=replicas.min,
                max_replicas=max(replicas.max or replicas.min, replicas.min),
                rollout=settings.models[model.name].rollout,
                replicas_field=field,
                exclusive=settings.models[model.name].cache.kind == "volume",
            )
            for model, pool_name, replicas, field in placed
            if pool_name == name
        ]
        plans, refused = rollout.prove(name, pool.gpus_per_node, pool.max_nodes, demands)
        found |= {(name, model): planned for model, planned in plans.items()}
        problems += refused
    return found, problems


def _twins(cluster_name: str, cluster: Cluster, pools: Iterable[PoolPlan]) -> list[Problem]:
    """Two pools of an existing cluster that its labels cannot tell apart would count the same nodes twice."""
    if not isinstance(cluster, ExistingCluster):
        return []
    seen: dict[tuple[tuple[str, str], ...], str] = {}
    problems: list[Problem] = []
    for pool in pools:
        twin = seen.setdefault(tuple(sorted(pool.node_labels.items())), pool.name)
        if twin != pool.name:
            limit = f"selects the same nodes of cluster {cluster_name} as pool {twin}, so their max_nodes would be counted twice"
            problems.append(Problem(field=f"pools.{pool.name}", value=pool.accelerator, limit=limit, remedy="use one pool for both"))
    return problems


def _identity(cluster: Cluster) -> tuple[str, ...]:
    """The inputs whose change means another cluster: what forces a replacement, and for an existing one its identity."""
    if isinstance(cluster, ExistingCluster):
        return (cluster.cluster_uid or cluster.context,)
    return (cluster.cloud, cluster.region)
