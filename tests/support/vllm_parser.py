"""Ask the real argument parser of the pinned vLLM release, which takes seconds to start and milliseconds to answer."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from tests.support.vllm_wheel import source_dir

PROCESS = Path(__file__).with_name("vllm_parser_process.py")


@dataclass(frozen=True)
class Verdict:
    """reason: why it is refused, or None. The rest says what the parser made of an accepted one."""

    reason: str | None
    model: str | None = None
    values: dict[str, Any] = field(default_factory=dict)
    """Flag to parsed value; for an environment, variable to the value vLLM reads."""
    repeated: list[str] = field(default_factory=list)
    """Flags whose value is the parser's own default."""


class RealParser:
    """A running parser process."""

    def __init__(self, process: subprocess.Popen[str], errors: IO[str]) -> None:
        self._process, self._errors = process, errors

    def command_line(self, line: Sequence[str]) -> Verdict:
        """What vLLM makes of a command line (everything after `vllm serve`)."""
        return self._ask({"line": list(line)})

    def engine_line(self, line: Sequence[str]) -> Verdict:
        """What vLLM itself makes of a command line: unlike `command_line`, abbreviated flags are taken."""
        return self._ask({"engine_line": list(line)})

    def flags(self) -> dict[str, Any]:
        """Every flag and every environment variable of the release, as `vllm_flags` records them."""
        return self._ask({"flags": True}).values

    def environment(self, variables: Mapping[str, str]) -> Verdict:
        """What vLLM makes of environment variables with `--fail-on-environ-validation`."""
        return self._ask({"environment": dict(variables)})

    def words(self) -> dict[str, list[str]]:
        """The names that the release knows, by what they are names of."""
        return self._ask({"words": True}).values

    def _ask(self, question: dict[str, Any]) -> Verdict:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write(f"{json.dumps(question)}\n")
            self._process.stdin.flush()
            answer = self._process.stdout.readline()
        except BrokenPipeError:
            answer = ""
        if not answer:
            self._errors.seek(0)
            raise AssertionError(f"the parser process ended:\n{self._errors.read()[-3000:]}")
        return Verdict(**json.loads(answer))


@contextmanager
def real_parser() -> Iterator[RealParser]:
    """One process for as many questions as there are."""
    hidden = {name: value for name, value in os.environ.items() if not name.startswith("VLLM_")}
    environment = {**hidden, "PYTHONPATH": str(source_dir()), "VLLM_LOGGING_LEVEL": "ERROR", "HF_HUB_OFFLINE": "1"}
    with (
        tempfile.TemporaryFile("w+", encoding="utf-8") as errors,
        subprocess.Popen(
            [sys.executable, "-W", "ignore", str(PROCESS)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            env=environment,
        ) as process,
    ):
        yield RealParser(process, errors)
        # leaving the block closes its standard input, which ends it
