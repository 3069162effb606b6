"""Immutable identifiers: commits of model repositories and digests of images, in `fleet.lock.json`. None comes from memory."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, cast

from fleet.problems import InputError, Problem

LOCK_FILE = Path(__file__).resolve().parent.parent / "fleet.lock.json"

COMMIT = re.compile(r"^[0-9a-f]{40}$")
DIGEST = re.compile(r"^sha256:[0-9a-f]{64}$")


@dataclass(frozen=True, kw_only=True)
class Lock:
    """What is known.

    models: repository to commit. images: "registry/name:tag" to digest.
    """

    models: Mapping[str, str] = field(default_factory=dict)
    images: Mapping[str, str] = field(default_factory=dict)

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


@cache
def _shipped() -> Lock:
    return read(LOCK_FILE)


def read(path: Path) -> Lock:
    """The lock in a file; an absent file locks nothing.

    Raises:
        InputError: the file is not JSON, or an entry is no commit or no digest.
    """
    if not path.exists():
        return Lock()
    try:
        value = cast("dict[str, Any]", json.loads(path.read_text(encoding="utf-8")))
        models = {str(entry["model"]): str(entry["revision"]) for entry in value["models"]}
        images = {str(entry["image"]): str(entry["digest"]) for entry in value["images"]}
    except (OSError, ValueError, KeyError, TypeError) as error:
        remedy = "restore the file from version control, or run `python -m fleet lock`"
        raise InputError([Problem(field="lock", value=str(path), limit=f"is no lock file: {error!r}", remedy=remedy)]) from None
    wrong = [(name, value) for name, value in models.items() if not COMMIT.match(value)]
    wrong += [(name, value) for name, value in images.items() if not DIGEST.match(value)]
    if wrong:
        remedy = "run `python -m fleet lock`"
        raise InputError(
            [Problem(field=f"lock.{name}", value=value, limit="is neither a commit nor a digest", remedy=remedy) for name, value in wrong]
        )
    return Lock(models=models, images=images)
