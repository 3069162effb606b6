"""Keeps a region's rules current: `python -m local.network_policy.enforcer KUBECONFIG CONTEXT --pod-cidr CIDR`.

Runs in the region's network namespace. With `--socket PATH` it also hears the network plugin (`announce`), so that a pod is
covered before its first process runs; without, a pod's first packets are dropped until its status names its address.
The rules outlive this process: what is known stays enforced, and what is new stays closed until it comes back.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import AsyncExitStack, suppress
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import Any

import httpx2
from lightkube.config.kubeconfig import KubeConfig
from lightkube.core.async_client import AsyncClient
from lightkube.core.exceptions import ApiError
from lightkube.resources.core_v1 import Namespace, Pod
from lightkube.resources.networking_v1 import NetworkPolicy

from local.network_policy.announce import COVERED, LATE, PATIENCE_SECONDS
from local.network_policy.cluster_state import ClusterState
from local.network_policy.render import TABLE, render

RETRY_SECONDS = 0.5
PAUSE_SECONDS = 0.1
"""Between two changes of the rules: a rollout's events become a few changes."""

KINDS: Mapping[str, Any] = {"Namespace": Namespace, "Pod": Pod, "NetworkPolicy": NetworkPolicy}
"""The client's overloads tell namespaced kinds from others; its methods take both."""


class RulesRefused(Exception):
    """The kernel did not take a rule set; the one before it stays."""


class Enforcer:
    """The rules of one region."""

    def __init__(self, pod_range: IPv4Network) -> None:
        self.state = ClusterState()
        self._pod_range = pod_range
        self._applied = ""
        self._covered: frozenset[tuple[str, IPv4Address]] = frozenset()
        self._progress = asyncio.Condition()

    def close(self) -> None:
        """Before anything is known all pods are closed, unless an enforcer before this one left its rules.

        Raises:
            RulesRefused: as `_apply`.
        """
        if subprocess.run(["nft", "list", "table", *TABLE.split()], capture_output=True, check=False).returncode:
            _apply(render([], [], [], self._pod_range))

    async def follow(self, client: AsyncClient, kind: str) -> None:
        """List and watch one kind for ever; an API server that is away is waited for."""
        namespace = None if kind == "Namespace" else "*"
        while True:
            try:
                listing = client.list(KINDS[kind], namespace=namespace)
                self.state.list(kind, [found.to_dict() async for found in listing])
                async for operation, found in client.watch(KINDS[kind], namespace=namespace, resource_version=listing.resourceVersion):
                    self.state.event(kind, operation, found.to_dict())
            except (ApiError, httpx2.HTTPError) as error:
                print(f"{kind}: {type(error).__name__}: {error}", flush=True)
            await asyncio.sleep(RETRY_SECONDS)

    async def enforce(self) -> None:
        """Hand every change to the kernel, for ever.

        Raises:
            RulesRefused: as `_apply`.
        """
        while True:
            await self.state.changed.wait()
            self.state.changed.clear()
            if not self.state.complete:
                continue
            start = time.monotonic()
            rules, covered = self.state.rules(self._pod_range), self.state.covered()
            if rules != self._applied:
                _apply(rules)
                self._applied = rules
                print(f"{self.state.summary()}: applied in {(time.monotonic() - start) * 1000:.0f} ms", flush=True)
            async with self._progress:
                self._covered = covered
                self._progress.notify_all()
            await asyncio.sleep(PAUSE_SECONDS)

    async def hear(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One announcement of the network plugin, answered once its pod is covered."""
        try:
            said = json.loads(await reader.readline())
            uid, address = said["uid"], IPv4Address(said["address"])
            self.state.announce(uid, address)
            writer.write(await self._answer(uid, address))
            await writer.drain()
        except (ValueError, KeyError, ConnectionError) as error:
            print(f"an announcement that cannot be used: {type(error).__name__}: {error}", flush=True)
        finally:
            writer.close()

    async def _answer(self, uid: str, address: IPv4Address) -> bytes:
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE_SECONDS), self._progress:
                await self._progress.wait_for(lambda: (uid, address) in self._covered)
                return COVERED
        return LATE


def _apply(rules: str) -> None:
    """Replace our table at once, or not at all.

    Raises:
        RulesRefused: the kernel or nft refuses the script; its words are in the text.
    """
    done = subprocess.run(["nft", "-f", "-"], input=rules, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RulesRefused(f"nft refuses the rule set, the one before it stays: {done.stderr.strip()}\n{rules}")


async def run(kubeconfig: Path, context: str, pod_range: IPv4Network, socket: Path | None) -> None:
    """Enforce until ended.

    Raises:
        RulesRefused: the kernel or nft refuses a rule set.
    """
    enforcer = Enforcer(pod_range)
    enforcer.close()
    client = AsyncClient(config=KubeConfig.from_file(kubeconfig).get(context_name=context))
    async with AsyncExitStack() as stack, asyncio.TaskGroup() as tasks:
        if socket:
            await stack.enter_async_context(await asyncio.start_unix_server(enforcer.hear, socket))
        for kind in KINDS:
            tasks.create_task(enforcer.follow(client, kind))
        tasks.create_task(enforcer.enforce())


def main(arguments: list[str]) -> None:
    """Read the command line and enforce."""
    parser = argparse.ArgumentParser(prog="python -m local.network_policy.enforcer", description="Enforce NetworkPolicies in this network namespace.")
    parser.add_argument("kubeconfig", type=Path)
    parser.add_argument("context")
    parser.add_argument("--pod-cidr", type=IPv4Network, required=True, help="all addresses of pods; those of no known pod are closed")
    parser.add_argument("--socket", type=Path, help="where the network plugin announces addresses")
    found = parser.parse_args(arguments)
    if found.socket:
        found.socket.unlink(missing_ok=True)  # an enforcer that was killed left it
    asyncio.run(run(found.kubeconfig, found.context, found.pod_cidr, found.socket))


if __name__ == "__main__":
    main(sys.argv[1:])
