"""The project's own source as syntax trees, for contracts that no run of a program could prove."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
PACKAGES = ("bench", "components", "contracts", "fleet", "local", "stacks", "tests")


@cache
def trees() -> dict[str, ast.Module]:
    """Path inside the project to the tree of every Python file of ours."""
    files = [*PROJECT.glob("*.py"), *(path for package in PACKAGES for path in (PROJECT / package).rglob("*.py"))]
    return {path.relative_to(PROJECT).as_posix(): ast.parse(path.read_text(encoding="utf-8")) for path in sorted(files)}


def under(*folders: str) -> dict[str, ast.Module]:
    """The files in these folders."""
    return {path: tree for path, tree in trees().items() if path.startswith(folders)}


def imports(tree: ast.AST) -> Iterator[str]:
    """Dotted names of everything imported, wherever the import stands: `from a import b` counts as `a.b`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, "relative imports hide which package is meant"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def imports_when_loaded(tree: ast.Module) -> Iterator[str]:
    """Only those that run when the module itself is imported."""
    for node in tree.body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield from imports(node)


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def called(node: ast.Call) -> str:
    """The last part of a called name: `pulumi.Output.all(...)` is `all`."""
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
