"""What can lie in a layer of an image."""

from __future__ import annotations

import hashlib
import importlib.util
import marshal
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

NO_REFERENCES = 2
"""Version of Python's code format. From 3 on, what is written depends on what else the writing process holds."""

UNCHECKED_HASH = 1
"""Flag of compiled Python: its source is known to match, nobody looks at times."""


@dataclass(frozen=True)
class File:
    """A regular file of root's: the contents of a file on this machine, or these bytes."""

    source: Path | bytes
    mode: int = 0o644

    def content(self) -> bytes:
        """Raises OSError where the source cannot be read."""
        return self.source if isinstance(self.source, bytes) else self.source.read_bytes()

    def fingerprint(self) -> str:
        """Differs where the contents or the mode do."""
        return f"file {self.mode:o} {hashlib.sha256(self.content()).hexdigest()}"


@dataclass(frozen=True)
class Compiled:
    """A Python source compiled by the running interpreter: a read-only root cannot keep what it compiles.

    `path` is where the source lies in the image, for tracebacks.
    """

    source: Path
    path: str
    mode: int = 0o644

    def content(self) -> bytes | None:
        """None where the source is of another version of Python: importing it fails here as well.

        Raises:
            OSError: the source cannot be read.
        """
        text = self.source.read_bytes()
        try:
            code = compile(text, self.path, "exec", dont_inherit=True, optimize=0)
        except SyntaxError:
            return None
        header = importlib.util.MAGIC_NUMBER + UNCHECKED_HASH.to_bytes(4, "little") + importlib.util.source_hash(text)
        return header + marshal.dumps(code, NO_REFERENCES)

    def fingerprint(self) -> str:
        """Told by the source and the interpreter: compiling takes seconds."""
        return f"compiled {sys.version} {hashlib.sha256(self.source.read_bytes()).hexdigest()}"

    @staticmethod
    def place(path: str) -> str:
        """Where the interpreter looks for the compiled form of a source."""
        source = PurePosixPath(path)
        return str(source.parent / "__pycache__" / f"{source.stem}.{sys.implementation.cache_tag}.pyc")


@dataclass(frozen=True)
class Folder:
    """A folder. Those that only lead to another entry need none: they belong to root, mode 755."""

    mode: int = 0o755
    user: int = 0
    group: int = 0

    def fingerprint(self) -> str:
        """Differs where owner or mode do."""
        return repr(self)


@dataclass(frozen=True)
class Link:
    """A symbolic link."""

    target: str
    mode: int = 0o777

    def fingerprint(self) -> str:
        """Differs where the target does."""
        return repr(self)


Entry = File | Compiled | Folder | Link
Layer = Mapping[str, Entry]
"""Absolute paths in the image → what lies there."""
