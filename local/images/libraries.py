"""Shared libraries that programs of this machine load, so that they also run where only these are."""

from __future__ import annotations

import platform
import re
import subprocess
from collections.abc import Iterable
from pathlib import Path

from local.images.entries import File, Layer

LOADED_BY_NAME = ("libnss_files.so.2", "libnss_dns.so.2", "libresolv.so.2", "libgcc_s.so.1")
"""What the C library opens while it runs, without a dependency that tells: name service modules (part of the C library
itself from 2.34 on, stubs are left), the resolver, and the unwinder that ends threads."""

_LIBRARY = re.compile(r"^\t(?:(?P<name>\S+) => )?(?P<path>/\S+|not found)(?: \(0x[0-9a-f]+\))?$", re.MULTILINE)


class ImageError(Exception):
    """An image cannot be made on this machine; the text says what is missing and what to do."""


def libraries(programs: Iterable[Path]) -> Layer:
    """Every library these programs and modules load, and the dynamic loader.

    All lie beside the C library: the loader looks there without being told, also for one found by a path of its own here.

    Raises:
        ImageError: the C library is not glibc, `ldd` failed, or a library is not found.
    """
    loaded = dependencies(programs)
    missing = {name for name, path in loaded.items() if path is None}
    if missing:
        raise ImageError(f"libraries {', '.join(sorted(missing))} are not found on this machine: install the packages that have them")
    found = {name: path for name, path in loaded.items() if path}
    if "libc.so.6" not in found:
        raise ImageError(f"the C library here is {platform.libc_ver()[0] or 'unknown'}, images need glibc: run on a distribution that has it")
    beside = found["libc.so.6"].parent
    found |= {name: beside / name for name in LOADED_BY_NAME if (beside / name).exists() and name not in found}
    places = {name if name.startswith("/") else str(beside / name): path for name, path in found.items()}
    return {place: File(path.resolve(), 0o755) for place, path in places.items()}


def dependencies(programs: Iterable[Path]) -> dict[str, Path | None]:
    """Libraries by name, the loader by its path, as the loader of this machine finds them; None for one it does not find.

    Raises:
        ImageError: `ldd` is missing or failed.
    """
    command = ["ldd", *map(str, sorted(programs))]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    except FileNotFoundError as error:
        raise ImageError("ldd is not on PATH: install it (Debian: libc-bin)") from error
    except subprocess.CalledProcessError as error:
        raise ImageError(f"{' '.join(command)[:200]} failed: {error.stderr.strip()}") from error
    found: dict[str, Path | None] = {}
    for match in _LIBRARY.finditer(done.stdout):
        path = match["path"]
        found[match["name"] or path] = None if path == "not found" else Path(path)
    return found
