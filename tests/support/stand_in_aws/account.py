"""The simulated account, and zones as it calls them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from tests.support.stand_in_cloud.inventory import Inventory, Key, values_at

__all__ = ["Account", "Key", "values_at", "zone_names"]


class Account(Inventory):
    """Secrets and keys that wait to be deleted are `scheduled`; a secret's id is its name there."""

    def __init__(self) -> None:
        super().__init__()
        self.principals: set[str] = set()
        """ARNs of roles and users of the account that nobody here made, and that policies may name."""


@cache
def zone_names(region: str) -> Mapping[str, str]:
    """Id to name of every zone: ids as moto knows them, names turned by one, as another account might have them."""
    from moto.ec2.models.availability_zones_and_regions import RegionsAndZonesBackend

    zones = RegionsAndZonesBackend.zones.get(region, [])
    by_number = sorted(zones, key=lambda zone: zone.zone_id)
    names = sorted(zone.name for zone in zones)
    return {zone.zone_id: names[index - 1] for index, zone in enumerate(by_number)}
