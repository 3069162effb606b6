"""What is protected is decided in the plan, per resource: a protected object jams every later change of what is around it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from fleet.planner import plan
from fleet.stack_file import parse
from tests.support.cloud_programs import recorded
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


PLANNED = {
    *("args.guarded", "args.protect", "decided.guarded", "self._decided.guarded", "not args.guarded"),
    *("args.deletion_policy", "decided.deletion_policy", "self._decided.deletion_policy", "plan.deletion_protection"),
    "False",
}
"""How a component of a cloud says that the plan decides, or that nothing is guarded."""

WORDS = {"protect", "retain_on_delete", "deletion_policy", "deletion_protection", "force_destroy"}
"""Of the engine, of providers and of clouds themselves."""

MAKE_NOTHING = ("components/kubernetes/", "components/existing/", "stacks/")


def _guards(*folders: str) -> Iterator[tuple[str, ast.keyword]]:
    for path, tree in under(*folders).items():
        yield from ((path, node) for node in ast.walk(tree) if isinstance(node, ast.keyword) and node.arg in WORDS)


def test_no_component_protects_by_itself() -> None:
    assert [f"{path}:{node.value.lineno}" for path, node in _guards(*MAKE_NOTHING)] == [], "children of components inherit that"


def test_a_component_of_a_cloud_protects_single_resources_where_the_plan_says_so() -> None:
    found = [(path, node) for path, node in _guards("components/") if not path.startswith(MAKE_NOTHING)]
    assert {path.split("/")[1] for path, _ in found} >= {"aws", "gcp"}, "every cloud that makes something guards some of it"
    for path, node in found:
        assert ast.unparse(node.value) in PLANNED, f"{path}:{node.value.lineno} decides by itself what is protected"


def test_no_component_is_protected() -> None:
    graph = recorded("prod").graph
    assert any(each.protect for each in graph.resources.values()), "something is"
    assert [each.name for each in graph.resources.values() if each.protect and not each.custom] == [], "children of a component inherit that"
