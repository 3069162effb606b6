"""`python -m fleet lock`: resolve what is not pinned yet, or say what is pinned and out of date."""

from __future__ import annotations

import argparse
import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fleet.pin_sources import PinSources

ADDRESS = re.compile(r"https?://[^\s/]+(/\S*)?")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of the command."""
    parser.add_argument("--stack-file", type=Path, action="append", help="resolve what these stack files name; default: every Pulumi.*.yaml here")
    parser.add_argument("--model", action="append", default=[], help="resolve this model repository as well (organisation/name)")
    parser.add_argument("--image", action="append", default=[], help="resolve this image as well (registry/name:tag)")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--check", action="store_true", help="write nothing; exit 1 where something is unresolved, stale or gone")
    which.add_argument("--update", nargs="*", metavar="NAME", help="ask again for what is locked already, all of it or these names")
    parser.add_argument("--lock-file", type=Path, help="default: fleet.lock.json beside the program")
    parser.add_argument("--hub", help="address of the model hub (default: HF_ENDPOINT, else the public one); HF_TOKEN is sent to it where set")
    parser.add_argument("--registry", action="append", default=[], metavar="NAME=ADDRESS", help="where a registry is reached instead")
    parser.add_argument("--timeout-seconds", type=float, default=20.0, help="of each request")


def run(options: argparse.Namespace) -> int:
    """Resolve what is missing, ask again for what is named, or check.

    Returns:
        0 where everything needed is locked (and with --check, current), 1 where something is not.

    Raises:
        InputError: a stack file, the lock file or an option is wrong.
    """
    from fleet.lock import LOCK_FILE, read_file, write_file
    from fleet.locking import ask_all, chosen_pins, locked_pins, merged, needed_pins, stale

    path: Path = options.lock_file or LOCK_FILE
    sources = _sources(options)
    content = read_file(path)
    locked = locked_pins(content.lock())
    stack_files = options.stack_file or sorted(Path().glob("Pulumi.*.yaml"))
    needed = list(dict.fromkeys(needed_pins(stack_files, options.model, options.image)))
    everything = list(dict.fromkeys([*needed, *locked]))
    if options.check:
        fine, findings = stale(everything, locked, sources)
        for pin in fine:
            print(f"current   {pin.name}  {locked[pin]}")
        return _report(findings)
    again = chosen_pins(options.update, everything)
    found, failures = ask_all([pin for pin in everything if pin in again or (pin in needed and pin not in locked)], sources)
    for pin in everything:
        if pin in found or (pin in needed and pin in locked):
            value = found.get(pin, locked.get(pin))
            print(f"{'kept    ' if value == locked.get(pin) else 'resolved'}  {pin.name}  {value}")
    changed = {pin: value for pin, value in found.items() if locked.get(pin) != value}
    if changed:
        write_file(path, merged(content, changed, sources))
        print(f"wrote {path}: {len(changed)} new or changed")
    return _report(failures)


def _report(lines: list[str]) -> int:
    for line in lines:
        print(line, file=sys.stderr)
    return 1 if lines else 0


def _sources(options: argparse.Namespace) -> PinSources:
    from fleet.pin_sources import HUB, PinSources
    from fleet.problems import InputError, Problem

    registries: dict[str, str] = {}
    for given in options.registry:
        name, _, address = given.partition("=")
        if not name:
            raise InputError([Problem(field="--registry", value=given, limit="names no registry", remedy="write registry=https://host")])
        registries[name] = _address("--registry", given, address)
    if not 0 < options.timeout_seconds <= 3600:
        problem = Problem(field="--timeout-seconds", value=options.timeout_seconds, limit="is not in 0 to 3600", remedy="leave it out for 20")
        raise InputError([problem])
    given_hub = options.hub or os.environ.get("HF_ENDPOINT") or HUB
    hub = _address("--hub", given_hub, given_hub)
    return PinSources(hub=hub, hub_token=os.environ.get("HF_TOKEN"), registries=registries, timeout_seconds=options.timeout_seconds)


def _address(field: str, given: str, address: str) -> str:
    from fleet.problems import InputError, Problem

    if not ADDRESS.fullmatch(address):
        remedy = "write registry=https://host" if field == "--registry" else "write https://host, or leave it out"
        raise InputError([Problem(field=field, value=given, limit="names no http or https address", remedy=remedy)])
    return address.rstrip("/")
