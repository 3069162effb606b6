"""Virtual CPUs that a fleet could run at most, by quota of EC2, and what to do where the account's limit is below."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial

from fleet import catalog, quotas
from fleet.aws.network import foreign_partition
from fleet.aws.nodes import SYSTEM_NODES
from fleet.aws.offerings import SYSTEM_MACHINE, SYSTEM_MACHINE_VCPUS
from fleet.fleet_plan import PoolPlan
from fleet.problems import Problem
from fleet.quotas import Line, QuotaNeed
from fleet.settings import AwsCluster, Settings

STANDARD = "L-1216C47A"

TITLES: Mapping[str, str] = {
    STANDARD: "Running On-Demand Standard instances",
    "L-34B43A08": "All Standard Spot Instance Requests",
    "L-DB2E81BA": "Running On-Demand G and VT instances",
    "L-3819A6DF": "All G and VT Spot Instance Requests",
    "L-417A185B": "Running On-Demand P instances",
    "L-7212CCBC": "All P4, P3 and P2 Spot Instance Requests",
    "L-C4BD4855": "All P5 Spot Instance Requests",
}
"""Quotas of EC2 that are counted in virtual CPUs, per account and region (public copies of the quota page, seen in 2026). New accounts
have 0 of each kind with GPUs."""

ON_DEMAND_RUNGS = frozenset({"on_demand", "reservation"})
"""A capacity reservation counts against the limit of machines on demand (EC2 API, CreateCapacityReservation). Which one a
capacity block counts against, no source says: it is left out."""

SYSTEM_GROWTH = 2
"""The system's node group may grow to this many times its usual number (fleet/aws/nodes.py)."""


def needs(settings: Settings, pools: Mapping[str, Sequence[PoolPlan]]) -> tuple[QuotaNeed, ...]:
    """Every quota that the AWS clusters count against, by region and code.

    A pool counts its whole maximum against each kind of capacity it names: all its machines may come from one rung. Larger
    machines that a spot rung may take instead of the pool's own are not counted; where they pass the limit, the next rung is used.
    """
    found: list[tuple[tuple[str, ...], str, Line]] = []
    for name, cluster in settings.clusters.items():
        if isinstance(cluster, AwsCluster) and not foreign_partition(cluster.region):
            lines = [(code, line) for pool in pools.get(name, ()) for code, line in _lines(name, pool)]
            found += [((cluster.region,), code, line) for code, line in [(STANDARD, _system(settings, name)), *lines]]
    return tuple(_need(settings, region, code, lines) for (region, *_), code, lines in quotas.grouped(found))


def problems(settings: Settings, pools: Mapping[str, Sequence[PoolPlan]]) -> Iterator[Problem]:
    """Limits of the stack file that the fleet could pass, and codes that limit nothing of it."""
    for name, cluster in settings.clusters.items():
        if isinstance(cluster, AwsCluster):
            yield from quotas.unknown_codes(name, cluster.quotas, TITLES)
    for need in needs(settings, pools):
        elsewhere = "place models in another region, which has a limit of its own"
        yield from quotas.exceeded(need, cloud="AWS", smaller=partial(_smaller, settings, pools), elsewhere=elsewhere)


def notices(cluster: str, pools: Sequence[PoolPlan]) -> Iterator[str]:
    """Pools of a cluster whose quota no source names: a warning, one sentence each."""
    for pool in pools:
        if "spot" in pool.capacity and catalog.accelerator(pool.accelerator).aws_spot_quota_code is None:
            unknown = f"which quota spot machines of {pool.machine} count against"
            yield f"pool {pool.name} of cluster {cluster}: sources disagree {unknown}, and nothing here checks it"


def _lines(cluster: str, pool: PoolPlan) -> Iterator[tuple[str, Line]]:
    gpu, line = catalog.accelerator(pool.accelerator), _line(cluster, pool)
    if ON_DEMAND_RUNGS & set(pool.capacity) and gpu.aws_quota_code:
        yield gpu.aws_quota_code, line
    if "spot" in pool.capacity and gpu.aws_spot_quota_code:
        yield gpu.aws_spot_quota_code, line


def _line(cluster: str, pool: PoolPlan) -> Line:
    return Line(cluster=cluster, pool=pool.name, machine=pool.machine, nodes=pool.max_nodes, per_node=pool.node_vcpus or 0)


def _system(settings: Settings, cluster: str) -> Line:
    nodes = SYSTEM_GROWTH * SYSTEM_NODES[settings.environment == "prod"]
    return Line(cluster=cluster, pool=None, machine=SYSTEM_MACHINE, nodes=nodes, per_node=SYSTEM_MACHINE_VCPUS)


def _need(settings: Settings, region: str, code: str, lines: tuple[Line, ...]) -> QuotaNeed:
    sharing = {name: found.quotas for name, found in settings.clusters.items() if isinstance(found, AwsCluster) and found.region == region}
    limit, field = quotas.lowest(sharing, code)
    what = f"--service-code ec2 --quota-code {code} --desired-value {quotas.total(lines)} --region {region}"
    return QuotaNeed(
        place=region,
        code=code,
        title=TITLES[code],
        unit="virtual CPUs",
        lines=lines,
        limit=limit,
        limit_field=field,
        request=f"aws service-quotas request-service-quota-increase {what}",
    )


def _smaller(settings: Settings, pools: Mapping[str, Sequence[PoolPlan]], line: Line, most_vcpus: int) -> str | None:
    """The largest machine with the same GPUs that fits under the limit and that every cluster of the pool can buy, where there is one."""
    name = line.pool or ""
    pool = settings.pools[name]
    own = next(shape for shape in catalog.SHAPES if (shape.cloud, shape.machine) == ("aws", line.machine))
    same = [shape for shape in catalog.SHAPES if (shape.cloud, shape.accelerator, shape.gpus) == ("aws", own.accelerator, own.gpus)]
    fitting = sorted((shape for shape in same if shape.vcpus < own.vcpus and shape.vcpus <= most_vcpus), key=lambda shape: -shape.vcpus)
    changed = ((shape, pool.model_copy(update={"machine": shape.machine})) for shape in fitting)
    largest = next((shape for shape, instead in changed if quotas.can_be_bought(settings, pools, name, instead)), None)
    if largest is None:
        return None
    return f"set pools.{name}.machine to {largest.label}, with {largest.vcpus} virtual CPUs instead of {line.per_node}"
