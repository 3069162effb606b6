"""Fleets with Google regions under mocks, each run once: the shipped stack files, one with every option, and a plain one."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

from tests.support import aws_programs
from tests.support.fleets import UNPINNED, Settings
from tests.support.recorded_fleet import Recorded, record

PROJECT = "acme-test"
RESERVATION = {"id": "bought", "zone": "us-central1-a"}


def everything() -> Settings:
    """Two regions in prod with every option there is, the second on its way out."""
    common = {"cloud": "gcp", "project": PROJECT, "flow_logs": True}
    return {
        "name": "acme",
        "environment": "prod",
        "owner": "search",
        "secrets": {"hub_token": "hub", "engine_api_key": "engine"},
        "clusters": {
            "one": {
                **common,
                "region": "us-central1",
                "images": {"mirror": True},
                "secret_replicas": ["europe-west4"],
                "compute_classes": True,
                "anywhere_cache": True,
                "filestore": {"tier": "zonal"},
                "gpu_driver": "default",
                "release_channel": "stable",
            },
            "two": {**common, "region": "us-east4", "state": "retiring"},
        },
        "pools": {
            "l4": {"accelerator": "L4", "max_nodes": 8, "capacity": ["on_demand", "spot"]},
            "h100": {
                "accelerator": "H100",
                "gpus_per_node": 8,
                "max_nodes": 4,
                "capacity": ["reservation", "flex_start"],
                "reservations": {"one": RESERVATION},
            },
            "t4": {"accelerator": "T4", "max_nodes": 3},
        },
        "models": {
            "chat": {"tier": "small", "pool": "l4", "replicas": {"min": 2, "max": 3}},
            "shared": {"tier": "small", "pool": "l4", "cache": {"kind": "shared"}, "placements": {"one": {}}},
            "local": {"tier": "small", "pool": "h100", "slo": "batch", "cache": {"kind": "node_local"}, "placements": {"one": {}}},
            "fast": {"tier": "mini-int4", "pool": "l4", "cache": {"kind": "hyperdisk_ml"}, "placements": {"one": {}}},
            "labels": {"tier": "mini-int4", "pool": "t4", "slo": "batch", "cache": {"kind": "volume"}, "placements": {"two": {}}},
        },
        "accepted_risks": [UNPINNED],
    }


def inside() -> Settings:
    """One region that takes no calls from outside, in a project where somebody else switched on what it needs."""
    return {
        "name": "inside",
        "clusters": {"only": {"cloud": "gcp", "region": "europe-west4", "project": PROJECT, "runner": "in_vpc", "enable_apis": False}},
        "pools": {"l4": {"accelerator": "L4", "max_nodes": 2}},
        "models": {"chat": {"tier": "small", "pool": "l4"}},
    }


PROGRAMS = {"everything": everything, "inside": inside}
SHIPPED = ("prod", "staging")
FLEETS = (*SHIPPED, *PROGRAMS)


@cache
def recorded(name: str) -> Recorded:
    """The fleet of this name, run when it is asked for first."""
    if name in SHIPPED:
        return replace(aws_programs.recorded(name), cloud="gcp")
    return record(PROGRAMS[name](), name, "gcp")
