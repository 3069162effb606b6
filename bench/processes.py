"""Run a command as a whole process: how long it took, or why it cannot be measured."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.figures import NotMeasurable

PROJECT = Path(__file__).resolve().parent.parent
PATIENCE_SECONDS = 300
TAIL_LINES = 15


@contextmanager
def kept_bytecode() -> Iterator[None]:
    """Processes keep their bytecode, as Python does by default, in a folder of this run: the checkout stays as it is."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ["PYTHONPYCACHEPREFIX"] = folder
        os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
        yield


def seconds(arguments: Sequence[str]) -> float:
    """Wall time of `python ARGUMENTS`, start-up included.

    Raises:
        NotMeasurable: it failed; a failing run may be faster than a good one.
    """
    began = time.perf_counter()
    _run(arguments, {})
    return time.perf_counter() - began


def measured(arguments: Sequence[str], environment: Mapping[str, str] | None = None) -> dict[str, Any]:
    """What `python ARGUMENTS` measured of itself: the JSON object on its last line.

    Raises:
        NotMeasurable: it failed.
    """
    return json.loads(_run(arguments, environment or {}).splitlines()[-1])


def _run(arguments: Sequence[str], environment: Mapping[str, str]) -> str:
    command = [sys.executable, *arguments]
    try:
        done = subprocess.run(
            command,
            cwd=PROJECT,
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            timeout=PATIENCE_SECONDS,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except subprocess.TimeoutExpired:
        raise NotMeasurable(f"`python {' '.join(arguments)}` took longer than {PATIENCE_SECONDS} s") from None
    if done.returncode:
        tail = "\n".join(f"  {line}" for line in f"{done.stdout}{done.stderr}".strip().splitlines()[-TAIL_LINES:])
        raise NotMeasurable(f"`python {' '.join(arguments)}` ended with status {done.returncode}:\n{tail}")
    return done.stdout
