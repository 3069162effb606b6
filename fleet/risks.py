"""What somebody has to say yes to by name: what nobody has pinned yet, and API servers that everybody can reach."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from ipaddress import ip_network

from fleet.fleet_plan import ClusterPlan
from fleet.problems import Problem
from fleet.settings import AwsCluster, Settings

SHORTEST_PREFIX = 8
"""An address range with a shorter prefix is no organisation's own: it is everybody's."""


def unresolved(clusters: Sequence[ClusterPlan]) -> dict[str, str]:
    """Risk to words, for every image of the plan that is named by tag and not by digest."""
    images = {model.image for cluster in clusters for model in cluster.models}
    images |= {cache.mirror_image for cluster in clusters for cache in cluster.caches}
    return {
        f"unresolved image {image}": f"{image} has no digest: a tag can move; `python -m fleet lock` asks the registry"
        for image in sorted(images)
        if "@sha256:" not in image
    }


def judge(settings: Settings, found: Mapping[str, str]) -> tuple[list[Problem], list[str]]:
    """Problems for what is refused, warnings for the rest and for acceptances that no longer name anything.

    Unpinned images are refused in prod only, an API server open to everybody is refused everywhere.
    """
    accepted = {entry.risk for entry in settings.accepted_risks}
    exposed = list(_exposed(settings))
    named = {*found, *(risk for risk, _ in exposed)}
    stale = [f"accepted risk {risk!r} names nothing in this plan: remove it" for risk in sorted(accepted - named)]
    problems = [problem for risk, problem in exposed if risk not in accepted]
    if settings.environment != "prod":
        return problems, [*(words for risk, words in found.items() if risk not in accepted), *stale]
    problems += [
        Problem(
            field="accepted_risks",
            value=risk,
            limit="prod runs only what is pinned",
            remedy=f"run `python -m fleet lock`, or accept it by name with a reason: {{risk: {risk!r}, reason: ...}}",
        )
        for risk in found
        if risk not in accepted
    ]
    return problems, stale


def _exposed(settings: Settings) -> Iterator[tuple[str, Problem]]:
    for name, cluster in settings.clusters.items():
        if not isinstance(cluster, AwsCluster):
            continue
        for index, cidr in enumerate(cluster.endpoint.public_cidrs):
            network = ip_network(cidr)
            if network.prefixlen < SHORTEST_PREFIX:
                risk = f"open API server {name}"
                limit = f"opens the API server to {network.num_addresses:,} addresses, which are not all yours"
                remedy = f"list the runner's own ranges, or accept it by name with a reason: {{risk: {risk!r}, reason: ...}}"
                yield risk, Problem(field=f"clusters.{name}.endpoint.public_cidrs[{index}]", value=cidr, limit=limit, remedy=remedy)
