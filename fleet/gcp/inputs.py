"""What decides one region of Google Cloud."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from fleet import naming
from fleet.references import Reference
from fleet.region_inputs import CloudRegion
from fleet.settings import GcpCluster

PROJECT_NUMBER = "project_number"
"""Name of the Reference to what Google calls the project in identities: a number that only Google knows."""


@dataclass(frozen=True, kw_only=True)
class RegionInputs(CloudRegion[GcpCluster]):
    """One cluster with `cloud: gcp`."""

    @property
    def project(self) -> str:
        """Id of the project."""
        return self.cluster.project

    @cached_property
    def identity(self) -> tuple[str, ...]:
        """Inputs whose change makes Google replace the cluster."""
        return (self.cluster.cloud, self.cluster.project, self.cluster.region, self.network_cidr)

    @property
    def name(self) -> str:
        """Of the GKE cluster: at most 40 characters of lower-case letters, digits, hyphens."""
        return self.name_within(naming.GKE_NAME)

    @property
    def workload_pool(self) -> str:
        """Where the identities of pods belong: one pool for all clusters of the project."""
        return f"{self.project}.svc.id.goog"

    def principal(self, namespace: str, service_account: str) -> Reference:
        """Pods of one service account, as IAM calls them: no account of Google's stands between."""
        return Reference(
            PROJECT_NUMBER,
            prefix="principal://iam.googleapis.com/projects/",
            suffix=f"/locations/global/workloadIdentityPools/{self.workload_pool}/subject/ns/{namespace}/sa/{service_account}",
        )
