"""What every tier shares: a clean environment, a loop per test, property tests that repeat the same examples everywhere.

FLEET_EXAMPLES=1000 makes property tests look further than the tiers have time for.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.support.tiers import NAMES

os.environ["PULUMI_ERROR_OUTPUT_STRING"] = "1"  # an Output in an f-string raises instead of becoming a help text
for name in ("KUBECONFIG", "PULUMI_ACCESS_TOKEN", "PULUMI_BACKEND_URL", "PULUMI_CONFIG", "PULUMI_STACK", "PULUMI_CONFIG_PASSPHRASE_FILE"):
    os.environ.pop(name, None)  # no test may reach the fleet of whoever runs it

settings.register_profile(
    "fleet", max_examples=int(os.environ.get("FLEET_EXAMPLES", "36")), deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("fleet")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Where one tier is asked for, a file that does not name it is not imported: the SDK's imports take longer than all pure tests."""
    tier = config.getoption("markexpr")
    if tier not in NAMES:
        return None
    files = collection_path.rglob("test_*.py") if collection_path.is_dir() else [collection_path]
    named = any(f"pytest.mark.{tier}" in file.read_text(encoding="utf-8") for file in files if file.name.startswith("test_"))
    return None if named or not (collection_path.is_dir() or collection_path.name.startswith("test_")) else True


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A test in no tier would never run, one in two would run twice."""
    for item in items:
        tiers = [tier for tier in NAMES if item.get_closest_marker(tier)]
        if len(tiers) != 1:
            raise pytest.UsageError(f"{item.nodeid} is in {len(tiers)} tiers ({', '.join(tiers)}): set pytestmark to one of {', '.join(NAMES)}")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """A loop for each test with mocks: work that one test queued must never run under the mocks of the next."""
    if item.get_closest_marker("mocks") is None:
        return (yield)
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        return (yield)
    finally:
        loop.close()
        asyncio.set_event_loop(None)
