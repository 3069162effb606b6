"""Which package makes a cluster of which cloud. Each is imported when its first cluster asks for it: SDKs are heavy."""

from __future__ import annotations

from collections.abc import Callable

import pulumi

from components.handle import CloudPackage
from fleet.fleet_plan import ClusterPlan, FleetPlan
from fleet.problems import InputError, PlanError, Problem
from fleet.risks import uncreated


def _existing() -> CloudPackage:
    from components.existing import cluster

    return cluster


def _aws() -> CloudPackage:
    from components.aws import cluster

    return cluster


CLOUDS: dict[str, Callable[[], CloudPackage]] = {"aws": _aws, "existing": _existing}
"""Cloud to the import of its package. What is missing here is planned and priced, and refused before anything is created."""


def verified(plan: FleetPlan) -> tuple[ClusterPlan, ...]:
    """Before the first resource: the clusters that are created, every one of them the one the stack file means.

    A cluster in a cloud without a package is left out, with a warning, only where the stack file accepts that by name.

    Raises:
        PlanError: one problem per cluster in a cloud without a package.
        InputError: one problem per existing cluster that is not the expected one.
    """
    accepted = {risk for risk, _ in plan.accepted_risks}
    unserved = [cluster for cluster in plan.clusters if cluster.cloud not in CLOUDS]
    problems = [
        Problem(
            field=f"clusters.{cluster.name}.cloud",
            value=cluster.cloud,
            limit=f"cloud {cluster.cloud} is not served: its clusters are planned and priced but not created yet",
            remedy=f"read the plan with `python -m fleet plan --stack {plan.stack}`, use an existing cluster, or leave it out of updates by "
            f"accepting it by name with a reason: {{risk: {uncreated(cluster.name)!r}, reason: ...}}",
        )
        for cluster in unserved
        if uncreated(cluster.name) not in accepted
    ]
    if problems:
        raise PlanError(problems)
    for cluster in unserved:
        pulumi.log.warn(f"clusters.{cluster.name} is not created: cloud {cluster.cloud} is not served yet, and the stack file accepts that")
    served = tuple(cluster for cluster in plan.clusters if cluster.cloud in CLOUDS)
    mistaken: list[Problem] = []
    for cluster in served:
        try:
            CLOUDS[cluster.cloud]().verify(cluster)
        except InputError as error:
            mistaken += error.problems
    if mistaken:
        raise InputError({problem.message: problem for problem in mistaken}.values())  # clusters share this machine and what it lacks
    return served
