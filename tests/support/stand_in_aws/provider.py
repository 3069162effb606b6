"""The stand-in for the AWS provider."""

from __future__ import annotations

from tests.support.stand_in_aws.account import Account
from tests.support.stand_in_aws.cloud import Aws
from tests.support.stand_in_cloud.provider import Change, StandInCloud

__all__ = ["Change", "StandInAws"]


class StandInAws(StandInCloud[Aws]):
    """All regions of one test, in one account, which a test may change behind the program's back."""

    def __init__(self) -> None:
        self.account = Account()
        self.control_planes: dict[str, tuple[str, str]] = {}
        """Beginning of a cluster's name to the address and the certificate (base64) of a real API server."""
        super().__init__(Aws(self.account, self.control_planes))
