"""One graph for all tests that only look at it: a fleet in prod of two existing clusters, all kinds of models, secrets by name."""

from __future__ import annotations

import pytest

from tests.support.fleets import graph_of, production
from tests.support.recording import Graph


@pytest.fixture(scope="package")
def graph(tmp_path_factory: pytest.TempPathFactory) -> Graph:
    return graph_of(production(), tmp_path_factory.mktemp("fleet"))
