"""Ask the real argument parser of the pinned vLLM release about many command lines at once."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.support.vllm_wheel import source_dir

PROCESS = Path(__file__).with_name("vllm_parser_process.py")


def verdicts(lines: Sequence[Sequence[str]]) -> list[str | None]:
    """None for each accepted command line (everything after `vllm serve`), else the parser's reason."""
    environment = {**os.environ, "PYTHONPATH": str(source_dir()), "VLLM_LOGGING_LEVEL": "ERROR", "HF_HUB_OFFLINE": "1"}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", str(PROCESS)],
        input=json.dumps([list(line) for line in lines]),
        capture_output=True,
        text=True,
        env=environment,
        check=False,
        timeout=300,
    )
    if done.returncode:
        raise AssertionError(f"the parser process failed:\n{done.stderr[-3000:]}")
    answer = json.loads(done.stdout.splitlines()[-1])
    return [None if reason is None else str(reason) for reason in answer]
