"""No resource is created inside an `apply`: it would be missing from previews, and planned for deletion while a value is unknown."""

from __future__ import annotations

import ast
from pathlib import Path

import pulumi
import pytest
from pulumi_kubernetes.core.v1 import ConfigMap

from tests.support.fleets import graph_of, production
from tests.support.recording import run
from tests.support.syntax import called, under

pytestmark = pytest.mark.mocks

UNWRAPPING = {"apply", "all", "from_input", "unsecret"}


def test_no_function_given_to_an_output_makes_a_resource() -> None:
    for path, tree in under("components/", "stacks/").items():
        for node in ast.walk(tree):
            if not (isinstance(node, ast.Call) and called(node) in UNWRAPPING):
                continue
            for inner in (each for argument in node.args for each in ast.walk(argument) if isinstance(each, ast.Call)):
                made = called(inner)[:1].isupper() and not called(inner).endswith("Args")
                assert not made, f"{path}:{inner.lineno} creates {called(inner)} inside {called(node)}"


def test_the_program_makes_everything_outside_of_apply(tmp_path: Path) -> None:
    assert graph_of(production(), tmp_path).inside_apply == [], "a loop over the plan, nothing else"


def test_a_resource_inside_apply_would_be_seen() -> None:
    graph = run(lambda: pulumi.Output.from_input("name").apply(lambda name: ConfigMap(name, data={})), {})
    assert graph.inside_apply == ["kubernetes:core/v1:ConfigMap name"], "the watch works"
