"""Create, change and delete in a simulated cloud, or be refused in its words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.support.stand_in_cloud import names
from tests.support.stand_in_cloud.cloud import Cloud, Configuration
from tests.support.stand_in_cloud.inventory import Key
from tests.support.stand_in_cloud.kinds import Kind


class Refused(Exception):
    """What the cloud says."""


def create(cloud: Cloud[Any], kind: Kind, inputs: Mapping[str, Any], configuration: Configuration) -> tuple[Key, dict[str, Any]]:
    """Where the new resource is, and its state.

    Raises:
        Refused: something is missing, wrong or there already; then nothing was made.
    """
    inventory, place = cloud.inventory, cloud.place(kind, inputs, configuration)
    whole = names.ended(kind, inputs, inventory.unique_suffix())
    if reason := cloud.creation_refusal(kind, whole, place, configuration):
        raise Refused(reason)
    before = dict(inventory.implicit)
    identity, state = cloud.made(kind, whole, place, configuration)
    if reason := cloud.existing(kind, identity, whole, place):
        inventory.implicit = before
        raise Refused(reason)
    key = (place, kind.title, identity)
    inventory.objects[key] = cloud.marked(kind, state, configuration)
    return key, inventory.objects[key]


def update(cloud: Cloud[Any], kind: Kind, identity: str, new: Mapping[str, Any], configuration: Configuration) -> tuple[Key, dict[str, Any]]:
    """Where the changed resource is, and its state.

    Raises:
        Refused: it is gone, or the cloud does not take the change.
    """
    place = cloud.place(kind, new, configuration)
    key = (place, kind.title, identity)
    stored = cloud.inventory.stored(key)
    if stored is None:
        raise Refused(f"{kind.title} {identity} does not exist")
    if reason := cloud.creation_refusal(kind, new, place, configuration, stored):
        raise Refused(reason)
    cloud.inventory.objects[key] = cloud.marked(kind, cloud.updated(kind, stored, new, preview=False), configuration)
    return key, cloud.inventory.objects[key]


def delete(cloud: Cloud[Any], key: Key) -> bool:
    """Whether there was something to delete; what is gone already is not missed.

    Raises:
        Refused: something still uses it.
    """
    if key not in cloud.inventory.objects:
        return False
    if reason := cloud.deletion_refusal(key):
        raise Refused(reason)
    cloud.delete(key)
    return True
