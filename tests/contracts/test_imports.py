"""Who may import whom, and what each layer must not do: read from the syntax, imports inside functions included."""

from __future__ import annotations

import ast
import sys

import pytest

from tests.support.syntax import PROJECT, called, files, functions, imports, imports_when_loaded, parsed, trees, under

pytestmark = pytest.mark.tooling

ALLOWED = {
    "__main__.py": {"fleet", "stacks"},
    "components/__init__.py": set(),
    "components/handle.py": {"components.references", "fleet", "pulumi", "pulumi_kubernetes"},
    "components/references.py": {"fleet", "pulumi"},
    "components/aws/": {"components.aws", "components.handle", "components.references", "fleet", "pulumi", "pulumi_aws", "pulumi_kubernetes"},
    "components/gcp/": {"components.gcp", "components.handle", "components.references", "fleet", "pulumi", "pulumi_gcp", "pulumi_kubernetes"},
    "components/existing/": {"components.existing", "components.handle", "fleet", "httpx2", "lightkube", "pulumi", "pulumi_kubernetes", "yaml"},
    "components/kubernetes/": {"components.kubernetes", "components.references", "fleet", "pulumi", "pulumi_kubernetes"},
    "components/kubernetes/mirror_weights.py": {"components.kubernetes", "huggingface_hub", "weights_files", "weights_lock", "weights_objects"},
    "components/kubernetes/weights_files.py": set(),
    "components/kubernetes/weights_objects.py": {"components.kubernetes.weights_files", "huggingface_hub", "weights_files"},
    "components/kubernetes/weights_lock.py": set(),
    "fleet/": {"fleet", "pydantic", "pydantic_core", "yaml"},
    "stacks/": {"components", "fleet", "pulumi", "stacks"},
}
"""Path to what it may import beside the standard library; the longest path that fits counts."""

DECIDING = {"ceil", "floor", "len", "max", "min", "round", "sum"}
SCRIPTS = {f"components/kubernetes/{name}.py" for name in ("mirror_weights", "weights_files", "weights_lock", "weights_objects")}
"""No components: they are shipped into pods and run there alone."""


def _allowed(path: str) -> set[str]:
    lines = [prefix for prefix in ALLOWED if path.startswith(prefix)]
    assert lines, f"{path} is in no layer: give {path.rpartition('/')[0]}/ a line in ALLOWED (a cloud's package: the lines of aws and gcp)"
    return ALLOWED[max(lines, key=len)]


def _clouds() -> set[str]:
    return {folder.name for folder in (PROJECT / "components").iterdir() if (folder / "cluster.py").exists()}


def test_every_layer_imports_only_what_it_may() -> None:
    for path, tree in under("__main__.py", "components/", "fleet/", "stacks/").items():
        for name in imports(tree):
            ours = any(name == allowed or name.startswith(f"{allowed}.") for allowed in _allowed(path))
            assert ours or name.split(".")[0] in sys.stdlib_module_names, f"{path} imports {name}: the layers point one way"


def test_only_the_config_reader_touches_pulumis_configuration() -> None:
    for path, tree in under("components/", "stacks/", "__main__.py").items():
        reads = [node for node in ast.walk(tree) if isinstance(node, ast.Attribute) and node.attr == "Config"]
        reads += [node for name in imports(tree) for node in [name] if name.startswith("pulumi.") and name.endswith("Config")]
        assert not reads or path == "stacks/config.py", f"{path} reads configuration that no schema has seen"


def test_only_one_file_of_the_stacks_names_clouds_and_it_imports_them_when_needed() -> None:
    clouds = tuple(f"components.{cloud}" for cloud in _clouds())
    assert clouds, "there is a package per cloud"
    for path, tree in under("stacks/").items():
        named = [name for name in imports(tree) if name.startswith(clouds)]
        assert not named or path == "stacks/clouds.py", f"{path} names {named}"
    eager = [name for name in imports_when_loaded(parsed("stacks/clouds.py")) if name.startswith(clouds)]
    assert not eager, "an SDK of a cloud that is not used costs a second"


def test_the_kubernetes_layer_and_the_stacks_decide_nothing_by_cloud() -> None:
    clouds = _clouds() - {"existing"}
    for path, tree in under("components/kubernetes/", "stacks/").items():
        words = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)} & clouds
        words |= {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)} & {*clouds, *(f"{cloud}_plan" for cloud in clouds)}
        assert not words or path == "stacks/clouds.py", f"{path} knows a cloud"
    for path, tree in under("components/").items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Compare):
                assert "cloud" not in ast.unparse(node), f"{path}:{node.lineno} decides by cloud: that belongs into the plan"


def test_components_do_no_arithmetic() -> None:
    for path, tree in under("components/").items():
        if path in SCRIPTS:
            continue
        for node in ast.walk(tree):
            arithmetic = isinstance(node, ast.BinOp | ast.AugAssign) and not isinstance(node.op, ast.BitOr)
            assert not arithmetic, f"{path}:{getattr(node, 'lineno', 0)} computes: numbers come from the plan"
            counts = isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and called(node) in DECIDING
            assert not counts, f"{path}:{getattr(node, 'lineno', 0)} decides: values come from the plan"


def test_the_entry_point_is_one_breath() -> None:
    text = (PROJECT / "__main__.py").read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 30, "who reads it sees the whole program"
    names = {called(node) for node in ast.walk(parsed("__main__.py")) if isinstance(node, ast.Call)}
    assert names == {"refusals", "load", "plan", "stack_name", "assemble", "export"}, "it wires and creates nothing itself"


def test_files_and_functions_stay_readable() -> None:
    long_files = {path: lines for path in files() if (lines := len((PROJECT / path).read_text(encoding="utf-8").splitlines())) > 300}
    assert not long_files, "a file that outgrows its room gets a folder"
    long_functions = {
        f"{path} {function.name}": lines
        for path, tree in trees().items()
        for function in functions(tree)
        if (lines := (function.end_lineno or 0) - function.lineno + 1) > 70
    }
    assert not long_functions, "a function that does not fit on a screen does two things"
