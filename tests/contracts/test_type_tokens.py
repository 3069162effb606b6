"""Type tokens are for ever: a changed one replaces everything inside. One table, and no component can be missing from it."""

from __future__ import annotations

import ast

import pytest

from tests.support.syntax import trees, under

pytestmark = pytest.mark.tooling

TOKENS = {
    "AddOns": "fleet:kubernetes:AddOns",
    "Cluster": "fleet:aws:Cluster",
    "Encryption": "fleet:aws:Encryption",
    "ExistingCluster": "fleet:existing:Cluster",
    "FileSystem": "fleet:aws:FileSystem",
    "Identity": "fleet:aws:Identity",
    "ImageMirror": "fleet:aws:ImageMirror",
    "MirrorScript": "fleet:kubernetes:MirrorScript",
    "ModelBucket": "fleet:aws:ModelBucket",
    "ModelCache": "fleet:kubernetes:ModelCache",
    "ModelServer": "fleet:kubernetes:ModelServer",
    "Network": "fleet:aws:Network",
    "Nodes": "fleet:aws:Nodes",
    "NamespacePolicy": "fleet:kubernetes:NamespacePolicy",
    "Platform": "fleet:kubernetes:Platform",
    "PodIdentity": "fleet:aws:PodIdentity",
    "Replication": "fleet:aws:Replication",
    "SecretContainer": "fleet:aws:SecretContainer",
    "Region": "fleet:stacks:Region",
}


def _classes() -> dict[str, tuple[str, ast.ClassDef]]:
    """Every component class: those that name ComponentResource as a base, and those that name one of these."""
    everything = [(path, node) for path, tree in under("components/", "stacks/").items() for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    found: dict[str, tuple[str, ast.ClassDef]] = {}
    bases = {"ComponentResource"}
    while new := [(path, node) for path, node in everything if node.name not in found and bases & {_last(base) for base in node.bases}]:
        found |= {node.name: (path, node) for path, node in new}
        bases |= set(found)
    return found


def _last(node: ast.expr) -> str:
    return ast.unparse(node).rpartition(".")[2]


def _token(node: ast.ClassDef) -> str:
    calls = [each for each in ast.walk(node) if isinstance(each, ast.Call) and ast.unparse(each.func) == "super().__init__"]
    assert len(calls) == 1, f"{node.name} registers itself once"
    token = calls[0].args[0]
    assert isinstance(token, ast.Constant), f"{node.name}: a token is written out, never put together"
    return str(token.value)


def test_every_component_has_the_token_of_the_table() -> None:
    assert {name: _token(node) for name, (_, node) in _classes().items()} == TOKENS, "add a new component here; never change a line"


def test_no_token_is_used_twice_and_each_names_its_own_layer() -> None:
    assert len(set(TOKENS.values())) == len(TOKENS), "two classes of one token would be taken for each other"
    for name, (path, node) in _classes().items():
        folder = path.split("/")[-2]
        assert _token(node).split(":")[:2] == ["fleet", folder], f"{name} stands in {path}"


def test_components_are_made_alike() -> None:
    for name, (path, node) in _classes().items():
        (constructor,) = [each for each in node.body if isinstance(each, ast.FunctionDef) and each.name == "__init__"]
        options = constructor.args.args[-1]
        assert options.arg == "opts", f"{name}: options come last"
        last = ast.unparse(constructor.body[-1])
        assert last.startswith("self.register_outputs("), f"{name} in {path}: the engine must know when a component is whole"


def test_no_component_stands_outside_the_layers_that_create() -> None:
    elsewhere = [
        path for path, tree in trees().items() if not path.startswith(("components/", "stacks/", "tests/")) and "ComponentResource" in ast.dump(tree)
    ]
    assert not elsewhere, "fleet decides, components create, stacks wire"
