"""`python -m fleet …`: exit codes 0 fine, 1 refused (or the answer is no), 2 wrong input. Never a traceback for a user's mistake."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

from fleet.problems import InputError, PlanError, Problem

EPILOG = """\
exit codes: 0 fine, 1 the plan is refused or the answer is no, 2 the input is wrong.

examples:
  python -m fleet plan --stack prod
  python -m fleet plan --file ~/fleets/Pulumi.trial.yaml --json
  python -m fleet size --preset small --accelerator L4
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    reconfigure = getattr(sys.stdout, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(errors="replace")  # a terminal without × shows ? and the plan
    parser = _parser()
    given = sys.argv[1:] if arguments is None else arguments
    if not given:
        parser.print_help(sys.stderr)
        return 2
    options = parser.parse_args(given)
    try:
        code = int(options.run(options))
        sys.stdout.flush()
    except InputError as error:
        return _refuse("wrong input", error.problems, 2)
    except PlanError as error:
        return _refuse("the plan is refused", error.problems, 1)
    except BrokenPipeError:  # the reader of a pipe went away, for example `| head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return code


def _parser() -> argparse.ArgumentParser:
    from fleet import lock_command, size_command

    form = argparse.RawDescriptionHelpFormatter
    about = "Plan and size a fleet of vLLM model servers, before anything is created."
    parser = argparse.ArgumentParser(prog="python -m fleet", description=about, epilog=EPILOG, formatter_class=form)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    about = "The resolved plan of a stack file: every model server, its memory, times and price; or every reason why it is refused."
    plan = commands.add_parser("plan", help="the resolved plan of a stack file, or why it is refused", description=about)
    which = plan.add_mutually_exclusive_group(required=True)
    which.add_argument("--stack", help="name of a stack: reads Pulumi.<stack>.yaml in the current directory")
    which.add_argument("--file", type=Path, help="path of a stack file, anywhere")
    plan.add_argument("--json", action="store_true", help="as JSON, schema contracts/plan.schema.json; refusals and wrong input too")
    plan.set_defaults(run=_plan)
    size = commands.add_parser("size", help="does a model fit an accelerator, with every term")
    size_command.add_arguments(size)
    size.set_defaults(run=size_command.run)
    lock = commands.add_parser("lock", help="ask the hub and the registries for commits and digests")
    lock_command.add_arguments(lock)
    lock.set_defaults(run=lock_command.run)
    schema = commands.add_parser("schema", help="the JSON schema of stack files or of plans, as published")
    schema.add_argument("of", nargs="?", choices=["stack-file", "plan"], default="stack-file", help="default: stack-file")
    schema.set_defaults(run=_schema)
    return parser


def _plan(options: argparse.Namespace) -> int:
    from fleet import plan_json, planner, stack_file
    from fleet.plan_text import plan_text

    stack: str = stack_file.stack_of(options.file) if options.file else options.stack
    try:
        path: Path = options.file or stack_file.stack_path(Path(), stack)
        plan = planner.plan(stack_file.read(path), stack=stack, directory=path.parent)
    except (InputError, PlanError) as error:
        if options.json:
            print(json.dumps(plan_json.refused_as_dict(stack, error.problems), indent=2, default=str))
        raise
    print(json.dumps(plan.as_dict(), indent=2) if options.json else plan_text(plan, colour=_coloured(sys.stdout)))
    return 0


def _schema(options: argparse.Namespace) -> int:
    from fleet import plan_schema, stack_schema

    print(plan_schema.schema_text() if options.of == "plan" else stack_schema.schema_text(), end="")
    return 0


def _refuse(title: str, problems: Sequence[Problem], code: int) -> int:
    red, plain = ("\x1b[31m", "\x1b[0m") if _coloured(sys.stderr) else ("", "")
    print(f"{red}{title}:{plain}", file=sys.stderr)
    for problem in problems:
        print(f"  {problem.told}", file=sys.stderr)
    return code


def _coloured(stream: TextIO) -> bool:
    return stream.isatty() and not os.environ.get("NO_COLOR")
