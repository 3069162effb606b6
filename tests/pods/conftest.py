"""One fleet with real pods for the whole tier: two regions, started once and removed at the end."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.real_fleet import RealFleet


@pytest.fixture(scope="session")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealFleet]:
    found = RealFleet(tmp_path_factory.mktemp("fleet"))
    try:
        found.start()
        found.up()
        yield found
    finally:
        found.remove()
