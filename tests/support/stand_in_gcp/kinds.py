"""How the stand-in describes a type of Google Cloud."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.support.stand_in_cloud import kinds
from tests.support.stand_in_cloud.kinds import GLOBAL, AutoName, Call, Needs
from tests.support.stand_in_gcp.discovery import request_shape

__all__ = ["GLOBAL", "AutoName", "Call", "Kind", "Needs"]

PROVIDER_ONLY = {
    "project": "says where the call goes",
    "deletionPolicy": "is the provider's own: it says whether the resource may go",
}
"""Inputs of every type that are no member of a call."""

LOWER = AutoName(limit=63, lower=True)
"""Of compute's types, but for firewalls."""

PLAIN = AutoName()
"""Of every other type that has a name: as the resource is called, of up to 255 characters. What Google says to that comes after."""


@dataclass(frozen=True, kw_only=True)
class Kind(kinds.Kind):
    """One type of resource."""

    self_link: str = ""
    """With {id}; empty: it has none."""
    place: str | None = None
    """The input that says its region or zone, which may be left to the provider; None: it has none."""
    key_users: Mapping[str, str] | None = None
    """Inputs that name a key, and the agent that works with it."""
    words: str = ""
    """How the provider calls it where it refuses to delete it."""
    labels: str = "labels"
    """The input that holds its labels."""

    @property
    def explanations(self) -> Mapping[str, str]:
        return {**PROVIDER_ONLY, **super().explanations}

    def request(self, call: Call) -> Any:
        return request_shape(call.service, call.operation)

    def second_opinion(self, call: Call, parameters: Mapping[str, Any]) -> str | None:
        """There is none: the client library sends what it is given."""
        return None
