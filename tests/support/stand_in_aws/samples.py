"""Right inputs of every type, and a region that is made of them without an engine."""

from __future__ import annotations

import base64
import json
from typing import Any

from tests.support.stand_in_aws.account import Account
from tests.support.stand_in_aws.catalogue import KINDS
from tests.support.stand_in_aws.cloud import Aws
from tests.support.stand_in_aws.kinds import ACCOUNT, GLOBAL, Kind
from tests.support.stand_in_aws.rules import faults
from tests.support.stand_in_cloud import names, operations

REGION = "us-east-2"
CONFIGURATION = {"region": REGION}
BY_TITLE: dict[str, Kind] = {kind.title: kind for kind in KINDS.values()}
ID = "0123456789abcdef0"
KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/01234567-89ab-cdef-0123-456789abcdef"


def policy(*, principal: dict[str, str] | None = None, resource: str | None = "*", action: str = "s3:GetObject", **more: Any) -> str:
    """A document of one statement."""
    statement: dict[str, Any] = {"Sid": "One", "Effect": "Allow", "Action": action, **more}
    statement |= {"Principal": principal} if principal else {}
    statement |= {"Resource": resource} if resource else {}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def trust(service: str) -> str:
    """Of a role that a service takes on."""
    return policy(principal={"Service": service}, resource=None, action="sts:AssumeRole")


RIGHT: dict[str, dict[str, Any]] = {
    "Vpc": {"cidrBlock": "10.0.0.0/16", "enableDnsHostnames": True},
    "Subnet": {"vpcId": f"vpc-{ID}", "cidrBlock": "10.0.0.0/20", "availabilityZoneId": "use2-az1"},
    "VpcEndpoint": {"vpcId": f"vpc-{ID}", "serviceName": f"com.amazonaws.{REGION}.s3", "routeTableIds": [f"rtb-{ID}"]},
    "SecurityGroupIngressRule": {"securityGroupId": f"sg-{ID}", "ipProtocol": "tcp", "fromPort": 443, "toPort": 443, "cidrIpv4": "10.0.0.0/16"},
    "FlowLog": {"vpcId": f"vpc-{ID}", "trafficType": "ALL", "logDestinationType": "cloud-watch-logs"},
    "LaunchTemplate": {
        "userData": base64.b64encode(b"text").decode(),
        "metadataOptions": {"httpTokens": "required", "httpPutResponseHopLimit": 1},
        "blockDeviceMappings": [
            {"deviceName": "/dev/xvda", "ebs": {"volumeSize": 200, "volumeType": "gp3", "iops": 6000, "throughput": 500, "encrypted": "true"}}
        ],
    },
    "Cluster": {
        "name": "fleet-prod-east",
        "roleArn": f"arn:aws:iam::{ACCOUNT}:role/cluster",
        "version": "1.35",
        "bootstrapSelfManagedAddons": False,
        "vpcConfig": {"subnetIds": [f"subnet-{ID}"], "endpointPrivateAccess": True},
        "accessConfig": {"authenticationMode": "API", "bootstrapClusterCreatorAdminPermissions": False},
        "kubernetesNetworkConfig": {"serviceIpv4Cidr": "172.20.0.0/16"},
        "encryptionConfig": {"provider": {"keyArn": KEY}, "resources": ["secrets"]},
        "enabledClusterLogTypes": ["api", "audit"],
        "upgradePolicy": {"supportType": "STANDARD"},
    },
    "NodeGroup": {
        "clusterName": "fleet-prod-east",
        "nodeGroupNamePrefix": "gpu-a10g-od-",
        "nodeRoleArn": f"arn:aws:iam::{ACCOUNT}:role/nodes",
        "subnetIds": [f"subnet-{ID}"],
        "amiType": "AL2023_x86_64_NVIDIA",
        "capacityType": "ON_DEMAND",
        "instanceTypes": ["g5.2xlarge"],
        "version": "1.35",
        "launchTemplate": {"id": f"lt-{ID}", "version": "1"},
        "scalingConfig": {"minSize": 0, "desiredSize": 1, "maxSize": 4},
        "updateConfig": {"maxUnavailable": 1, "updateStrategy": "MINIMAL"},
        "labels": {"vllm.pool": "a10g"},
        "taints": [{"key": "nvidia.com/gpu", "value": "true", "effect": "NO_SCHEDULE"}],
    },
    "Addon": {"clusterName": "fleet-prod-east", "addonName": "vpc-cni", "resolveConflictsOnCreate": "OVERWRITE"},
    "AccessEntry": {"clusterName": "fleet-prod-east", "principalArn": f"arn:aws:iam::{ACCOUNT}:role/admin"},
    "AccessPolicyAssociation": {
        "clusterName": "fleet-prod-east",
        "principalArn": f"arn:aws:iam::{ACCOUNT}:role/admin",
        "policyArn": "arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy",
        "accessScope": {"type": "cluster"},
    },
    "Role": {"assumeRolePolicy": trust("eks.amazonaws.com")},
    "RolePolicy": {"role": "server", "policy": policy()},
    "Key": {"enableKeyRotation": True, "deletionWindowInDays": 7},
    "Alias": {"targetKeyId": ID},
    "LogGroup": {"name": "/aws/eks/fleet-prod-east/cluster", "retentionInDays": 90},
    "Bucket": {},
    "BucketVersioning": {"bucket": "weights", "versioningConfiguration": {"status": "Enabled"}},
    "BucketPolicy": {"bucket": "weights", "policy": policy(principal={"AWS": "*"}, resource="arn:aws:s3:::weights/*")},
    "BucketLifecycleConfiguration": {
        "bucket": "weights",
        "rules": [{"id": "old", "status": "Enabled", "noncurrentVersionExpiration": {"noncurrentDays": 30}}],
    },
    "FileSystem": {"encrypted": True, "throughputMode": "elastic"},
    "MountTarget": {"fileSystemId": f"fs-{ID}", "subnetId": f"subnet-{ID}", "securityGroups": [f"sg-{ID}"]},
    "Secret": {"name": "fleet/hub-token"},
    "PullThroughCacheRule": {"ecrRepositoryPrefix": "docker-hub", "upstreamRegistryUrl": "registry-1.docker.io"},
    "RepositoryCreationTemplate": {"prefix": "docker-hub", "appliedFors": ["PULL_THROUGH_CACHE"]},
    "Tag": {"autoscalingGroupName": "eks-a", "tag": {"key": "a", "value": "b", "propagateAtLaunch": False}},
}


