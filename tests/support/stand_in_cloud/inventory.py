"""What exists in a simulated cloud, where, and what uses what."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator, Mapping
from typing import Any

from tests.support.stand_in_provider_wire import UNKNOWN

Key = tuple[str, str, str]
"""Region, kind (NodePool) and id."""


class Inventory:
    """Objects by region, kind and id. `implicit` ones were made by the cloud beside those that were asked for."""

    def __init__(self) -> None:
        self.objects: dict[Key, dict[str, Any]] = {}
        self.implicit: dict[Key, dict[str, Any]] = {}
        self.lasting: dict[Key, dict[str, Any]] = {}
        """What stays when its resource is deleted, because nothing can take it away or others may use it."""
        self.scheduled: set[Key] = set()
        """What waits to be deleted, or is never deleted, and whose name stays taken."""
        self.full_buckets: set[str] = set()
        """Buckets that hold objects."""
        self._made = 0
        self.lock = threading.RLock()

    def of_kind(self, kind: str, region: str | None = None) -> Iterator[tuple[Key, dict[str, Any]]]:
        """Everything of a kind, in one region or all, whoever made it."""
        for key, value in [*self.objects.items(), *self.implicit.items(), *self.lasting.items()]:
            if key[1] == kind and region in (None, key[0]):
                yield key, value

    def stored(self, key: Key) -> dict[str, Any] | None:
        """The resource, also where another one of the same id was deleted and it lasts."""
        return self.objects.get(key) or self.lasting.get(key)

    def find(self, kind: str, by: str | tuple[str, ...], value: Any, region: str | None = None) -> dict[str, Any] | None:
        """The one whose output `by` (or one of them, or `id`) is this value."""
        wanted = (by,) if isinstance(by, str) else by
        for key, found in self.of_kind(kind, region):
            if any((key[2] if one == "id" else found.get(one)) == value for one in wanted):
                return found
        return None

    def token(self, kind: str, length: int) -> str:
        """Hexadecimal characters that were never given before."""
        with self.lock:
            self._made += 1
            return hashlib.sha256(f"{kind} {self._made}".encode()).hexdigest()[:length]

    def unique_suffix(self) -> str:
        """What a provider ends a name with that was only begun: a time and a counter, 26 characters."""
        with self.lock:
            self._made += 1
            return f"202611250000000000{self._made:08x}"


def values_at(value: Any, path: str) -> list[Any]:
    """Everything at a dotted path that goes through lists as well; what is not known yet is left out."""
    found = [value]
    for part in path.split("."):
        inner = (one.get(part) for one in found if isinstance(one, Mapping))
        found = [item for one in inner if one is not None for item in (one if isinstance(one, list) else [one])]
    return [one for one in found if one not in (UNKNOWN, "")]
