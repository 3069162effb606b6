"""Which package makes a cluster of which cloud. Each is imported when its first cluster asks for it: SDKs are heavy."""

from __future__ import annotations

from collections.abc import Callable

from components.handle import CloudPackage
from fleet.fleet_plan import FleetPlan
from fleet.problems import InputError, Problem


def _existing() -> CloudPackage:
    from components.existing import cluster

    return cluster


def _aws() -> CloudPackage:
    from components.aws import cluster

    return cluster


def _gcp() -> CloudPackage:
    from components.gcp import cluster

    return cluster


CLOUDS: dict[str, Callable[[], CloudPackage]] = {"aws": _aws, "existing": _existing, "gcp": _gcp}
"""Cloud to the import of its package. A new cloud is a package and a line here; tests/contracts/test_clouds.py says what it still owes."""


def verify(plan: FleetPlan) -> None:
    """Before the first resource: every cluster is the one that the stack file means, and can be reached from here.

    Raises:
        InputError: one problem per existing cluster that is not the expected one, and what this machine lacks for a cloud.
    """
    mistaken: list[Problem] = []
    for cluster in plan.clusters:
        try:
            CLOUDS[cluster.cloud]().verify(cluster)
        except InputError as error:
            mistaken += error.problems
    if mistaken:
        raise InputError({problem.message: problem for problem in mistaken}.values())  # clusters share this machine and what it lacks
