"""Commands that only answer leave the checkout as it was: whoever runs them can commit right after."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.syntax import PROJECT

pytestmark = pytest.mark.tooling

COMMANDS = (
    ("plan", "--stack", "prod", "--json"),
    ("plan", "--stack", "local"),
    ("plan", "--file", "Pulumi.staging.yaml"),
    ("plan", "--stack", "absent"),
    ("schema",),
    ("size", "--preset", "small", "--accelerator", "L4"),
)


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What version control would hold, in a repository of its own."""
    copy = tmp_path_factory.mktemp("checkout") / "vllm-fleet"
    listing = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", "-z"], cwd=PROJECT, check=True, capture_output=True, text=True).stdout
    for name in filter(None, listing.split("\0")):
        if (PROJECT / name).is_file():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(PROJECT / name, copy / name)
    author = ("-c", "user.name=test", "-c", "user.email=test@example.com")
    for command in (["init", "-q"], ["add", "-A"], [*author, "commit", "-q", "-m", "as it is"]):
        subprocess.run(["git", *command], cwd=copy, check=True)
    return copy


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_command_leaves_nothing_in_the_checkout(checkout: Path, command: tuple[str, ...]) -> None:
    done = subprocess.run([sys.executable, "-m", "fleet", *command], cwd=checkout, capture_output=True, text=True, check=False)
    assert "Traceback" not in done.stderr, done.stderr
    assert done.returncode == (2 if "absent" in command else 0), done.stderr
    status = subprocess.run(["git", "status", "--porcelain"], cwd=checkout, check=True, capture_output=True, text=True).stdout
    assert status == "", "nothing written, nothing rewritten"
