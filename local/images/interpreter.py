"""The Python that runs this program, as layers of an image: interpreter, libraries, standard library, chosen packages."""

from __future__ import annotations

import importlib.metadata
import re
import sys
import sysconfig
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from local.images.entries import Compiled, Entry, File, Layer, Link
from local.images.libraries import ImageError, dependencies, libraries

VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"
HOME = f"/usr/local/{sys.platlibdir}/python{VERSION}"
PACKAGES = f"{HOME}/site-packages"

UNUSED_FOLDERS = frozenset(
    (
        *("__pycache__", "test", "tests", "site-packages", "dist-packages", "lib-dynload"),
        *("idlelib", "tkinter", "turtledemo", "ensurepip", "venv", "lib2to3", "distutils", "pydoc_data", "curses", "sqlite3", "dbm"),
    )
)
"""Folders of the standard library that no server and no script of the fleet reads; `lib-dynload` is chosen file by file."""

UNUSED_MODULES = re.compile(r"_?(test|xx)|_ctypes_test|_curses|readline|_tkinter|_sqlite3|_g?dbm|nis|ossaudiodev|audioop|_crypt|spwd|_codecs_(?!iso)")
"""Extension modules left out: the interpreter's own tests, and those whose libraries nothing here needs."""

UNNEEDED_PACKAGES = frozenset({"hf-xet"})
"""Dependencies left out: the accelerated transfer of the public hub, which a plain HTTP hub does not speak."""


def python() -> Layer:
    """Interpreter, as `python3` in /usr/local/bin, with its libraries and the standard library.

    Raises:
        ImageError: a part of it is not where the interpreter says, or a library is missing.
    """
    binary = Path(sys.base_prefix) / "bin" / f"python{VERSION}"
    standard = Path(sysconfig.get_path("stdlib"))
    for needed in (binary, standard / "os.py"):
        if not needed.is_file():
            raise ImageError(f"{needed} of the Python that runs this program is missing: run it with a complete Python {VERSION}")
    modules = {path.name: path for path in _extension_modules()}
    return {
        "/usr/local/bin/python3": File(binary.resolve(), 0o755),
        **_with_compiled({f"{HOME}/{path.relative_to(standard)}": path.resolve() for path in _sources(standard)}),
        **{f"{HOME}/lib-dynload/{name}": File(path, 0o755) for name, path in modules.items()},
        # Debian's own interpreter looks for packages under another name.
        f"{HOME}/dist-packages": Link("site-packages"),
        **libraries([binary.resolve(), *modules.values()]),
    }


def _sources(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        if path.is_dir():
            if path.name not in UNUSED_FOLDERS and not path.name.startswith("config-"):
                yield from _sources(path)
        elif path.suffix == ".py":
            yield path


def _extension_modules() -> Iterator[Path]:
    """Modules that are used and can be loaded: one whose library is missing here cannot be loaded here either."""
    folders = [Path(entry) for entry in sys.path if Path(entry).name == "lib-dynload"]  # none where all are built in
    used = [path for folder in folders for path in sorted(folder.glob("*.so")) if not UNUSED_MODULES.match(path.name)]
    if used and None in dependencies(used).values():
        used = [path for path in used if None not in dependencies([path]).values()]
    yield from used


def packages(*names: str) -> Layer:
    """Installed distributions of this environment with everything they depend on, without their commands.

    Raises:
        ImageError: one is not installed, or one of its libraries is missing.
    """
    files: dict[str, Path] = {}
    for distribution in _closure(names):
        for file in distribution.files or ():
            # Metadata stays, because packages ask for their own version; what tells where they were installed does not.
            unneeded = file.parts[0].endswith(".dist-info") and file.name not in ("METADATA", "entry_points.txt")
            if ".." not in file.parts and "__pycache__" not in file.parts and not unneeded:
                files[f"{PACKAGES}/{file}"] = Path(str(distribution.locate_file(file))).resolve()
    modules = [path for path in files.values() if path.suffix == ".so"]
    return {**_with_compiled(files), **(libraries(modules) if modules else {})}


def _with_compiled(files: Mapping[str, Path]) -> Layer:
    """Compiled beside each source: with it, a script starts in a sixth of the time, and the hub's client in a fifth."""
    layer: dict[str, Entry] = {path: File(source) for path, source in files.items()}
    return layer | {Compiled.place(path): Compiled(source, path) for path, source in files.items() if path.endswith(".py")}


def _closure(names: Iterable[str]) -> list[importlib.metadata.Distribution]:
    found: dict[str, importlib.metadata.Distribution] = {}
    wanted = list(names)
    while wanted:
        name = _canonical(wanted.pop())
        if name in found or name in UNNEEDED_PACKAGES:
            continue
        try:
            found[name] = importlib.metadata.distribution(name)
        except importlib.metadata.PackageNotFoundError as error:
            raise ImageError(
                f"package {name} is not installed in {sys.prefix}: run pip install -r requirements-dev.txt -c constraints.txt"
            ) from error
        wanted += _requirements(found[name])
    return [found[name] for name in sorted(found)]


def _requirements(distribution: importlib.metadata.Distribution) -> list[str]:
    """What it needs on this platform, extras aside."""
    from packaging.requirements import Requirement  # a dependency of what is asked for: there once that is

    needed = [Requirement(text) for text in distribution.requires or ()]
    return [requirement.name for requirement in needed if requirement.marker is None or requirement.marker.evaluate({"extra": ""})]


def _canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
