"""Virtual CPUs that a fleet could run at most, by quota of EC2, and what to do where the account's limit is below."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from fleet import catalog
from fleet.aws.network import foreign_partition
from fleet.aws.nodes import SYSTEM_NODES
from fleet.aws.offerings import SYSTEM_MACHINE, SYSTEM_MACHINE_VCPUS
from fleet.fleet_plan import PoolPlan
from fleet.problems import Problem, nearest
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


@dataclass(frozen=True, kw_only=True)
class Line:
    """One group of machines that counts against a quota."""

    cluster: str
    pool: str | None
    """None: the machines of the system."""
    machine: str
    nodes: int
    """At most."""
    node_vcpus: int

    @property
    def vcpus(self) -> int:
        """Of all its machines."""
        return self.nodes * self.node_vcpus

    def __str__(self) -> str:
        name = f"pool {self.pool}" if self.pool else "the system"
        return f"{name} of {self.cluster} {self.vcpus} ({self.nodes} × {self.machine})"


@dataclass(frozen=True, kw_only=True)
class QuotaNeed:
    """What all clusters of one region could use of one quota together: they share the account's limit."""

    region: str
    code: str
    lines: tuple[Line, ...]
    limit_vcpus: int | None
    """The lowest that the stack file states for the region; None where it states none."""
    limit_field: str
    """Where that stands, or would."""

    @property
    def vcpus(self) -> int:
        """Virtual CPUs at the maximum of every pool."""
        return sum(line.vcpus for line in self.lines)

    @property
    def title(self) -> str:
        """As the quota is called in the console."""
        return TITLES[self.code]

    @property
    def request(self) -> str:
        """The command that asks AWS for as much as is needed."""
        what = f"--service-code ec2 --quota-code {self.code} --desired-value {self.vcpus} --region {self.region}"
        return f"aws service-quotas request-service-quota-increase {what}"


def needs(settings: Settings, pools: Mapping[str, Sequence[PoolPlan]]) -> tuple[QuotaNeed, ...]:
    """Every quota that the AWS clusters count against, by region and code.

    A pool counts its whole maximum against each kind of capacity it names: all its machines may come from one rung. Larger
    machines that a spot rung may take instead of the pool's own are not counted; where they pass the limit, the next rung is used.
    """
    found: list[tuple[str, str, Line]] = []
    for name, cluster in settings.clusters.items():
        if isinstance(cluster, AwsCluster) and not foreign_partition(cluster.region):
            lines = [(code, line) for pool in pools.get(name, ()) for code, line in _lines(name, pool)]
            found += [(cluster.region, code, line) for code, line in [(STANDARD, _system(settings, name)), *lines]]
    found.sort(key=lambda entry: entry[:2])
    return tuple(
        _need(settings, region, code, tuple(line for _, _, line in entries))
        for (region, code), entries in groupby(found, key=lambda entry: entry[:2])
    )


def problems(settings: Settings, pools: Mapping[str, Sequence[PoolPlan]]) -> Iterator[Problem]:
    """Limits of the stack file that the fleet could pass, and codes that limit nothing of it."""
    for name, cluster in settings.clusters.items():
        for code in cluster.quotas if isinstance(cluster, AwsCluster) else ():
            if code not in TITLES:
                limit = "is no quota that machines of the fleet count against"
                yield Problem(field=f"clusters.{name}.quotas.{code}", value=code, limit=limit, remedy=nearest(code, TITLES))
    for need in needs(settings, pools):
        if need.limit_vcpus is not None and need.vcpus > need.limit_vcpus:
            together = ", ".join(str(line) for line in need.lines)
            limit = f"the fleet could run {need.vcpus} virtual CPUs of {need.title} in {need.region}: {together}"
            yield Problem(field=need.limit_field, value=need.limit_vcpus, limit=limit, remedy="; or ".join(_ways_out(need, need.limit_vcpus)))


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
    return Line(cluster=cluster, pool=pool.name, machine=pool.machine, nodes=pool.max_nodes, node_vcpus=pool.node_vcpus or 0)


def _system(settings: Settings, cluster: str) -> Line:
    nodes = SYSTEM_GROWTH * SYSTEM_NODES[settings.environment == "prod"]
    return Line(cluster=cluster, pool=None, machine=SYSTEM_MACHINE, nodes=nodes, node_vcpus=SYSTEM_MACHINE_VCPUS)


def _need(settings: Settings, region: str, code: str, lines: tuple[Line, ...]) -> QuotaNeed:
    there = [(name, cluster) for name, cluster in settings.clusters.items() if isinstance(cluster, AwsCluster) and cluster.region == region]
    stated = [(cluster.quotas[code], name) for name, cluster in there if code in cluster.quotas]
    lowest, name = min(stated) if stated else (None, there[0][0])
    return QuotaNeed(region=region, code=code, lines=lines, limit_vcpus=lowest, limit_field=f"clusters.{name}.quotas.{code}")


def _ways_out(need: QuotaNeed, limit_vcpus: int) -> Iterator[str]:
    """The request first; then what the largest pool could do without it."""
    yield f"ask AWS for more and write here what it grants: {need.request}"
    line = max((line for line in need.lines if line.pool), key=lambda line: line.vcpus, default=None)
    if line is None:
        return
    of_pool = [each for each in need.lines if each.pool == line.pool]
    left = limit_vcpus - need.vcpus + sum(each.vcpus for each in of_pool)
    fewer = left // sum(each.node_vcpus for each in of_pool)
    if fewer > 0:
        yield f"set pools.{line.pool}.max_nodes to {fewer} or less"
    smaller = _smaller(line, need.region, left // sum(each.nodes for each in of_pool))
    if smaller:
        yield f"set pools.{line.pool}.machine to {smaller.label}, with {smaller.vcpus} virtual CPUs instead of {line.node_vcpus}"
    yield "place models in another region, which has a limit of its own"


def _smaller(line: Line, region: str, most_vcpus: int) -> catalog.Shape | None:
    """The largest machine with the same GPUs that fits under the limit, where there is one."""
    own = next(shape for shape in catalog.SHAPES if (shape.cloud, shape.machine) == ("aws", line.machine))
    same = [shape for shape in catalog.SHAPES if (shape.cloud, shape.accelerator, shape.gpus) == ("aws", own.accelerator, own.gpus)]
    fitting = [shape for shape in same if shape.vcpus < own.vcpus and shape.vcpus <= most_vcpus and shape.sold_in(region)]
    return max(fitting, key=lambda shape: shape.vcpus, default=None)
