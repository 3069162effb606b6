"""What decides one AWS region."""

from __future__ import annotations

from dataclasses import dataclass

from fleet import naming
from fleet.region_inputs import CloudRegion
from fleet.settings import AwsCluster

PARTITION = "aws"
"""China and GovCloud have partitions, endpoints and offerings of their own and are refused (fleet/aws/network.py)."""


@dataclass(frozen=True, kw_only=True)
class RegionInputs(CloudRegion[AwsCluster]):
    """One cluster with `cloud: aws`."""

    @property
    def name(self) -> str:
        """Of the EKS cluster: at most 100 characters of letters, digits, hyphens."""
        return self.name_within(naming.EKS_CLUSTER)
