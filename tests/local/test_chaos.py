"""What a person reads who asks for chaos that cannot be had: one line, before anything is touched."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.local_fleet import PROJECT

pytestmark = pytest.mark.tooling


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("engine", "east", "chat"), 1, "error: region east has no real pods here: `make local` starts it, on Linux as root"),
        (("engine", "north", "chat"), 1, "error: the stack has no region 'north'; it has east, west"),
        (("earthquake", "east"), 2, "invalid choice: 'earthquake' (choose from"),
        (("link",), 2, "the following arguments are required: region"),
    ],
)
def test_what_cannot_be_broken_is_refused_in_one_line(tmp_path: Path, words: tuple[str, ...], code: int, said: str) -> None:
    command = [sys.executable, "-m", "local", "chaos", *words, "--directory", str(tmp_path / "none")]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stderr
    assert said in done.stderr, "what is wrong, and what there is"
    assert "Traceback" not in done.stderr, "a user's mistake is no crash"
