"""What a cloud would add to the inputs of a resource, for runs under mocks: plausible values, told apart by the resource's name."""

from __future__ import annotations

from typing import Any

ACCOUNT = "111122223333"
PROJECT_NUMBER = "123456789012"


def outputs(kind: str, name: str, inputs: dict[str, Any]) -> dict[str, Any]:
    """Outputs that the program reads, of a resource of a cloud; nothing of any other."""
    if kind.startswith("gcp:"):
        return {"name": name} | _GOOGLE.get(kind, lambda _name, _inputs: {})(name, inputs)
    if not kind.startswith("aws:"):
        return {}
    service = kind.split(":")[1].partition("/")[0]
    found: dict[str, Any] = {"arn": f"arn:aws:{service}:region:{ACCOUNT}:{name}", "name": inputs.get("name", name)}
    return found | _OWN.get(kind, lambda _name, _inputs: {})(name, inputs)


def _bucket(name: str, inputs: dict[str, Any]) -> dict[str, Any]:
    bucket = inputs.get("bucket", f"{name}-0123456")
    return {"bucket": bucket, "arn": f"arn:aws:s3:::{bucket}"}


def _cluster(name: str, inputs: dict[str, Any]) -> dict[str, Any]:
    return {
        "arn": f"arn:aws:eks:region:{ACCOUNT}:cluster/{inputs['name']}",
        "endpoint": f"https://{name}.eks.example.com",
        "certificateAuthority": {"data": "Y2VydGlmaWNhdGU="},
    }


def _node_group(name: str, inputs: dict[str, Any]) -> dict[str, Any]:
    return {"resources": [{"autoscalingGroups": [{"name": f"eks-{inputs['nodeGroupNamePrefix']}{name}"}]}]}


_OWN = {
    "aws:ec2/vpc:Vpc": lambda _name, _inputs: {"ownerId": ACCOUNT},
    "aws:ec2/subnet:Subnet": lambda _name, inputs: {"availabilityZone": f"name-of-{inputs['availabilityZoneId']}"},
    "aws:ec2/launchTemplate:LaunchTemplate": lambda _name, _inputs: {"latestVersion": 1},
    "aws:iam/role:Role": lambda name, _inputs: {"arn": f"arn:aws:iam::{ACCOUNT}:role/{name}-0123456", "name": f"{name}-0123456"},
    "aws:eks/cluster:Cluster": _cluster,
    "aws:eks/nodeGroup:NodeGroup": _node_group,
    "aws:s3/bucket:Bucket": _bucket,
}


def _agent(_name: str, inputs: dict[str, Any]) -> dict[str, Any]:
    return {"email": f"service-{PROJECT_NUMBER}@gcp-sa-{inputs['service'].partition('.')[0]}.iam.gserviceaccount.com"}


def _gke(name: str, _inputs: dict[str, Any]) -> dict[str, Any]:
    return {"controlPlaneEndpointsConfig": {"dnsEndpointConfig": {"endpoint": f"{name}.gke.example.com"}}}


_GOOGLE = {
    "gcp:projects/serviceIdentity:ServiceIdentity": _agent,
    "gcp:container/cluster:Cluster": _gke,
    "gcp:serviceaccount/account:Account": lambda _name, inputs: {"email": f"{inputs['accountId']}@project.iam.gserviceaccount.com"},
    "gcp:storage/bucket:Bucket": lambda name, inputs: {"name": inputs.get("name", f"{name}-0123456")},
}
