"""Clusters: what the stand-in knows of GKE."""

from __future__ import annotations

from tests.support.stand_in_gcp.kinds import PLAIN, Call, Kind, Needs
from tests.support.stand_in_gcp.kinds_network import LINKED, NETWORK, NOT_FOUND

BETA = "is beta: v1 of the API has no such member"
SAID = "Google says it"


def _machines(path: str) -> dict[str, str]:
    """Names inside a node's configuration."""
    return {
        f"{path}.guestAccelerators": "accelerators",
        f"{path}.guestAccelerators.count": "acceleratorCount",
        f"{path}.guestAccelerators.type": "acceleratorType",
        f"{path}.loggingVariant": "loggingConfig.variantConfig.variant",
        f"{path}.linuxNodeConfig.hugepagesConfig": "hugepages",
        f"{path}.linuxNodeConfig.hugepagesConfig.hugepageSize1g": "hugepageSize1g",
        f"{path}.linuxNodeConfig.hugepagesConfig.hugepageSize2m": "hugepageSize2m",
    }


def _beta_of_machines(path: str) -> dict[str, str]:
    return {f"{path}.{name}": BETA for name in ("ephemeralStorageConfig", "hostMaintenancePolicy", "sandboxConfig.sandboxType", "gpudirectStrategy")}


NODE_POOL_REPLACED_BY = (
    *("name", "namePrefix", "cluster", "location", "project", "initialNodeCount", "maxPodsPerNode", "placementPolicy", "queuedProvisioning"),
    *(f"networkConfig.{name}" for name in ("acceleratorNetworkProfile", "createPodRange", "podRange", "podIpv4CidrBlock", "subnetwork")),
    *(f"networkConfig.{name}" for name in ("additionalNodeNetworkConfigs", "additionalPodNetworkConfigs", "podCidrOverprovisionConfig")),
    *(
        f"nodeConfig.{name}"
        for name in (
            *("guestAccelerators", "localSsdCount", "ephemeralStorageLocalSsdConfig", "localNvmeSsdBlockConfig", "secondaryBootDisks"),
            *("metadata", "minCpuPlatform", "oauthScopes", "preemptible", "reservationAffinity", "spot", "serviceAccount"),
            *("shieldedInstanceConfig", "sandboxConfig", "bootDiskKmsKey", "nodeGroup", "advancedMachineFeatures", "soleTenantConfig"),
            *("enableConfidentialStorage", "localSsdEncryptionMode", "maxRunDuration", "flexStart"),
            "confidentialNodes.confidentialInstanceType",
        )
    ),
)
"""ForceNew in resource_container_node_pool.go and node_config.go of the Terraform provider, 7.45. What is not here changes in place:
machine and disk type, labels, taints, tags, image, kubelet, gVNIC, image streaming, zones, autoscaling and upgrade settings. In place
means that GKE makes the pool's machines anew."""

CLUSTER_REPLACED_BY = (
    *("name", "location", "project", "network", "subnetwork", "networkingMode", "description", "clusterIpv4Cidr", "initialNodeCount"),
    *("enableKubernetesAlpha", "enableTpu", "enableAutopilot", "confidentialNodes", "defaultMaxPodsPerNode", "datapathProvider"),
    *("masterAuth.clientCertificateConfig", "clusterAutoscaling.autoProvisioningDefaults.bootDiskKmsKey", "dataplaneOptimizationMode"),
    *(
        f"ipAllocationPolicy.{name}"
        for name in (
            *("clusterIpv4CidrBlock", "servicesIpv4CidrBlock", "clusterSecondaryRangeName", "servicesSecondaryRangeName"),
            "podCidrOverprovisionConfig",
        )
    ),
    *("privateClusterConfig.masterIpv4CidrBlock", "privateClusterConfig.privateEndpointSubnetwork"),
    *(f"userManagedKeysConfig.{name}" for name in ("clusterCa", "etcdApiCa", "etcdPeerCa", "aggregationCa")),
    *(name for name in NODE_POOL_REPLACED_BY if name.startswith("nodeConfig.")),
)
"""ForceNew in resource_container_cluster.go, and of the first pool's machines."""

NOT_THE_FLEETS = {
    "nodePools": "pools are resources of their own: both ways together undo each other",
    "enableAutopilot": "the fleet's clusters are Standard",
    "allowNetAdmin": "is Autopilot's",
    "autopilotClusterPolicyConfig": "is Autopilot's",
    "autopilotPrivilegedAdmissions": "is Autopilot's",
    "fleet": "the fleet's clusters belong to no fleet of Google's",
    "tpuConfig": BETA,
    "enableTpu": "the fleet has no TPUs",
    "clusterTelemetry": BETA,
    "protectConfig": BETA,
    "workloadAltsConfig": BETA,
    "podSecurityPolicyConfig": BETA,
    "dataplaneOptimizationMode": BETA,
    "addonsConfig.istioConfig": BETA,
    "addonsConfig.kalmConfig": BETA,
    "maintenancePolicy.maintenanceExclusions": "the fleet has no exclusions",
    "maintenancePolicy.dailyMaintenanceWindow": "the fleet's window comes weekly",
    "maintenancePolicy.recurringMaintenanceWindow": BETA,
    "ipAllocationPolicy.additionalIpRangesConfigs": "the fleet's pods have one range",
    "ipAllocationPolicy.additionalPodRangesConfig": "the fleet's pods have one range",
    "nodePoolAutoConfig.linuxNodeConfig": "is Autopilot's",
    "monitoringConfig.managedPrometheus.autoMonitoringConfig": "the fleet has its own Prometheus",
    "userManagedKeysConfig": "the fleet has no signing keys of its own",
    "clusterAutoscaling.autoProvisioningDefaults": "every pool of the fleet is in its state",
    "clusterAutoscaling.defaultComputeClassEnabled": "a pool of the fleet is asked for by name",
    **_beta_of_machines("nodeConfig"),
}

