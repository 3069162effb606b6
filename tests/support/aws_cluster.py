"""A fleet of AWS regions whose API servers are real: AWS is a stand-in, each EKS cluster is a control plane of this machine.

The real Kubernetes provider reaches it through the kubeconfig that the program makes, by a simulated `aws eks get-token`.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psutil
import yaml

from fleet import FleetPlan, plan
from fleet.aws.plan import NodeGroupPlan
from fleet.catalog import SHAPES
from fleet.fleet_plan import ClusterPlan
from fleet.placement import GPU_RESOURCE
from fleet.settings import CONFIG_KEY
from fleet.stack_file import read
from local import regions, tools
from local.automation import LocalStack
from local.nodes import NodeSpec
from local.paths import State
from local.processes import Daemon, reap
from local.region_spec import RegionSpec
from local.tools.recipes import CONTROL_PLANE, ENGINE
from tests.support.api_server import ApiServer
from tests.support.aws_fleet import WITHOUT_CHECKPOINTS
from tests.support.aws_login import CREDENTIALS
from tests.support.chart_repository import ChartRepository
from tests.support.local_fleet import kill
from tests.support.simulated_volume_drivers import ZONE, SimulatedDrivers
from tests.support.stand_in_aws import StandInAws
from tests.support.stand_in_aws.account import zone_names

READY_SECONDS = 0.2
SYSTEM_VCPUS, SYSTEM_MEMORY_GIB = 4, 16.0
"""Of fleet.aws.offerings.SYSTEM_MACHINE, which is in no table of GPU machines."""

GPU_TAG = f"k8s.io/cluster-autoscaler/node-template/resources/{GPU_RESOURCE}"

SMALL: Mapping[str, Any] = {
    "name": "small",
    "environment": "test",
    "secrets": {"engine_api_key": "engine-api-key"},
    "clusters": {
        name: {"cloud": "aws", "region": region, "zones": zones, "endpoint": {"public_cidrs": ["203.0.113.0/24"]}}
        for name, region, zones in (("east", "us-east-2", ["use2-az1", "use2-az2"]), ("west", "us-west-2", ["usw2-az1", "usw2-az2"]))
    },
    "pools": {"l4": {"accelerator": "L4", "max_nodes": 4}, "t4": {"accelerator": "T4", "max_nodes": 1}},
    "models": {
        "chat": {"tier": "small", "pool": "l4", "replicas": {"min": 2}},
        "labels": {"tier": "mini-int4", "pool": "t4", "placements": {"east": {}}, "cache": {"kind": "volume"}},
        "drafts": {"tier": "mini-int4", "pool": "l4", "placements": {"east": {}}, "cache": {"kind": "shared"}},
    },
}
"""Two regions and a cache of each kind that has a volume: a bucket in both, a disk and a file system in one."""

_AWS = """\
#!/bin/sh
# A simulation of one command of AWS's: whoever asks for a cluster that there is gets the token of its API server.
if [ "$1 $3 $4 $5 $7 $8" = "--region eks get-token --cluster-name --output json" ] && [ -f "{folder}/$2/$6.json" ]; then
  echo "$2/$6" >> "{folder}/asked"
  exec cat "{folder}/$2/$6.json"
