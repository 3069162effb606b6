"""A simulated cluster for each region, and a kubeconfig with a context for each."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path

from tests.support.simulated_cluster import running, write_kubeconfig


class StandInClusters:
    """Clusters by the name of their region; where a context points may be changed at any time (`clusters[name].uid`)."""

    def __init__(self, folder: Path, names: Iterable[str]) -> None:
        self._open = ExitStack()
        self.clusters = {
            name: self._open.enter_context(running(f"{index}0000000-0000-4000-8000-000000000000")) for index, name in enumerate(names, 1)
        }
        addresses = {f"local-{name}": cluster.address for name, cluster in self.clusters.items()}
        self.kubeconfig = write_kubeconfig(folder / "kubeconfig", addresses)

    def stop(self) -> None:
        self._open.close()
