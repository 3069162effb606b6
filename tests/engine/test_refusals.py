"""What a plan refuses, the engine never gets to make: the provider behind it is asked for nothing."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.engine_fleet import EngineFleet
from tests.support.stack_files import shipped

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EngineFleet]:
    found = EngineFleet(tmp_path_factory.mktemp("fleet"))
    yield found
    found.remove()


def _nothing_was_asked_for(fleet: EngineFleet) -> None:
    assert not fleet.provider.log, "the clusters got nothing"
    assert not fleet.provider.previewed, "and the provider was not even asked what it would do"


def test_an_unknown_gpu_is_refused_before_the_first_resource(fleet: EngineFleet) -> None:
    fleet.settings["pools"]["l4"]["accelerator"] = "L5"
    text = fleet.failing(fleet.start("up"))
    fleet.settings["pools"]["l4"]["accelerator"] = "L4"
    assert "pools.l4.accelerator: 'L5' refused" in text, "the field and the value"
    _nothing_was_asked_for(fleet)


def test_a_context_that_points_at_another_cluster_is_refused_before_the_first_resource(fleet: EngineFleet) -> None:
    fleet.clusters.clusters["west"].uid = "99999999-0000-4000-8000-000000000000"
    text = fleet.failing(fleet.start("up"))
    fleet.clusters.clusters["west"].uid = fleet.uids["west"]
    assert f"clusters.west.cluster_uid: '{fleet.uids['west']}' refused" in text, "the field and the cluster that was meant"
    assert "99999999-0000-4000-8000-000000000000" in text, "the cluster it is"
    _nothing_was_asked_for(fleet)


@pytest.mark.parametrize("name", ["staging", "prod"])
def test_a_shipped_fleet_that_does_not_accept_its_missing_half_is_refused_in_words_and_nothing_is_made(fleet: EngineFleet, name: str) -> None:
    before = fleet.settings
    risks = [risk for risk in shipped(name)["accepted_risks"] if not risk["risk"].startswith("uncreated cluster ")]
    fleet.settings = {**shipped(name), "accepted_risks": risks}
    text = fleet.failing(fleet.start("up"))
    fleet.settings = before
    assert "The plan is refused" in text, "not a crash"
    assert "clusters.gcp-usc1.cloud: 'gcp' refused" in text, "the cluster of a cloud without components, by name"
    assert "clusters.aws-use2" not in text, "and no other"
    assert "planned and priced but not created yet" in text, "it says what does work"
    assert "python -m fleet plan --stack test" in text, "and how to see it"
    _nothing_was_asked_for(fleet)
