"""What documents call the region's things: ARNs that are known but for the account, and names that are known in full."""

from __future__ import annotations

from fleet.aws.inputs import PARTITION, RegionInputs
from fleet.references import Reference

ANYTHING = "*"
"""For actions that know no resources, and in policies that stand on the one resource they are about."""


def arn(inputs: RegionInputs, service: str, rest: str) -> Reference:
    """ARN of something in this region and account."""
    return Reference("account", prefix=f"arn:{PARTITION}:{service}:{inputs.region}:", suffix=f":{rest}")


def principal_arn(rest: str) -> Reference:
    """ARN of an identity of this account. IAM knows no regions."""
    return Reference("account", prefix=f"arn:{PARTITION}:iam::", suffix=f":{rest}")


def aws_policy(name: str) -> str:
    """ARN of a policy that AWS keeps."""
    return f"arn:{PARTITION}:iam::aws:policy/{name}"


def service_host(service: str, region: str) -> str:
    """A service's name in `kms:ViaService`, and the principal of services that have one for each region."""
    return f"{service}.{region}.amazonaws.com"


def flow_log_group(inputs: RegionInputs) -> str:
    """Log group of the network's flow logs."""
    return f"/aws/vpc/{inputs.name}/flows"


def control_plane_log_group(inputs: RegionInputs) -> str:
    """Log group of the control plane, whose name EKS decides."""
    return f"/aws/eks/{inputs.name}/cluster"
