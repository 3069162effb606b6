"""Fleets of every cloud under mocks, each seen whole: for what must hold in all of them."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

from tests.support import aws_programs, gcp_programs
from tests.support.recorded_fleet import Recorded

FLEETS = (*aws_programs.FLEETS, *(f"google {name}" for name in gcp_programs.PROGRAMS))
"""The shipped ones have regions in both."""


@cache
def recorded(name: str) -> Recorded:
    """The fleet of this name."""
    google = name.removeprefix("google ")
    return replace(gcp_programs.recorded(google) if google != name else aws_programs.recorded(name), cloud=None)
