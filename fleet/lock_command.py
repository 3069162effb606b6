"""`python -m fleet lock`: ask the model hub and the image registries what a name means now, and write it down.

Speaks the hub's `GET /api/models/{repository}/revision/main` and the OCI distribution protocol. Tested against a server on
loopback that speaks both; not verified against the real services.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, cast

from fleet.lock import LOCK_FILE, read
from fleet.problems import InputError, Problem
from fleet.resolvers import Unresolvable, image_digest, model_revision
from fleet.versions import ENGINE_IMAGE, ENGINE_TAG


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What to lock; default: everything in the lock file, the presets and the engine image."""
    parser.add_argument("--file", type=Path, action="append", default=[], help="also the models of this stack file")
    parser.add_argument("--lock", type=Path, default=LOCK_FILE, help="the lock file (default: fleet.lock.json beside the program)")
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 where a name means something else by now")
    parser.add_argument("--only", action="append", default=[], help="only this model (organisation/name) or image (name:tag)")
    parser.add_argument("--hub", default=os.environ.get("HF_ENDPOINT", "https://huggingface.co"), help=argparse.SUPPRESS)
    parser.add_argument("--registry", default=None, help=argparse.SUPPRESS)


def run(options: argparse.Namespace) -> int:
    """Resolve and write, or compare; 0 all resolved and current, 1 not.

    Raises:
        InputError: the lock file or a stack file cannot be read.
    """
    lock = read(options.lock)
    models = dict.fromkeys([*lock.models, *_models(options.file)])
    images = dict.fromkeys([*lock.images, f"{ENGINE_IMAGE}:{ENGINE_TAG}"])
    document = _document(options.lock)
    token = os.environ.get("HF_TOKEN")

    def revision(name: str) -> str:
        return model_revision(options.hub, name, token)

    def digest(name: str) -> str:
        return image_digest(name, options.registry)

    wanted = set(options.only) or {*models, *images}
    moved, failed = _resolve(document["models"], ("model", "revision"), [name for name in models if name in wanted], revision)
    for_images = _resolve(document["images"], ("image", "digest"), [name for name in images if name in wanted], digest)
    moved, failed = moved or for_images[0], failed or for_images[1]
    if options.check:
        return 1 if moved or failed else 0
    if moved:
        _write(options.lock, document)
    return 1 if failed else 0


def _resolve(entries: list[dict[str, Any]], keys: tuple[str, str], names: Sequence[str], ask: Callable[[str], str]) -> tuple[bool, bool]:
    """Put what each name means now into the entries; (something moved, something stayed unresolved)."""
    key, value = keys
    known = {entry[key]: entry[value] for entry in entries}
    moved, failed = False, False
    for name in names:
        found = _ask(name, ask)
        failed |= found is None
        if found is not None and found != known.get(name):
            moved = True
            print(f"{name}: {known.get(name, 'unresolved')} is now {found}")
            entries[:] = [entry for entry in entries if entry[key] != name]
            entries.append({key: name, value: found, "seen_in": "python -m fleet lock"})
    return moved, failed


def _ask(name: str, ask: Callable[[str], str]) -> str | None:
    try:
        return ask(name)
    except Unresolvable as error:
        print(f"{name}: unresolved: {error}", file=sys.stderr)
        return None


def _models(files: list[Path]) -> list[str]:
    from fleet.presets import PRESETS
    from fleet.stack_file import read as read_stack

    found = [preset.model for preset in PRESETS.values()]
    for path in files:
        found += [model.model for model in read_stack(path).models.values() if model.model]
    return found


def _document(path: Path) -> dict[str, list[dict[str, Any]]]:
    if not path.exists():
        return {"models": [], "images": []}
    return cast("dict[str, list[dict[str, Any]]]", json.loads(path.read_text(encoding="utf-8")))


def _write(path: Path, document: dict[str, list[dict[str, Any]]]) -> None:
    partial = path.with_suffix(".partial")
    try:
        partial.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
        partial.replace(path)
    except OSError as error:
        remedy = "make it writable, or name another file with --lock"
        raise InputError([Problem(field="--lock", value=str(path), limit=f"cannot be written: {error.strerror}", remedy=remedy)]) from None
