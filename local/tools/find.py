"""Find or build each tool. Builds are shown, cached outside the checkout by everything that decides them, and never half done."""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from local.tools.recipes import RECIPES, Recipe

Say = Callable[[str], None]

MODULES = Path(__file__).resolve().parent
TAIL_LINES = 15
REPORT_SECONDS = 30


class ToolError(Exception):
    """A tool is neither there nor can it be built; the text says what to install, or shows the end of the build."""


def cache_directory() -> Path:
    """Where built tools and downloads are kept between runs: $FLEET_CACHE, or the user's cache folder."""
    chosen = os.environ.get("FLEET_CACHE")
    return Path(chosen) if chosen else Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "vllm-fleet"


def ensure(names: Iterable[str], say: Say = print, record: Callable[[str, float], None] | None = None) -> dict[str, Path]:
    """Paths of these tools, built where they are missing.

    Args:
        names: binaries, for example "etcd".
        say: shows progress.
        record: told (module, seconds) of every build.

    Raises:
        ToolError: Go is missing, or a build failed.
    """
    wanted = set(names)
    unknown = wanted - {binary for recipe in RECIPES for binary in recipe.binaries}
    if unknown:
        raise ToolError(f"no recipe builds {', '.join(sorted(unknown))}")
    chosen = [recipe for recipe in RECIPES if wanted & set(recipe.binaries)]
    found: dict[str, Path] = {}
    for recipe in chosen:
        ours = {name: path for name in wanted & set(recipe.binaries) if (path := _on_path(name, recipe))}
        if len(ours) < len(wanted & set(recipe.binaries)):
            ours = _built(recipe, say, record)
        found |= {name: ours[name] for name in wanted & set(recipe.binaries)}
    return found


def _on_path(name: str, recipe: Recipe) -> Path | None:
    """A binary of the user's own, new enough to behave like the pinned one."""
    if recipe.minimum is None:
        return None
    assets = os.environ.get("KUBEBUILDER_ASSETS", "")
    path = shutil.which(name, path=os.pathsep.join(part for part in (assets, os.environ.get("PATH", "")) if part))
    if path is None:
        return None
    try:
        told = subprocess.run([path, *recipe.version_arguments], capture_output=True, text=True, timeout=20, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    version = re.search(r"(\d+)\.(\d+)(?:\.(\d+))?", told)
    if version is None or tuple(int(part or 0) for part in version.groups()) < recipe.minimum:
        return None
    return Path(path)


def _built(recipe: Recipe, say: Say, record: Callable[[str, float], None] | None) -> dict[str, Path]:
    folder = cache_directory() / "tools" / recipe.module / _key(recipe)
    binaries = {name: folder / name for name in recipe.binaries}
    if all(path.exists() for path in binaries.values()):
        return binaries
    folder.parent.mkdir(parents=True, exist_ok=True)
    with _locked(folder.with_suffix(".lock")):
        if not all(path.exists() for path in binaries.values()):
            began = time.monotonic()
            _build(recipe, folder, say)
            if record:
                record(recipe.module, time.monotonic() - began)
    return binaries


def _build(recipe: Recipe, folder: Path, say: Say) -> None:
    """Build into a folder beside the final one and rename it: what is named is whole."""
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix="building-") as temporary:
        out = Path(temporary) / "bin"
        out.mkdir()
        for number, (name, package) in enumerate(recipe.binaries.items(), start=1):
            of = f" ({number} of {len(recipe.binaries)})" if len(recipe.binaries) > 1 else ""
            say(f"Building {name}{of}; {recipe.module} takes about {_minutes(recipe.usual_seconds)} on two cores the first time.")
            command = ["go", "build", "-mod=readonly", "-trimpath", "-buildvcs=false", "-ldflags", recipe.linker_flags]
            command += ["-tags", recipe.tags] if recipe.tags else []
            _run([*command, "-o", str(out / name), package], MODULES / recipe.module, name, say)
        if folder.exists():
            shutil.rmtree(folder)
        out.replace(folder)


def _run(command: list[str], directory: Path, name: str, say: Say) -> None:
    environment = {**os.environ, "CGO_ENABLED": "0", "GOTOOLCHAIN": "local", "GOFLAGS": "", "GOWORK": "off"}
    began, done = time.monotonic(), threading.Event()

    def report() -> None:
        while not done.wait(REPORT_SECONDS):
            say(f"  still building {name}: {time.monotonic() - began:.0f} s")

    reporter = threading.Thread(target=report, daemon=True)
    reporter.start()
    try:
        subprocess.run(command, cwd=directory, env=environment, check=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    except subprocess.CalledProcessError as error:
        tail = "\n".join(f"  {line}" for line in str(error.output).splitlines()[-TAIL_LINES:])
        raise ToolError(f"building {name} failed:\n{tail}") from None
    finally:
        done.set()
        reporter.join()
    say(f"  {name}: {time.monotonic() - began:.0f} s")


def _key(recipe: Recipe) -> str:
    """Everything that decides the result: module files, flags and the compiler."""
    digest = hashlib.sha256(repr((recipe.linker_flags, recipe.tags, sorted(recipe.binaries.items()), _go_version())).encode())
    for path in sorted((MODULES / recipe.module).iterdir()):
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()[:16]


@cache
def _go_version() -> str:
    if shutil.which("go") is None:
        raise ToolError("Go is not installed, and a tool is not on PATH either: install Go 1.26 or newer")
    return subprocess.run(["go", "env", "GOVERSION"], capture_output=True, text=True, check=True).stdout.strip()


@contextmanager
def _locked(path: Path):  # noqa: ANN202  a context manager of nothing
    """Two runs never build the same tool at once; the kernel lets go of the lock when its holder dies."""
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _minutes(seconds: int) -> str:
    return f"{seconds} s" if seconds < 90 else f"{round(seconds / 60)} minutes"


def main(arguments: list[str]) -> int:
    """`python -m local.tools [NAME …]`: build and print paths."""
    names = arguments or [binary for recipe in RECIPES for binary in recipe.binaries]
    try:
        for name, path in ensure(names).items():
            print(f"{name:28} {path}")
    except ToolError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0
