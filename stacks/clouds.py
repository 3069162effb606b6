"""Which package makes a cluster of which cloud. Each is imported when its first cluster asks for it: SDKs are heavy."""

from __future__ import annotations

from collections.abc import Callable

from components.handle import CloudPackage
from fleet.fleet_plan import FleetPlan
from fleet.problems import InputError, PlanError, Problem


def _existing() -> CloudPackage:
    from components.existing import cluster

    return cluster


CLOUDS: dict[str, Callable[[], CloudPackage]] = {"existing": _existing}
"""Cloud to the import of its package. What is missing here is planned and priced, and refused before anything is created."""


def verify(plan: FleetPlan) -> None:
    """Before the first resource: every cloud is served, and every cluster is the one the stack file means.

    Raises:
        PlanError: one problem per cluster in a cloud without a package.
        InputError: one problem per existing cluster that is not the expected one.
    """
    problems = [
        Problem(
            field=f"clusters.{cluster.name}.cloud",
            value=cluster.cloud,
            limit=f"cloud {cluster.cloud} is not served: its clusters are planned and priced but not created yet",
            remedy=f"read the plan with `python -m fleet plan --stack {plan.stack}`, or use an existing cluster",
        )
        for cluster in plan.clusters
        if cluster.cloud not in CLOUDS
    ]
    if problems:
        raise PlanError(problems)
    mistaken: list[Problem] = []
    for cluster in plan.clusters:
        try:
            CLOUDS[cluster.cloud]().verify(cluster)
        except InputError as error:
            mistaken += error.problems
    if mistaken:
        raise InputError(mistaken)