def inputs_of(title: str, called: str = "sample", /, **change: Any) -> dict[str, Any]:
    """Right inputs with a change (None takes one away), as the bridge fills them in."""
    given = {key: value for key, value in {**RIGHT.get(title, {}), **change}.items() if value is not None}
    return names.filled(BY_TITLE[title], called, b"seed", {}, given)[0]


class Region:
    """A region that grows one resource at a time, without an engine. What would be refused before a call is refused here too."""

    def __init__(self) -> None:
        self.account = Account()
        self._cloud = Aws(self.account, {})

    def make(self, title: str, called: str = "sample", /, **inputs: Any) -> str:
        """The id of a new resource.

        Raises:
            operations.Refused: AWS does not make it.
        """
        kind = BY_TITLE[title]
        whole = inputs_of(title, called, **inputs)
        assert not faults(kind, whole), f"{title} is judged right before it is made: {faults(kind, whole)}"
        return operations.create(self._cloud, kind, whole, CONFIGURATION)[0][2]

    def state(self, title: str, identity: str) -> dict[str, Any]:
        """What is stored."""
        return self.account.objects[GLOBAL if BY_TITLE[title].everywhere else REGION, title, identity]

    def delete(self, title: str, identity: str) -> None:
        """Take it away.

        Raises:
            operations.Refused: AWS keeps it.
        """
        operations.delete(self._cloud, (GLOBAL if BY_TITLE[title].everywhere else REGION, title, identity))

    def update(self, title: str, identity: str, /, **inputs: Any) -> dict[str, Any]:
        """The state after a change of some inputs.

        Raises:
            operations.Refused: AWS does not take it.
        """
        new = {**self.account.objects[REGION, title, identity], **inputs}
        return operations.update(self._cloud, BY_TITLE[title], identity, new, CONFIGURATION)[1]

    def role(self, name: str, service: str) -> str:
        """ARN of a role that a service takes on and that may do something."""
        role = self.make("Role", name, assumeRolePolicy=trust(service))
        self.make("RolePolicy", f"{name}-policy", role=role)
        return self.state("Role", role)["arn"]

    def network(self) -> list[str]:
        """Ids of three subnets in three zones."""
        vpc = self.make("Vpc")
        zones = ("use2-az1", "use2-az2", "use2-az3")
        return [
            self.make("Subnet", zone, vpcId=vpc, availabilityZoneId=zone, cidrBlock=f"10.0.{index * 16}.0/20") for index, zone in enumerate(zones)
        ]

    def cluster(self) -> list[str]:
        """A cluster without nodes; ids of its subnets."""
        subnets = self.network()
        config = {"subnetIds": subnets, "endpointPrivateAccess": True}
        self.make("Cluster", roleArn=self.role("cluster", "eks.amazonaws.com"), vpcConfig=config, encryptionConfig=None)
        return subnets

    def nodes(self, subnets: list[str], **inputs: Any) -> str:
        """Id of a node group with a launch template."""
        template = {"id": self.make("LaunchTemplate"), "version": "1"}
        return self.make("NodeGroup", nodeRoleArn=self.role("nodes", "ec2.amazonaws.com"), subnetIds=subnets, launchTemplate=template, **inputs)
