"""What a cloud's package answers, so that the rest of its stand-in need not know which cloud it is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, Generic, TypeVar

from tests.support.stand_in_cloud import changes
from tests.support.stand_in_cloud.inventory import Inventory, Key
from tests.support.stand_in_cloud.kinds import Kind

Fault = tuple[str, str]
"""Place and reason."""

Configuration = Mapping[str, Any]
"""Of a provider resource."""


K = TypeVar("K", bound=Kind)


class Cloud(ABC, Generic[K]):
    """One cloud, as far as a stand-in knows it."""

    package: str
    version: str
    """Of the SDK."""
    throttled: str
    """What it says to whoever asks too often."""
    kinds: Mapping[str, K]
    replaces_provider: tuple[str, ...] = ("region",)
    """Configuration whose change makes another provider, and so everything anew."""
    labels_output: str
    """The output that holds a resource's own labels and the provider's."""
    labels_inputs: tuple[str, ...]
    """Inputs that hold its own."""

    def __init__(self, inventory: Inventory) -> None:
        self.inventory = inventory

    @abstractmethod
    def configuration_faults(self, configuration: Configuration) -> list[Fault]:
        """What is wrong with a provider."""

    @abstractmethod
    def faults(self, kind: K, inputs: Mapping[str, Any], configuration: Configuration) -> list[Fault]:
        """What is wrong with inputs, before anything is made."""

    @abstractmethod
    def place(self, kind: K, inputs: Mapping[str, Any], configuration: Configuration) -> str:
        """The region that a resource lies in, or GLOBAL."""

    @abstractmethod
    def labels(self, inputs: Mapping[str, Any], configuration: Configuration) -> Any:
        """A resource's own labels and the provider's."""

    @abstractmethod
    def marked(self, kind: K, state: dict[str, Any], configuration: Configuration) -> dict[str, Any]:
        """A state with what the provider itself adds to it."""

    @abstractmethod
    def foreseen(self, kind: K, inputs: Mapping[str, Any], configuration: Configuration) -> dict[str, Any]:
        """State of a resource that is only previewed."""

    @abstractmethod
    def made(self, kind: K, inputs: Mapping[str, Any], place: str, configuration: Configuration) -> tuple[str, dict[str, Any]]:
        """Id and state of a new resource."""

    def replacing(self, kind: K, old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
        """The changed inputs that the real provider answers with a replacement."""
        return changes.replacing(kind, old, new)

    def unchanged(self, kind: K, old: Mapping[str, Any], new: Mapping[str, Any]) -> set[str]:
        """Inputs that differ and that the real provider does not call a difference."""
        return set()

    @abstractmethod
    def updated(self, kind: K, old: Mapping[str, Any], new: Mapping[str, Any], *, preview: bool) -> dict[str, Any]:
        """The state after an update."""

    @abstractmethod
    def creation_refusal(
        self, kind: K, inputs: Mapping[str, Any], place: str, configuration: Configuration, old: Mapping[str, Any] | None = None
    ) -> str | None:
        """What it says to creating a resource, or to changing it from `old`."""

    def existing(self, kind: K, identity: str, inputs: Mapping[str, Any], place: str) -> str | None:
        """What it says where the resource is there already, or None."""
        if kind.conflict is None:
            return None
        own = tuple(inputs.get(name) for name in kind.unique)
        for key, other in self.inventory.of_kind(kind.title, place):
            same = key[2] == identity or (kind.unique and tuple(other.get(name) for name in kind.unique) == own and own[0] is not None)
            if same:
                return kind.conflict.format(**{**inputs, "id": identity})
        return None

    @abstractmethod
    def deletion_refusal(self, key: Key) -> str | None:
        """What it says to deleting it, or None."""

    @abstractmethod
    def delete(self, key: Key) -> None:
        """Take it away with everything that the cloud takes away beside it."""
