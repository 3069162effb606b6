"""Updates of a region of Google Cloud that fail, lose an answer or are killed, and the next one: the same end, and nothing twice that can be helped.

As on AWS, a name that somebody gave is taken, so a second creation is refused, and a name that was generated is not. What Google alone has:
what takes long has a given name (cluster, pools), and networks carry no labels, so their orphans are known by name.
`docs/gcp.md` says what to do then.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from tests.support.cloud_fleet import CloudFleet, small

pytestmark = pytest.mark.engine

MOMENT = random.Random(7).randint(5, 20)  # noqa: S311  the same in every run
"""At which creation an engine that makes a region is killed: some are made by then, and no pool."""

NETWORK, NODE_POOL = "gcp:compute/network:Network", "gcp:container/nodePool:NodePool"

NO_QUOTA = "googleapi: Error 403: Insufficient regional quota to satisfy request: resource NVIDIA_L4_GPUS"


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CloudFleet]:
    found = CloudFleet(tmp_path_factory.mktemp("fleet"), small("central"), checkpoints=True)
    yield found
    found.remove()


@pytest.fixture(autouse=True)
def healthy(fleet: CloudFleet) -> Iterator[None]:
    yield
    fleet.heal()


def test_a_region_whose_making_loses_an_answer_is_killed_and_fails_is_made_whole_by_the_next_update(fleet: CloudFleet) -> None:
    lost = fleet.gcp.lose("create", matching=NETWORK)
    assert "the connection broke" in fleet.failing(fleet.start("up")), "the engine is told so"
    fleet.heal()
    fleet.take_over(fleet.kill_at(fleet.gcp, MOMENT))
    failing = fleet.gcp.fail("create", 2, NO_QUOTA, matching=NODE_POOL)
    said = fleet.failing(fleet.start("up"))
    assert NO_QUOTA in said, "Google's words"
    assert f"{failing.urn.rpartition('::')[2]}: " in said, "and the resource they are about"
    fleet.heal()
    fleet.up()
    (group,) = fleet.orphans()
    assert {change.urn for change in group} == {lost.urn}, "twice is only what had a generated name and no answer; nothing else was made again"
    used = {resource["id"] for resource in fleet.state() if "id" in resource}
    (orphan,) = [change for change in group if change.name not in used]
    state = fleet.gcp.objects.pop((orphan.region, orphan.kind, orphan.name))
    assert state["name"].startswith("central-network-"), "a network has no labels: its name and description betray it"
    assert fleet.name_in_cloud("central") in state["description"], "and whose it was"
    fleet.assert_whole(fleet.gcp)


def test_a_lost_answer_to_a_given_name_is_refused_as_existing_and_nothing_is_there_twice(fleet: CloudFleet) -> None:
    fleet.settings["pools"]["a100"] = {"accelerator": "A100-40GB", "max_nodes": 3}
    fleet.settings["models"]["extra"] = {"tier": "small", "pool": "a100"}
    lost = fleet.gcp.lose("create", matching=NODE_POOL)
    assert "the connection broke" in fleet.failing(fleet.start("up")), "the engine is told so"
    fleet.heal()
    said = fleet.failing(fleet.start("up"))
    assert "alreadyExists" in said or "already exists" in said.lower(), "the name is taken"
    assert lost.urn.rpartition("::")[2] in said, "and a person reads by what"
    assert not fleet.orphans(), "nothing is there twice"
    (key,) = [key for key in fleet.gcp.objects if key[1] == "NodePool" and "a100" in key[2]]
    del fleet.gcp.objects[key]  # a pool without machines that nothing runs on is deleted by hand
    fleet.up()
    assert not fleet.orphans(), "the next update makes it"


def test_an_engine_killed_with_9_is_healed_by_taking_over_what_it_had_made(fleet: CloudFleet) -> None:
    fleet.settings["pools"]["a100"]["capacity"] = ["on_demand", "spot"]
    made = fleet.kill_at(fleet.gcp, 1, NODE_POOL)
    assert next(iter(made.values())).rpartition("/")[2].startswith("a100-spot-"), "its id can be read off its name"
    fleet.take_over(made)
    fleet.up()
    assert not fleet.orphans(), "nothing was made twice"
    fleet.assert_whole(fleet.gcp)


def test_a_destroy_that_was_killed_goes_on_and_leaves_nothing(fleet: CloudFleet) -> None:
    fleet.destroy_killed_at(fleet.gcp, 20)
