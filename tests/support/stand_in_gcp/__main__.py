"""Print what the stand-in can judge: `python -m tests.support.stand_in_gcp`."""

from __future__ import annotations

from tests.support.stand_in_cloud.report import lines
from tests.support.stand_in_gcp.catalogue import KINDS

print("\n".join(lines(KINDS)))
