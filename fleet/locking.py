"""What there is to pin, what the services say it is now, and the lock file with that in it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from fleet import stack_file
from fleet.lock import Entry, Lock, LockFile
from fleet.pin_sources import PinSourceError, PinSources, UnreachableError
from fleet.presets import PRESETS
from fleet.problems import InputError, Problem, nearest
from fleet.settings import ExistingCluster, Settings
from fleet.versions import ENGINE_IMAGE, ENGINE_TAG

REPOSITORY = re.compile(r"[\w.-]+/[\w.-]+")
IMAGE = re.compile(r"(localhost|[\w-]+(\.[\w-]+)+|[\w.-]+(?=:))(:\d+)?(/[\w.-]+)+:\w[\w.-]{0,127}")
"""With its registry: a first part without a dot or a port is no host but an organisation on a registry left unsaid."""


@dataclass(frozen=True, kw_only=True)
class Pin:
    """Something that has an immutable identifier. kind: "models" or "images", the lists of the lock file."""

    kind: str
    name: str

    @property
    def key(self) -> str:
        """Member of an entry that holds the name."""
        return "model" if self.kind == "models" else "image"

    @property
    def value_key(self) -> str:
        """Member of an entry that holds the identifier."""
        return "revision" if self.kind == "models" else "digest"

    @property
    def service(self) -> str:
        """Who knows: the hub, or the image's registry."""
        return "hub" if self.kind == "models" else self.name.partition("/")[0]


def locked_pins(lock: Lock) -> dict[Pin, str]:
    """Everything that the lock knows."""
    pins = {Pin(kind="models", name=name): value for name, value in lock.models.items()}
    return pins | {Pin(kind="images", name=name): value for name, value in lock.images.items()}


def needed_pins(stack_files: Iterable[Path], models: Iterable[str], images: Iterable[str]) -> Iterator[Pin]:
    """The engine image, the models of the tiers, and what stack files and options name without an identifier of its own.

    Raises:
        InputError: a stack file cannot be read, or a name has the wrong form.
    """
    yield Pin(kind="images", name=f"{ENGINE_IMAGE}:{ENGINE_TAG}")
    for preset in PRESETS.values():
        yield Pin(kind="models", name=preset.model)
    for path in stack_files:
        yield from _named_by(stack_file.read(path))
    for kind, field, names, form in (("models", "--model", models, REPOSITORY), ("images", "--image", images, IMAGE)):
        for name in names:
            if not form.fullmatch(name):
                limit = "is not of the form " + ("organisation/name" if kind == "models" else "registry/name:tag")
                raise InputError([Problem(field=field, value=name, limit=limit, remedy="write it in full")])
            yield Pin(kind=kind, name=name)


def _named_by(settings: Settings) -> Iterator[Pin]:
    for entry in settings.models.values():
        tier = PRESETS.get(entry.tier or "")
        repository = entry.model or (tier.model if tier else None)
        if repository and entry.revision is None:
            yield Pin(kind="models", name=repository)
    for cluster in settings.clusters.values():
        image = cluster.engine_image if isinstance(cluster, ExistingCluster) else None
        if image and IMAGE.fullmatch(image):  # one that names its digest, or no registry, has nothing to resolve
            yield Pin(kind="images", name=image)


def chosen_pins(update: list[str] | None, pins: list[Pin]) -> list[Pin]:
    """The pins that --update names; all where it names none.

    Raises:
        InputError: a name is not locked.
    """
    if update is None:
        return []
    names = {pin.name for pin in pins}
    unknown = [name for name in update if name not in names]
    if unknown:
        raise InputError([Problem(field="--update", value=name, limit="is not locked", remedy=nearest(name, names)) for name in unknown])
    return [pin for pin in pins if not update or pin.name in update]


def ask_all(pins: list[Pin], sources: PinSources) -> tuple[dict[Pin, str], list[str]]:
    """What each name means now, and the failures in words; a service that does not answer is asked once."""
    found: dict[Pin, str] = {}
    failures: list[str] = []
    silent: dict[str, list[str]] = {}
    for pin in pins:
        if pin.service in silent:
            silent[pin.service].append(pin.name)
            continue
        try:
            found[pin] = _ask(pin, sources)
        except UnreachableError as error:
            failures.append(f"{pin.name}: {error}")
            silent[pin.service] = []
        except PinSourceError as error:
            failures.append(str(error))
    failures += [f"not asked for the same reason: {', '.join(names)}" for names in silent.values() if names]
    return found, failures


def _ask(pin: Pin, sources: PinSources) -> str:
    if pin.kind == "models":
        return sources.commit(pin.name)
    name, _, tag = pin.name.rpartition(":")
    return sources.digest(name, tag)


def stale(pins: list[Pin], locked: Mapping[Pin, str], sources: PinSources) -> tuple[list[Pin], list[str]]:
    """The pins that are what their services say, and everything else in words: unresolved, stale, gone, not answered."""
    fine: list[Pin] = []
    findings = [f"{pin.name}: unresolved; run `python -m fleet lock`" for pin in pins if pin not in locked]
    current, failures = ask_all([pin for pin in pins if pin in locked], sources)
    for pin, value in current.items():
        if value == locked[pin]:
            fine.append(pin)
            continue
        try:
            if pin.kind == "models":  # a commit that the hub no longer has could never be mirrored again
                sources.commit(pin.name, locked[pin])
            findings.append(f"{pin.name}: stale, locked {locked[pin]}, now {value}; `python -m fleet lock --update {pin.name}` takes it")
        except PinSourceError as error:
            findings.append(str(error))
    return fine, [*findings, *failures]


def merged(content: LockFile, changed: Mapping[Pin, str], sources: PinSources) -> LockFile:
    """The file with these pins in place of, or after, what it has."""
    today = datetime.now(UTC).date().isoformat()
    lists: dict[str, list[Entry]] = {"models": list(content.models), "images": list(content.images)}
    for pin, value in changed.items():
        service = sources.hub if pin.kind == "models" else pin.service
        entry: Entry = {pin.key: pin.name, pin.value_key: value, "seen_in": f"answer of {service} on {today}"}
        entries = lists[pin.kind]
        place = next((index for index, old in enumerate(entries) if old[pin.key] == pin.name), None)
        if place is None:
            entries.append(entry)
        else:
            entries[place] = entry
    return replace(content, models=tuple(lists["models"]), images=tuple(lists["images"]))
