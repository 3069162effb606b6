"""What a stand-in can judge: every input of every type, and the member of the cloud's API that it was matched with."""

from __future__ import annotations

from collections.abc import Mapping

from tests.support.stand_in_cloud.kinds import Kind
from tests.support.stand_in_cloud.mapping import explained, trace


def unmapped(kind: Kind) -> list[str]:
    """Inputs of a type that are neither a member of a call nor explained."""
    return [path for path, members in trace(kind).items() if not members and explained(kind, path) is None]


def unreachable(kind: Kind) -> list[str]:
    """Members that the cloud demands and that no input of the type and no habit of the provider fills in."""
    found: list[str] = []
    for call in kind.calls:
        said = f"{call.service}.{call.operation}:"
        own = {member.removeprefix(said).split(".")[0] for members in trace(kind).values() for member in members if member.startswith(said)}
        found += [f"{said}{name}" for name in kind.request(call).required_members if name not in call.given and name not in own]
    return found


def lines(kinds: Mapping[str, Kind]) -> list[str]:
    """The whole report."""
    found: list[str] = []
    for token, kind in sorted(kinds.items()):
        found.append(f"{token}: {', '.join(f'{call.service} {call.operation}' for call in kind.calls)}")
        for path, members in sorted(trace(kind).items()):
            reason = explained(kind, path)
            refused = "refused" if any(path == name or path.startswith(f"{name}.") for name in kind.refused) else "not sent"
            said = ", ".join(members) if members else f"{refused}: {reason}" if reason else "COULD NOT BE MAPPED"
            found.append(f"    {path} -> {said}")
    total = sum(len(trace(kind)) for kind in kinds.values())
    without = sum(len(unmapped(kind)) for kind in kinds.values())
    mapped = sum(bool(members) for kind in kinds.values() for members in trace(kind).values())
    found.append(f"{len(kinds)} types, {total} inputs: {mapped} mapped, {total - mapped - without} explained, {without} not mapped")
    return found
