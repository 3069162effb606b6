"""Build one module's binaries with Go: shown while it runs, and in one readable error where it fails."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from local.cache import Say, cache_directory, make_once
from local.ledger import read_reference
from local.tools.recipes import Recipe

MODULES = Path(__file__).resolve().parent
TAIL_LINES = 15
REPORT_SECONDS = 30.0


class ToolError(Exception):
    """A tool is neither there nor can it be built; the text says what to install, or shows the end of the build."""


def built(recipe: Recipe, say: Say, record: Callable[[str, float], None] | None = None) -> dict[str, Path]:
    """Binaries of this recipe from the cache, built first where they are not in it.

    Raises:
        ToolError: Go is missing or too old, the cache cannot be written, or the build failed.
    """
    folder = cached_folder(recipe)
    began = time.monotonic()
    try:
        made = make_once(folder, recipe.binaries, lambda empty: _build(recipe, empty, say), say)
    except OSError as error:
        raise ToolError(f"{recipe.module} cannot be kept in {cache_directory()} ({error}): set FLEET_CACHE to another folder") from error
    if made and record:
        record(recipe.module, time.monotonic() - began)
    return {name: folder / name for name in recipe.binaries}


def cached_folder(recipe: Recipe) -> Path:
    """Where the binaries lie once built; named by everything that decides them: sources, flags, compiler and platform.

    Raises:
        ToolError: Go is missing or too old.
    """
    flags = (recipe.linker_flags, recipe.tags, sorted(recipe.binaries.items()), _go(recipe))
    digest = hashlib.sha256(repr(flags).encode())
    folder = MODULES / recipe.module
    for path in sorted((folder / "go.mod", folder / "go.sum", *folder.rglob("*.go"), *folder.rglob("*.json"))):
        if path.exists():  # a module without requirements has no go.sum
            digest.update(path.relative_to(folder).as_posix().encode() + path.read_bytes())
    return cache_directory() / "tools" / recipe.module / digest.hexdigest()[:16]


def _build(recipe: Recipe, folder: Path, say: Say) -> None:
    for number, (name, package) in enumerate(recipe.binaries.items(), start=1):
        of = f" ({number} of {len(recipe.binaries)})" if len(recipe.binaries) > 1 else ""
        say(f"Building {name}{of}; {recipe.module} takes about {usual_time([recipe])} on two cores the first time.")
        command = ["go", "build", "-mod=readonly", "-trimpath", "-buildvcs=false", "-ldflags", recipe.linker_flags]
        command += ["-tags", recipe.tags] if recipe.tags else []
        _run([*command, "-o", str(folder / name), package], MODULES / recipe.module, name, say)


def _run(command: list[str], directory: Path, name: str, say: Say) -> None:
    environment = {**os.environ, "CGO_ENABLED": "0", "GOTOOLCHAIN": "local", "GOFLAGS": "", "GOWORK": "off"}
    began = time.monotonic()
    with _shown(f"building {name}", say):
        done = subprocess.run(
            command,
            cwd=directory,
            env=environment,
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
    if done.returncode:
        tail = "\n".join(f"  {line}" for line in done.stdout.splitlines()[-TAIL_LINES:])
        raise ToolError(f"building {name} failed (exit status {done.returncode}):\n{tail}")
    say(f"  {name}: {time.monotonic() - began:.0f} s")


@contextmanager
def _shown(what: str, say: Say) -> Iterator[None]:
    """Say every half minute that it goes on; on a terminal, count the seconds in place."""
    began, done, terminal = time.monotonic(), threading.Event(), sys.stdout.isatty()

    def report() -> None:
        while not done.wait(1.0 if terminal else REPORT_SECONDS):
            line = f"  still {what}: {time.monotonic() - began:.0f} s"
            if terminal:
                sys.stdout.write(f"\r{line}")
                sys.stdout.flush()
            else:
                say(line)
        if terminal:
            sys.stdout.write("\r\033[K")
            sys.stdout.flush()

    reporter = threading.Thread(target=report, daemon=True)
    reporter.start()
    try:
        yield
    finally:
        done.set()
        reporter.join()


def _go(recipe: Recipe) -> str:
    """The compiler's version and platform, where it is new enough for this module."""
    found = _go_environment()
    needed = re.search(r"^go (\d+)\.(\d+)", (MODULES / recipe.module / "go.mod").read_text(encoding="utf-8"), re.MULTILINE)
    version = re.search(r"go(\d+)\.(\d+)", found or "")
    if found and needed and version and _numbers(version) >= _numbers(needed):
        return found
    names = ", ".join(recipe.binaries)
    there = f"Go here is {version.group()}" if version else "Go is not installed"
    least = ".".join(needed.groups()) if needed else "1.26"
    raise ToolError(f"{names}: not on PATH in an accepted version, and {there}: install Go {least} or newer (go.dev/dl), or {recipe.alternative}")


@cache
def _go_environment() -> str | None:
    go = shutil.which("go")
    if go is None:
        return None
    done = subprocess.run([go, "env", "GOVERSION", "GOOS", "GOARCH"], capture_output=True, text=True, check=False)
    return " ".join(done.stdout.split()) if done.returncode == 0 else None


def _numbers(match: re.Match[str]) -> tuple[int, ...]:
    return tuple(int(part) for part in match.groups())


def usual_time(recipes: Iterable[Recipe]) -> str:
    """How long these take together from nothing on two cores, measured: "56 s", "4 minutes"."""
    figures = read_reference()["builds"]
    seconds = sum(figures[recipe.module]["cold"] for recipe in recipes)
    return f"{seconds} s" if seconds < 90 else f"{round(seconds / 60)} minutes"
