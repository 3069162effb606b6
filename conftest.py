"""What every tier shares: strict outputs, quiet property tests that repeat the same examples in CI."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

os.environ["PULUMI_ERROR_OUTPUT_STRING"] = "1"  # an Output in an f-string raises instead of becoming a help text

settings.register_profile("fleet", max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("fleet")


@pytest.fixture(autouse=True)
def event_loop_of_its_own(request: pytest.FixtureRequest) -> Iterator[None]:
    """Work that one test queued must never run under the mocks of the next."""
    if request.node.get_closest_marker("mocks") is None:
        yield
        return
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    yield
    loop.close()
    asyncio.set_event_loop(None)