KINDS = (
    Kind(
        token="gcp:container/cluster:Cluster",
        calls=(
            Call(
                service="container.v1",
                operation="projects.locations.clusters.create/cluster",
                within=("networkConfig",),
                renames={
                    "clusterAutoscaling": "autoscaling",
                    "clusterAutoscaling.enabled": "enableNodeAutoprovisioning",
                    "defaultMaxPodsPerNode": "defaultMaxPodsConstraint.maxPodsPerNode",
                    "enableLegacyAbac": "legacyAbac.enabled",
                    "enableShieldedNodes": "shieldedNodes.enabled",
                    "loggingConfig.enableComponents": "componentConfig.enableComponents",
                    "monitoringConfig.enableComponents": "componentConfig.enableComponents",
                    "monitoringConfig.managedPrometheus": "managedPrometheusConfig",
                    "maintenancePolicy.recurringWindow": "window.recurringWindow",
                    "maintenancePolicy.recurringWindow.startTime": "window.startTime",
                    "maintenancePolicy.recurringWindow.endTime": "window.endTime",
                    "minMasterVersion": "initialClusterVersion",
                    "nodeLocations": "locations",
                    "ipAllocationPolicy.podCidrOverprovisionConfig.disabled": "disable",
                    "resourceUsageExportConfig.enableResourceConsumptionMetering": "consumptionMeteringConfig.enabled",
                    "nodePoolDefaults.nodeConfigDefaults.loggingVariant": "loggingConfig.variantConfig.variant",
                    "nodePoolDefaults.nodeConfigDefaults.insecureKubeletReadonlyPortEnabled": "nodeKubeletConfig.insecureKubeletReadonlyPortEnabled",
                    "enterpriseConfig.desiredTier": "desiredTier",
                    **_machines("nodeConfig"),
                },
            ),
        ),
        identity="projects/{project}/locations/{location}/clusters/{name}",
        place="location",
        name=PLAIN,
        labels="resourceLabels",
        replaced_by=CLUSTER_REPLACED_BY,
        defaults={"deletionProtection": True, "enableShieldedNodes": True},
        unsent={
            "location": "says where the call goes",
            "deletionProtection": "is the provider's own: it refuses to delete",
            "removeDefaultNodePool": "makes the provider delete the first pool",
            "ignoreNodeCountChanges": "is the provider's own",
            "skipNodePoolRefresh": "is the provider's own",
            "networkingMode": "chooses between ipAllocationPolicy and routes",
            "nodeVersion": "goes to UpdateCluster",
            "desiredEmulatedVersion": "goes to UpdateCluster",
            "controlPlaneEndpointsConfig.dnsEndpointConfig.endpoint": SAID,
            "enterpriseConfig.clusterTier": SAID,
            "maintenancePolicy.disruptionBudget.lastDisruptionTime": SAID,
            "maintenancePolicy.disruptionBudget.lastMinorVersionDisruptionTime": SAID,
            "masterAuth.clientCertificate": SAID,
            "masterAuth.clientKey": SAID,
            "masterAuth.clusterCaCertificate": SAID,
            "privateClusterConfig.peeringName": SAID,
            "privateClusterConfig.privateEndpoint": SAID,
            "privateClusterConfig.publicEndpoint": SAID,
            "nodeConfig.effectiveTaints": SAID,
        },
        refused=NOT_THE_FLEETS,
        needs=(NETWORK, Needs(path="subnetwork", kind="Subnetwork", by=LINKED, error=NOT_FOUND)),
        conflict="googleapi: Error 409: Already exists: {id}., alreadyExists",
        key_users={"databaseEncryption.keyName": "container-engine-robot"},
        words="cluster",
    ),
    Kind(
        token="gcp:container/nodePool:NodePool",
        calls=(
            Call(
                service="container.v1",
                operation="projects.locations.clusters.nodePools.create/nodePool",
                renames={
                    "nodeConfig": "config",
                    "maxPodsPerNode": "maxPodsConstraint.maxPodsPerNode",
                    "nodeCount": "initialNodeCount",
                    "nodeLocations": "locations",
                    "networkConfig.podCidrOverprovisionConfig.disabled": "disable",
                    **_machines("nodeConfig"),
                },
                given={"autoscaling": {"enabled": True}},
            ),
        ),
        identity="projects/{project}/locations/{location}/clusters/{cluster_name}/nodePools/{name}",
        place="location",
        name=PLAIN,
        labels="",
        replaced_by=NODE_POOL_REPLACED_BY,
        unsent={
            "cluster": "says where the call goes",
            "location": "says where the call goes",
            "namePrefix": "begins name",
            "ignoreNodeCountChanges": "is the provider's own",
            "nodeConfig.effectiveTaints": SAID,
        },
        refused={
            "maintenancePolicies": "the fleet's pools follow their cluster",
            "networkConfig.additionalNodeNetworkConfigs": "the fleet's machines have one network",
            **_beta_of_machines("nodeConfig"),
        },
        needs=(Needs(path="cluster", kind="Cluster", by=("id", "name", "selfLink"), error="googleapi: Error 404: Not found: {}., notFound"),),
        conflict="googleapi: Error 409: Already exists: {id}., alreadyExists",
        key_users={"nodeConfig.bootDiskKmsKey": "compute-system"},
        words="node pool",
        read_whole=("nodeConfig.resourceLabels", "nodeConfig.labels"),
    ),
)
