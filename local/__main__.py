"""`python -m local up | down | status`: the whole program on one machine, with no cloud account."""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import os
import shutil
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from fleet import FleetPlan, InputError, PlanError, plan
from fleet.stack_file import read, stack_of, stack_path
from local import answers, chaos, control_plane, launch, region_network, regions, report
from local.answers import NoAnswer
from local.automation import PROJECT_DIRECTORY, EngineFailed, LocalStack
from local.chaos import NothingToBreak
from local.images import ImageError
from local.launch import Launch
from local.machine import NoRealNodes, WrongChoice
from local.paths import State
from local.regions import RegionFailed
from local.tools import ToolError


class Refused(Exception):
    """The user has to do something first; one line says what."""


FAILURES = (Refused, NoRealNodes, NoAnswer, NothingToBreak, EngineFailed, RegionFailed, ImageError, ToolError)
"""What ends a run with one line and exit code 1."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit code: 0 done, 1 failed or refused, 2 wrong input."""
    options = _parser().parse_args(arguments)
    state = State(options.directory or PROJECT_DIRECTORY / ".local")
    try:
        if options.command in WATCHING:
            return WATCHING[options.command](state, options)
        with _only_one(state):
            return _up(state, options) if options.command == "up" else _down(state, options)
    except InputError as error:
        return _say_problems("The stack file is wrong:", error, 2)
    except PlanError as error:
        return _say_problems("The plan is refused:", error, 1)
    except (WrongChoice, *FAILURES) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2 if isinstance(error, WrongChoice) else 1
    except KeyboardInterrupt:
        print("\nInterrupted. `make local` goes on from here; `make local-down` removes everything.", file=sys.stderr)
        return 130


