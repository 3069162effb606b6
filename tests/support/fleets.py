"""Fleets for the program under mocks: the shipped stack files, and existing clusters whose API servers are simulated."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from pathlib import Path
from typing import Any

import yaml

from fleet.settings import CONFIG_KEY
from fleet.versions import ENGINE_IMAGE, ENGINE_TAG
from tests.support import simulated_cluster
from tests.support.cloud_login import logged_in
from tests.support.recording import PROJECT, Graph, run_program
from tests.support.simulated_cluster import SimulatedCluster

UNPINNED = {"risk": f"unresolved image {ENGINE_IMAGE}:{ENGINE_TAG}", "reason": "no registry can be asked by a test"}
UIDS = {"a": "aaaaaaaa-0000-4000-8000-000000000001", "b": "bbbbbbbb-0000-4000-8000-000000000002"}

Settings = dict[str, Any]


def shipped(stack: str) -> Settings:
    """The settings in a shipped stack file."""
    document = yaml.safe_load((PROJECT / f"Pulumi.{stack}.yaml").read_text(encoding="utf-8"))
    return document["config"][CONFIG_KEY]


def production() -> Settings:
    """A fleet of two existing clusters in prod: interactive, standard and batch models, tensor parallelism, secrets by name.

    Weights lie in volumes of a storage class in the first, in a folder in the second.
    """
    weights = {"a": {"storage_classes": {"cache": "efs"}}, "b": {"cache_folder": "/srv/models"}}
    clusters = {
        name: {"cloud": "existing", "context": name, "cluster_uid": uid, "region": name, "gpu_labels": "eks", **weights[name]}
        for name, uid in UIDS.items()
    }
    return deepcopy(
        {
            "name": "acme",
            "environment": "prod",
            "owner": "ml-platform",
            "secrets": {"hub_token": "hub", "engine_api_key": "engine"},
            "clusters": clusters,
            "pools": {
                "l4": {"accelerator": "L4", "max_nodes": 9},
                "l4x4": {"accelerator": "L4", "gpus_per_node": 4, "max_nodes": 4},
                "t4": {"accelerator": "T4", "max_nodes": 4},
            },
            "models": {
                "chat": {"tier": "small", "pool": "l4", "slo": "interactive", "replicas": {"min": 2, "max": 4}, "team": "search"},
                "wide": {"tier": "small", "pool": "l4x4", "tensor_parallel": 2, "placements": {"a": {}}},
                "labels": {"tier": "mini-int4", "pool": "t4", "slo": "batch"},
            },
            "accepted_risks": [UNPINNED],
        }
    )


@contextmanager
def simulated(settings: Settings, folder: Path) -> Iterator[dict[str, SimulatedCluster]]:
    """Serve a simulated API server for each existing cluster, and write their addresses and UIDs into the settings."""
    existing = {name: cluster for name, cluster in settings["clusters"].items() if cluster["cloud"] == "existing"}
    with _all_running({name: str(cluster.get("cluster_uid") or UIDS["a"]) for name, cluster in existing.items()}) as servers:
        contexts = {existing[name]["context"]: server.address for name, server in servers.items()}
        kubeconfig = simulated_cluster.write_kubeconfig(folder / "kubeconfig", contexts)
        for cluster in existing.values():
            cluster["kubeconfig"] = str(kubeconfig)
        yield servers


@contextmanager
def _all_running(uids: dict[str, str]) -> Iterator[dict[str, SimulatedCluster]]:
    if not uids:
        yield {}
        return
    (name, uid), *rest = uids.items()
    with simulated_cluster.running(uid) as first, _all_running(dict(rest)) as others:
        yield {name: first, **others}


def graph_of(settings: Settings, folder: Path, stack: str = "test") -> Graph:
    """What the program registers for these settings, on a machine that can log in to every cluster and cloud of theirs."""
    with simulated(settings, folder), logged_in(folder):
        return run_program(settings, stack)
