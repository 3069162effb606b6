"""A fleet of regions in clouds whose API servers are real: the clouds are stand-ins, each cluster is a control plane of this machine.

The real Kubernetes provider reaches it through the kubeconfig that the program makes: by the simulated command of its cloud, and in Google
Cloud, where a kubeconfig has no certificate, by trusting what its process is told to trust.
"""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psutil
import yaml

from fleet import FleetPlan, plan
from fleet.add_ons import InCluster
from fleet.fleet_plan import ClusterPlan
from fleet.settings import CONFIG_KEY
from fleet.stack_file import read
from local import regions, tools
from local.automation import LocalStack
from local.paths import State
from local.processes import Daemon, reap
from local.region_spec import RegionSpec
from local.tools.recipes import CONTROL_PLANE, ENGINE
from tests.support import gke_definitions
from tests.support.api_server import ApiServer
from tests.support.chart_repository import ChartRepository
from tests.support.cloud_fleet import GOOGLE_PROJECT, WITHOUT_CHECKPOINTS
from tests.support.cloud_login import CREDENTIALS, google_credentials
from tests.support.cloud_machines import machines
from tests.support.local_fleet import kill
from tests.support.simulated_logins import SimulatedLogins
from tests.support.simulated_volume_drivers import SimulatedDrivers
from tests.support.stand_in_aws import StandInAws
from tests.support.stand_in_gcp import StandInGcp

READY_SECONDS = 0.2

SMALL: Mapping[str, Any] = {
    "name": "small",
    "environment": "test",
    "secrets": {"engine_api_key": "engine-api-key"},
    "clusters": {
        "east": {"cloud": "aws", "region": "us-east-2", "zones": ["use2-az1", "use2-az2"], "endpoint": {"public_cidrs": ["203.0.113.0/24"]}},
        "central": {
            "cloud": "gcp",
            "region": "us-central1",
            "project": GOOGLE_PROJECT,
            "zones": ["us-central1-a", "us-central1-b"],
            "compute_classes": True,
        },
    },
    "pools": {
        "l4": {"accelerator": "L4", "max_nodes": 4},
        "wide": {"accelerator": "L4", "machine": "g2-standard-16", "max_nodes": 4},
        "t4": {"accelerator": "T4", "max_nodes": 1},
        "ladder": {"accelerator": "L4", "max_nodes": 3, "capacity": ["spot", "on_demand"]},
    },
    "models": {
        "chat": {"tier": "small", "pool": "l4", "placements": {"east": {}, "central": {"pool": "wide"}}, "replicas": {"min": 2}},
        "drafts": {"tier": "mini-int4", "pool": "l4", "placements": {"east": {}, "central": {"pool": "wide"}}, "cache": {"kind": "shared"}},
        "labels": {"tier": "mini-int4", "pool": "t4", "placements": {"east": {}}, "cache": {"kind": "volume"}},
        "notes": {"tier": "mini-int4", "pool": "ladder", "placements": {"central": {}}, "replicas": {"min": 2}, "cache": {"kind": "hyperdisk_ml"}},
    },
}
"""A region of each cloud and a cache of each kind that has a volume: a bucket and a file system in both, a disk of one server in AWS and one
that many servers read in Google Cloud. `wide` has the memory in which a server's driver keeps what it read."""


