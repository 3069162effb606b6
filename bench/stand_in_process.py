"""Both stand-in providers in a process of their own: `python -m bench.stand_in_process`.

The first line says where an engine finds them, the value of PULUMI_DEBUG_PROVIDERS. When its input ends, another one says as JSON
what was looked up, and the process ends.
"""

from __future__ import annotations

import json
import sys

from tests.support.stand_in_aws import StandInAws
from tests.support.stand_in_provider import StandInProvider


def main() -> None:
    aws, kubernetes = StandInAws(), StandInProvider()
    print(f"{aws.start()},{kubernetes.start()}", flush=True)
    sys.stdin.read()
    print(json.dumps({"looked_up": aws.invoked}), flush=True)
    aws.die()
    kubernetes.die()


if __name__ == "__main__":
    main()
