"""The simulated account: what exists in it, where, and what uses what."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from tests.support.stand_in_provider_wire import UNKNOWN

Key = tuple[str, str, str]
"""Region, kind (NodeGroup) and id."""


class Account:
    """Objects by region, kind and id. `implicit` ones were made by AWS beside those that were asked for."""

    def __init__(self) -> None:
        self.objects: dict[Key, dict[str, Any]] = {}
        self.implicit: dict[Key, dict[str, Any]] = {}
        self.scheduled: set[Key] = set()
        """Secrets and keys that wait to be deleted. A secret's name stays taken until then; its id here is its name."""
        self.full_buckets: set[str] = set()
        """Buckets that hold objects."""
        self.principals: set[str] = set()
        """ARNs of roles and users of the account that nobody here made, and that policies may name."""
        self._made = 0
        self.lock = threading.RLock()

    def of_kind(self, kind: str, region: str | None = None) -> Iterator[tuple[Key, dict[str, Any]]]:
        """Everything of a kind, in one region or all, whoever made it."""
        for key, value in [*self.objects.items(), *self.implicit.items()]:
            if key[1] == kind and region in (None, key[0]):
                yield key, value

    def find(self, kind: str, by: str, value: Any, region: str | None = None) -> dict[str, Any] | None:
        """The one whose output `by` (or `id`) is this value."""
        for key, found in self.of_kind(kind, region):
            if (key[2] if by == "id" else found.get(by)) == value:
                return found
        return None

    def token(self, kind: str, length: int) -> str:
        """Hexadecimal characters that were never given before."""
        with self.lock:
            self._made += 1
            return hashlib.sha256(f"{kind} {self._made}".encode()).hexdigest()[:length]

    def unique_suffix(self) -> str:
        """What the provider ends a name with that was only begun: a time and a counter, 26 characters."""
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


@cache
def zone_names(region: str) -> Mapping[str, str]:
    """Id to name of every zone: ids as moto knows them, names turned by one, as another account might have them."""
    from moto.ec2.models.availability_zones_and_regions import RegionsAndZonesBackend

    zones = RegionsAndZonesBackend.zones.get(region, [])
    by_number = sorted(zones, key=lambda zone: zone.zone_id)
    names = sorted(zone.name for zone in zones)
    return {zone.zone_id: names[index - 1] for index, zone in enumerate(by_number)}