class CloudClusters:
    """Change `settings`, then `up`. `aws` and `gcp` say what happened in the clouds, `server(region)` what is in a cluster."""

    def __init__(self, folder: Path, settings: Mapping[str, Any] = SMALL) -> None:
        self.state = State(folder / "state")
        self.settings: dict[str, Any] = yaml.safe_load(yaml.safe_dump(dict(settings)))
        self.aws, self.gcp = StandInAws(), StandInGcp()
        self.charts = ChartRepository(folder / "charts")
        self.settings["charts"] = {"repository": self.charts.address}
        self.said: list[str] = []
        self._folder = folder
        self._file = folder / "Pulumi.test.yaml"
        self._tools = tools.ensure((*ENGINE, *CONTROL_PLANE))
        self._logins = SimulatedLogins(folder / "logins")
        self._before = dict(os.environ)
        self._clusters: dict[str, ClusterPlan] = {}
        self._servers: dict[str, ApiServer] = {}
        self._drivers: list[SimulatedDrivers] = []

    def plan(self) -> FleetPlan:
        """What the stack file means."""
        self._file.write_text(yaml.safe_dump({"config": {CONFIG_KEY: self.settings}}), encoding="utf-8")
        found = plan(read(self._file), stack="test", directory=self._file.parent)
        self._clusters |= {cluster.name: cluster for cluster in found.clusters}
        return found

    def cluster(self, name: str) -> ClusterPlan:
        """One cluster of the plan, or as it was in the last one that had it."""
        self.plan()
        return self._clusters[name]

    def start(self) -> None:
        """Control planes side by side, with the machines of the plan; charts, logins and drivers."""
        clusters = self.plan().clusters
        self.charts.fill(in_cluster(cluster) for cluster in clusters)
        self.start_control_planes()
        for cluster in clusters:
            self._servers[cluster.name] = server = ApiServer(self.state.kubeconfig, cluster.name)
            self._reached(cluster, server)
            if cluster.gcp:
                gke_definitions.install(server)
            self._drivers.append(SimulatedDrivers(server, snapshots=cluster.gcp is not None))
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
        for cloud in (self.aws, self.gcp):
            cloud.forget()
        stack.up(self.said.append)
        return {name: count for name, count in stack.changes.items() if name != "same" and count}

    def server(self, region: str) -> ApiServer:
        """The API server of a region."""
        return self._servers[region]

    def asked(self) -> set[str]:
        """Every cluster that somebody logged in to, as `_reached` names them."""
        return self._logins.asked()

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
        for cloud in (self.aws, self.gcp):
            cloud.die()
        regions.stop(self.state, self.said.append)
        reap()
        os.environ.clear()
        os.environ.update(self._before)
        refused = [one for drivers in self._drivers for one in drivers.refused]
        assert not refused, f"every volume was taken: {refused}"

    def _reached(self, cluster: ClusterPlan, server: ApiServer) -> None:
        """Lead the cluster's endpoint to its API server, and its cloud's command to its token."""
        if cluster.gcp:
            place = server.address.removeprefix("https://")
            self.gcp.control_planes[cluster.gcp.control_plane.name] = place
            self._logins.admit(f"gke/{place}", server.token)
        else:
            name = cluster.aws_plan.control_plane.name
            self.aws.control_planes[name] = (server.address, server.certificate)
            self._logins.admit(f"{cluster.region}/{name}", server.token)

    def _environment(self) -> None:
        """What a person's shell would have (commands, credentials), whom to trust, and folders of Helm's own."""
        trusted = self._folder / "trusted.pem"
        certificates = [base64.b64decode(self._servers[name].certificate) for name, cluster in self._clusters.items() if cluster.gcp]
        trusted.write_bytes(b"".join(certificates))
        os.environ |= {
            "PATH": os.pathsep.join([str(self._logins.commands), self._before.get("PATH", "")]),
            **CREDENTIALS,
            **google_credentials(self._folder),
            **WITHOUT_CHECKPOINTS,
            "SSL_CERT_FILE": str(trusted),
            "PULUMI_DEBUG_PROVIDERS": f"{self.aws.start()},{self.gcp.start()}",
            **{f"HELM_{kind}_HOME": str(self.state.root / f"helm-{kind.lower()}") for kind in ("CACHE", "CONFIG", "DATA")},
        }


def in_cluster(cluster: ClusterPlan) -> InCluster:
    """What a cloud wants inside its cluster."""
    return cluster.gcp.in_cluster if cluster.gcp else cluster.aws_plan.in_cluster


def _spec(cluster: ClusterPlan) -> RegionSpec:
    nodes = tuple(node for _, node in machines(cluster).values())
    return RegionSpec(name=cluster.name, context=cluster.name, nodes=nodes, ready_seconds=READY_SECONDS, class_claims=False)
