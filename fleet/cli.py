"""`python -m fleet …`: exit codes 0 fine, 1 refused (or the answer is no), 2 wrong input. Never a traceback for a user's mistake."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from fleet.problems import InputError, PlanError, Problem


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    options = _parser().parse_args(arguments)
    try:
        return int(options.run(options))
    except InputError as error:
        return _refuse("wrong input", error.problems, 2)
    except PlanError as error:
        return _refuse("the plan is refused", error.problems, 1)
    except BrokenPipeError:  # the reader of a pipe went away, for example `| head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _parser() -> argparse.ArgumentParser:
    from fleet import lock_command, size_command

    parser = argparse.ArgumentParser(prog="python -m fleet", description="Plan and size a fleet of vLLM model servers.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    plan = commands.add_parser("plan", help="the resolved plan of a stack file, or every reason why it is refused")
    which = plan.add_mutually_exclusive_group(required=True)
    which.add_argument("--stack", help="name of a stack: reads Pulumi.<stack>.yaml in the current directory")
    which.add_argument("--file", type=Path, help="path of a stack file")
    plan.add_argument("--json", action="store_true", help="the contract of contracts/plan.schema.json")
    plan.set_defaults(run=_plan)
    size = commands.add_parser("size", help="does a model fit an accelerator, with every term")
    size_command.add_arguments(size)
    size.set_defaults(run=size_command.run)
    lock = commands.add_parser("lock", help="ask the hub and the registries for commits and digests")
    lock_command.add_arguments(lock)
    lock.set_defaults(run=lock_command.run)
    schema = commands.add_parser("schema", help="the JSON schema of stack files, for editors")
    schema.set_defaults(run=_schema)
    return parser


def _plan(options: argparse.Namespace) -> int:
    from fleet import plan_json, planner, stack_file
    from fleet.plan_text import plan_text

    path: Path = options.file or stack_file.stack_path(Path(), options.stack)
    stack = options.stack or path.name.removeprefix("Pulumi.").removesuffix(".yaml")
    settings = stack_file.read(path)
    try:
        plan = planner.plan(settings, stack=stack, directory=path.parent)
    except PlanError as error:
        if options.json:
            print(json.dumps(plan_json.refused_as_dict(stack, error.problems), indent=2, default=str))
        raise
    print(json.dumps(plan.as_dict(), indent=2) if options.json else plan_text(plan))
    return 0


def _schema(_: argparse.Namespace) -> int:
    from fleet.stack_schema import stack_file_schema

    print(json.dumps(stack_file_schema(), indent=2))
    return 0


def _refuse(title: str, problems: Sequence[Problem], code: int) -> int:
    red, plain = ("\x1b[31m", "\x1b[0m") if sys.stderr.isatty() else ("", "")
    print(f"{red}{title}:{plain}", file=sys.stderr)
    for problem in problems:
        print(f"  {problem.message}", file=sys.stderr)
    return code
