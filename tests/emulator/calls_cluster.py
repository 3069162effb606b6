"""Machines and control planes as calls of EC2 and EKS."""

from __future__ import annotations

from typing import Any

from tests.emulator.calls_identity import BEGINS
from tests.emulator.calls_network import labelled, listed, only, tags
from tests.support.replay import Inputs, Made, Region, Translation

IN_WORDS = frozenset({"encrypted", "deleteOnTermination"})
"""Inputs that say true or false in words."""


def _upper(value: Any) -> Any:
    """Names as EC2 writes them; words that mean true or false become it."""
    if isinstance(value, list):
        return [_upper(inner) for inner in value]
    if not isinstance(value, dict):
        return value
    return {name[0].upper() + name[1:]: inner == "true" if name in IN_WORDS else _upper(inner) for name, inner in value.items()}


def _lower(value: Any) -> Any:
    if isinstance(value, list):
        return [_lower(inner) for inner in value]
    return {name[0].lower() + name[1:]: _lower(inner) for name, inner in value.items()} if isinstance(value, dict) else value


def _template(region: Region, inputs: Inputs) -> Made:
    data = {name: value for name, value in inputs.items() if name not in ("name", "tags", "tagSpecifications", "updateDefaultVersion")}
    said = [{"ResourceType": each["resourceType"], "Tags": listed(each["tags"])} for each in inputs["tagSpecifications"]]
    made = region.client("ec2").create_launch_template(
        LaunchTemplateName=inputs["name"],
        LaunchTemplateData={**_upper(data), "TagSpecifications": said},
        TagSpecifications=labelled("launch-template", inputs),
    )["LaunchTemplate"]
    return {"id": made["LaunchTemplateId"], "latestVersion": made["LatestVersionNumber"]}


def _read_template(region: Region, made: Made) -> Made:
    ec2 = region.client("ec2")
    described = only(ec2.describe_launch_templates(LaunchTemplateIds=[made["id"]])["LaunchTemplates"])
    versions = ec2.describe_launch_template_versions(LaunchTemplateId=made["id"], Versions=["$Latest"])
    data = only(versions["LaunchTemplateVersions"])["LaunchTemplateData"]
    said = data.pop("TagSpecifications")
    return {
        **_lower(data),
        "name": described["LaunchTemplateName"],
        "tags": tags(described),
        "tagSpecifications": [
            {"resourceType": each["ResourceType"], "tags": tags(each)} for each in said if each["ResourceType"] != "launch-template"
        ],
        "updateDefaultVersion": described["DefaultVersionNumber"] == described["LatestVersionNumber"],
    }


def _no_template(region: Region, made: Made, _: Inputs) -> None:
    region.client("ec2").delete_launch_template(LaunchTemplateId=made["id"])


SAME = (
    "name",
    "version",
    "roleArn",
    "accessConfig",
    "bootstrapSelfManagedAddons",
    "kubernetesNetworkConfig",
    "upgradePolicy",
    "deletionProtection",
    "zonalShiftConfig",
    "kubeSchedulerConfig",
    "tags",
)
"""Inputs of a cluster that EKS calls what the SDK calls them."""


def _cluster(region: Region, inputs: Inputs) -> Made:
    made = region.client("eks").create_cluster(
        **{name: inputs[name] for name in SAME if name in inputs},
        resourcesVpcConfig=inputs["vpcConfig"],
        encryptionConfig=[inputs["encryptionConfig"]],
        logging={"clusterLogging": [{"types": inputs["enabledClusterLogTypes"], "enabled": True}]},
    )["cluster"]
    return {"id": made["name"], "name": made["name"], "arn": made["arn"], "endpoint": made["endpoint"]}


def _read_cluster(region: Region, made: Made) -> Made:
    found = region.client("eks").describe_cluster(name=made["id"])["cluster"]
    return {
        **{name: found[name] for name in SAME if name in found},
        "vpcConfig": found["resourcesVpcConfig"],
        "encryptionConfig": only(found["encryptionConfig"]),
        "enabledClusterLogTypes": [kind for each in found["logging"]["clusterLogging"] if each["enabled"] for kind in each["types"]],
    }


def _no_cluster(region: Region, made: Made, _: Inputs) -> None:
    region.client("eks").delete_cluster(name=made["id"])


GROUP = {
    "clusterName": "clusterName",
    "nodeGroupName": "nodegroupName",
    "nodeRoleArn": "nodeRole",
    "subnetIds": "subnets",
    **dict.fromkeys(
        (
            "version",
            "amiType",
            "capacityType",
            "instanceTypes",
            "launchTemplate",
            "scalingConfig",
            "updateConfig",
            "nodeRepairConfig",
            "labels",
            "taints",
            "tags",
        )
    ),
}
"""Input of a node group to what EKS calls it; None: the same."""


def _node_group(region: Region, inputs: Inputs) -> Made:
    unknown = set(inputs) - set(GROUP) - {"nodeGroupNamePrefix"}
    assert not unknown, f"inputs without a translation: {unknown}"
    made = region.client("eks").create_nodegroup(**{member or name: inputs[name] for name, member in GROUP.items() if name in inputs})["nodegroup"]
    return {
        "id": f"{made['clusterName']}:{made['nodegroupName']}",
        "cluster": made["clusterName"],
        "name": made["nodegroupName"],
        "arn": made["nodegroupArn"],
    }


def _read_node_group(region: Region, made: Made) -> Made:
    found = region.client("eks").describe_nodegroup(clusterName=made["cluster"], nodegroupName=made["name"])["nodegroup"]
    return {name: found[member or name] for name, member in GROUP.items() if (member or name) in found}


def _no_node_group(region: Region, made: Made, _: Inputs) -> None:
    region.client("eks").delete_nodegroup(clusterName=made["cluster"], nodegroupName=made["name"])


_UNKNOWN = "moto's CreateCluster does not know it; botocore's model does and has judged its form"

TRANSLATIONS = {
    "aws:ec2/launchTemplate:LaunchTemplate": Translation(create=_template, read=_read_template, delete=_no_template, name="name", tagged=True),
    "aws:eks/cluster:Cluster": Translation(
        create=_cluster,
        read=_read_cluster,
        delete=_no_cluster,
        tagged=True,
        lost=dict.fromkeys(
            ("accessConfig", "bootstrapSelfManagedAddons", "upgradePolicy", "deletionProtection", "zonalShiftConfig", "kubeSchedulerConfig"), _UNKNOWN
        ),
    ),
    "aws:eks/nodeGroup:NodeGroup": Translation(
        create=_node_group,
        read=_read_node_group,
        delete=_no_node_group,
        name="nodeGroupName",
        prefix="nodeGroupNamePrefix",
        tagged=True,
        lost={
            "nodeGroupNamePrefix": BEGINS,
            "updateConfig": "moto takes it when a group is changed, not when it is made",
            "nodeRepairConfig": "moto takes it when a group is changed, not when it is made",
        },
    ),
}
