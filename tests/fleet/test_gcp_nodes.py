"""Node pools on Google Cloud: names fit and change with what forces a new pool, and every rung is bought as it says and in no other way."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from fleet.catalog import ACCELERATORS, SHAPES, Shape
from fleet.gcp.disks import DISKS, balanced_disk, local_ssd_count, takes
from fleet.gcp.network import pool_zones, system_zones
from fleet.gcp.nodes import node_pools
from fleet.gcp.plan import AcceleratorPlan, NodePoolPlan, ReservationPlan
from fleet.naming import GKE_NAME
from fleet.placement import COMPUTE_CLASS_LABEL
from tests.support.gcp_regions import region

pytestmark = pytest.mark.pure

RESERVED = {"us": {"id": "my-reservation", "zone": "us-central1-a"}}
RUNGS = ("on_demand", "spot", "reservation", "flex_start")
LADDERS = st.lists(st.sampled_from(RUNGS), min_size=1, unique=True).map(tuple)
NAMES = st.one_of(
    st.sampled_from(("a", "a-od", "a-od-1", "a-spot", "a-od-spot", "system", "od", "x" * 40, "x" * 39 + "y", "a-od-" + "1" * 26)),
    st.from_regex(r"[a-z]([-a-z0-9]{0,38}[a-z0-9])?", fullmatch=True),
)
POOLS = st.dictionaries(NAMES, st.tuples(LADDERS, st.booleans()), min_size=1, max_size=4)

GOOGLE = [shape for shape in SHAPES if shape.cloud == "gcp"]


def pool(capacity: tuple[str, ...] = ("on_demand",), **changes: Any) -> dict[str, Any]:
    values = {"accelerator": "H100", "gpus_per_node": 8, "max_nodes": 4, "capacity": capacity, **changes}
    return values | ({"reservations": RESERVED} if "reservation" in capacity and "reservations" not in changes else {})


def one(capacity: tuple[str, ...] = ("on_demand",), cluster: dict[str, Any] | None = None, **changes: Any) -> dict[str, NodePoolPlan]:
    """Node pools of one GPU pool by name."""
    return {found.name: found for found in node_pools(region({"gpus": pool(capacity, **changes)}, **(cluster or {}))) if found.pool}


def of(shape: Shape) -> NodePoolPlan:
    """The spot pool of a machine of the catalogue."""
    chosen = pool(("spot",), accelerator=shape.accelerator, gpus_per_node=shape.gpus, machine=shape.machine)
    return node_pools(region({"gpus": chosen}))[1]


@settings(max_examples=20)
@given(POOLS, st.booleans())
@example({"a": (("on_demand",), True), "a-od": (("spot", "on_demand"), True), "system": (("on_demand",), False)}, True)
def test_every_pool_has_a_name_that_fits_zones_and_what_its_pods_ask_for(chosen: dict[str, tuple[tuple[str, ...], bool]], classes: bool) -> None:
    pools = {name: pool(ladder) if held else pool(ladder, reservations={}) for name, (ladder, held) in chosen.items()}
    inputs = region(pools, compute_classes=classes)
    found = node_pools(inputs)
    assert len({made.name for made in found}) == len({made.pool_name for made in found}) == len(found), "one name each"
    plans = {plan.name: plan for plan in inputs.pools}
    for made in found:
        assert len(made.pool_name) <= GKE_NAME, "GKE takes 40 characters"
        assert re.fullmatch(r"[a-z]([-a-z0-9]*[a-z0-9])?-[0-9a-f]{8}", made.pool_name), "letters, digits, hyphens, and the hash last"
        assert made.zones, "a pool without a zone has no machines"
        assert 0 <= made.min_nodes <= made.max_nodes, "in order"
        if made.pool:
            plan = plans[made.pool]
            assert made.labels == plan.node_labels, "labels are placement's"
            assert [taint.key for taint in made.taints] == ([COMPUTE_CLASS_LABEL] if classes else []), "GKE adds the GPU's taint itself"
            assert made.machine == plan.machine, "one type, also on spot"
            assert made.first_nodes_per_zone == 0, "the autoscaler makes the first one, in one zone"
            assert (made.max_surge, made.max_unavailable) == (0, 1), "an update never asks for a GPU more"


@pytest.mark.parametrize(("environment", "nodes"), [("prod", 3), ("staging", 2), ("dev", 2)])
def test_the_system_comes_first_and_is_never_empty(environment: str, nodes: int) -> None:
    inputs = region(environment=environment)
    system, *_ = node_pools(inputs)
    assert (system.min_nodes, system.max_nodes, system.machine) == (nodes, 2 * nodes, "e2-standard-4"), "it may double"
    assert system.zones == system_zones(inputs), "next to the control plane"
    assert system.first_nodes_per_zone * len(system.zones) >= nodes, "GKE's own pods need machines before anything asks for them"
    assert (system.labels, system.taints) == ({"workload": "system"}, ()), "mirrors of weights run there"
    assert (system.max_surge, system.max_unavailable) == (1, 0), "a machine more for a while is no matter without GPUs"
    assert system.reservation.affinity == "NO_RESERVATION", "what is reserved is for others"


def test_each_rung_is_bought_as_its_name_says_and_takes_no_reservation_of_another() -> None:
    inputs = region({"gpus": pool(RUNGS)})
    found = {made.name: made for made in node_pools(inputs) if made.pool}
    assert list(found) == ["gpus-od", "gpus-spot", "gpus-res", "gpus-flex"], "one for each rung, in the pool's order"
    assert {made.max_nodes for made in found.values()} == {4}, "any rung may have to hold the whole pool"
    assert [name for name, made in found.items() if made.spot] == ["gpus-spot"], "spot alone"
    assert [name for name, made in found.items() if made.flex_start] == ["gpus-flex"], "flex-start alone"
    bought = {name: made.reservation.affinity for name, made in found.items()}
    assert bought.pop("gpus-res") == "SPECIFIC_RESERVATION", "by name"
    assert set(bought.values()) == {"NO_RESERVATION"}, "a machine on demand would use up what another pool counts on"
    assert found["gpus-res"].reservation.name == "my-reservation", "as the stack file calls it"
    assert found["gpus-res"].zones == ("us-central1-a",), "where what is reserved is"
    assert found["gpus-od"].zones == pool_zones(inputs, inputs.pools[0]), "the others go wherever the machine is sold"


def test_a_reservation_without_an_entry_is_any_open_one_and_never_a_machine_at_full_price() -> None:
    found = one(("reservation",), reservations={})["gpus-res"]
    assert found.reservation == ReservationPlan(affinity="ANY_RESERVATION_THEN_FAIL"), "that is what on_demand is for"
    assert len(found.zones) > 1, "nobody says where it is"


def test_flex_start_has_what_google_asks_of_it() -> None:
    flex, spot = one(("flex_start", "spot")).values()
    assert flex.max_run_seconds == 604_800, "seven days, the most there is"
    assert not flex.auto_repair, "Google refuses both together"
    assert not flex.spot, "and these two"
    assert (spot.max_run_seconds, spot.auto_repair) == (None, True), "nothing of this is for other rungs"


@pytest.mark.parametrize(
    ("capacity", "least"),
    [
        (("spot", "on_demand"), {"gpus-spot": 2, "gpus-od": 0}),
        (("on_demand", "spot"), {"gpus-od": 2, "gpus-spot": 0}),
        (("flex_start", "on_demand"), {"gpus-flex": 0, "gpus-od": 2}),
        (("flex_start",), {"gpus-flex": 0}),
    ],
)
def test_the_least_number_is_kept_on_the_first_rung_that_lasts(capacity: tuple[str, ...], least: dict[str, int]) -> None:
    found = {name: made.min_nodes for name, made in one(capacity, min_nodes=2).items()}
    assert found == least, "a flex-start machine is gone after seven days"


@pytest.mark.parametrize("shape", GOOGLE, ids=[f"{shape.gpus}x-{shape.machine}" for shape in GOOGLE])
def test_every_machine_says_its_gpus_and_starts_from_a_disk_that_it_takes(shape: Shape) -> None:
    made = of(shape)
    assert made.machine == shape.machine, "the machine that was asked for"
    expected = AcceleratorPlan(type=ACCELERATORS[shape.accelerator].gke_accelerator or "", count=shape.gpus, driver="LATEST")
    assert made.accelerator == expected, "GKE wants it said even where it is built in"
    assert takes(shape.machine, balanced_disk(shape.machine)), "no family takes every kind of disk"
    assert made.disk_type == balanced_disk(shape.machine), "the machine starts from it"
    assert made.disk_gib >= 200, "an image of 8 to 12 GB twice, unpacked"
    assert made.local_ssd_count * 375 == shape.local_nvme_gb, "disks of the machine itself, none left over"


def test_disks_are_those_of_the_family() -> None:
    started = {machine: balanced_disk(machine) for machine in ("n1-standard-8", "g2-standard-8", "a2-ultragpu-1g", "a3-highgpu-8g", "e2-standard-4")}
    assert set(started.values()) == {"pd-balanced"}, "Persistent Disk where it is taken"
    newer = {machine: balanced_disk(machine) for machine in ("g4-standard-48", "a4-highgpu-8g", "a3-ultragpu-8g")}
    assert set(newer.values()) == {"hyperdisk-balanced"}, "which these refuse"
    assert [family for family in DISKS if not takes(f"{family}-x-1", "hyperdisk-ml")] == ["e2", "n1"], "neither T4 machines nor the system's"
    assert [local_ssd_count(gb) for gb in (0, 375, 6000, 12_000)] == [0, 1, 16, 32], "375 GB each"
    with pytest.raises(KeyError):
        balanced_disk("z9-standard-8")


CHANGES: list[tuple[str, dict[str, Any], dict[str, Any], bool]] = [
    ("the driver", {}, {"gpu_driver": "default"}, True),
    ("the number of GPUs", {"accelerator": "L4", "gpus_per_node": 2}, {}, True),
    ("the kind of GPU", {"accelerator": "A100-80GB"}, {}, True),
    ("the limit", {"max_nodes": 9}, {}, False),
    ("the least number", {"min_nodes": 1}, {}, False),
    ("the class and its taint", {}, {"compute_classes": True}, False),
    ("the zones", {}, {"zones": ("us-central1-a", "us-central1-b")}, False),
]


@pytest.mark.parametrize(("what", "changes", "cluster", "forces"), CHANGES, ids=[row[0].replace(" ", "-") for row in CHANGES])
def test_a_name_changes_with_what_forces_a_new_pool_and_with_nothing_else(
    what: str, changes: dict[str, Any], cluster: dict[str, Any], forces: bool
) -> None:
    base = {"accelerator": "L4", "gpus_per_node": 1}
    before, after = one(**base)["gpus-od"].pool_name, one(cluster=cluster, **{**base, **changes})["gpus-od"].pool_name
    assert (before != after) == forces, f"{what}: two pools of one name cannot be there together, and a pool that stays keeps its name"
    assert after.startswith("gpus-od-"), "a person still reads which it is"


def test_another_machine_with_the_same_gpus_is_the_same_pool() -> None:
    small, large = (one(accelerator="L4", gpus_per_node=1, machine=machine)["gpus-od"] for machine in ("g2-standard-8", "g2-standard-16"))
    assert small.machine != large.machine, "another machine"
    assert small.pool_name == large.pool_name, "Google changes it machine by machine"


def test_another_reservation_is_another_pool() -> None:
    elsewhere = {"us": {"id": "my-other-reservation", "zone": "us-central1-a"}}
    first, second, any_open = (one(("reservation",), reservations=held)["gpus-res"].pool_name for held in (RESERVED, elsewhere, {}))
    assert len({first, second, any_open}) == 3, "Google's provider makes a new pool for it"


def test_a_disk_in_one_zone_does_not_split_a_pool() -> None:
    found = [made for made in node_pools(region({"gpus": pool()}, {"gpus": ("volume", 40)})) if made.pool]
    assert [made.name for made in found] == ["gpus-od"], "GKE has a group of machines in each zone of a pool, and grows the right one"


def test_one_gpu_of_an_n1_is_not_four() -> None:
    counts = {gpus: one(accelerator="T4", gpus_per_node=gpus, machine="n1-standard-8")["gpus-od"].accelerator for gpus in (1, 2, 4)}
    assert {gpus: found.count for gpus, found in counts.items() if found} == {1: 1, 2: 2, 4: 4}, "one machine type, as many as are attached"


def test_a_rung_that_is_not_in_the_plan_changes_nothing() -> None:
    alone, together = one(("on_demand",))["gpus-od"], one(("spot", "on_demand"))["gpus-od"]
    assert alone == replace(together, min_nodes=alone.min_nodes), "a rung more does not touch the machines of the others"
