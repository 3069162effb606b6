"""A whole local fleet for tests: its own folder, ports and stack file, the real engine and real control planes."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import psutil
import yaml
from lightkube.config.kubeconfig import KubeConfig
from lightkube.core.client import Client

from fleet import FleetPlan, plan
from fleet.settings import CONFIG_KEY
from fleet.stack_file import read
from local import regions
from local.automation import LocalStack
from local.launch import Launch
from local.nodes import Kind
from local.paths import State
from local.processes import reap

PROJECT = Path(__file__).resolve().parents[2]
READY_SECONDS = 0.2

SMALL: Mapping[str, Any] = {
    "name": "small",
    "environment": "local",
    "clusters": {
        name: {
            "cloud": "existing",
            "kubeconfig": "kubeconfig",
            "context": f"local-{name}",
            "region": name,
            "gpu_labels": labels,
            "storage_classes": {"cache": "fleet-shared"},
        }
        for name, labels in (("east", "eks"), ("west", "gke"))
    },
    "pools": {"l4": {"accelerator": "L4", "max_nodes": 6}, "t4": {"accelerator": "T4", "max_nodes": 2}},
    "models": {
        "chat": {"tier": "small", "pool": "l4", "slo": "interactive", "replicas": {"min": 2}},
        "labels": {"tier": "mini-int4", "placements": {"east": {"pool": "t4"}}},
    },
}
"""Two regions, two models: every kind of object, small enough to be updated many times."""


class LocalFleet:
    """One fleet in a folder. Change `settings`, then `up`."""

    def __init__(self, folder: Path, kind: Kind = "simulated", settings: Mapping[str, Any] = SMALL, real_nodes_per_pool: int = 1) -> None:
        self.state = State(folder / "state")
        self.stack_file = folder / "Pulumi.test.yaml"
        self.settings: dict[str, Any] = yaml.safe_load(yaml.safe_dump(dict(settings)))
        self.uids: dict[str, str] = {}
        self.said: list[str] = []
        self._kind: Kind = kind
        self._real_nodes_per_pool = real_nodes_per_pool
        self.tools = self.launch().tools()
        self._clients: list[Client] = []

    def write(self) -> None:
        self.stack_file.write_text(yaml.safe_dump({"config": {CONFIG_KEY: self.settings}}), encoding="utf-8")

    def plan(self) -> FleetPlan:
        self.write()
        return plan(read(self.stack_file), stack="test", directory=self.stack_file.parent)

    def launch(self) -> Launch:
        return Launch(
            state=self.state, fleet=self.plan(), kind=self._kind, ready_seconds=READY_SECONDS, real_nodes_per_pool=self._real_nodes_per_pool
        )

    def start(self) -> dict[str, str]:
        launch = self.launch()
        launch.check()
        launch.fill_hub()
        self.uids = regions.start(self.state, launch.specs, self.tools, self.said.append)
        return self.uids

    def stack(self) -> LocalStack:
        return LocalStack(self.state.pulumi, self.tools, self.stack_file, self.launch().overrides(self.uids))

    def up(self) -> dict[str, int]:
        """Update; returns what changed: operation to number of resources."""
        stack = self.stack()
        stack.up(self.said.append)
        return {name: count for name, count in stack.changes.items() if name != "same" and count}

    def launcher(self, command: str = "up") -> subprocess.Popen[str]:
        """`python -m local`, as a person runs it."""
        self.write()
        arguments = ["--file", str(self.stack_file), "--directory", str(self.state.root), "--ready-seconds", str(READY_SECONDS)]
        return subprocess.Popen(
            [sys.executable, "-m", "local", command, *arguments],
            cwd=PROJECT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
            env={**os.environ, "LOCAL_NODES": self._kind},
        )

    def launched(self, command: str = "up") -> tuple[int, str]:
        """Exit status and output of a whole run of the launcher."""
        with self.launcher(command) as run:
            output, _ = run.communicate(timeout=180)
        return run.returncode, output

    def engine(self, run: subprocess.Popen[str]) -> psutil.Process:
        """The engine that a launcher started; fails with what the launcher said where it ended without one."""

        def started() -> list[psutil.Process]:
            found = [process for process in self.processes("pulumi") if {"up", "destroy"} & set(self._words(process).split())]
            if not found and run.poll() is not None:
                output, _ = run.communicate()
                raise AssertionError(f"the launcher ended without an engine:\n{output}")
            return found

        return eventually(started, "an engine")[0]

    def client(self, region: str) -> Client:
        config = KubeConfig.from_file(self.state.kubeconfig).get(context_name=f"local-{region}")
        self._clients.append(Client(config=config, namespace="vllm"))
        return self._clients[-1]

    def processes(self, name: str) -> list[psutil.Process]:
        """Processes of this fleet: those whose command line or environment names its folder, and all that these have started."""
        return [process for process in self._all() if _name(process) == name]

    def everything_running(self) -> list[str]:
        return [f"{_name(process)} {process.pid} {self._words(process)}" for process in self._all()]

    def memory_bytes(self) -> int:
        """Proportional set size of everything that runs: pages that several processes share count once."""
        total = 0
        for process in self._all():
            with contextlib.suppress(psutil.NoSuchProcess):
                total += process.memory_full_info().pss
        return total

    def _all(self) -> list[psutil.Process]:
        found: dict[int, psutil.Process] = {}
        for process in psutil.process_iter():
            if self._ours(process):
                with contextlib.suppress(psutil.NoSuchProcess):
                    found |= {one.pid: one for one in (process, *process.children(recursive=True))}
        return [process for process in found.values() if _name(process)]

    @staticmethod
    def _words(process: psutil.Process) -> str:
        try:
            return " ".join(process.cmdline())
        except psutil.NoSuchProcess:
            return ""

    def _ours(self, process: psutil.Process) -> bool:
        root = str(self.state.root)
        try:
            if process.pid == os.getpid() or process.status() == psutil.STATUS_ZOMBIE:
                return False
            return any(root in word for word in process.cmdline()) or process.environ().get("PULUMI_HOME", "").startswith(root)
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            return False

    def remove(self) -> None:
        for client in self._clients:
            client.close()
        regions.stop(self.state, self.said.append)
        reap()


def _name(process: psutil.Process) -> str:
    """Empty for one that has ended."""
    try:
        return "" if process.status() == psutil.STATUS_ZOMBIE else process.name()
    except psutil.NoSuchProcess:
        return ""


def eventually(condition: Callable[[], Any], what: str, timeout_seconds: float = 60.0, pause_seconds: float = 0.05) -> Any:
    """Wait for a condition of another process; its value once it is true."""
    deadline = time.monotonic() + timeout_seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, f"{what} did not happen within {timeout_seconds:.0f} s"
        time.sleep(pause_seconds)
    return value


def kill(process: psutil.Process) -> None:
    """SIGKILL, and wait until it is gone."""
    process.send_signal(signal.SIGKILL)
    psutil.wait_procs([process], timeout=10)
