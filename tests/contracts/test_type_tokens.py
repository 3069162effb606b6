"""Type tokens are for ever: a changed one replaces everything inside. One table, and no component can be missing from it."""

from __future__ import annotations

import ast

import pytest

from tests.support.syntax import trees, under

pytestmark = pytest.mark.tooling

TOKENS = {
    "fleet:aws:Cluster": "components/aws/cluster.py Cluster",
    "fleet:aws:Encryption": "components/aws/encryption.py Encryption",
    "fleet:aws:FileSystem": "components/aws/storage.py FileSystem",
    "fleet:aws:Identity": "components/aws/identity.py Identity",
    "fleet:aws:ImageMirror": "components/aws/images.py ImageMirror",
    "fleet:aws:ModelBucket": "components/aws/storage.py ModelBucket",
    "fleet:aws:Network": "components/aws/network.py Network",
    "fleet:aws:Nodes": "components/aws/nodes.py Nodes",
    "fleet:aws:PodIdentity": "components/aws/identity.py PodIdentity",
    "fleet:aws:Replication": "components/aws/storage.py Replication",
    "fleet:aws:SecretContainer": "components/aws/secrets.py SecretContainer",
    "fleet:existing:Cluster": "components/existing/cluster.py ExistingCluster",
    "fleet:gcp:Cluster": "components/gcp/cluster.py Cluster",
    "fleet:gcp:Encryption": "components/gcp/encryption.py Encryption",
    "fleet:gcp:Identity": "components/gcp/identity.py Identity",
    "fleet:gcp:ImageMirror": "components/gcp/images.py ImageMirror",
    "fleet:gcp:ModelBucket": "components/gcp/storage.py ModelBucket",
    "fleet:gcp:Network": "components/gcp/network.py Network",
    "fleet:gcp:Nodes": "components/gcp/nodes.py Nodes",
    "fleet:gcp:PodIdentity": "components/gcp/identity.py PodIdentity",
    "fleet:gcp:SecretContainer": "components/gcp/secrets.py SecretContainer",
    "fleet:kubernetes:AddOns": "components/kubernetes/add_ons.py AddOns",
    "fleet:kubernetes:MirrorScript": "components/kubernetes/model_cache.py MirrorScript",
    "fleet:kubernetes:ModelCache": "components/kubernetes/model_cache.py ModelCache",
    "fleet:kubernetes:ModelServer": "components/kubernetes/model_server.py ModelServer",
    "fleet:kubernetes:NamespacePolicy": "components/kubernetes/policy.py NamespacePolicy",
    "fleet:kubernetes:Platform": "components/kubernetes/platform.py Platform",
    "fleet:stacks:Region": "stacks/region.py Region",
}
"""Token to the class that has it. A class may move; the token to its left never changes."""


def _classes() -> dict[tuple[str, str], ast.ClassDef]:
    """Every component class by file and name: those that name ComponentResource as a base, and those that name one of these."""
    everything = [(path, node) for path, tree in under("components/", "stacks/").items() for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    found: dict[tuple[str, str], ast.ClassDef] = {}
    bases = {"ComponentResource"}
    while new := [(path, node) for path, node in everything if (path, node.name) not in found and bases & {_last(base) for base in node.bases}]:
        found |= {(path, node.name): node for path, node in new}
        bases |= {name for _, name in found}
    return found


def _last(node: ast.expr) -> str:
    return ast.unparse(node).rpartition(".")[2]


def _token(name: str, node: ast.ClassDef) -> str:
    calls = [each for each in ast.walk(node) if isinstance(each, ast.Call) and ast.unparse(each.func) == "super().__init__"]
    assert len(calls) == 1, f"{name} registers itself once"
    token = calls[0].args[0]
    assert isinstance(token, ast.Constant), f"{name}: a token is written out, never put together"
    return str(token.value)


def test_every_component_has_the_token_of_the_table() -> None:
    found = {(path, name): _token(f"{path} {name}", node) for (path, name), node in _classes().items()}
    assert len(set(found.values())) == len(found), "two classes of one token would be taken for each other"
    written = {token: f"{path} {name}" for (path, name), token in found.items()}
    assert written == TOKENS, "add a line for a new component; never change the token of a line"


def test_each_token_names_its_own_layer() -> None:
    for (path, name), node in _classes().items():
        folder = path.split("/")[-2]
        assert _token(name, node).split(":")[:2] == ["fleet", folder], f"{name} stands in {path}"


def test_components_are_made_alike() -> None:
    for (path, name), node in _classes().items():
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
