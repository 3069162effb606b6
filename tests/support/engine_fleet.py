"""A fleet in clusters that exist, under the real engine and the stand-in provider: the clusters are simulated."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from fleet.settings import CONFIG_KEY
from tests.support.engine_stack import PROJECT, EngineStack
from tests.support.stand_in_clusters import StandInClusters
from tests.support.stand_in_provider import StandInProvider

__all__ = ["PROJECT", "SMALL", "EngineFleet"]

CLUSTERS = ("east", "west")

SMALL: dict[str, Any] = {
    "name": "small",
    "environment": "local",
    "clusters": {
        name: {
            "cloud": "existing",
            "kubeconfig": "kubeconfig",
            "context": f"local-{name}",
            "region": name,
            "storage_classes": {"cache": "fleet-shared"},
        }
        for name in CLUSTERS
    },
    "pools": {"l4": {"accelerator": "L4", "max_nodes": 4}, "t4": {"accelerator": "T4", "max_nodes": 2}},
    "models": {
        "chat": {"tier": "small", "pool": "l4", "slo": "interactive", "replicas": {"min": 2}},
        "labels": {"tier": "mini-int4", "placements": {"east": {"pool": "t4"}}},
    },
}
"""Two clusters, two models: every kind of object, small enough to be updated many times."""


class EngineFleet(EngineStack):
    """Change `settings`, then `up`. `provider` says what happened to the objects, `said` what a person read."""

    def __init__(self, folder: Path, settings: Mapping[str, Any] = SMALL) -> None:
        self.clusters = StandInClusters(folder, CLUSTERS)
        self.uids = {name: cluster.uid for name, cluster in self.clusters.clusters.items()}
        """The clusters that are meant; where the contexts point may be changed in `clusters`."""
        self.provider = StandInProvider()
        super().__init__(folder, settings, self.provider)

    def overrides(self, stack_file: Path) -> dict[str, dict[str, str]]:
        """As `make local` gives them: the kubeconfig's path and the UID it found."""
        clusters = yaml.safe_load(stack_file.read_text(encoding="utf-8"))["config"][CONFIG_KEY]["clusters"]
        return {name: {"kubeconfig": str(self.clusters.kubeconfig), "cluster_uid": uid} for name, uid in self.uids.items() if name in clusters}

    def remove(self) -> None:
        super().remove()
        self.clusters.stop()
