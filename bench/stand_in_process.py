"""All stand-in providers in a process of their own: `python -m bench.stand_in_process`.

The first line says where an engine finds them, the value of PULUMI_DEBUG_PROVIDERS. When its input ends, another one says as JSON
what was looked up, and the process ends.
"""

from __future__ import annotations

import json
import sys

from tests.support.stand_in_aws import StandInAws
from tests.support.stand_in_gcp import StandInGcp
from tests.support.stand_in_provider import StandInProvider


def main() -> None:
    aws, gcp, kubernetes = StandInAws(), StandInGcp(), StandInProvider()
    print(",".join(provider.start() for provider in (aws, gcp, kubernetes)), flush=True)
    sys.stdin.read()
    print(json.dumps({"looked_up": aws.invoked + gcp.invoked}), flush=True)
    for provider in (aws, gcp, kubernetes):
        provider.die()


if __name__ == "__main__":
    main()
