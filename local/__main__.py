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
from local import control_plane, nodes, regions, report, tools
from local.automation import PROJECT_DIRECTORY, EngineFailed, LocalStack
from local.paths import State

TOOLS = ("pulumi", "pulumi-resource-kubernetes", "etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kwok")


class Refused(Exception):
    """The user has to do something first; one line says what."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit code: 0 done, 1 failed or refused, 2 wrong input."""
    parser = argparse.ArgumentParser(prog="python -m local", description=__doc__)
    parser.add_argument("command", choices=["up", "down", "status"])
    parser.add_argument("--stack", default="local", help="a stack whose clusters are all existing ones (default: local)")
    parser.add_argument("--file", type=Path, help="a stack file elsewhere, named Pulumi.<stack>.yaml")
    parser.add_argument("--directory", type=Path, default=None, help="where everything is kept (default: .local in the project)")
    parser.add_argument("--ready-seconds", type=float, default=3.0, help="how long a simulated pod takes to become Ready")
    parser.add_argument("--refresh", action="store_true", help="compare with the API servers first, and mend what was changed by hand")
    options = parser.parse_args(arguments)
    state = State(options.directory or PROJECT_DIRECTORY / ".local")
    try:
        if options.command == "status":
            return _status(state, options)
        with _only_one(state):
            return _up(state, options) if options.command == "up" else _down(state, options)
    except InputError as error:
        return _say_problems("The stack file is wrong:", error, 2)
    except PlanError as error:
        return _say_problems("The plan is refused:", error, 1)
    except (Refused, EngineFailed, regions.RegionFailed, tools.ToolError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nInterrupted. `make local` goes on from here; `make local-down` removes everything.", file=sys.stderr)
        return 130


def _up(state: State, options: argparse.Namespace) -> int:
    began = time.monotonic()
    stack_file = options.file or stack_path(PROJECT_DIRECTORY, options.stack)
    fleet = _plan(stack_file)
    if lacking := control_plane.missing():
        raise Refused(lacking)
    _say(f"Local fleet {fleet.name}: {len(fleet.clusters)} regions, GPU nodes and model servers simulated by KWOK.")
    binaries = tools.ensure(TOOLS)
    specs = [
        regions.RegionSpec(name=cluster.name, context=str(cluster.context), nodes=nodes.node_specs(cluster), ready_seconds=options.ready_seconds)
        for cluster in fleet.clusters
    ]
    uids = regions.start(state, specs, binaries, _say)
    stack = _stack(state, stack_file, binaries, uids)
    _say("pulumi up")
    with regions.kept_alive(state, specs, binaries, _say):
        outputs = stack.up(_say, refresh=options.refresh)
    regions.retire(state, specs, _say)
    found = report.rows(fleet, state.kubeconfig)
    print(f"\n{report.outputs_text(outputs)}\n\n{report.table(found)}\n")
    late = [row for row in found if not row.ready]
    _say(f"{len(found) - len(late)} of {len(found)} model servers Ready after {time.monotonic() - began:.0f} s.")
    _say(f"kubectl --kubeconfig {os.path.relpath(state.kubeconfig)} --context {fleet.clusters[0].context} get pods -A")
    return 1 if late else 0


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
        binaries = tools.ensure(TOOLS)
        specs = [
            regions.RegionSpec(name=cluster.name, context=str(cluster.context), nodes=nodes.node_specs(cluster), ready_seconds=options.ready_seconds)
            for cluster in fleet.clusters
        ]
        uids = regions.start(state, specs, binaries, _say)
        _say("pulumi destroy")
        stack = _stack(state, stack_file, binaries, uids)
        with regions.kept_alive(state, specs, binaries, _say):
            stack.destroy(_say)
    except (InputError, PlanError, EngineFailed, regions.RegionFailed, tools.ToolError) as error:
        _say(f"The stack could not be destroyed in order, its control planes are removed with all objects in them: {error}")


def _status(state: State, options: argparse.Namespace) -> int:
    if not state.kubeconfig.exists():
        _say("Nothing runs. `make local` starts the fleet.")
        return 1
    fleet = _plan(options.file or stack_path(PROJECT_DIRECTORY, options.stack))
    found = report.rows(fleet, state.kubeconfig)
    print(report.table(found))
    return 0 if all(row.ready for row in found) else 1


def _plan(stack_file: Path) -> FleetPlan:
    fleet = plan(read(stack_file), stack=stack_of(stack_file), directory=stack_file.parent)
    clouds = [cluster.name for cluster in fleet.clusters if cluster.cloud != "existing"]
    if clouds:
        raise Refused(f"{stack_file.name}: clusters {', '.join(clouds)} are in a cloud; the local target runs existing clusters only")
    return fleet


def _stack(state: State, stack_file: Path, binaries: dict[str, Path], uids: dict[str, str]) -> LocalStack:
    overrides = {name: {"kubeconfig": str(state.kubeconfig), "cluster_uid": uid} for name, uid in uids.items()}
    return LocalStack(state.root / "pulumi", binaries, stack_file, overrides)


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


def _say_problems(title: str, error: InputError | PlanError, code: int) -> int:
    print(title, file=sys.stderr)
    for problem in error.problems:
        print(f"  {problem.told}", file=sys.stderr)
    return code


def _say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main())
