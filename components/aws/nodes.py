"""Machines: one managed node group for the system, and one for each rung of each GPU pool."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
from pulumi_aws import autoscaling, ec2, eks

from fleet.aws.plan import LaunchTemplatePlan, NodeGroupPlan

EFFECTS = {"NoSchedule": "NO_SCHEDULE", "PreferNoSchedule": "PREFER_NO_SCHEDULE", "NoExecute": "NO_EXECUTE"}
"""Effects of taints as EKS writes them."""

TAGGED = ("instance", "volume", "network-interface")
"""What EC2 makes from a launch template and would otherwise leave without the fleet's tags."""


@dataclass(frozen=True, kw_only=True)
class NodesArgs:
    """What a node group is made from."""

    plan: NodeGroupPlan
    cluster: pulumi.Input[str]
    version: str
    role_arn: pulumi.Input[str]
    key_arn: pulumi.Input[str]
    subnet_ids: list[pulumi.Output[str]]
    title: str
    tags: Mapping[str, str]


class Nodes(pulumi.ComponentResource):
    """One node group with its launch template. The autoscaler owns the number of machines."""

    def __init__(self, name: str, args: NodesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("fleet:aws:Nodes", name, None, opts)
        plan = args.plan
        template = self._template(name, args, plan.launch)
        group = eks.NodeGroup(
            f"{name}-group",
            cluster_name=args.cluster,
            node_group_name_prefix=plan.prefix,
            node_role_arn=args.role_arn,
            subnet_ids=args.subnet_ids,
            version=args.version,
            ami_type=plan.ami_type,
            capacity_type=plan.capacity_type,
            instance_types=list(plan.instance_types),
            launch_template=eks.NodeGroupLaunchTemplateArgs(id=template.id, version=template.latest_version.apply(str)),
            scaling_config=eks.NodeGroupScalingConfigArgs(min_size=plan.min_nodes, max_size=plan.max_nodes, desired_size=plan.first_nodes),
            update_config=eks.NodeGroupUpdateConfigArgs(max_unavailable=plan.max_unavailable, update_strategy=plan.update_strategy),
            node_repair_config=eks.NodeGroupNodeRepairConfigArgs(
                enabled=True,
                max_parallel_nodes_repaired_count=plan.repairs_at_once,
                max_unhealthy_node_threshold_count=plan.repairs_stop_above,
            ),
            labels=dict(plan.labels),
            taints=[eks.NodeGroupTaintArgs(key=taint.key, value=taint.value, effect=EFFECTS[taint.effect]) for taint in plan.taints],
            opts=pulumi.ResourceOptions(parent=self, ignore_changes=["scalingConfig.desiredSize"]),
        )
        for key, value in plan.autoscaling_tags.items():
            autoscaling.Tag(
                f"{name}-tag-{key}",
                autoscaling_group_name=group.resources[0].autoscaling_groups[0].name,
                tag=autoscaling.TagTagArgs(key=key, value=value, propagate_at_launch=False),
                opts=pulumi.ResourceOptions(parent=self),
            )
        self.register_outputs({})

    def _template(self, name: str, args: NodesArgs, launch: LaunchTemplatePlan) -> ec2.LaunchTemplate:
        tags = {**args.tags, "Name": f"{args.title}-{args.plan.name}"}
        return ec2.LaunchTemplate(
            f"{name}-template",
            update_default_version=True,
            block_device_mappings=_disks(launch, args.key_arn),
            metadata_options=ec2.LaunchTemplateMetadataOptionsArgs(
                http_endpoint="enabled",
                http_tokens="required",
                http_put_response_hop_limit=launch.metadata_hop_limit,
                instance_metadata_tags="disabled",
            ),
            user_data=launch.user_data_base64,
            instance_market_options=ec2.LaunchTemplateInstanceMarketOptionsArgs(market_type=launch.market) if launch.market else None,
            capacity_reservation_specification=_reservation(launch),
            tag_specifications=[ec2.LaunchTemplateTagSpecificationArgs(resource_type=kind, tags=tags) for kind in TAGGED],
            opts=pulumi.ResourceOptions(parent=self),
        )


def _disks(launch: LaunchTemplatePlan, key_arn: pulumi.Input[str]) -> list[ec2.LaunchTemplateBlockDeviceMappingArgs]:
    """The root, fast enough for an image of this size, and what else the operating system starts with."""
    root = ec2.LaunchTemplateBlockDeviceMappingEbsArgs(
        volume_size=launch.root_gib,
        volume_type="gp3",
        iops=launch.root_iops,
        throughput=launch.root_throughput_mib_per_second,
        encrypted="true",
        kms_key_id=key_arn,
        delete_on_termination="true",
    )
    others = [
        ec2.LaunchTemplateBlockDeviceMappingArgs(
            device_name=volume.device,
            ebs=ec2.LaunchTemplateBlockDeviceMappingEbsArgs(
                volume_size=volume.gib, volume_type="gp3", encrypted="true", kms_key_id=key_arn, delete_on_termination="true"
            ),
        )
        for volume in launch.extra_volumes
    ]
    return [ec2.LaunchTemplateBlockDeviceMappingArgs(device_name=launch.root_device, ebs=root), *others]


def _reservation(launch: LaunchTemplatePlan) -> ec2.LaunchTemplateCapacityReservationSpecificationArgs | None:
    if launch.reservation_id:
        target = ec2.LaunchTemplateCapacityReservationSpecificationCapacityReservationTargetArgs(capacity_reservation_id=launch.reservation_id)
        return ec2.LaunchTemplateCapacityReservationSpecificationArgs(capacity_reservation_target=target)
    if launch.reservation_preference:
        return ec2.LaunchTemplateCapacityReservationSpecificationArgs(capacity_reservation_preference=launch.reservation_preference)
    return None
