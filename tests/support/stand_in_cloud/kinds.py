"""How a stand-in describes one type of resource: the calls it becomes, its names, what replaces it and what it needs."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

GLOBAL = "global"
"""Where resources lie that have no region."""


@dataclass(frozen=True, kw_only=True)
class Call:
    """One operation of a cloud's API that the provider makes, and where inputs go that are not called there what they are called here."""

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
    by: str | tuple[str, ...] = "id"
    """The output of the other resource that is named here, or several of which it is one."""
    error: str
    """What the cloud says, with {} for the value."""
    anywhere: bool = False


@dataclass(frozen=True, kw_only=True)
class Kind(ABC):
    """One type of resource."""

    token: str
    calls: tuple[Call, ...]
    identity: str
    """Of the resource, with {inputs} and what the cloud's package fills in beside them."""
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
    needs: tuple[Needs, ...] = ()
    conflict: str | None = None
    """What the cloud says where it exists already; None: doing it again changes it."""
    unique: tuple[str, ...] = ()
    """Inputs that together may be had once, where that is not the identity."""
    everywhere: bool = False
    """Whether it has no region."""
    read_whole: tuple[str, ...] = ()
    """Inputs (maps) that are read back with entries that nobody here gave."""

    @property
    def title(self) -> str:
        """The last part of the token."""
        return self.token.rpartition(":")[2]

    @property
    def explanations(self) -> Mapping[str, str]:
        """Inputs that are no member of a call, and why."""
        return {**self.unsent, **self.refused}

    @property
    def opaque(self) -> Iterable[str]:
        """Inputs that are looked into by other rules than a model's."""
        return ()

    @abstractmethod
    def request(self, call: Call) -> Any:
        """The shape of a call's input in the cloud's own description of its API: see `mapping`."""

    @abstractmethod
    def second_opinion(self, call: Call, parameters: Mapping[str, Any]) -> str | None:
        """What another judge of the same description says of a whole request, where the cloud has one."""
