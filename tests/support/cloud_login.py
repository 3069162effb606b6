"""A machine that can log in to AWS, for runs that register everything and ask AWS for nothing: a simulated `aws` and made-up credentials."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

CREDENTIALS = {"AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE", "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"}
"""The pair that AWS's documentation uses; no account has it."""

SIMULATED_COMMAND = """#!/bin/sh
echo "a simulation of the AWS command line, which no test may ask for a token" >&2
exit 1
"""


@contextmanager
def logged_in(folder: Path) -> Iterator[None]:
    """Until the end of the block, this process finds a command `aws` and credentials in its environment."""
    commands = with_command(folder)
    with mock.patch.dict(os.environ, {**CREDENTIALS, "PATH": f"{commands}{os.pathsep}{os.environ.get('PATH', '')}"}):
        yield


@contextmanager
def bare(folder: Path, **given: str) -> Iterator[None]:
    """Until the end of the block: nothing on PATH, an empty home, no variable of AWS's but those given here."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    with mock.patch.dict(os.environ, {**kept, "HOME": str(folder / "home"), "PATH": str(folder / "none"), **given}, clear=True):
        yield


def with_command(folder: Path) -> Path:
    """A directory for PATH that holds the simulated command."""
    commands = folder / "commands"
    commands.mkdir(exist_ok=True)
    command = commands / "aws"
    command.write_text(SIMULATED_COMMAND, encoding="utf-8")
    command.chmod(0o755)
    return commands
