"""The simulated projects: what exists in them, and what Google has there before anybody asks."""

from __future__ import annotations

import hashlib

from tests.support.stand_in_cloud.inventory import Inventory

WITH_THEIR_API = ("compute-system", "container-engine-robot")
"""Domains of agents that come with the API of their service."""

AGENTS = {
    "secretmanager.googleapis.com": "gcp-sa-secretmanager",
    "artifactregistry.googleapis.com": "gcp-sa-artifactregistry",
    "container.googleapis.com": "container-engine-robot",
    "compute.googleapis.com": "compute-system",
    "file.googleapis.com": "cloud-filer",
}
"""Service to the domain of its agent (Cloud Foundation Fabric, modules/project/service-agents.yaml, July 2026)."""


class Projects(Inventory):
    """All projects of one test. Key rings, keys and buckets on their way out are `scheduled`, and their names stay taken."""

    def __init__(self) -> None:
        super().__init__()
        self.agents = {*WITH_THEIR_API, "gs-project-accounts"}
        """Domains of agents that exist before the program makes any. Cloud Storage's is not there in a new project: somebody has to ask for it
        once (documentation of google_storage_project_service_account); a test takes it away to see what happens then."""
        self.accounts: set[str] = set()
        """Emails of service accounts that nobody here made, and that may be given roles."""
        self.switched_off: set[str] = set()
        """Services (compute.googleapis.com) that are off until the program switches them on."""
        self.identity_pools = True
        """Whether the projects have had a cluster with workload identity before. Where they have not, a role of a pod is refused until the first
        cluster is there (reported for bindings of service accounts in googleforgames/global-multiplayer-demo issue 39)."""

    def leave_endpoint_group(self, network: str, zone: str, name: str = "k8s1-left-behind") -> None:
        """What a gateway inside a cluster may leave in a network: a network endpoint group, which Google counts as using it."""
        project = network.split("/")[1]
        key = (zone.rpartition("-")[0], "NetworkEndpointGroup", f"projects/{project}/zones/{zone}/networkEndpointGroups/{name}")
        self.implicit[key] = {"network": network, "name": name}


def number_of(project: str) -> str:
    """A number that is always the project's."""
    return str(100_000_000_000 + int(hashlib.sha256(project.encode()).hexdigest()[:10], 16) % 900_000_000_000)


def agent_email(service: str, project: str) -> str:
    """Of the agent of a service."""
    domain = AGENTS.get(service, f"gcp-sa-{service.partition('.')[0]}")
    return f"service-{number_of(project)}@{domain}.iam.gserviceaccount.com"
