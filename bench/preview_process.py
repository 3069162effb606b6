"""One preview of one program in this process, as one line of JSON: `python -m bench.preview_process PROGRAM FOLDER STACK [objects]`.

The clock runs while the engine does, program and imports included; choosing the stack and loading the SDK's automation
are the same for every program and stay outside. With `objects` it also says what the program registers.
"""

from __future__ import annotations

import json
import os
import runpy
import sys
import time
from typing import Any

from pulumi import automation


def main() -> None:
    program, folder, name, *rest = sys.argv[1:]
    options = automation.LocalWorkspaceOptions(work_dir=folder, pulumi_home=os.environ["PULUMI_HOME"])
    stack = automation.select_stack(stack_name=name, project_name="vllm-fleet", program=lambda: _run(program), opts=options)
    registered: list[dict[str, Any]] = []
    began = time.perf_counter()
    result = stack.preview(color="never", suppress_outputs=True, on_event=(lambda event: _take(event, registered)) if rest else None)
    seconds = time.perf_counter() - began
    print(json.dumps({"seconds": seconds, "count": sum(result.change_summary.values()), "registered": registered}))


def _run(program: str) -> None:
    runpy.run_path(program, run_name="__main__")


def _take(event: automation.EngineEvent, registered: list[dict[str, Any]]) -> None:
    """Type, name, inputs and cluster; a provider is named after its cluster."""
    found = event.resource_pre_event.metadata if event.resource_pre_event else None
    if found and found.new:
        cluster = found.provider.split("::")[-2].removesuffix("-kubernetes") if found.type.startswith("kubernetes:") else None
        registered.append({"type": found.type, "name": found.urn.rpartition("::")[2], "inputs": found.new.inputs, "cluster": cluster})


if __name__ == "__main__":
    main()
