"""GPUs that a fleet could run at most, by quota of Compute Engine, and what to do where the project's limit is below.

Three layers, and a machine needs room in each that it counts against: all GPUs of a project in all regions together (new projects have 0
or 1); GPUs of a model or family in a region; for spot and flex-start machines, the model's own limit of what can be taken back, instead
of the second.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial

from fleet import catalog, quotas, shapes
from fleet.fleet_plan import PoolPlan
from fleet.problems import Problem
from fleet.quotas import Line, QuotaNeed
from fleet.settings import GcpCluster, Settings

ALL_REGIONS = "GPUS-ALL-REGIONS-per-project"
"""Counts every GPU, whichever rung bought it: nothing found exempts spot machines, and reports of 2026 name it as their limit too."""

STANDARD_RUNGS = frozenset({"on_demand", "reservation"})
"""Rungs whose machines count against the limit of their model or family."""

PREEMPTIBLE_RUNGS = frozenset({"spot", "flex_start"})
"""Rungs whose machines count against the limit of what can be taken back (Google's documentation on flex-start: preemptible quota). In a
project that has none of it, spot machines count against the other limit (its guide on Spot VMs, read on 2026-11-25): nothing here knows."""


def known() -> tuple[str, ...]:
    """Every id that a machine of the catalogue can count against."""
    gpus = [gpu for gpu in catalog.ACCELERATORS.values() if any(shape.cloud == "gcp" for shape in gpu.shapes)]
    return (ALL_REGIONS, *sorted({code for gpu in gpus for code in (gpu.gcp_quota, gpu.gcp_spot_quota) if code}))


def needs(settings: Settings, pools: Mapping[str, Sequence[PoolPlan]]) -> tuple[QuotaNeed, ...]:
    """Every quota that the clusters on Google count against, by project, region and id.

    A pool counts its whole maximum against each kind of capacity that it names: all its machines may come from one rung. Against the limit
    of all regions it counts once.
    """
    found: list[tuple[tuple[str, ...], str, Line]] = []
    for name, cluster in settings.clusters.items():
        if isinstance(cluster, GcpCluster):
            for pool in pools.get(name, ()):
                line = Line(cluster=name, pool=pool.name, machine=pool.machine, nodes=pool.max_nodes, per_node=pool.gpus_per_node)
                found += [((cluster.project,), ALL_REGIONS, line), *(((cluster.project, cluster.region), code, line) for code in _codes(pool))]
    return tuple(_need(settings, place, code, lines) for place, code, lines in quotas.grouped(found))


def problems(settings: Settings, pools: Mapping[str, Sequence[PoolPlan]]) -> Iterator[Problem]:
    """Limits of the stack file that the fleet could pass, and ids that limit nothing of it."""
    for name, cluster in settings.clusters.items():
        if isinstance(cluster, GcpCluster):
            yield from quotas.unknown_codes(name, cluster.quotas, known())
    for need in needs(settings, pools):
        elsewhere = "place models in a cluster of another project" if need.code == ALL_REGIONS else _other_limit(need)
        yield from quotas.exceeded(need, cloud="Google", smaller=partial(_fewer_gpus, settings, pools), elsewhere=elsewhere)


def _codes(pool: PoolPlan) -> Iterator[str]:
    gpu = catalog.accelerator(pool.accelerator)
    if STANDARD_RUNGS & set(pool.capacity) and gpu.gcp_quota:
        yield gpu.gcp_quota
    if PREEMPTIBLE_RUNGS & set(pool.capacity) and gpu.gcp_spot_quota:
        yield gpu.gcp_spot_quota


def _need(settings: Settings, place: tuple[str, ...], code: str, lines: tuple[Line, ...]) -> QuotaNeed:
    project, region = place[0], place[1] if len(place) > 1 else None
    sharing = {
        name: cluster.quotas
        for name, cluster in settings.clusters.items()
        if isinstance(cluster, GcpCluster) and cluster.project == project and region in (None, cluster.region)
    }
    limit, field = quotas.lowest(sharing, code)
    return QuotaNeed(
        place=f"{region or 'all regions'} of project {project}",
        code=code,
        title=code,
        unit="GPUs",
        lines=lines,
        limit=limit,
        limit_field=field,
        request=_request(project, region, code, quotas.total(lines)),
    )


def _request(project: str, region: str | None, code: str, amount: int) -> str:
    """The family is a dimension of the request, and part of the id in the stack file (reference of gcloud beta quotas preferences create)."""
    quota_id, _, family = code.partition("/")
    dimensions = [*([f"region={region}"] if region else []), *([f"gpu_family={family}"] if family else [])]
    what = f"--service=compute.googleapis.com --project={project} --quota-id={quota_id} --preferred-value={amount}"
    where = f" --dimensions={','.join(dimensions)}" if dimensions else ""
    return f"gcloud beta quotas preferences create {what}{where}"


def _fewer_gpus(settings: Settings, pools: Mapping[str, Sequence[PoolPlan]], line: Line, most_gpus: int) -> str | None:
    """Machines with fewer of the same GPUs, where every cluster that has the pool can buy them."""
    name, cluster = line.pool or "", settings.clusters[line.cluster]
    pool = settings.pools[name]
    for gpus in range(min(line.per_node - 1, most_gpus), 0, -1):
        if quotas.can_be_bought(settings, pools, name, pool.model_copy(update={"gpus_per_node": gpus, "machine": None})):
            machine = f" and leave pools.{name}.machine out" if pool.machine else ""
            found = shapes.shape(cluster.cloud, pool.accelerator, gpus, cluster.region)
            return f"set pools.{name}.gpus_per_node to {gpus}{machine}, as in {found.label}, where its models need no more"
    return None


def _other_limit(need: QuotaNeed) -> str:
    """Ids of what can be taken back begin alike, and every model and region has a limit of its own."""
    kind = "machines on demand" if need.code.startswith("PREEMPTIBLE-") else "spot machines"
    return f"place models in another region, or on {kind}, which have a limit of their own"
