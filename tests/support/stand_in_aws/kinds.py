"""How the stand-in describes one type of resource: the calls it becomes, its names, what replaces it and what it needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

ACCOUNT = "111122223333"
"""Of the stand-in: the account of AWS's own examples."""

GLOBAL = "global"
"""Where resources lie that have no region."""

PROVIDER_ONLY = {"region": "says where the call goes"}
"""Inputs of every type that are no member of a call."""


@dataclass(frozen=True, kw_only=True)
class Call:
    """One operation of AWS's API that the provider makes, and where inputs go that are not called there what they are called here."""

    service: str
    operation: str
    renames: Mapping[str, str] = field(default_factory=dict[str, str])
    """Dotted path of an input to the member, dotted from the shape it lies in."""
    within: tuple[str, ...] = ()
    """Members in which names are looked for that the request itself does not have."""
    given: Mapping[str, object] = field(default_factory=dict[str, object])
    """What the provider fills in by itself."""
    when: str | None = None
    """The call is made only where this input is given."""
    only: tuple[str, ...] = ()
    """Inputs that this call takes; empty: all that it knows."""


@dataclass(frozen=True, kw_only=True)
class AutoName:
    """The input that the bridge fills in with the resource's name and seven random characters."""

    property: str = "name"
    limit: int = 255
    lower: bool = False
    begins: str = ""


@dataclass(frozen=True, kw_only=True)
class Needs:
    """An input that names something which must exist in the same region (or anywhere, where it says so)."""

    path: str
    kind: str
    by: str = "id"
    """The output of the other resource that is named here."""
    error: str
    """What AWS says, with {} for the value."""
    anywhere: bool = False


@dataclass(frozen=True, kw_only=True)
class Kind:
    """One type of resource."""

    token: str
    calls: tuple[Call, ...]
    identity: str
    """Of the resource, with {inputs}, {hex} and {uuid}."""
    arn: str = ""
    """Likewise, with {region}, {account}, {id}; empty: it has none."""
    replaced_by: tuple[str, ...] = ()
    """Inputs whose change replaces the resource: ForceNew in the Terraform provider, written down by hand."""
    name: AutoName | None = None
    prefix: str | None = None
    """The input that begins a name which the provider ends with 26 characters."""
    defaults: Mapping[str, object] = field(default_factory=dict[str, object])
    """Inputs that the bridge fills in where they are missing."""
    delete_first: bool = False
    """Whether the bridge says so, whatever the name."""
    unsent: Mapping[str, str] = field(default_factory=dict[str, str])
    """Inputs that are no member of a call, and why."""
    refused: Mapping[str, str] = field(default_factory=dict[str, str])
    """Inputs that the stand-in cannot judge and therefore refuses, and why."""
    documents: Mapping[str, str] = field(default_factory=dict[str, str])
    """Inputs that are policy documents, by what they stand on: identity, trust, key, bucket, file-system, endpoint or session."""
    needs: tuple[Needs, ...] = ()
    conflict: str | None = None
    """What AWS says where it exists already; None: doing it again changes it."""
    unique: tuple[str, ...] = ()
    """Inputs that together may be had once, where that is not the identity."""
    everywhere: bool = False
    """Whether it has no region."""

    @property
    def title(self) -> str:
        """The last part of the token."""
        return self.token.rpartition(":")[2]
