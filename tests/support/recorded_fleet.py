"""A fleet under mocks: what was planned, and what the program registered of it, seen from one of its clouds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory

from fleet.fleet_plan import ClusterPlan, FleetPlan
from fleet.planner import plan
from fleet.stack_file import parse
from tests.support.fleets import Settings, graph_of
from tests.support.recording import Graph, Resource


@dataclass(frozen=True)
class Recorded:
    """One fleet, and the cloud that is looked at; None: all of them."""

    plan: FleetPlan
    graph: Graph
    cloud: str | None

    @cached_property
    def clusters(self) -> tuple[ClusterPlan, ...]:
        """Those in the cloud."""
        return tuple(cluster for cluster in self.plan.clusters if self.cloud in {None, cluster.cloud})

    @property
    def needs(self) -> dict[str, set[str]]:
        """URN to everything that is made before it and goes after it."""
        return self.graph.needed

    def made(self, *kinds: str, cluster: str | None = None) -> Iterator[Resource]:
        """Resources whose type is one of these or begins with one that ends in a colon or slash, of one cluster or of all."""
        starts = tuple(kind for kind in kinds if kind.endswith((":", "/")))
        for each in self.graph.resources.values():
            if (each.type in kinds or each.type.startswith(starts)) and cluster in {None, self.graph.region(each)}:
                yield each

    def the(self, kind: str, cluster: str, name: str | None = None) -> Resource:
        """The one resource of this type, and of this name where there are several."""
        found = [each for each in self.made(kind, cluster=cluster) if name in {None, each.name}]
        assert len(found) == 1, f"{len(found)} resources {kind} {name} in {cluster}"
        return found[0]

    def before(self, later: Resource, *earlier: Resource) -> list[str]:
        """Names of those that are not there before `later` is made."""
        return [each.name for each in earlier if each.urn not in self.needs[later.urn]]


def record(settings: Settings, stack: str, cloud: str | None = None) -> Recorded:
    """Plan and run a fleet."""
    with TemporaryDirectory() as folder:
        graph = graph_of(settings, Path(folder), stack)
    return Recorded(plan(parse(settings), stack=stack), graph, cloud)