fi
echo "An error occurred (ResourceNotFoundException): the simulation knows nothing of: $*" >&2
exit 254
"""


class AwsClusters:
    """Change `settings`, then `up`. `aws` says what happened in the account, `server(region)` what is in a cluster."""

    def __init__(self, folder: Path, settings: Mapping[str, Any] = SMALL) -> None:
        self.state = State(folder / "state")
        self.settings: dict[str, Any] = yaml.safe_load(yaml.safe_dump(dict(settings)))
        self.aws = StandInAws()
        self.charts = ChartRepository(folder / "charts")
        self.settings["charts"] = {"repository": self.charts.address}
        self.said: list[str] = []
        self._file = folder / "Pulumi.test.yaml"
        self._tools = tools.ensure((*ENGINE, *CONTROL_PLANE))
        self._logins = folder / "aws"
        self._before = dict(os.environ)
        self._servers: dict[str, ApiServer] = {}
        self._drivers: list[SimulatedDrivers] = []

    def plan(self) -> FleetPlan:
        """What the stack file means."""
        self._file.write_text(yaml.safe_dump({"config": {CONFIG_KEY: self.settings}}), encoding="utf-8")
        return plan(read(self._file), stack="test", directory=self._file.parent)

    def cluster(self, name: str) -> ClusterPlan:
        """One cluster of the plan."""
        return next(cluster for cluster in self.plan().clusters if cluster.name == name)

    def start(self) -> None:
        """Control planes side by side, with the machines of the plan; charts, logins and drivers."""
        clusters = self.plan().clusters
        self.charts.fill(cluster.aws_plan.in_cluster for cluster in clusters)
        self.start_control_planes()
        self._write_command()
        for cluster in clusters:
            name = cluster.aws_plan.control_plane.name
            self._servers[cluster.name] = server = ApiServer(self.state.kubeconfig, cluster.name)
            self.aws.control_planes[name] = (server.address, server.certificate)
            login = {"apiVersion": "client.authentication.k8s.io/v1beta1", "kind": "ExecCredential", "status": {"token": server.token}}
            file = self._logins / cluster.region / f"{name}.json"
            file.parent.mkdir(parents=True)
            file.write_text(json.dumps(login), encoding="utf-8")
            self._drivers.append(SimulatedDrivers(server))
        self._environment()

    def start_control_planes(self) -> None:
        """Bring up what does not run."""
        regions.start(self.state, [_spec(cluster) for cluster in self.plan().clusters], self._tools, self.said.append)

    def stack(self) -> LocalStack:
        """The stack as the settings are now."""
        self.plan()
        return LocalStack(self.state.pulumi, self._tools, self._file, {})

    def up(self) -> dict[str, int]:
        """Update; returns what changed: operation to number of resources."""
        stack = self.stack()
        self.aws.forget()
        stack.up(self.said.append)
        return {name: count for name, count in stack.changes.items() if name != "same" and count}

    def server(self, region: str) -> ApiServer:
        """The API server of a region."""
        return self._servers[region]

    def asked(self) -> set[str]:
        """Region and name of every cluster that somebody logged in to."""
        return set((self._logins / "asked").read_text(encoding="utf-8").split())

    def kill_api_server(self, region: str) -> None:
        """SIGKILL of a region's API server, and of what it keeps its objects in."""
        for name in ("kube-apiserver", "etcd"):
            process = Daemon(name, self.state.region(region)).process()
            assert isinstance(process, psutil.Process), f"{name} of {region} runs"
            kill(process)

    def resources(self) -> list[dict[str, Any]]:
        """Every resource of the state."""
        (file,) = (self.state.pulumi / "state").rglob("stacks/**/test.json")
        return list(json.loads(file.read_text(encoding="utf-8"))["checkpoint"]["latest"]["resources"])

    def state_text(self) -> str:
        """Everything the backend holds."""
        return "".join(path.read_text(encoding="utf-8") for path in (self.state.pulumi / "state").rglob("*.json"))

    def remove(self) -> None:
        """End everything."""
        for drivers in self._drivers:
            drivers.stop()
        for server in self._servers.values():
            server.close()
        self.charts.stop()
        self.aws.die()
        regions.stop(self.state, self.said.append)
        reap()
        os.environ.clear()
        os.environ.update(self._before)
        assert not [refused for drivers in self._drivers for refused in drivers.refused], "every volume was taken"

    def _write_command(self) -> None:
        command = self._logins / "bin" / "aws"
        command.parent.mkdir(parents=True)
        command.write_text(_AWS.format(folder=self._logins), encoding="utf-8")
        command.chmod(0o755)

    def _environment(self) -> None:
        """What a person's shell would have (the command, credentials), and folders of Helm's own."""
        os.environ |= {
            "PATH": os.pathsep.join([str(self._logins / "bin"), self._before.get("PATH", "")]),
            **CREDENTIALS,
            **WITHOUT_CHECKPOINTS,
            "PULUMI_DEBUG_PROVIDERS": self.aws.start(),
            **{f"HELM_{kind}_HOME": str(self.state.root / f"helm-{kind.lower()}") for kind in ("CACHE", "CONFIG", "DATA")},
        }


def machines(cluster: ClusterPlan) -> dict[str, tuple[NodeGroupPlan, NodeSpec]]:
    """Every machine that the node groups of a cluster may have, by name. What a kubelet says of itself is added to the group's labels."""
    zones = zone_names(cluster.region)
    found: dict[str, tuple[NodeGroupPlan, NodeSpec]] = {}
    for group in cluster.aws_plan.node_groups:
        for index in range(group.max_nodes):
            name = f"{group.name}-{index}"
            found[name] = (group, _machine(name, cluster.region, zones[group.zone_ids[index % len(group.zone_ids)]], group))
    return found


def _machine(name: str, region: str, zone: str, group: NodeGroupPlan) -> NodeSpec:
    shape = next((one for one in SHAPES if one.machine == group.instance_types[0]), None)
    own = {"kubernetes.io/arch": "amd64", "kubernetes.io/hostname": name, "kubernetes.io/os": "linux", "topology.kubernetes.io/region": region}
    return NodeSpec(
        name=name,
        vcpus=shape.vcpus if shape else SYSTEM_VCPUS,
        memory_gib=shape.memory_gib if shape else SYSTEM_MEMORY_GIB,
        gpus=int(group.autoscaling_tags.get(GPU_TAG, "0")),
        labels={**own, ZONE: zone, **group.labels},
        taints=group.taints,
    )


def _spec(cluster: ClusterPlan) -> RegionSpec:
    nodes = tuple(node for _, node in machines(cluster).values())
    return RegionSpec(name=cluster.name, context=cluster.name, nodes=nodes, ready_seconds=READY_SECONDS, class_claims=False)
