"""Find each tool: the user's own where it behaves like the pinned one, otherwise the one built and cached."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

from local.cache import Say
from local.tools.build import ToolError, built, cached_folder, usual_time
from local.tools.recipes import RECIPES, Recipe

ALL = tuple(binary for recipe in RECIPES for binary in recipe.binaries)


def ensure(names: Iterable[str] = ALL, say: Say = print, record: Callable[[str, float], None] | None = None) -> dict[str, Path]:
    """Paths of these tools, built where they are missing.

    Args:
        names: binaries, for example "etcd".
        say: shows progress.
        record: told (module, seconds) of every build.

    Raises:
        ToolError: Go is missing or too old, a build failed, or no recipe makes one of the names.
    """
    wanted = set(names)
    if unknown := wanted - set(ALL):
        raise ToolError(f"no recipe makes {', '.join(sorted(unknown))}; the tools are: {', '.join(ALL)}")
    found: dict[str, Path] = {}
    to_build: list[Recipe] = []
    for recipe in RECIPES:
        here = [name for name in recipe.binaries if name in wanted]
        if not here:
            continue
        own = users_own(recipe, here)
        found |= own
        if not own:
            to_build.append(recipe)
    _announce(to_build, say)
    for recipe in to_build:
        found |= {name: path for name, path in built(recipe, say, record).items() if name in wanted}
    return {name: found[name] for name in ALL if name in found}


def users_own(recipe: Recipe, names: Iterable[str]) -> dict[str, Path]:
    """The user's own binaries, or none: all must be there, of one version, and not older than the recipe's minimum.

    Looked for in the engine's plugin folder where the recipe names one, else in $KUBEBUILDER_ASSETS and on PATH.
    """
    if recipe.ours:
        return {}
    if recipe.plugin:
        return _plugin(recipe)
    places = os.pathsep.join(part for part in (os.environ.get("KUBEBUILDER_ASSETS"), os.environ.get("PATH")) if part)
    paths = {name: shutil.which(name, path=places) for name in names}
    versions = {version_told(path) if path else None for path in paths.values()}
    if len(versions) != 1:  # a controller manager newer than its API server is not supported by Kubernetes
        return {}
    version = versions.pop()
    if version is None or version < recipe.minimum or version[0] != recipe.minimum[0]:
        return {}
    return {name: Path(path) for name, path in paths.items() if path}


def _plugin(recipe: Recipe) -> dict[str, Path]:
    """A provider tells no version of itself; the folder that the engine unpacked it into does."""
    home = Path(os.environ.get("PULUMI_HOME") or Path.home() / ".pulumi")
    folder = home / "plugins" / recipe.plugin
    if folder.with_name(f"{folder.name}.partial").exists():
        return {}
    paths = {name: folder / name for name in recipe.binaries}
    return paths if all(os.access(path, os.X_OK) for path in paths.values()) else {}


def version_told(path: str) -> tuple[int, ...] | None:
    """Major, minor and patch as the binary's `--version` says; None where it says nothing of the kind or fails."""
    try:
        told = subprocess.run(
            [path, "--version"],
            capture_output=True,
            text=True,
            timeout=20,
            check=True,
            stdin=subprocess.DEVNULL,
            env={**os.environ, "PULUMI_SKIP_UPDATE_CHECK": "true"},
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    version = re.search(r"(\d+)\.(\d+)(?:\.(\d+))?", told)
    return tuple(int(part or 0) for part in version.groups()) if version else None


def _announce(recipes: list[Recipe], say: Say) -> None:
    missing = [recipe for recipe in recipes if not all((cached_folder(recipe) / name).exists() for name in recipe.binaries)]
    if len(missing) > 1:
        say(f"To build, once: {', '.join(recipe.module for recipe in missing)}; about {usual_time(missing)} on two cores.")


def main(arguments: list[str]) -> int:
    """`python -m local.tools [NAME …]`: have these tools, or all, and print where they are.

    Returns 0, or 1 where one cannot be had, or 2 for a name that no recipe makes.
    """
    names = arguments or ALL
    if unknown := set(names) - set(ALL):
        print(f"error: no recipe makes {', '.join(sorted(unknown))}; the tools are: {', '.join(ALL)}", file=sys.stderr)
        return 2
    try:
        for name, path in ensure(names).items():
            print(f"{name:28} {path}")
    except ToolError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nInterrupted; the next run goes on with what is built.", file=sys.stderr)
        return 130
    return 0
