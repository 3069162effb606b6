"""One preview of one program in this process, as one line of JSON: `python -m bench.preview_process PROGRAM FOLDER STACK [PLAN_FILE]`.

The clock runs while the engine does, program and imports included; choosing the stack and loading the SDK's automation
are the same for every program and stay outside. Memory is that of the whole process. With PLAN_FILE the engine saves there
what the program registers.
"""

from __future__ import annotations

import json
import os
import runpy
import sys
import time

from pulumi import automation

from bench.plan_process import peak_mb


def main() -> None:
    program, folder, name, *plan_file = sys.argv[1:]
    options = automation.LocalWorkspaceOptions(work_dir=folder, pulumi_home=os.environ["PULUMI_HOME"])
    stack = automation.select_stack(stack_name=name, project_name="vllm-fleet", program=lambda: _run(program), opts=options)
    began, worked = time.perf_counter(), time.process_time()
    result = stack.preview(color="never", suppress_outputs=True, plan=plan_file[0] if plan_file else None)
    seconds, processor_seconds = time.perf_counter() - began, time.process_time() - worked
    found = {"seconds": seconds, "processor_seconds": processor_seconds, "count": sum(result.change_summary.values()), "peak_mb": peak_mb()}
    print(json.dumps(found))


def _run(program: str) -> None:
    runpy.run_path(program, run_name="__main__")


if __name__ == "__main__":
    main()
