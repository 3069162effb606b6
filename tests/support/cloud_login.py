"""A machine that can log in to every cloud, for runs that register everything and ask no cloud for anything: simulated commands and made-up
credentials."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

CREDENTIALS = {"AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE", "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"}
"""The pair that AWS's documentation uses; no account has it."""

GOOGLE_CREDENTIALS = "GOOGLE_APPLICATION_CREDENTIALS"
GOOGLE_SECRET = "a-refresh-token-that-no-project-has"

COMMANDS = ("aws", "gke-gcloud-auth-plugin")
VARIABLES = ("AWS_", "CLOUDSDK_", "GOOGLE_")
"""How variables begin that clouds' tools look for."""

SIMULATED_COMMAND = """#!/bin/sh
echo "a simulation of a cloud's command, which no test may ask for a token" >&2
exit 1
"""


@contextmanager
def logged_in(folder: Path) -> Iterator[None]:
    """Until the end of the block, this process finds the commands of every cloud and credentials in its environment."""
    with mock.patch.dict(os.environ, login(folder)):
        yield


@contextmanager
def bare(folder: Path, **given: str) -> Iterator[None]:
    """Until the end of the block: nothing on PATH, an empty home, no variable of a cloud's but those given here."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(VARIABLES)}
    with mock.patch.dict(os.environ, {**kept, "HOME": str(folder / "home"), "PATH": str(folder / "none"), **given}, clear=True):
        yield


def login(folder: Path) -> dict[str, str]:
    """Variables with which a process finds commands and credentials."""
    commands = with_commands(folder)
    return {**CREDENTIALS, **google_credentials(folder), "PATH": f"{commands}{os.pathsep}{os.environ.get('PATH', '')}"}


def google_credentials(folder: Path) -> dict[str, str]:
    """The variable that names a file of credentials."""
    file = folder / "google.json"
    file.write_text(f'{{"type": "authorized_user", "refresh_token": "{GOOGLE_SECRET}"}}', encoding="utf-8")
    return {GOOGLE_CREDENTIALS: str(file)}


def with_commands(folder: Path, *names: str) -> Path:
    """A directory for PATH that holds simulated commands: those named, else all."""
    commands = folder / "commands"
    commands.mkdir(exist_ok=True)
    for name in names or COMMANDS:
        command = commands / name
        command.write_text(SIMULATED_COMMAND, encoding="utf-8")
        command.chmod(0o755)
    return commands
