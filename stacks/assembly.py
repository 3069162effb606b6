"""The whole fleet: every cluster of the plan, and what other teams may read of it."""

from __future__ import annotations

import asyncio

import pulumi

from fleet.fleet_plan import FleetPlan
from fleet.settings import Secrets
from stacks.clouds import verify
from stacks.outputs import FleetOutputs
from stacks.region import Region


def assemble(plan: FleetPlan, secrets: Secrets) -> FleetOutputs:
    """Create the fleet.

    Raises:
        InputError: an existing cluster is not the one the stack file means, or this machine cannot log in to a cloud.
    """
    verify(plan)
    for warning in plan.warnings:
        pulumi.log.warn(warning)
    for risk, reason in plan.accepted_risks:
        pulumi.log.info(f"accepted risk: {risk} ({reason})")
    pulumi.run(_started)
    regions = [Region(cluster) for cluster in plan.clusters]
    handles = {region.handle.plan.name: region.handle for region in regions}
    for region in regions:
        region.connect(handles)
    return FleetOutputs.of(plan, secrets)


async def _started() -> None:
    """Give the registrations declared so far the turn in which they begin.

    The SDK's end of a program then waits for one after the other. Where none has begun it waits for any of all outputs, again and
    again, which takes a fleet of ten regions twice the time.
    """
    await asyncio.sleep(0)
