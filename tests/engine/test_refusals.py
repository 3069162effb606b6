"""What a plan refuses, the engine never gets to make: the provider behind it is asked for nothing."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.engine_fleet import EngineFleet

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
