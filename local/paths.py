"""Where the local target keeps everything: one folder, removed as a whole by `make local-down`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class State:
    """The folder of one local fleet."""

    root: Path

    @property
    def kubeconfig(self) -> Path:
        """One file with a context per region."""
        return self.root / "kubeconfig"

    @property
    def regions(self) -> Path:
        """Control planes, one folder each."""
        return self.root / "regions"

    @property
    def pulumi(self) -> Path:
        """The engine's home, backend and workspace."""
        return self.root / "pulumi"

    @property
    def hub(self) -> Path:
        """Models that the local hub has."""
        return self.root / "hub"

    @property
    def buckets(self) -> Path:
        """A folder for each region that stands for its bucket of weights."""
        return self.root / "buckets"

    def region(self, name: str) -> Path:
        """Folder of one control plane."""
        return self.regions / name
