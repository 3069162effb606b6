"""Print what the stand-in can judge: `python -m tests.support.stand_in_aws`."""

from __future__ import annotations

from tests.support.stand_in_aws.catalogue import KINDS
from tests.support.stand_in_cloud.report import lines

print("\n".join(lines(KINDS)))
