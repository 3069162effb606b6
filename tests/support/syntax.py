"""The project's own source as syntax trees, for contracts that no run of a program could prove."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
PACKAGES = ("bench", "components", "contracts", "fleet", "local", "stacks", "tests")


@cache
def files() -> tuple[str, ...]:
    """Paths inside the project of every Python file of ours."""
    found = [*PROJECT.glob("*.py"), *(path for package in PACKAGES for path in (PROJECT / package).rglob("*.py"))]
    return tuple(sorted(path.relative_to(PROJECT).as_posix() for path in found))


@cache
def parsed(path: str) -> ast.Module:
    """One file. Parsing all of them takes seconds, and most contracts are about a few."""
    return ast.parse((PROJECT / path).read_text(encoding="utf-8"))


def trees() -> dict[str, ast.Module]:
    """Path to the tree of every file."""
    return under("")


def under(*folders: str) -> dict[str, ast.Module]:
    """The files in these folders."""
    return {path: parsed(path) for path in files() if path.startswith(folders)}


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