def _parser() -> argparse.ArgumentParser:
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--stack", default="local", help="a stack whose clusters are all existing ones (default: local)")
    common.add_argument("--file", type=Path, help="a stack file elsewhere, named Pulumi.<stack>.yaml")
    common.add_argument("--directory", type=Path, default=None, help="where everything is kept (default: .local in the project)")
    common.add_argument("--ready-seconds", type=float, default=3.0, help="how long a simulated pod takes to become Ready")
    parser = argparse.ArgumentParser(prog="python -m local", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    up = commands.add_parser("up", parents=[common], help="start or change the fleet")
    up.add_argument("--refresh", action="store_true", help="compare with the API servers first, and mend what was changed by hand")
    commands.add_parser("down", parents=[common], help="remove it, in order")
    commands.add_parser("status", parents=[common], help="what runs where")
    breaking = commands.add_parser("chaos", parents=[common], help="break one thing in a fleet with real pods, or restore a region")
    breaking.add_argument("what", choices=chaos.actions())
    breaking.add_argument("region", help="a cluster of the stack file")
    breaking.add_argument("target", nargs="?", help="the model whose pod or engine, or the node")
    return parser


def _up(state: State, options: argparse.Namespace) -> int:
    began = time.monotonic()
    stack_file = options.file or stack_path(PROJECT_DIRECTORY, options.stack)
    fleet = _plan(stack_file)
    if lacking := control_plane.missing():
        raise Refused(lacking)
    run = _launch(state, fleet, options)
    run.check()
    binaries = run.tools()
    launch.keep_kind(state, run.kind)
    run.fill_hub()
    specs = run.specs
    uids = regions.start(state, specs, binaries, _say)
    stack = _stack(run, stack_file, binaries, uids)
    _say("pulumi up")
    with regions.kept_alive(state, specs, binaries, _say):
        outputs = stack.up(_say, refresh=options.refresh)
    regions.retire(state, specs, _say)
    found = report.rows(fleet, state.kubeconfig)
    print(f"\n{report.outputs_text(outputs)}\n\n{report.table(found)}\n")
    late = [row for row in found if not row.ready]
    _say(f"{len(found) - len(late)} of {len(found)} model servers Ready after {time.monotonic() - began:.0f} s.")
    silent = _answers(run) if run.kind == "real" else []
    _say(f"kubectl --kubeconfig {os.path.relpath(state.kubeconfig)} --context {fleet.clusters[0].context} get pods -A")
    return 1 if late or silent else 0


def _answers(run: Launch) -> list[answers.Answer]:
    """Ask every model once and show what it says; returns those that said nothing."""
    began = time.monotonic()
    said = [answer for cluster in run.fleet.clusters for answer in answers.ask(cluster, run.state.kubeconfig)]
    silent = [answer for answer in said if not answer.ok]
    _say(f"\nStreamed answers through each Service, from pods of the namespace {answers.NAMESPACE}:\n{answers.table(said)}\n")
    _say(f"{len(said) - len(silent)} of {len(said)} models answered; asking took {time.monotonic() - began:.0f} s.")
    return silent


def _chaos(state: State, options: argparse.Namespace) -> int:
    fleet = _plan(options.file or stack_path(PROJECT_DIRECTORY, options.stack))
    found = {cluster.name: cluster for cluster in fleet.clusters}
    if options.region not in found:
        raise NothingToBreak(f"the stack has no region {options.region!r}; it has {', '.join(found)}")
    chaos.break_something(state, found[options.region], options.what, options.target, _say)
    return 0


def _down(state: State, options: argparse.Namespace) -> int:
    if not state.root.exists():
        _say("Nothing is there.")
        return 0
    stack_file = options.file or stack_path(PROJECT_DIRECTORY, options.stack)
    if (state.root / "pulumi" / "state").exists():
        _destroy(state, stack_file, options)
    regions.stop(state, _say)
    shutil.rmtree(state.root)
    _say("Everything is removed.")
    return 0


def _destroy(state: State, stack_file: Path, options: argparse.Namespace) -> None:
    """Delete in order through the engine; what the engine cannot delete goes with the control planes, which are ours."""
    try:
        fleet = _plan(stack_file)
        run = _launch(state, fleet, options)
        binaries = run.tools()
        specs = run.specs
        uids = regions.start(state, specs, binaries, _say)
        _say("pulumi destroy")
        stack = _stack(run, stack_file, binaries, uids)
        with regions.kept_alive(state, specs, binaries, _say):
            stack.destroy(_say)
    except (InputError, PlanError, *FAILURES) as error:
        _say(f"The stack could not be destroyed in order, its control planes are removed with all objects in them: {error}")


def _status(state: State, options: argparse.Namespace) -> int:
    if not state.kubeconfig.exists():
        _say("Nothing runs. `make local` starts the fleet.")
        return 1
    fleet = _plan(options.file or stack_path(PROJECT_DIRECTORY, options.stack))
    found = report.rows(fleet, state.kubeconfig)
    print(report.table(found))
    for region, running in regions.running(state).items():
        network = region_network.found(state.region(region))
        ended = ", ".join(name for name, runs in running.items() if not runs)
        link = ", its link is cut" if network and region_network.is_cut(network) else ""
        print(f"{region}: {sum(running.values())} of {len(running)} daemons and nodes run{f' (not {ended})' if ended else ''}{link}")
    return 0 if all(row.ready for row in found) else 1


def _plan(stack_file: Path) -> FleetPlan:
    fleet = plan(read(stack_file), stack=stack_of(stack_file), directory=stack_file.parent)
    clouds = [cluster.name for cluster in fleet.clusters if cluster.cloud != "existing"]
    if clouds:
        raise Refused(f"{stack_file.name}: clusters {', '.join(clouds)} are in a cloud; the local target runs existing clusters only")
    return fleet


def _launch(state: State, fleet: FleetPlan, options: argparse.Namespace) -> Launch:
    """This fleet on this machine; says in one line which nodes it gets, and why where they are simulated."""
    kind, why = launch.chosen_kind(state)
    nodes = "real nodes and pods, GPUs and engine simulated" if kind == "real" else f"nodes and pods simulated by KWOK ({why})"
    _say(f"Local fleet {fleet.name}: {len(fleet.clusters)} regions, {nodes}.")
    return Launch(state=state, fleet=fleet, kind=kind, ready_seconds=options.ready_seconds)


def _stack(run: Launch, stack_file: Path, binaries: dict[str, Path], uids: dict[str, str]) -> LocalStack:
    return LocalStack(run.state.pulumi, binaries, stack_file, run.overrides(uids))


@contextlib.contextmanager
def _only_one(state: State) -> Iterator[None]:
    """The kernel lets go of this lock when its holder dies, however it dies."""
    path = state.root.with_name(f"{state.root.name}.lock")
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            current = path.exists() and path.stat().st_ino == os.fstat(lock.fileno()).st_ino
        except OSError:
            current = False
        if not current:
            raise Refused(f"another run works on {state.root}; wait for it, or end it")
        try:
            yield
        finally:
            path.unlink(missing_ok=True)


WATCHING = {"status": _status, "chaos": _chaos}
"""Commands beside which another run may work: nothing they do is in its way."""


def _say_problems(title: str, error: InputError | PlanError, code: int) -> int:
    print(title, file=sys.stderr)
    for problem in error.problems:
        print(f"  {problem.told}", file=sys.stderr)
    return code


def _say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main())
