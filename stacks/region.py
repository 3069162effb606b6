"""One cluster and everything in it."""

from __future__ import annotations

from collections.abc import Mapping

import pulumi

from components.handle import ClusterHandle
from components.kubernetes.model_cache import MirrorScript, ModelCache
from components.kubernetes.model_server import ModelServer
from components.kubernetes.platform import Platform
from fleet.fleet_plan import ClusterPlan
from stacks.clouds import CLOUDS


class Region(pulumi.ComponentResource):
    """A cluster of the plan, filled. No part of it depends on another region.

    Dots in names keep apart what keys with hyphens would confuse: model `b-c` in cluster `a`, and `c` in `a-b`.
    """

    def __init__(self, plan: ClusterPlan, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("fleet:stacks:Region", plan.name, None, opts)
        package = CLOUDS[plan.cloud]()
        providers = package.providers(plan, pulumi.ResourceOptions(parent=self))
        handle = package.build(plan, pulumi.ResourceOptions(parent=self, providers=providers))
        self._package, self._cloud_providers, self.handle = package, providers, handle

        def after(*needed: pulumi.Resource) -> pulumi.ResourceOptions:
            return pulumi.ResourceOptions(parent=self, provider=handle.provider, depends_on=list(needed))

        platform = Platform(plan.name, plan, handle.in_cluster, handle.made, after(*handle.depends_on))
        script = MirrorScript(f"{plan.name}-script", plan, after(platform))
        plans = {cache.name: cache for cache in plan.caches}
        caches = {name: ModelCache(f"{plan.name}.{name}", plan, cache, handle.made, after(platform, script)) for name, cache in plans.items()}
        for model in plan.models:
            ModelServer(f"{plan.name}.{model.name}", plan, model, plans[model.cache], handle.made, after(platform, caches[model.cache]))
        self.register_outputs({})

    def connect(self, others: Mapping[str, ClusterHandle]) -> None:
        """What needs several regions. Nothing that runs waits for it."""
        self._package.connect(self.handle, others, pulumi.ResourceOptions(parent=self, providers=self._cloud_providers))
