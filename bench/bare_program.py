"""The program to compare with: as many resources of the same kinds, each written out, nothing decided and nothing grouped.

It ends as the program itself does (stacks/assembly.py), so that what is compared is not how the SDK waits.
"""

from __future__ import annotations

import asyncio
import json
import re
from importlib import import_module
from pathlib import Path
from typing import Any

import pulumi

from bench.recording import FROM

made: dict[str, Any] = {}


def resource_class(token: str) -> Any:
    """The SDK's class of `kubernetes:core/v1:Service`, `aws:ec2/vpc:Vpc` or `pulumi:providers:aws`."""
    package, module, kind = token.split(":")
    if module == "providers":
        return import_module(f"pulumi_{kind}").Provider
    group, _, version = module.partition("/")
    folder = f"{group.split('.')[0]}.{version}" if package == "kubernetes" else group
    return getattr(import_module(f"pulumi_{package}.{folder}"), kind)


def arguments(inputs: dict[str, Any]) -> dict[str, Any]:
    """Inputs under the names of the SDK's arguments, those that come from other resources as outputs of these."""
    return {re.sub("([A-Z])", r"_\1", name).lower(): given(value) for name, value in inputs.items()}


def given(value: Any) -> Any:
    """A recorded value as a program would write it."""
    if isinstance(value, dict):
        if FROM in value:
            outputs = [made[urn].id for urn in value[FROM]]
            return pulumi.Output.concat(*outputs) if outputs[1:] else outputs[0]
        return {name: given(inner) for name, inner in value.items()}
    return [given(inner) for inner in value] if isinstance(value, list) else value


def register(entries: list[dict[str, Any]]) -> None:
    """One after the other, as they are recorded."""
    for entry in entries:
        options = pulumi.ResourceOptions(provider=made[entry["provider"]] if entry["provider"] else None)
        made[entry["urn"]] = resource_class(entry["type"])(entry["name"], opts=options, **arguments(entry["inputs"]))


async def started() -> None:
    """The turn in which the registrations begin."""
    await asyncio.sleep(0)


if __name__ == "__main__":
    settings = pulumi.Config("vllm-fleet").require_object("fleet")
    register(json.loads(Path(settings["resources"]).read_text(encoding="utf-8")))
    pulumi.run(started)
