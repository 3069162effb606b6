"""Clusters: what the stand-in knows of EKS, launch templates and tags of Auto Scaling groups."""

from __future__ import annotations

from tests.support.stand_in_aws.kinds import AutoName, Call, Kind, Needs
from tests.support.stand_in_aws.kinds_network import EC2, GROUP_ERROR, SUBNET

EKS = "arn:aws:eks:{region}:{account}"
CLUSTER = Needs(path="clusterName", kind="Cluster", by="name", error="ResourceNotFoundException: No cluster found for name: {}.")


def _role(path: str, words: str = "does not exist") -> Needs:
    return Needs(path=path, kind="Role", by="arn", error=f"InvalidParameterException: {path.rpartition('.')[2]}, {{}}, {words}")


KINDS = (
    Kind(
        token="aws:eks/cluster:Cluster",
        calls=(
            Call(
                service="eks",
                operation="CreateCluster",
                renames={"vpcConfig": "resourcesVpcConfig", "enabledClusterLogTypes": "logging.clusterLogging.types"},
            ),
        ),
        identity="{name}",
        arn=EKS + ":cluster/{id}",
        replaced_by=(
            "name",
            "roleArn",
            "bootstrapSelfManagedAddons",
            "accessConfig.bootstrapClusterCreatorAdminPermissions",
            "kubernetesNetworkConfig.ipFamily",
            "kubernetesNetworkConfig.serviceIpv4Cidr",
        ),
        name=AutoName(),
        defaults={"bootstrapSelfManagedAddons": True},
        unsent={
            "forceUpdateVersion": "is a member of UpdateClusterVersion alone",
            "vpcConfig.clusterSecurityGroupId": "AWS says it",
            "vpcConfig.vpcId": "AWS says it",
            "kubernetesNetworkConfig.serviceIpv6Cidr": "AWS says it",
        },
        refused={
            "defaultAddonsToRemoves": "is no input of AWS",
            "outpostConfig": "the fleet has no Outposts",
            "remoteNetworkConfig": "the fleet has no hybrid nodes",
            "computeConfig": "the fleet does not use Auto Mode",
            "storageConfig": "the fleet does not use Auto Mode",
        },
        needs=(
            _role("roleArn"),
            Needs(path="vpcConfig.subnetIds", kind="Subnet", error="InvalidParameterException: " + SUBNET.error.partition(": ")[2]),
            Needs(path="vpcConfig.securityGroupIds", kind="SecurityGroup", error="InvalidParameterException: " + GROUP_ERROR.partition(": ")[2]),
            Needs(path="encryptionConfig.provider.keyArn", kind="Key", by="arn", error="InvalidParameterException: The keyArn {} does not exist"),
        ),
        conflict="ResourceInUseException: Cluster already exists with name: {name}",
    ),
    Kind(
        token="aws:eks/nodeGroup:NodeGroup",
        calls=(
            Call(
                service="eks",
                operation="CreateNodegroup",
                renames={
                    "nodeGroupName": "nodegroupName",
                    "nodeRoleArn": "nodeRole",
                    "subnetIds": "subnets",
                    "remoteAccess.sourceSecurityGroupIds": "sourceSecurityGroups",
                },
            ),
        ),
        identity="{clusterName}:{nodeGroupName}",
        arn=EKS + ":nodegroup/{clusterName}/{nodeGroupName}/{uuid}",
        replaced_by=(
            "clusterName",
            "nodeGroupName",
            "nodeGroupNamePrefix",
            "nodeRoleArn",
            "subnetIds",
            "instanceTypes",
            "amiType",
            "capacityType",
            "diskSize",
            "remoteAccess",
            "launchTemplate.id",
            "launchTemplate.name",
        ),
        name=AutoName(property="nodeGroupName"),
        prefix="nodeGroupNamePrefix",
        unsent={
            "forceUpdateVersion": "is a member of UpdateNodegroupVersion alone",
            "nodeGroupNamePrefix": "begins nodegroupName",
        },
        needs=(
            CLUSTER,
            _role("nodeRoleArn"),
            Needs(path="subnetIds", kind="Subnet", error="InvalidParameterException: " + SUBNET.error.partition(": ")[2]),
            Needs(
                path="launchTemplate.id",
                kind="LaunchTemplate",
                error="InvalidRequestException: You tried to use a launch template that does not exist: {}",
            ),
        ),
        conflict="ResourceInUseException: NodeGroup already exists with name {nodeGroupName} and cluster name {clusterName}",
    ),
    Kind(
        token="aws:eks/addon:Addon",
        calls=(
            Call(service="eks", operation="CreateAddon", renames={"resolveConflictsOnCreate": "resolveConflicts"}),
            Call(
                service="eks",
                operation="UpdateAddon",
                renames={"resolveConflictsOnUpdate": "resolveConflicts"},
                given={"clusterName": "a", "addonName": "a"},
                only=("resolveConflictsOnUpdate",),
            ),
        ),
        identity="{clusterName}:{addonName}",
        arn=EKS + ":addon/{clusterName}/{addonName}/{uuid}",
        replaced_by=("addonName", "clusterName", "namespaceConfig"),
        unsent={"preserve": "is a member of DeleteAddon alone"},
        needs=(CLUSTER, _role("serviceAccountRoleArn"), _role("podIdentityAssociations.roleArn")),
        conflict="ResourceInUseException: Addon already exists.",
    ),
    Kind(
        token="aws:eks/accessEntry:AccessEntry",
        calls=(Call(service="eks", operation="CreateAccessEntry"),),
        identity="{clusterName}:{principalArn}",
        replaced_by=("clusterName", "principalArn", "type"),
        defaults={"type": "STANDARD"},
        needs=(CLUSTER,),
        conflict="ResourceInUseException: The specified access entry resource is already in use on this cluster.",
    ),
    Kind(
        token="aws:eks/accessPolicyAssociation:AccessPolicyAssociation",
        calls=(Call(service="eks", operation="AssociateAccessPolicy"),),
        identity="{clusterName}#{principalArn}#{policyArn}",
        replaced_by=("accessScope", "clusterName", "policyArn", "principalArn"),
        needs=(
            CLUSTER,
            Needs(
                path="principalArn",
                kind="AccessEntry",
                by="principalArn",
                error="ResourceNotFoundException: The specified principalArn could not be found: {}",
            ),
        ),
    ),
    Kind(
        token="aws:eks/podIdentityAssociation:PodIdentityAssociation",
        calls=(Call(service="eks", operation="CreatePodIdentityAssociation"),),
        identity="a-{hex}",
        arn=EKS + ":podidentityassociation/{clusterName}/{id}",
        replaced_by=("clusterName", "namespace", "serviceAccount"),
        documents={"policy": "session"},
        needs=(CLUSTER, _role("roleArn"), _role("targetRoleArn")),
        conflict="ResourceInUseException: Association already exists",
        unique=("clusterName", "namespace", "serviceAccount"),
    ),
    Kind(
        token="aws:ec2/launchTemplate:LaunchTemplate",
        calls=(
            Call(
                service="ec2",
                operation="CreateLaunchTemplate",
                renames={
                    "name": "LaunchTemplateName",
                    "description": "VersionDescription",
                    "tags": "TagSpecifications.Tags",
                    "vpcSecurityGroupIds": "LaunchTemplateData.SecurityGroupIds",
                    "securityGroupNames": "LaunchTemplateData.SecurityGroups",
                    "tagSpecifications": "LaunchTemplateData.TagSpecifications",
                    "networkInterfaces.securityGroups": "Groups",
                    "networkInterfaces.ipv4AddressCount": "SecondaryPrivateIpAddressCount",
                    "networkInterfaces.ipv4Addresses": "PrivateIpAddresses.PrivateIpAddress",
                    "networkInterfaces.ipv6Addresses": "Ipv6Addresses.Ipv6Address",
                    "networkInterfaces.ipv4Prefixes": "Ipv4Prefixes.Ipv4Prefix",
                    "networkInterfaces.ipv6Prefixes": "Ipv6Prefixes.Ipv6Prefix",
                    "secondaryInterfaces.privateIpAddresses": "PrivateIpAddresses.PrivateIpAddress",
                },
                within=("LaunchTemplateData",),
                given={"LaunchTemplateData": {}},
            ),
            Call(
                service="ec2",
                operation="ModifyLaunchTemplate",
                renames={"defaultVersion": "DefaultVersion"},
                only=("defaultVersion",),
            ),
        ),
        identity="lt-{hex}",
        arn=EC2 + ":launch-template/{id}",
        replaced_by=("name", "namePrefix"),
        name=AutoName(),
        prefix="namePrefix",
        unsent={"namePrefix": "begins LaunchTemplateName", "updateDefaultVersion": "chooses the call ModifyLaunchTemplate"},
        needs=(Needs(path="vpcSecurityGroupIds", kind="SecurityGroup", error=GROUP_ERROR),),
        conflict="InvalidLaunchTemplateName.AlreadyExistsException: Launch template name already in use.",
        unique=("name",),
    ),
    Kind(
        token="aws:autoscaling/tag:Tag",
        calls=(
            Call(
                service="autoscaling",
                operation="CreateOrUpdateTags",
                renames={"autoscalingGroupName": "Tags.ResourceId", "tag": "Tags"},
                given={"Tags": [{"ResourceType": "auto-scaling-group"}]},
            ),
        ),
        identity="{autoscalingGroupName},{tag[key]}",
        replaced_by=("autoscalingGroupName", "tag.key"),
        needs=(
            Needs(
                path="autoscalingGroupName",
                kind="AutoScalingGroup",
                error="ValidationError: AutoScalingGroup name not found - no such group: {}",
            ),
        ),
    ),
)
