"""Fleets with AWS regions under mocks, each run once: the shipped stack files, one with every option, and generated ones."""

from __future__ import annotations

import random
from functools import cache
from typing import Any

from fleet.planner import plan
from fleet.problems import PlanError
from fleet.stack_file import parse
from tests.support.fleets import UNPINNED, Settings, shipped
from tests.support.recorded_fleet import Recorded, record

CIDRS = {"public_cidrs": ["203.0.113.0/24", "198.51.100.7/32"]}
ACCOUNT = "444455556666"
DEPLOYER = f"arn:aws:iam::{ACCOUNT}:role/deployer"
ADMIN = f"arn:aws:iam::{ACCOUNT}:user/people/ada"
RESERVATION = {"id": "cr-0123456789abcdef0", "zone": "use2-az2"}


def everything() -> Settings:
    """Two regions in prod with every option there is."""
    common = {"cloud": "aws", "endpoint": CIDRS, "account": ACCOUNT, "deployer": DEPLOYER, "admins": [ADMIN], "flow_logs": True}
    return {
        "name": "acme",
        "environment": "prod",
        "owner": "search",
        "secrets": {"hub_token": "hub", "engine_api_key": "engine"},
        "clusters": {
            "one": {
                **common,
                "region": "us-east-2",
                "images": {"mirror": True},
                "secret_replicas": ["eu-west-1"],
                "replicate_weights_to": ["two"],
            },
            "two": {**common, "region": "us-west-2", "node_image": "bottlerocket"},
        },
        "pools": {
            "l4": {"accelerator": "L4", "max_nodes": 8, "capacity": ["on_demand", "spot"]},
            "h100": {"accelerator": "H100", "max_nodes": 4, "capacity": ["reservation", "on_demand"], "reservations": {"one": RESERVATION}},
            "t4": {"accelerator": "T4", "max_nodes": 3},
        },
        "models": {
            "chat": {"tier": "small", "pool": "l4", "replicas": {"min": 2, "max": 3}},
            "shared": {"tier": "small", "pool": "l4", "cache": {"kind": "shared"}, "placements": {"one": {}}},
            "local": {"tier": "small", "pool": "h100", "cache": {"kind": "node_local"}, "placements": {"one": {}}},
            "labels": {"tier": "mini-int4", "pool": "t4", "slo": "batch", "cache": {"kind": "volume"}, "placements": {"two": {}}},
        },
        "accepted_risks": [UNPINNED],
    }


def retiring() -> Settings:
    """The shipped prod fleet with its second AWS region on its way out."""
    settings = shipped("prod")
    settings["clusters"]["aws-usw2"]["state"] = "retiring"
    return settings


def private() -> Settings:
    """One region that nobody reaches from outside."""
    return {
        "name": "inside",
        "clusters": {
            "only": {"cloud": "aws", "region": "eu-west-2", "runner": "in_vpc", "images": {"mirror": True, "credential_arn": _credential()}}
        },
        "pools": {"l4": {"accelerator": "L4", "max_nodes": 2}},
        "models": {"chat": {"tier": "small", "pool": "l4"}},
    }


def generated(seed: int) -> Settings:
    """A fleet of one or two regions whose options are drawn by chance, the first of this seed that the planner accepts."""
    chance = random.Random(seed)  # noqa: S311  no secret is made of it
    while True:
        settings = _drawn(chance)
        try:
            plan(parse(settings))
        except PlanError:
            continue
        return settings


def _drawn(chance: random.Random) -> Settings:
    regions = chance.sample(["us-east-1", "us-east-2", "us-west-2", "eu-central-1", "eu-west-2"], chance.choice([1, 2]))
    names = [f"{region}-{chance.choice('xyz')}" for region in regions]
    clusters: dict[str, Any] = {}
    for name, region in zip(names, regions, strict=True):
        others = [other for other in names if other != name]
        clusters[name] = {
            "cloud": "aws",
            "region": region,
            "flow_logs": chance.random() < 0.5,
            "images": {"mirror": chance.random() < 0.5},
            "node_image": chance.choice(["al2023", "bottlerocket"]),
            "replicate_weights_to": chance.sample(others, chance.randint(0, len(others))),
            "state": chance.choice(["active", "active", "retiring"]),
            **chance.choice([{"endpoint": CIDRS}, {"runner": "in_vpc"}]),
            **chance.choice([{}, {"deployer": DEPLOYER}, {"deployer": DEPLOYER, "admins": [ADMIN]}]),
        }
    capacities = [["on_demand"], ["on_demand", "spot"], ["reservation", "on_demand"]]
    return {
        "name": "drawn",
        "environment": chance.choice(["dev", "staging", "prod"]),
        "secrets": chance.choice([{}, {"hub_token": "hub"}]),
        "clusters": clusters,
        "pools": {"l4": {"accelerator": "L4", "max_nodes": 6, "capacity": chance.choice(capacities)}},
        "models": {
            f"m{index}": {"tier": "small", "pool": "l4", "cache": {"kind": chance.choice(["bucket", "shared", "volume", "node_local"])}}
            for index in range(chance.choice([1, 2]))
        },
        "accepted_risks": [UNPINNED],
    }


def _credential() -> str:
    return f"arn:aws:secretsmanager:eu-west-2:{ACCOUNT}:secret:ecr-pullthroughcache/hub-AbCdEf"


PROGRAMS = {
    "prod": lambda: shipped("prod"),
    "staging": lambda: shipped("staging"),
    "everything": everything,
    "private": private,
    "generated 1": lambda: generated(1),
    "generated 2": lambda: generated(3),
    "retiring": retiring,
}
FLEETS = tuple(PROGRAMS)


@cache
def recorded(name: str) -> Recorded:
    """The fleet of this name, run when it is asked for first."""
    return record(PROGRAMS[name](), name, "aws")
