"""Immutable identifiers: commits of model repositories and digests of images, in `fleet.lock.json`. None comes from memory."""

from __future__ import annotations

import json
import os
import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, cast

from fleet.problems import InputError, Problem

LOCK_FILE = Path(__file__).resolve().parent.parent / "fleet.lock.json"

COMMIT = re.compile(r"[0-9a-f]{40}")
DIGEST = re.compile(r"sha256:[0-9a-f]{64}")

Entry = dict[str, Any]
"""One pin as the file holds it: the name, the identifier, where it was seen, and `confirmed: false` where one source only says so."""


@dataclass(frozen=True, kw_only=True)
class Lock:
    """What is known.

    models: repository to commit. images: "registry/name:tag" to digest.
    """

    models: Mapping[str, str] = field(default_factory=dict[str, str])
    images: Mapping[str, str] = field(default_factory=dict[str, str])

    def revision(self, repository: str) -> str | None:
        """The locked commit of a model repository, or None where it is unresolved."""
        return self.models.get(repository)

    def image(self, name: str, tag: str) -> str | None:
        """The locked digest of an image ("sha256:…"), or None where it is unresolved."""
        return self.images.get(f"{name}:{tag}")

    @staticmethod
    def shipped() -> Lock:
        """The lock beside the program."""
        return _shipped()


@dataclass(frozen=True, kw_only=True)
class LockFile:
    """The file as it is, entry by entry, so that writing it again loses nothing."""

    models: tuple[Entry, ...] = ()
    images: tuple[Entry, ...] = ()

    def lock(self) -> Lock:
        """The pins to rely on. An unconfirmed one is left out: the hub serves commits of anybody's proposals as well."""
        return Lock(
            models={entry["model"]: entry["revision"] for entry in self.models if entry.get("confirmed", True)},
            images={entry["image"]: entry["digest"] for entry in self.images if entry.get("confirmed", True)},
        )


@cache
def _shipped() -> Lock:
    return read(LOCK_FILE)


def read(path: Path) -> Lock:
    """The pins in a file; an absent file locks nothing.

    Raises:
        InputError: as `read_file`.
    """
    return read_file(path).lock()


def read_file(path: Path) -> LockFile:
    """A lock file with everything it says.

    Raises:
        InputError: the file is not JSON of this form, or an entry is no commit or no digest.
    """
    if not path.exists():
        return LockFile()
    try:
        value = cast("dict[str, list[Entry]]", json.loads(path.read_text(encoding="utf-8")))
        found = LockFile(models=tuple(value["models"]), images=tuple(value["images"]))
        pins = [(str(entry["model"]), str(entry["revision"]), COMMIT) for entry in found.models]
        pins += [(str(entry["image"]), str(entry["digest"]), DIGEST) for entry in found.images]
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        remedy = "restore the file from version control, or delete it and run `python -m fleet lock`"
        raise InputError([Problem(field="lock", value=str(path), limit=f"is no lock file: {error!r}", remedy=remedy)]) from None
    limit, remedy = "is neither a commit nor a digest", "delete the entry and run `python -m fleet lock`"
    wrong = [Problem(field=f"lock.{name}", value=pin, limit=limit, remedy=remedy) for name, pin, form in pins if not form.fullmatch(pin)]
    if wrong:
        raise InputError(wrong)
    return found


def write_file(path: Path, content: LockFile) -> None:
    """Write a lock file in one step: a reader, or a killed run, sees the old one or the new one, never half of one.

    Raises:
        InputError: the file cannot be written.
    """
    text = json.dumps({"models": content.models, "images": content.images}, indent=1, ensure_ascii=False) + "\n"
    try:
        mode = path.stat().st_mode & 0o777 if path.exists() else 0o644
        with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
            try:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
                Path(file.name).chmod(mode)
                Path(file.name).replace(path)
            except BaseException:
                Path(file.name).unlink(missing_ok=True)
                raise
    except OSError as error:
        limit = f"cannot be written: {error.strerror or error}"
        raise InputError([Problem(field="lock", value=str(path), limit=limit, remedy="name a writable file with --lock-file")]) from None
