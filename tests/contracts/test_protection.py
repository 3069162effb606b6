"""What is protected is decided in the plan, per resource: a protected object jams every later change of what is around it."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from fleet.planner import plan
from fleet.stack_file import parse
from tests.support.fleets import graph_of, production, shipped
from tests.support.syntax import under

pytestmark = pytest.mark.mocks


def test_nothing_of_an_existing_cluster_is_protected_even_in_prod(tmp_path: Path) -> None:
    decided = plan(parse(production()), stack="prod")
    assert not any(cluster.protect for cluster in decided.clusters), "somebody else's cluster is not ours to guard"
    graph = graph_of(production(), tmp_path)
    assert [each.name for each in graph.resources.values() if each.protect] == [], "in-cluster objects come and go with the stack file"
    assert [each.name for each in graph.resources.values() if each.retain_on_delete] == [], "and leave nothing behind"


def test_the_plan_protects_the_clusters_that_prod_makes_and_no_others() -> None:
    for stack, expected in (("prod", True), ("staging", False), ("local", False)):
        decided = plan(parse(shipped(stack)), stack=stack)
        assert {cluster.protect for cluster in decided.clusters} == {expected}, f"{stack}: the engine must refuse to delete a production cluster"


PLANNED = {"args.guarded", "args.protect", "self._decided.guarded"}
"""How a component of a cloud says that the plan decides."""


def test_no_component_protects_by_itself() -> None:
    for path, tree in under("components/kubernetes/", "components/existing/", "stacks/").items():
        words = [node for node in ast.walk(tree) if isinstance(node, ast.keyword) and node.arg in {"protect", "retain_on_delete"}]
        assert not words, f"{path} protects, and children of components inherit that"


def test_a_component_of_a_cloud_protects_single_resources_where_the_plan_says_so() -> None:
    for path, tree in under("components/aws/").items():
        for node in ast.walk(tree):
            if isinstance(node, ast.keyword) and node.arg in {"protect", "retain_on_delete"}:
                assert ast.unparse(node.value) in PLANNED, f"{path}:{node.value.lineno} decides by itself what is protected"


def test_no_component_is_protected(tmp_path: Path) -> None:
    graph = graph_of(shipped("prod"), tmp_path, "prod")
    assert any(each.protect for each in graph.resources.values()), "something is"
    assert [each.name for each in graph.resources.values() if each.protect and not each.custom] == [], "children of a component inherit that"
