"""Create, change and delete in the simulated account, or be refused in AWS's words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tests.support.stand_in_aws import changes, creation_rules, deletion_rules, names, outputs
from tests.support.stand_in_aws.account import Account, Key
from tests.support.stand_in_aws.kinds import Kind

Tagged = Callable[[dict[str, Any]], dict[str, Any]]
"""A state with the tags that the provider adds."""


class Refused(Exception):
    """What AWS says."""


def create(
    kind: Kind, inputs: Mapping[str, Any], region: str, account: Account, planes: outputs.ControlPlanes, tagged: Tagged
) -> tuple[str, dict[str, Any]]:
    """Id and state of the new resource.

    Raises:
        Refused: something is missing, wrong or there already; then nothing was made.
    """
    whole = names.ended(kind, inputs, account.unique_suffix())
    if reason := creation_rules.refusal(kind, whole, region, account):
        raise Refused(reason)
    before = dict(account.implicit)
    identity, state = outputs.made(kind, whole, region, account, planes)
    if reason := creation_rules.existing(kind, identity, whole, region, account):
        account.implicit = before
        raise Refused(reason)
    account.objects[region, kind.title, identity] = tagged(state)
    return identity, account.objects[region, kind.title, identity]


def update(kind: Kind, key: Key, new: Mapping[str, Any], account: Account, tagged: Tagged) -> dict[str, Any]:
    """The state of the changed resource.

    Raises:
        Refused: it is gone, or AWS does not take the change.
    """
    stored = account.objects.get(key)
    if stored is None:
        raise Refused(f"{kind.title} {key[2]} does not exist")
    if reason := creation_rules.refusal(kind, new, key[0], account, stored):
        raise Refused(reason)
    account.objects[key] = tagged(changes.updated(kind, stored, new, preview=False))
    return account.objects[key]


def delete(key: Key, account: Account) -> bool:
    """Whether there was something to delete; what is gone already is not missed.

    Raises:
        Refused: something still uses it.
    """
    if key not in account.objects:
        return False
    if reason := deletion_rules.refusal(key, account):
        raise Refused(reason)
    deletion_rules.delete(key, account)
    return True
