"""What the stand-in can judge: every input of every type, and the member of AWS's API that it was matched with."""

from __future__ import annotations

from tests.support.stand_in_aws.catalogue import KINDS
from tests.support.stand_in_aws.mapping import explained, request_shape, trace


def unmapped(token: str) -> list[str]:
    """Inputs of a type that are neither a member of a call nor explained."""
    kind = KINDS[token]
    return [path for path, members in trace(token).items() if not members and explained(kind, path) is None]


def unreachable(token: str) -> list[str]:
    """Members that AWS demands and that no input of the type and no habit of the provider fills in."""
    found: list[str] = []
    for call in KINDS[token].calls:
        said = f"{call.service}.{call.operation}:"
        own = {member.removeprefix(said).split(".")[0] for members in trace(token).values() for member in members if member.startswith(said)}
        demanded = request_shape(call.service, call.operation).required_members
        found += [f"{said}{name}" for name in demanded if name not in call.given and name not in own]
    return found


def lines() -> list[str]:
    """The whole report."""
    found: list[str] = []
    for token, kind in sorted(KINDS.items()):
        found.append(f"{token}: {', '.join(f'{call.service} {call.operation}' for call in kind.calls)}")
        for path, members in sorted(trace(token).items()):
            reason = explained(kind, path)
            refused = "refused" if any(path == name or path.startswith(f"{name}.") for name in kind.refused) else "not sent"
            said = ", ".join(members) if members else f"{refused}: {reason}" if reason else "COULD NOT BE MAPPED"
            found.append(f"    {path} -> {said}")
    total = sum(len(trace(token)) for token in KINDS)
    without = sum(len(unmapped(token)) for token in KINDS)
    mapped = sum(bool(members) for token in KINDS for members in trace(token).values())
    found.append(f"{len(KINDS)} types, {total} inputs: {mapped} mapped, {total - mapped - without} explained, {without} not mapped")
    return found
