"""Source of a package of a cloud, read as syntax: what is missing or does not import is an answer here, never an error."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tests.support.syntax import PROJECT, imports


@dataclass(frozen=True, kw_only=True)
class Source:
    """The project's files, and before them those of folders laid over it."""

    over: tuple[Path, ...] = ()

    def path(self, name: str) -> Path | None:
        """Where a file or folder of the project is; None: nowhere."""
        return next((root / name for root in (*self.over, PROJECT) if (root / name).exists()), None)

    def text(self, name: str) -> str:
        """What a file says; a file that is not there says nothing."""
        found = self.path(name)
        return found.read_text(encoding="utf-8") if found and found.is_file() else ""

    def tree(self, name: str) -> ast.Module:
        """Syntax of a file. One that does not parse has none, which `broken` tells."""
        try:
            return _parsed(self.text(name))
        except SyntaxError:
            return ast.Module(body=[], type_ignores=[])

    def broken(self, name: str) -> str | None:
        """Why a file does not parse."""
        try:
            _parsed(self.text(name))
        except SyntaxError as error:
            return f"{name} is no Python: line {error.lineno}, {error.msg}"
        return None

    def modules(self, folder: str) -> set[str]:
        """Names of the modules directly in a folder, packages among them."""
        roots = [root / folder for root in (*self.over, PROJECT)]
        files = {path.stem for root in roots for path in root.glob("*.py") if path.stem != "__init__"}
        return files | {path.parent.name for root in roots for path in root.glob("*/*.py")}

    def module(self, name: str) -> str | None:
        """The file of a module given as folder and name: `fleet/aws/storage` is a file or a package."""
        return next((path for path in (f"{name}.py", f"{name}/__init__.py") if self.path(path)), None)

    def parameters(self, module: str, function: str) -> tuple[str, ...] | None:
        """Names of the parameters of a function of a module, also of one that it imports from this project; None: it has no such function."""
        path = self.module(module)
        if path is None:
            return None
        for node in self.tree(path).body:
            if isinstance(node, ast.FunctionDef) and node.name == function:
                return tuple(argument.arg for argument in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs))
            if isinstance(node, ast.ImportFrom) and node.module and function in {alias.asname or alias.name for alias in node.names}:
                return self.parameters(node.module.replace(".", "/"), function)
        return None

    def classes(self, path: str) -> dict[str, ast.ClassDef]:
        """Public classes of a file."""
        return {node.name: node for node in self.tree(path).body if isinstance(node, ast.ClassDef) and not node.name.startswith("_")}

    def functions(self, path: str) -> set[str]:
        """Public functions of a file."""
        return {node.name for node in self.tree(path).body if isinstance(node, ast.FunctionDef) and not node.name.startswith("_")}

    def components(self, path: str) -> dict[str, str | None]:
        """Component classes of a file and their type tokens; None: the token is not written out."""
        found = {}
        for name, node in self.classes(path).items():
            if any(ast.unparse(base).rpartition(".")[2] == "ComponentResource" for base in node.bases):
                found[name] = _token(node)
        return found

    def says(self, path: str, name: str) -> bool:
        """Whether a file has this word outside of what it says in words."""
        return name in self.text(path) and any(isinstance(node, ast.Name) and node.id == name for node in ast.walk(self.tree(path)))

    def imported(self, path: str) -> set[str]:
        """Dotted names of everything that a file imports."""
        return set(imports(self.tree(path)))

    def constant(self, path: str, name: str) -> object:
        """A constant that a file writes out; None: it has none."""
        for node in self.tree(path).body:
            if isinstance(node, ast.Assign) and [ast.unparse(target) for target in node.targets] == [name] and isinstance(node.value, ast.Constant):
                return node.value.value
        return None

    def files(self, folder: str) -> Iterator[str]:
        """Python files directly in a folder."""
        found = self.path(folder)
        return (f"{folder}/{path.name}" for path in sorted(found.glob("*.py"))) if found else iter(())


_parsed = cache(ast.parse)
"""By the text itself, for a file may be written anew while tests run."""


def _token(node: ast.ClassDef) -> str | None:
    for call in (each for each in ast.walk(node) if isinstance(each, ast.Call) and ast.unparse(each.func) == "super().__init__"):
        if call.args and isinstance(call.args[0], ast.Constant):
            return str(call.args[0].value)
    return None
