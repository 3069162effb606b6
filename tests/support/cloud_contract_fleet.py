"""What a cloud owes in the half that decides: its package in `fleet`, and its place in every table that has a line for each cloud."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import Any, get_args, get_type_hints

from pydantic import BaseModel

from fleet.catalog import SHAPES
from fleet.drain import SPOT_NOTICE_SECONDS
from fleet.fleet_plan import ClusterPlan
from fleet.placement import GPU_TAINT_VALUES
from fleet.region_inputs import CloudCluster
from fleet.schema_problems import CLUSTERS
from fleet.settings import Cluster
from fleet.settings.clusters import CommonCluster
from tests.support.cloud_contract_code import Source
from tests.support.cloud_contract_differences import EXTRA, MAKES_NOTHING, MISSING

MODULES: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "add_ons": {"in_cluster": ("inputs",)},
    "checks": {"problems": ("settings", "pools"), "notices": ("settings", "pools")},
    "control_plane": {"control_plane": ("inputs",)},
    "identity": {},
    "images": {"image_mirror": ("inputs",), "mirrored": ("image", "mirror")},
    "inputs": {},
    "network": {"network_plan": ("inputs",), "usable_zones": ("cluster",)},
    "nodes": {},
    "offerings": {
        "zones": ("region",),
        "knows": ("machine", "region"),
        "zones_offering": ("machine", "region"),
        "regions_offering": ("machine",),
        "regions_without": ("machine",),
    },
    "plan": {},
    "quotas": {"needs": ("settings", "pools"), "problems": ("settings", "pools")},
    "region": {"region_plan": ("inputs", "…")},
    "reservations": {"problems": ("settings", "pools"), "notices": ("settings",)},
    "secrets": {"secrets": ("inputs",)},
    "storage": {"bucket": ("inputs",), "problems": ("inputs",)},
    "storage_prices": {"offers": ("inputs",)},
}
"""Module to its functions and their parameters (…: the cloud's own word)."""

OWN_WORDS: Mapping[str, str] = {"nodes": "its machines (node_groups, node_pools)", "identity": "who may do what (roles, identities)"}
"""Module to what a function of `inputs` says there, under the name that the cloud has for it."""

CONTENTS = {
    *("RegionInputs", "bucket", "control_plane", "image_mirror", "in_cluster", "network_plan", "secrets"),
    "problems",
}
"""What the table of contents of every region calls, beside its own plan."""

SETTINGS = {*CommonCluster.model_fields, "cloud", "region", "runner", "images", "flow_logs", "zones", "network_cidr", "secret_replicas", "quotas"}
"""What every cluster that this program makes is described with."""


def union() -> dict[str, type[BaseModel]]:
    """Cloud to the class of its clusters, of everything that a stack file may say."""
    return {get_args(each.model_fields["cloud"].annotation)[0]: each for each in get_args(get_args(Cluster)[0])}


def fleet_owes(cloud: str, source: Source) -> Iterator[str]:
    """Everything that a cloud owes to the planner, one sentence each."""
    made = union().get(cloud)
    if made is None:
        yield f"fleet/settings/clusters.py: Cluster has no member with cloud: {cloud}, so no stack file can name it"
    elif made not in CLUSTERS:
        yield f"fleet/schema_problems.py: CLUSTERS has no {made.__name__}, so mistakes in it are told badly"
    if cloud not in get_args(get_type_hints(ClusterPlan)["cloud"]):
        yield f"fleet/fleet_plan.py: ClusterPlan.cloud does not know {cloud}"
    if f'"{cloud}"' not in source.text("contracts/outputs.schema.json"):
        yield f"contracts/outputs.schema.json: clusters[].cloud does not know {cloud}"
    if f'"{cloud}"' not in source.text("fleet/salvage.py"):
        yield f"fleet/salvage.py does not know {cloud}: a stack file with one mistake would lose what it says of such a cluster"
    if cloud in MAKES_NOTHING:
        return
    yield from _modules(cloud, source)
    yield from _contents(cloud, source)
    yield from _places(cloud, source)
    yield from _tables(cloud, made)
    if made is not None:
        yield from _settings(cloud, made)
        yield from _neutral(cloud, made.__name__, source)


def _modules(cloud: str, source: Source) -> Iterator[str]:
    folder = f"fleet/{cloud}"
    for module, functions in MODULES.items():
        path = source.module(f"{folder}/{module}")
        if path is None:
            calls = ", ".join(f"{name}({', '.join(parameters)})" for name, parameters in functions.items())
            yield f"{folder}/{module}.py is missing{f' with {calls}' if calls else ''}: every cloud has the same files"
            continue
        for name, parameters in functions.items():
            found = source.parameters(f"{folder}/{module}", name)
            if found is None:
                yield f"{path} has no function {name}({', '.join(parameters)})"
            elif len(found) != len(parameters) or any(wanted not in {"…", given} for wanted, given in zip(parameters, found, strict=True)):
                yield f"{path}: {name} takes ({', '.join(found)}), and ({', '.join(parameters)}) in every other cloud"
    for module, content in OWN_WORDS.items():
        path = source.module(f"{folder}/{module}")
        if path and not any(source.parameters(f"{folder}/{module}", name) == ("inputs",) for name in source.functions(path)):
            yield f"{path} has no function of (inputs) that says {content}"
    for module, name in (("inputs", "RegionInputs"), ("plan", f"{cloud.capitalize()}Plan")):
        path = source.module(f"{folder}/{module}")
        if path and name not in source.classes(path):
            yield f"{path} has no class {name}"
    extra = {f"fleet/{module}.py" for module in source.modules(folder) - set(MODULES)}
    yield from said(cloud, "fleet/", extra)


def _contents(cloud: str, source: Source) -> Iterator[str]:
    """What the region is put together from: the cloud's own words for it are said with a reason."""
    path = f"fleet/{cloud}/region.py"
    if source.path(path) is None:
        return
    called = {name.rpartition(".")[2] for name in source.imported(path) if name.startswith(f"fleet.{cloud}.")}
    yield from (f"{path} does not call {name}, which is part of every region" for name in sorted(CONTENTS - called))
    yield from said(cloud, "region ", {f"region {name}" for name in called - CONTENTS if not name.endswith("Plan")})


def _places(cloud: str, source: Source) -> Iterator[str]:
    if cloud not in {each.name for each in fields(ClusterPlan)}:
        yield f"fleet/fleet_plan.py: ClusterPlan has no field {cloud} for what is made around such a cluster"
    if not hasattr(ClusterPlan, f"{cloud}_plan"):
        yield f"fleet/fleet_plan.py: ClusterPlan has no property {cloud}_plan, by which its components get at that field"
    for module in ("images", "inputs", "region", "storage_prices"):
        if f"fleet.{cloud}.{module}" not in source.imported("fleet/region_plans.py"):
            yield f"fleet/region_plans.py has no branch for {cloud} that calls fleet.{cloud}.{module}"
    if f"fleet.{cloud}.checks" not in source.imported("fleet/planner.py"):
        yield f"fleet/planner.py does not ask fleet.{cloud}.checks for problems and notices"
    if f"fleet.{cloud}.offerings" not in source.imported("fleet/catalog.py"):
        yield f"fleet/catalog.py does not ask fleet.{cloud}.offerings where its machines are sold"


def _tables(cloud: str, made: Any) -> Iterator[str]:
    if not any(shape.cloud == cloud for shape in SHAPES):
        yield f"fleet/catalog.py has no machine of {cloud}, so no pool can be bought there"
    if cloud not in SPOT_NOTICE_SECONDS:
        yield f"fleet/drain.py: SPOT_NOTICE_SECONDS has no line {cloud}: how long a spot machine has before it goes"
    if cloud not in GPU_TAINT_VALUES:
        yield f"fleet/placement.py: GPU_TAINT_VALUES has no line {cloud}: the value of the taint on its GPU machines"
    if made is None or made not in CloudCluster.__constraints__:
        yield f"fleet/region_inputs.py: CloudCluster does not know the clusters of {cloud}"


def _settings(cloud: str, made: type[BaseModel]) -> Iterator[str]:
    yield from (
        f"fleet/settings/clusters.py: {made.__name__} has no {name}, which every cluster has" for name in sorted(SETTINGS - set(made.model_fields))
    )
    yield from said(cloud, "settings ", {f"settings {name}" for name in set(made.model_fields) - SETTINGS})


def _neutral(cloud: str, name: str, source: Source) -> Iterator[str]:
    """What decides by kind of cluster must have thought of every kind."""
    others = {made.__name__ for key, made in union().items() if key not in MAKES_NOTHING}
    for path in source.files("fleet"):
        decides = {other for other in others if source.says(path, other)}
        thing = f"neutral {path}"
        reason = MISSING.get(cloud, {}).get(thing)
        if decides and name not in decides and not reason:
            yield f"{path} decides by {' and '.join(sorted(decides))} and does not know {name}: add it, or say why not in MISSING"
        if reason and not (decides and name not in decides):
            yield f"{path} is said to leave out {name} and does not: remove its line from MISSING (tests/support/cloud_contract_differences.py)"


def said(cloud: str, start: str, here: set[str]) -> Iterator[str]:
    """What no other cloud must have is said with a reason, and what is said is there."""
    listed = {thing for thing in EXTRA.get(cloud, {}) if thing.startswith(start)}
    for thing in sorted(here ^ listed):
        shown = thing.replace("components/", f"components/{cloud}/").replace("fleet/", f"fleet/{cloud}/")
        if thing in here:
            yield f"{shown} is what other clouds have not: say why in EXTRA of {cloud} (tests/support/cloud_contract_differences.py), or do it alike"
        else:
            yield f"{shown} is said to be a difference in EXTRA of {cloud} (tests/support/cloud_contract_differences.py) and is not there: remove it"
