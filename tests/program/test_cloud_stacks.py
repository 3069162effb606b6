"""What holds for the program's resources in every cloud: charts and objects of the plan, nothing looked up, the same again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support import aws_programs, gcp_programs
from tests.support.cloud_programs import FLEETS, recorded
from tests.support.fleets import Settings, graph_of
from tests.support.recorded_fleet import Recorded

pytestmark = pytest.mark.mocks


@pytest.fixture(params=FLEETS)
def fleet(request: pytest.FixtureRequest) -> Recorded:
    return recorded(request.param)


def test_each_cluster_holds_exactly_the_charts_classes_and_objects_that_its_plan_asks_for(fleet: Recorded) -> None:
    for planned in fleet.clusters:
        wanted = (planned.aws_plan if planned.aws else planned.gcp_plan).in_cluster
        releases = {each.inputs["name"]: each for each in fleet.made("kubernetes:helm.sh/v3:Release", cluster=planned.name)}
        assert set(releases) == {add_on.name for add_on in wanted.add_ons}, "charts"
        classes = {each.inputs["metadata"]["name"] for each in fleet.made("kubernetes:storage.k8s.io/v1:StorageClass", cluster=planned.name)}
        assert classes == {each.name for each in wanted.storage_classes}, "classes of volumes"
        namespaces = {each.inputs["metadata"]["name"] for each in fleet.made("kubernetes:core/v1:Namespace", cluster=planned.name)}
        assert namespaces == {planned.namespace, *(each.name for each in wanted.namespaces)}, "namespaces"
        deployments = {each.inputs["metadata"]["name"] for each in fleet.made("kubernetes:apps/v1:Deployment", cluster=planned.name)}
        assert deployments == {model.name for model in planned.models}, "and a server for every model"


def test_nothing_is_looked_up_and_nothing_is_made_inside_an_apply(fleet: Recorded) -> None:
    assert fleet.graph.invokes == [], "a preview needs no answer of a cloud"
    assert fleet.graph.inside_apply == [], "a preview shows everything"


def test_nothing_that_is_meant_for_the_program_reaches_a_cloud(fleet: Recorded) -> None:
    for each in fleet.made("aws:", "gcp:", "kubernetes:"):
        assert "Reference(" not in str(each.inputs), f"{each.name} would get words of the plan"


@pytest.mark.parametrize(
    ("settings", "recorded_of"), [(aws_programs.everything, aws_programs.recorded), (gcp_programs.everything, gcp_programs.recorded)]
)
def test_a_second_run_asks_for_the_same(settings: Callable[[], Settings], recorded_of: Callable[[str], Recorded], tmp_path: Path) -> None:
    first, again = recorded_of("everything").graph, graph_of(settings(), tmp_path, "everything")
    assert set(again.resources) == set(first.resources), "the same names"
    for urn, each in again.resources.items():
        assert each.inputs == first.resources[urn].inputs, f"{each.name}: nothing random, no time of day"
