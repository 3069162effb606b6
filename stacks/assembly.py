"""The whole fleet: every cluster of the plan, and what other teams may read of it."""

from __future__ import annotations

import pulumi

from fleet.fleet_plan import FleetPlan
from fleet.settings import Secrets
from stacks.clouds import verify
from stacks.outputs import FleetOutputs
from stacks.region import Region


def assemble(plan: FleetPlan, secrets: Secrets) -> FleetOutputs:
    """Create the fleet.

    Raises:
        PlanError: a cluster is in a cloud that is not served yet.
        InputError: an existing cluster is not the one the stack file means.
    """
    verify(plan)
    for warning in plan.warnings:
        pulumi.log.warn(warning)
    for risk, reason in plan.accepted_risks:
        pulumi.log.info(f"accepted risk: {risk} ({reason})")
    for cluster in plan.clusters:
        Region(cluster)
    return FleetOutputs.of(plan, secrets)
