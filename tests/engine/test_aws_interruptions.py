"""Updates of a region of AWS that fail, lose an answer or are killed, and the next one: the same end, and nothing twice that can be helped.

Two things AWS alone can say are met here: a name that somebody gave is taken, so a second creation is refused; a name that was
generated is not, so a creation whose answer was lost leaves something behind. `docs/aws.md` says what to do then.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator

import pytest

from tests.support.cloud_fleet import CloudFleet, small

pytestmark = pytest.mark.engine

MOMENTS = sorted(random.Random(20).sample(range(1, 11), 2))  # noqa: S311  the same in every run
"""At which creation an engine that adds a pool is killed: a pool is ten creations of AWS."""

LOG_GROUP = "aws:cloudwatch/logGroup:LogGroup"


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CloudFleet]:
    found = CloudFleet(tmp_path_factory.mktemp("fleet"), small("east"), checkpoints=True)
    yield found
    found.remove()


@pytest.fixture(autouse=True)
def healthy(fleet: CloudFleet) -> Iterator[None]:
    yield
    fleet.heal()


def test_a_region_whose_making_fails_is_throttled_and_is_killed_is_made_whole_by_the_next_update(fleet: CloudFleet) -> None:
    for nth, words in ((3, "LimitExceeded: no more"), (60, "ThrottlingException: Rate exceeded")):
        failing = fleet.aws.fail("create", nth, words)
        said = fleet.failing(fleet.start("up"))
        assert words in said, "AWS's words"
        assert f"{failing.urn.rpartition('::')[2]}: " in said, "and the resource they are about"
        fleet.heal()
    fleet.take_over(fleet.kill_at(fleet.aws, 15))
    fleet.up()
    assert not fleet.aws.duplicates(), "nothing was made again"
    ids = Counter(urn for urn, _ in {(change.urn, change.name) for change in fleet.aws.made})
    assert max(ids.values()) == 1, "nor taken away in between"
    fleet.assert_whole(fleet.aws)


def test_a_lost_answer_to_a_given_name_is_refused_as_existing_and_nothing_is_there_twice(fleet: CloudFleet) -> None:
    fleet.settings["clusters"]["east"]["flow_logs"] = True
    lost = fleet.aws.lose("create", matching=LOG_GROUP)
    assert "the connection broke" in fleet.failing(fleet.start("up")), "the engine is told so"
    fleet.heal()
    said = fleet.failing(fleet.start("up"))
    assert "ResourceAlreadyExistsException" in said, "the name is taken"
    assert lost.urn.rpartition("::")[2] in said, "and a person reads by what"
    assert not fleet.aws.duplicates(), "nothing is there twice"
    (key,) = [key for key in fleet.aws.objects if key[1] == "LogGroup" and key[2].endswith("/flows")]
    del fleet.aws.objects[key]  # an empty log that nobody has written to is removed by hand
    fleet.up()
    fleet.assert_whole(fleet.aws)


def test_a_lost_answer_to_a_generated_name_leaves_one_thing_that_its_tags_betray(fleet: CloudFleet) -> None:
    fleet.settings["pools"]["a10g"] = {"accelerator": "A10G", "max_nodes": 3}
    fleet.settings["models"]["extra"] = {"tier": "small", "pool": "a10g"}
    lost = fleet.aws.lose("create", matching="LaunchTemplate")
    fleet.failing(fleet.start("up"))
    fleet.heal()
    fleet.up()
    (group,) = fleet.aws.duplicates()
    assert {change.urn for change in group} == {lost.urn}, "the one whose answer was lost, and no other"
    tags = [fleet.aws.objects[change.region, change.kind, change.name]["tagsAll"] for change in group]
    assert tags[0] == tags[1], "both say whose they are"
    assert tags[0]["fleet"] == "small", "so they are found by the fleet's tags"
    used = {state["launchTemplate"]["id"] for key, state in fleet.aws.objects.items() if key[1] == "NodeGroup"}
    (orphan,) = [change for change in group if change.name not in used]
    del fleet.aws.objects[orphan.region, orphan.kind, orphan.name]
    fleet.assert_whole(fleet.aws)


@pytest.mark.parametrize("nth", MOMENTS)
def test_an_engine_killed_with_9_is_healed_by_taking_over_what_it_had_made(fleet: CloudFleet, nth: int) -> None:
    pool = f"more-{nth}"
    fleet.settings["pools"][pool] = {"accelerator": "L40S", "max_nodes": 2}
    fleet.settings["models"][pool] = {"tier": "small", "pool": pool}
    fleet.take_over(fleet.kill_at(fleet.aws, nth))
    fleet.up()
    assert not fleet.aws.duplicates(), "nothing was made twice"
    fleet.assert_whole(fleet.aws)


def test_a_destroy_that_was_killed_goes_on_and_leaves_nothing(fleet: CloudFleet) -> None:
    fleet.destroy_killed_at(fleet.aws, 30)
