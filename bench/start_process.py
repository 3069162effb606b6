"""One small program under Pulumi's mocks in this process, as one line of JSON: `python -m bench.start_process KIND`.

The time counts from the start of the interpreter, as the operating system knows it.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil

from bench.large_fleet import ENDPOINT
from bench.plan_process import peak_mb

CLUSTERS: dict[str, dict[str, Any]] = {
    "existing": {"lab": {"cloud": "existing", "context": "lab", "storage_classes": {"cache": "shared"}}},
    "aws": {"east": {"cloud": "aws", "region": "us-east-2", "endpoint": ENDPOINT}},
    "gcp": {"central": {"cloud": "gcp", "region": "us-central1", "project": "bench-project"}},
}
CLUSTERS["mixed"] = CLUSTERS["aws"] | CLUSTERS["gcp"]

SDKS = ("pulumi_aws", "pulumi_gcp")


def main() -> None:
    from tests.support.fleets import graph_of

    settings = {
        "name": "start",
        "environment": "staging",
        "clusters": CLUSTERS[sys.argv[1]],
        "pools": {"l4": {"accelerator": "L4", "max_nodes": 4}},
        "models": {"chat": {"tier": "small", "pool": "l4"}},
    }
    with tempfile.TemporaryDirectory() as folder:
        graph_of(settings, Path(folder))
    seconds = time.time() - psutil.Process().create_time()
    print(json.dumps({"seconds": seconds, "peak_mb": peak_mb(), "loaded": [sdk for sdk in SDKS if sdk in sys.modules]}))


if __name__ == "__main__":
    main()
