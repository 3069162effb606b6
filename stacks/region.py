"""One cluster and everything in it."""

from __future__ import annotations

import pulumi

from components.kubernetes.model_cache import MirrorScript, ModelCache
from components.kubernetes.model_server import ModelServer
from components.kubernetes.platform import Platform
from fleet.fleet_plan import ClusterPlan
from stacks.clouds import CLOUDS


class Region(pulumi.ComponentResource):
    """A cluster of the plan, filled. No part of it depends on another region."""

    def __init__(self, plan: ClusterPlan, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("fleet:stacks:Region", plan.name, None, opts)
        handle = CLOUDS[plan.cloud]().build(plan, pulumi.ResourceOptions(parent=self))
        inside = pulumi.ResourceOptions(parent=self, provider=handle.provider, depends_on=list(handle.depends_on))
        platform = Platform(plan.name, plan, inside)
        after = pulumi.ResourceOptions(parent=self, provider=handle.provider, depends_on=[platform])
        MirrorScript(f"{plan.name}-script", plan, after)
        caches = {cache.name: cache for cache in plan.caches}
        for cache in plan.caches:
            ModelCache(f"{plan.name}-{cache.name}", plan, cache, after)
        for model in plan.models:
            ModelServer(f"{plan.name}-{model.name}", plan, model, caches[model.cache], after)
        self.register_outputs({})
