"""What nobody has pinned yet, and who said that this is acceptable."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from fleet.fleet_plan import ClusterPlan
from fleet.problems import Problem
from fleet.settings import Settings


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
    """Problems for what prod refuses, warnings for the rest and for acceptances that no longer name anything."""
    accepted = {entry.risk for entry in settings.accepted_risks}
    stale = [f"accepted risk {risk!r} names nothing in this plan: remove it" for risk in sorted(accepted - set(found))]
    if settings.environment != "prod":
        return [], [*(words for risk, words in found.items() if risk not in accepted), *stale]
    problems = [
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
