"""The stand-in for the Google provider."""

from __future__ import annotations

from tests.support.stand_in_cloud.provider import Change, StandInCloud
from tests.support.stand_in_gcp.cloud import Gcp
from tests.support.stand_in_gcp.projects import Projects

__all__ = ["Change", "StandInGcp"]


class StandInGcp(StandInCloud[Gcp]):
    """All regions of one test, in as many projects as it names. `projects` may be changed behind the program's back."""

    def __init__(self) -> None:
        self.projects = Projects()
        self.control_planes: dict[str, str] = {}
        """Beginning of a cluster's name to the address (host and port) of a real API server."""
        super().__init__(Gcp(self.projects, self.control_planes))
