"""Runs that fail, hang or are killed half-way, and the next run: what is there is kept, what is missing is made, nothing twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest

from tests.support.engine_fleet import EngineFleet

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EngineFleet]:
    found = EngineFleet(tmp_path_factory.mktemp("fleet"))
    yield found
    found.remove()


@pytest.fixture(autouse=True)
def healthy(fleet: EngineFleet) -> Iterator[None]:
    yield
    fleet.provider.heal()


def _done(fleet: EngineFleet, operation: str) -> Counter[str]:
    return Counter(change.urn for change in fleet.provider.log if change.operation == operation)


def test_a_create_that_fails_is_named_and_the_next_update_makes_only_what_is_missing(fleet: EngineFleet) -> None:
    failing = fleet.provider.fail("create", 10, "admission webhook said no")
    said = fleet.failing(fleet.start("up"))
    assert "admission webhook said no" in said, "the cluster's reason"
    assert f"{failing.urn.rpartition('::')[2]}: " in said, "and the object it is about"
    made = _done(fleet, "create")
    assert made.total() >= 9, "those before it were made"
    assert set(fleet.dependencies()) == set(made), "what was made is in the state"
    fleet.provider.heal()
    fleet.up()
    resumed = _done(fleet, "create")
    assert failing.urn in resumed, "the one that had failed was made"
    assert not set(resumed) & set(made), "nothing was made again"
    assert set(resumed) | set(made) == set(fleet.dependencies()), "and nothing is missing"
    assert fleet.up() == {}, "state and clusters agree"


def test_an_engine_killed_with_9_among_its_creates_is_healed_and_what_it_had_made_is_adopted(fleet: EngineFleet) -> None:
    fleet.settings["models"]["extra"] = {"tier": "small", "pool": "l4", "max_model_len": 4096}
    held = fleet.provider.hold("create", 4)
    run = fleet.start("up")
    held.await_reached(run)
    fleet.kill_engine()
    fleet.failing(run)
    before = _done(fleet, "create")
    assert held.urn in before, "the cluster has an object that the state does not know"
    assert held.urn in [operation["resource"]["urn"] for operation in fleet.pending()], "the state knows that it was under way"
    fleet.provider.heal()
    fleet.said.clear()
    fleet.up()
    assert any("cut off" in line and held.urn.rpartition("::")[2] in line for line in fleet.said), "a person reads what is done again"
    after, adopted = _done(fleet, "create"), _done(fleet, "adopt")
    assert held.urn in adopted, "server-side apply takes the object over"
    assert not set(before) & set(after), "nothing was made twice"
    assert not fleet.pending(), "nothing is under way any more"
    urns = [resource["urn"] for resource in fleet.state()]
    assert len(urns) == len(set(urns)), "every resource is in the state once"
    assert fleet.up() == {}, "state and clusters agree"


def test_a_provider_that_dies_fails_the_run_and_the_next_one_goes_on(fleet: EngineFleet) -> None:
    fleet.settings["models"]["extra"]["max_model_len"] = 2048
    held = fleet.provider.hold("update", 1)
    run = fleet.start("up")
    held.await_reached(run)
    fleet.provider.die()
    fleet.failing(run)
    fleet.attach()
    fleet.up()
    assert fleet.up() == {}, "state and clusters agree"


def test_a_destroy_that_was_killed_goes_on_where_it_stopped(fleet: EngineFleet) -> None:
    everything = set(fleet.dependencies())
    fleet.provider.forget()
    held = fleet.provider.hold("delete", 8)
    run = fleet.start("destroy")
    held.await_reached(run)
    fleet.kill_engine()
    fleet.failing(run)
    fleet.provider.heal()
    left = set(fleet.provider.objects)
    assert left, "it stopped in the middle"
    fleet.stack().destroy(fleet.said.append)
    assert not fleet.provider.objects, "nothing is left"
    assert set(_done(fleet, "delete")) == everything, "every object was deleted, those whose deletion nobody recorded perhaps again"


def test_a_kill_between_the_state_and_its_attributes_is_healed(fleet: EngineFleet) -> None:
    """As it was found once: the backend had emptied the file, and was killed before it wrote it."""
    fleet.up()
    states = list((fleet.directory / "state").rglob("test.json.attrs"))
    assert states, "the backend keeps attributes beside the state"
    states[0].write_bytes(b"")
    assert fleet.up() == {}, "the state is whole, and is found so"
