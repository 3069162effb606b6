"""Machines: one node pool for the system, and one for each rung of each GPU pool."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
from pulumi_gcp import container

from fleet.gcp.plan import NodePoolPlan

EFFECTS = {"NoSchedule": "NO_SCHEDULE", "PreferNoSchedule": "PREFER_NO_SCHEDULE", "NoExecute": "NO_EXECUTE"}
"""Effects of taints as GKE writes them."""

RESERVATION_NAME = "compute.googleapis.com/reservation-name"

OWNED_BY_GKE = ("goog-gke-accelerator-type", "goog-gke-node-pool-provisioning-model")
"""Labels of machines' resources that GKE itself sets on a pool. A refresh reads them back, and nothing here may take them away."""

SCOPE = "https://www.googleapis.com/auth/cloud-platform"
"""What an access token of the machines may be used for: everything, for roles decide what it is good for."""


@dataclass(frozen=True, kw_only=True)
class NodesArgs:
    """What a node pool is made from."""

    plan: NodePoolPlan
    cluster: pulumi.Input[str]
    region: str
    service_account: pulumi.Input[str]
    key_id: pulumi.Input[str]
    node_tag: str
    labels: Mapping[str, str]


class Nodes(pulumi.ComponentResource):
    """One node pool. The autoscaler owns the number of machines."""

    def __init__(self, name: str, args: NodesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("fleet:gcp:Nodes", name, None, opts)
        plan = args.plan
        container.NodePool(
            f"{name}-group",
            name=plan.pool_name,
            cluster=args.cluster,
            location=args.region,
            node_locations=list(plan.zones),
            initial_node_count=plan.first_nodes_per_zone,
            autoscaling=container.NodePoolAutoscalingArgs(
                total_min_node_count=plan.min_nodes, total_max_node_count=plan.max_nodes, location_policy="ANY"
            ),
            management=container.NodePoolManagementArgs(auto_repair=plan.auto_repair, auto_upgrade=True),
            upgrade_settings=container.NodePoolUpgradeSettingsArgs(strategy="SURGE", max_surge=plan.max_surge, max_unavailable=plan.max_unavailable),
            network_config=container.NodePoolNetworkConfigArgs(enable_private_nodes=True),
            max_pods_per_node=plan.max_pods_per_node,
            node_config=_machines(args),
            opts=pulumi.ResourceOptions(
                parent=self,
                # Its name changes with whatever replaces it, so the new pool can be there before the old one goes.
                delete_before_replace=False,
                ignore_changes=["initialNodeCount", *(f'nodeConfig.resourceLabels["{label}"]' for label in OWNED_BY_GKE)],
            ),
        )
        self.register_outputs({})


def _machines(args: NodesArgs) -> container.NodePoolNodeConfigArgs:
    plan = args.plan
    return container.NodePoolNodeConfigArgs(
        machine_type=plan.machine,
        image_type="COS_CONTAINERD",
        guest_accelerators=_accelerators(plan),
        boot_disk=container.NodePoolNodeConfigBootDiskArgs(disk_type=plan.disk_type, size_gb=plan.disk_gib),
        boot_disk_kms_key=args.key_id,
        ephemeral_storage_local_ssd_config=_own_disks(plan),
        spot=plan.spot,
        flex_start=plan.flex_start or None,
        max_run_duration=f"{plan.max_run_seconds}s" if plan.max_run_seconds else None,
        reservation_affinity=_reservation(plan),
        service_account=args.service_account,
        oauth_scopes=[SCOPE],
        workload_metadata_config=container.NodePoolNodeConfigWorkloadMetadataConfigArgs(mode="GKE_METADATA"),
        metadata={"disable-legacy-endpoints": "true"},
        shielded_instance_config=container.NodePoolNodeConfigShieldedInstanceConfigArgs(enable_secure_boot=True, enable_integrity_monitoring=True),
        kubelet_config=container.NodePoolNodeConfigKubeletConfigArgs(insecure_kubelet_readonly_port_enabled="FALSE"),
        gcfs_config=container.NodePoolNodeConfigGcfsConfigArgs(enabled=True),
        gvnic=container.NodePoolNodeConfigGvnicArgs(enabled=True),
        tags=[args.node_tag],
        labels=dict(plan.labels),
        taints=[container.NodePoolNodeConfigTaintArgs(key=taint.key, value=taint.value, effect=EFFECTS[taint.effect]) for taint in plan.taints],
        resource_labels=dict(args.labels),
    )


def _accelerators(plan: NodePoolPlan) -> list[container.NodePoolNodeConfigGuestAcceleratorArgs] | None:
    if plan.accelerator is None:
        return None
    driver = container.NodePoolNodeConfigGuestAcceleratorGpuDriverInstallationConfigArgs(gpu_driver_version=plan.accelerator.driver)
    return [
        container.NodePoolNodeConfigGuestAcceleratorArgs(
            type=plan.accelerator.type, count=plan.accelerator.count, gpu_driver_installation_config=driver
        )
    ]


def _own_disks(plan: NodePoolPlan) -> container.NodePoolNodeConfigEphemeralStorageLocalSsdConfigArgs | None:
    if not plan.local_ssd_count:
        return None
    return container.NodePoolNodeConfigEphemeralStorageLocalSsdConfigArgs(local_ssd_count=plan.local_ssd_count)


def _reservation(plan: NodePoolPlan) -> container.NodePoolNodeConfigReservationAffinityArgs:
    if plan.reservation.name is None:
        return container.NodePoolNodeConfigReservationAffinityArgs(consume_reservation_type=plan.reservation.affinity)
    return container.NodePoolNodeConfigReservationAffinityArgs(
        consume_reservation_type=plan.reservation.affinity, key=RESERVATION_NAME, values=[plan.reservation.name]
    )
