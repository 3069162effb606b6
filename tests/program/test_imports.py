"""A stack loads the SDK of a cloud only when it has a cluster there: each is heavy. Real imports, in a process of their own."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.support.recording import PROJECT

pytestmark = pytest.mark.mocks

PROGRAM = """
import json, sys
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.support import aws_programs, gcp_programs
from tests.support.fleets import graph_of, production

SDKS = ("pulumi_aws", "pulumi_gcp")
found = {}
for kind, settings in (("existing", production()), ("aws", aws_programs.private()), ("gcp", gcp_programs.inside())):
    with TemporaryDirectory() as folder:
        resources = graph_of(settings, Path(folder)).resources
    found[kind] = {"resources": len(resources), "loaded": [name for name in SDKS if name in sys.modules]}
    # The next stack finds nothing of this one: what it needs of a cloud, it imports again.
    for name in [name for name in sys.modules if name.split(".")[0] in SDKS or name.startswith(("components.aws", "components.gcp"))]:
        del sys.modules[name]
print(json.dumps(found))
"""


def test_a_stack_loads_the_sdk_of_its_own_clouds_and_no_other() -> None:
    run = subprocess.run([sys.executable, "-c", PROGRAM], cwd=PROJECT, capture_output=True, text=True, check=False, timeout=120)
    assert run.returncode == 0, run.stderr
    found = json.loads(run.stdout)
    assert all(each["resources"] > 10 for each in found.values()), "each was a whole stack"
    loaded = {kind: each["loaded"] for kind, each in found.items()}
    assert loaded == {"existing": [], "aws": ["pulumi_aws"], "gcp": ["pulumi_gcp"]}, "a second of every run, and memory, for nothing"
